//! Opening a job: secrets revealed, sealed values opened, templates that name secrets finished.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;

use assay_engine::expr::{EvalError, Evaluation, References, Template, fill};
use assay_engine::job::{Captured, Deferred, Job, LateTemplate, ScopeValue};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::evaluate::{Files, expression_error};
use super::scope::StepScope;
use crate::contract::{Secrets, StepError, StepErrorClass};
use crate::mask::{Masker, SHORTEST};

/// How deeply deferred values may name each other.
const DEEPEST: usize = 20;

/// What is sealed: the value, and what a later step function must know to keep it secret.
#[derive(Serialize, Deserialize)]
pub(super) struct Envelope {
    /// The value.
    pub(super) value: Json,
    /// The values of secrets that occur in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) secrets: Vec<String>,
    /// The whole of it is a secret.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) whole: bool,
}

/// A job, opened: everything in clear.
pub(super) struct Opened {
    /// `with`, finished.
    pub(super) with: Json,
    /// The execution's values, `secrets` included.
    pub(super) scope: StepScope,
    /// Finds what must not leave.
    pub(super) masker: Masker,
    /// Paths whose values are secret as a whole, and so is what is made from them.
    pub(super) secret_paths: SecretPaths,
    /// `(Set-Cookie line, url, when)`.
    pub(super) cookies: Vec<(String, String, Timestamp)>,
    pub(super) prepared: Option<Json>,
    pub(super) checkpoint: Option<Json>,
    pub(super) undo: Option<Json>,
}

/// Paths from a root of the scope whose values are secret: `["secrets"]`, `["steps", "login", "token"]`.
#[derive(Debug, Default)]
pub(super) struct SecretPaths {
    /// The value is a secret as a whole.
    whole: Vec<Vec<String>>,
    /// A secret occurs in the value.
    partly: Vec<Vec<String>>,
}

impl SecretPaths {
    fn new() -> Self {
        Self { whole: vec![vec!["secrets".to_owned()]], partly: Vec::new() }
    }

    /// Whether something is named that is secret as a whole.
    pub(super) fn named_by(&self, references: &References) -> bool {
        named(&self.whole, references)
    }

    /// Whether something is named that is secret, or that a secret occurs in.
    pub(super) fn touched_by(&self, references: &References) -> bool {
        named(&self.whole, references) || named(&self.partly, references)
    }
}

fn named(paths: &[Vec<String>], references: &References) -> bool {
    references.roots.iter().any(|reference| {
        let names = reference.names();
        paths.iter().any(|path| path.iter().zip(&names).all(|(a, b)| a == b))
    })
}

/// Opens a job; takes its `with` and its scope.
pub(super) async fn open(job: &mut Job, secrets: &dyn Secrets, files: &Files) -> Result<Opened, StepError> {
    let (revealed, needles) = revealed(job, secrets).await?;
    let env = std::mem::take(&mut job.env);
    let mut opening =
        Opening { secrets, files, seed: job.seed, env: &env, needles, revealed: Json::from_iter(revealed) };
    let opened = opening.job(job).await;
    let masker = Masker::new(opening.needles);
    job.env = env;
    match opened {
        Ok(opened) => Ok(Opened { masker, ..opened }),
        Err(error) => Err(StepError { message: masker.cut_text(&error.message).into_owned(), ..error }),
    }
}

/// The values of the secrets that the job names, by name; and those of all that it masks. Only what is named must have a
/// value, and one that could be masked.
async fn revealed(job: &Job, secrets: &dyn Secrets) -> Result<(BTreeMap<String, String>, BTreeSet<String>), StepError> {
    let names = [job.secrets.as_slice(), job.mask.secrets.as_slice()].concat();
    if names.is_empty() {
        return Ok((BTreeMap::new(), BTreeSet::new()));
    }
    let mut known = secrets.reveal(&names).await?;
    let needles = known.values().cloned().collect();
    known.retain(|name, _| job.secrets.contains(name));
    if let Some(name) = job.secrets.iter().find(|name| !known.contains_key(*name)) {
        let message = format!("the secret `{name}` has no value");
        return Err(StepError::new(StepErrorClass::Permanent, "secret.missing", message));
    }
    if let Some((name, _)) = known.iter().find(|(_, value)| value.len() < SHORTEST) {
        let message = format!("the value of the secret {name} has fewer than {SHORTEST} bytes: it could not be masked");
        return Err(StepError::new(StepErrorClass::Permanent, "secret.short", message));
    }
    Ok((known, needles))
}

