//! What went wrong, in the codes of the step type that asked.

use crate::contract::{StepError, StepErrorClass as Class};
use crate::http::Fetched;

/// How much of what a target said is repeated.
const SAID: usize = 400;

/// A step type's codes for what can go wrong with any of them.
pub(crate) struct Codes {
    /// There is no way to the target.
    pub(crate) connect: &'static str,
    /// The guard refuses the address.
    pub(crate) egress: &'static str,
    /// The handshake failed.
    pub(crate) tls: &'static str,
    /// Out of time, here or there.
    pub(crate) timeout: &'static str,
    /// The request cannot be made.
    pub(crate) request: &'static str,
    /// The connection broke off, or what answered is no HTTP.
    pub(crate) broken: &'static str,
    /// More than is read.
    pub(crate) too_large: &'static str,
    /// The target wants other credentials or another tenant.
    pub(crate) auth: &'static str,
    /// The target refuses the query.
    pub(crate) query: &'static str,
    /// The answer is not what such a target answers.
    pub(crate) answer: &'static str,
    /// The target cannot answer now.
    pub(crate) unavailable: &'static str,
}

impl Codes {
    /// An error of the `http` step, as this type's own.
    pub(super) fn of_http(&self, error: StepError) -> StepError {
        let code = match error.code {
            "http.dns" | "http.refused" | "http.unreachable" => self.connect,
            "http.reset" if error.class == Class::Connect => self.connect,
            "http.egress" => self.egress,
            "http.tls" => self.tls,
            "http.timeout" => self.timeout,
            "http.request" => self.request,
            "http.tooLarge" => return self.too_large("the answer is larger than 16 MiB, or its head is endless"),
            code if code.starts_with("http.") => self.broken,
            code => code,
        };
        StepError { code, ..error }
    }

    /// More than is read.
    pub(crate) fn too_large(&self, what: &str) -> StepError {
        let message = format!("{what}: narrow the query or its window, or aggregate in the query");
        StepError::new(Class::Permanent, self.too_large, message)
    }

    /// An answer that cannot be understood.
    pub(crate) fn answer(&self, host: &str, what: &str, body: &[u8]) -> StepError {
        let said = said(body);
        let hint = match said {
            Said::Page => {
                ": a page for people, from a proxy or a log-in perhaps; check `url` and its path prefix".into()
            }
            Said::Nothing => ": there is no text in it".into(),
            Said::Words(words) => format!(": {words}"),
        };
        StepError::new(Class::Permanent, self.answer, format!("{host} {what}{hint}"))
    }

    /// A status other than success.
    pub(super) fn status(&self, host: &str, fetched: &Fetched) -> StepError {
        let status = fetched.status;
        let said = said(&fetched.body);
        let words = match &said {
            Said::Words(words) => format!(": {words}"),
            Said::Page | Said::Nothing => String::new(),
        };
        let timed_out = status == 504 || kind(&fetched.body).as_deref() == Some("timeout");
        let (class, code, what) = match status.as_u16() {
            300..=399 => {
                let to =
                    fetched.location().map(|to| to.split('?').next().unwrap_or_default().chars().take(200).collect());
                let to: String = to.unwrap_or_default();
                let message = format!(
                    "{host} redirects to `{to}` ({status}), which is not followed: give the final address as `url`"
                );
                return StepError::new(Class::Permanent, self.answer, message);
            }
            401 | 403 => (
                Class::Permanent,
                self.auth,
                format!("{host} does not let this in ({status}): check `auth` and `tenant`{words}"),
            ),
            400 | 413 | 414 | 422 if !matches!(said, Said::Page) => {
                (Class::Permanent, self.query, format!("{host} refuses the query ({status}){words}"))
            }
            500..=599 if timed_out => {
                (Class::Timeout, self.timeout, format!("{host} was out of time with the query ({status}){words}"))
            }
            408 | 425 | 429 | 499 | 500..=599 => {
                (Class::Retry, self.unavailable, format!("{host} cannot answer now ({status}){words}"))
            }
            _ => {
                return self.answer(
                    host,
                    &format!("answered {status} where it should answer the query"),
                    &fetched.body,
                );
            }
        };
        StepError::new(class, code, what)
    }
}

/// What a body says to people.
enum Said {
    Words(String),
    Page,
    Nothing,
}

fn said(body: &[u8]) -> Said {
    let told = serde_json::from_slice::<Told>(body).ok().and_then(|told| told.error.or(told.message));
    let start = body.get(..body.len().min(4 * SAID)).unwrap_or_default();
    let text = told.unwrap_or_else(|| String::from_utf8_lossy(start).into_owned());
    let text = text.trim();
    let tag = text.get(..9).unwrap_or(text).to_ascii_lowercase();
    if tag.starts_with("<!doctype") || tag.starts_with("<html") || tag.starts_with("<head") {
        return Said::Page;
    }
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SAID) {
        _ if line.is_empty() => Said::Nothing,
        Some((end, _)) => Said::Words(format!("{}...", line.get(..end).unwrap_or_default())),
        None => Said::Words(line),
    }
}

/// An error as these systems tell it.
#[derive(serde::Deserialize)]
struct Told {
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default, rename = "errorType")]
    kind: Option<String>,
}

fn kind(body: &[u8]) -> Option<String> {
    serde_json::from_slice::<Told>(body).ok()?.kind
}
