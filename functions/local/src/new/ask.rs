//! Questions on a terminal, each with an answer that Enter takes.

use std::io::{BufRead, Write};

use url::Url;

use super::plain::First;
use crate::error::CommandError;
use crate::view::Paint;

/// Asks, and asks again until the answer fits.
pub(super) struct Asker<'a> {
    pub(super) from: &'a mut dyn BufRead,
    pub(super) to: &'a mut dyn Write,
    pub(super) paint: Paint,
}

impl Asker<'_> {
    /// An answer that fits.
    ///
    /// # Errors
    /// When there is no answer any more.
    pub(super) fn ask<T>(
        &mut self,
        question: &str,
        otherwise: &str,
        fits: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, CommandError> {
        loop {
            let shown = self.paint.faint(&format!("[{otherwise}]"));
            let question = self.paint.bold(question);
            let told = write!(self.to, "{question} {shown} ").and_then(|()| self.to.flush());
            told.map_err(|error| CommandError::fault("ask", error))?;
            let mut line = String::new();
            let read = self.from.read_line(&mut line).map_err(|error| CommandError::fault("read the answer", error))?;
            if read == 0 {
                return Err(CommandError::wrong("there was no answer: nothing was written"));
            }
            let answer = match line.trim() {
                "" => otherwise,
                answer => answer,
            };
            match fits(answer) {
                Ok(value) => return Ok(value),
                Err(why) => {
                    let _ = writeln!(self.to, "  {why}");
                }
            }
        }
    }

    /// Yes or no; Enter says no.
    pub(super) fn agree(&mut self, question: &str) -> Result<bool, CommandError> {
        self.ask(question, "y/N", |answer| match answer.to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(true),
            "n" | "no" | "y/n" => Ok(false),
            _ => Err("y or n".to_owned()),
        })
    }

    /// What a first flow is made from; what is given already is not asked for.
    pub(super) fn first(&mut self, given: Given) -> Result<First, CommandError> {
        let name = match given.name {
            Some(name) => name,
            None => self.ask("What does the flow test?", "first", name)?,
        };
        let base_url = match given.base_url {
            Some(url) => url,
            None => self.ask("Where is the system?", "http://127.0.0.1:8080", base_url)?,
        };
        let (method, path) = match given.request {
            Some(request) => request,
            None => self.ask("The first request?", "GET /", request)?,
        };
        let status = match given.status {
            Some(status) => status,
            None => self.ask("The status that must come back?", "200", status)?,
        };
        Ok(First { name, base_url, method, path, status })
    }
}

/// What was typed already.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) name: Option<String>,
    pub(super) base_url: Option<String>,
    pub(super) request: Option<(String, String)>,
    pub(super) status: Option<u16>,
}

/// A name: one line, not empty.
pub(super) fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.is_empty() || text.chars().any(char::is_control) || text.chars().count() > 100 {
        true => Err("a name is one line of at most 100 characters".to_owned()),
        false => Ok(text.to_owned()),
    }
}

/// An address with a scheme; what has none gets http.
pub(super) fn base_url(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches('/');
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&whole).map_err(|error| format!("`{text}` is no URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("`{text}` begins with neither http:// nor https://"));
    }
    if url.password().is_some() {
        return Err("a password does not belong into a file: leave it out, and use `auth` with a secret".to_owned());
    }
    Ok(whole)
}

/// `GET /path`, or a path alone.
pub(super) fn request(text: &str) -> Result<(String, String), String> {
    let text = text.trim();
    let (method, path) = match text.split_once(char::is_whitespace) {
        Some((method, path)) => (method.to_ascii_uppercase(), path.trim()),
        None if text.starts_with('/') => ("GET".to_owned(), text),
        None => return Err("a method and a path, as in `GET /health`".to_owned()),
    };
    let fits = !method.is_empty() && method.len() <= 20 && method.chars().all(|c| c.is_ascii_uppercase());
    if !fits || !path.starts_with('/') || path.contains(char::is_whitespace) {
        return Err("a method and a path, as in `GET /health`".to_owned());
    }
    Ok((method, path.to_owned()))
}

/// A status code.
pub(super) fn status(text: &str) -> Result<u16, String> {
    text.trim()
        .parse()
        .ok()
        .filter(|status| (100..600).contains(status))
        .ok_or_else(|| "a number from 100 to 599".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_asked_again_and_enter_takes_what_is_offered() {
        let mut to = Vec::new();
        let mut from = "checkout\nftp://x\nshop:9000/\nfetch\npost /orders\n9\n\n".as_bytes();
        let mut asker = Asker { from: &mut from, to: &mut to, paint: Paint::new(false) };
        let first = asker.first(Given::default()).unwrap();
        assert_eq!((first.name.as_str(), first.base_url.as_str()), ("checkout", "http://shop:9000"));
        assert_eq!((first.method.as_str(), first.path.as_str(), first.status), ("POST", "/orders", 200));
        assert!(asker.first(Given::default()).unwrap_err().text().contains("nothing was written"));
        let said = String::from_utf8(to).unwrap();
        assert!(said.contains("neither http:// nor https://") && said.contains("as in `GET /health`"), "{said}");
        assert!(base_url("http://a:b@c").unwrap_err().contains("password"));
    }
}