struct Opening<'a> {
    secrets: &'a dyn Secrets,
    files: &'a Files,
    seed: u64,
    env: &'a BTreeMap<String, String>,
    revealed: Json,
    /// What the masker will look for.
    needles: BTreeSet<String>,
}

/// What templates are finished with.
struct Finishing<'a> {
    scope: &'a StepScope,
    paths: &'a SecretPaths,
    salt: &'a str,
    now: Timestamp,
}

/// A value in clear, and whether it is a secret as a whole.
type OpenedValue = (Json, bool);
type Opens<'s> = Pin<Box<dyn Future<Output = Result<OpenedValue, StepError>> + Send + 's>>;

impl Opening<'_> {
    /// The job, but for its masker, which is only made when everything has been seen.
    async fn job(&mut self, job: &mut Job) -> Result<Opened, StepError> {
        for sealed in &job.mask.sealed {
            self.sealed(sealed).await?;
        }
        let scope = std::mem::take(&mut job.scope);
        let (scope, secret_paths) = self.scope(scope, &job.deferred, 0).await?;
        let mut with = std::mem::take(&mut job.with);
        let finishing =
            Finishing { scope: &scope, paths: &secret_paths, salt: &job.fence.place(), now: job.rendered_at };
        self.finish(&mut with, &job.late, &finishing).await?;
        let mut cookies = Vec::with_capacity(job.cookies.len());
        for cookie in &job.cookies {
            let (line, _) = self.value(&cookie.set_cookie, 0).await?;
            let line = line.as_str().map(str::to_owned).unwrap_or_default();
            cookies.push((line, cookie.url.clone(), cookie.at));
        }
        Ok(Opened {
            with,
            scope,
            masker: Masker::default(),
            secret_paths,
            cookies,
            prepared: self.unprotected(job.prepared.as_ref()).await?,
            checkpoint: self.unprotected(job.checkpoint.as_ref()).await?,
            undo: self.unprotected(job.undo.as_ref()).await?,
        })
    }

    /// A scope with its sealed and deferred values in place, and where its secrets stand.
    async fn scope(
        &mut self,
        scope: Map<String, Json>,
        deferred: &[ScopeValue],
        depth: usize,
    ) -> Result<(StepScope, SecretPaths), StepError> {
        let mut scope = Json::Object(scope);
        let mut paths = SecretPaths::new();
        for deferred in deferred {
            let (value, whole) = self.value(&deferred.value, depth).await?;
            let path = || deferred.at.split('/').skip(1).map(unescaped).collect();
            match (&deferred.value, whole) {
                (_, true) => paths.whole.push(path()),
                (Captured::Sealed(_), false) => paths.partly.push(path()),
                (Captured::Clear(_) | Captured::Deferred(_), false) => {}
            }
            let place = scope.pointer_mut(&deferred.at).ok_or_else(|| {
                let message = format!("the job's scope has no place {}", deferred.at);
                StepError::new(StepErrorClass::Bug, "step.job", message)
            })?;
            *place = value;
        }
        if let Json::Object(fields) = &mut scope {
            fields.insert("secrets".into(), self.revealed.clone());
        }
        Ok((StepScope::of(scope), paths))
    }

    /// The value in clear.
    fn value<'s>(&'s mut self, value: &'s Captured, depth: usize) -> Opens<'s> {
        Box::pin(async move {
            match value {
                Captured::Clear(value) => Ok((value.clone(), false)),
                Captured::Sealed(sealed) => self.sealed(sealed).await,
                Captured::Deferred(deferred) => Ok((self.deferred(deferred, depth + 1).await?, true)),
            }
        })
    }

    /// The sealed value in clear. What is secret in it is masked from now on.
    async fn sealed(&mut self, sealed: &str) -> Result<OpenedValue, StepError> {
        let text = self.secrets.open(sealed).await?;
        let envelope: Envelope = serde_json::from_str(&text).map_err(|_| {
            let message = "a sealed value was opened and is none that a step function made";
            StepError::new(StepErrorClass::Permanent, "step.sealed", message)
        })?;
        self.needles.extend(envelope.secrets);
        if envelope.whole {
            self.needles.extend(leaves(&envelope.value));
        }
        Ok((envelope.value, envelope.whole))
    }

    async fn deferred(&mut self, deferred: &Deferred, depth: usize) -> Result<Json, StepError> {
        if depth > DEEPEST {
            let message = format!("values name each other more than {DEEPEST} levels deep");
            return Err(StepError::new(StepErrorClass::Permanent, "step.job", message));
        }
        let (scope, paths) = self.scope(deferred.scope.clone(), &deferred.deferred, depth).await?;
        let mut value = deferred.value.clone();
        let finishing = Finishing { scope: &scope, paths: &paths, salt: &deferred.salt, now: deferred.now };
        self.finish(&mut value, &deferred.late, &finishing).await?;
        Ok(value)
    }

    /// Renders the templates into their places. What is made from a secret is a secret too.
    async fn finish(&mut self, value: &mut Json, late: &[LateTemplate], with: &Finishing<'_>) -> Result<(), StepError> {
        for late in late {
            let template = Template::compile(&late.template).map_err(|errors| {
                let message = errors.first().map(ToString::to_string).unwrap_or_default();
                let message = format!("`{}` is no template: {message}", late.template);
                StepError::new(StepErrorClass::Permanent, "expression.invalid", message)
            })?;
            let schemas = self.files.schemas(template.references()).await?;
            let mut cx =
                Evaluation::new(with.now, self.seed).salted(with.salt).with_env(self.env).with_schemas(&schemas);
            cx.set_place(late.at.as_str());
            for (program, _) in template.expressions() {
                if with.paths.named_by(program.references()) {
                    let made = program.evaluate(with.scope, &mut cx).map_err(|error| late_error(late, &error))?;
                    self.needles.extend(leaves(&made.to_json()));
                }
            }
            fill(value, &late.at, &template, with.scope, &mut cx).map_err(|placed| late_error(late, &placed.error))?;
        }
        Ok(())
    }

    /// What [`super::settle`] protected, in clear.
    async fn unprotected(&mut self, json: Option<&Json>) -> Result<Option<Json>, StepError> {
        let Some(json) = json else { return Ok(None) };
        let captured = Captured::deserialize(json)
            .map_err(|error| StepError::bug(format!("what the step left for its next job is broken: {error}")))?;
        self.value(&captured, 0).await.map(|(value, _)| Some(value))
    }
}

/// Why a template of `with` cannot be finished. What is finished late names secrets: the message shows expressions, not
/// values.
fn late_error(late: &LateTemplate, error: &EvalError) -> StepError {
    let (code, message) = expression_error(&error.clone().without_values());
    StepError::new(StepErrorClass::Permanent, code, format!("`with{}`: {message}", late.at))
}

/// Every text and number of the value, as text.
pub(super) fn leaves(value: &Json) -> Vec<String> {
    match value {
        Json::Null | Json::Bool(_) => Vec::new(),
        Json::Number(number) => vec![number.to_string()],
        Json::String(text) => vec![text.clone()],
        Json::Array(items) => items.iter().flat_map(leaves).collect(),
        Json::Object(fields) => fields.values().flat_map(leaves).collect(),
    }
}

fn unescaped(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}
