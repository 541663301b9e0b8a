//! One curl command, understood: what is sent where, and how.

use super::options::{ABOUT_OUTPUT, Option as Typed, options};

/// A piece of a body.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    /// As it is.
    Text(String),
    /// To be encoded for a form; with a name or without.
    Encode(Option<String>, String),
    /// The contents of a file.
    File(String),
}

/// A part of a multipart body: `name`, what stands behind `=`, and whether that is taken as it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) literal: bool,
}

/// What a command asks for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) urls: Vec<String>,
    pub(super) method: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) data: Vec<Data>,
    pub(super) json: Vec<String>,
    pub(super) query: Vec<Data>,
    pub(super) parts: Vec<Part>,
    pub(super) upload: Option<String>,
    pub(super) uploads: bool,
    pub(super) user: Option<String>,
    pub(super) bearer: Option<String>,
    pub(super) cookies: Vec<String>,
    pub(super) get: bool,
    pub(super) head: bool,
    pub(super) fail: bool,
    pub(super) insecure: bool,
    pub(super) redirects: Option<u32>,
    pub(super) max_redirects: Option<String>,
    pub(super) version: Option<&'static str>,
    pub(super) timeout: Option<String>,
    pub(super) retries: Option<String>,
    pub(super) proxy: Option<String>,
    pub(super) proxy_user: Option<String>,
    pub(super) tls: Vec<(&'static str, String)>,
    /// What nothing here corresponds to.
    pub(super) left_out: Vec<String>,
}

/// Understands the words behind `curl`.
///
/// # Errors
/// Why it is no command that curl would take.
pub(super) fn asked(words: &[String]) -> Result<Asked, String> {
    let mut asked = Asked::default();
    for option in options(words)? {
        match option {
            Typed::Operand(url) => asked.urls.push(url),
            Typed::Unknown(name) => {
                asked.left_out.push(format!("{name}: not known here, and whether it takes a value neither"))
            }
            Typed::Named(name, _) if ABOUT_OUTPUT.contains(&name) => {}
            Typed::Named(name, value) => asked.take(name, value),
        }
    }
    if asked.urls.is_empty() {
        return Err("the command names no URL".to_owned());
    }
    Ok(asked)
}

impl Asked {
    fn take(&mut self, name: &'static str, value: String) {
        match name {
            "url" => self.urls.push(value),
            "request" => self.method = Some(value),
            "header" => self.header(&value),
            "user-agent" => self.headers.push(("user-agent".to_owned(), value)),
            "referer" => self.headers.push(("referer".to_owned(), value.trim_end_matches(";auto").to_owned())),
            "range" => self.headers.push(("range".to_owned(), format!("bytes={value}"))),
            "data" | "data-ascii" | "data-binary" => self.data.push(at_file(value)),
            "data-raw" => self.data.push(Data::Text(value)),
            "data-urlencode" => self.data.push(encoded(&value)),
            "url-query" => self.query.push(encoded(&value)),
            "json" => self.json.push(value),
            "form" | "form-string" => self.part(&value, name == "form-string"),
            "upload-file" => {
                self.upload = Some(value);
                self.uploads = true;
            }
            "user" => self.user = Some(value),
            "oauth2-bearer" => self.bearer = Some(value),
            "cookie" if value.contains('=') => self.cookies.push(value),
            "cookie" | "cookie-jar" => {
                self.left_out.push(format!("--{name} {value}: the steps of a flow share their cookies by themselves"));
            }
            _ => self.take_manner(name, value),
        }
    }

    /// How it is sent.
    fn take_manner(&mut self, name: &'static str, value: String) {
        match name {
            "get" => self.get = true,
            "head" => self.head = true,
            "fail" | "fail-with-body" => self.fail = true,
            "insecure" => self.insecure = true,
            "location" | "location-trusted" => self.redirects = Some(20),
            "max-redirs" => self.max_redirects = Some(value),
            "http1.1" | "http1.0" => self.version = Some("1.1"),
            "http2" | "http2-prior-knowledge" => self.version = Some("2"),
            "max-time" => self.timeout = Some(value),
            "retry" => self.retries = Some(value),
            "retry-all-errors" | "retry-connrefused" => {}
            "proxy" => self.proxy = Some(value),
            "proxy-user" => self.proxy_user = Some(value),
            "cacert" => self.tls.push(("ca", value)),
            "cert" => self.tls.push(("cert", value)),
            "key" => self.tls.push(("key", value)),
            "pass" | "aws-sigv4" => self.left_out.push(format!("--{name}")),
            _ if value.is_empty() => self.left_out.push(format!("--{name}")),
            _ => self.left_out.push(format!("--{name} {value}")),
        }
    }

    fn header(&mut self, text: &str) {
        if let Some(file) = text.strip_prefix('@') {
            return self.left_out.push(format!("--header @{file}: headers from a file"));
        }
        match text.split_once(':') {
            Some((name, value)) if !value.trim().is_empty() => {
                self.headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
            // `Name:` takes a header of curl's own away, `Name;` sends an empty one.
            Some((name, _)) => self.headers.push((name.trim().to_ascii_lowercase(), String::new())),
            None => match text.strip_suffix(';') {
                Some(name) => self.left_out.push(format!("the header `{name}` without a value")),
                None => self.left_out.push(format!("--header {text}: there is no `:` in it")),
            },
        }
    }

    fn part(&mut self, text: &str, literal: bool) {
        match text.split_once('=') {
            Some((name, value)) => {
                self.parts.push(Part { name: name.to_owned(), value: value.to_owned(), literal });
            }
            None => self.left_out.push(format!("--form {text}: there is no `=` in it")),
        }
    }
}

fn at_file(value: String) -> Data {
    match value.strip_prefix('@') {
        Some(file) => Data::File(file.to_owned()),
        None => Data::Text(value),
    }
}

/// `content`, `=content`, `name=content`, `@file` or `name@file`.
fn encoded(value: &str) -> Data {
    if let Some((name, content)) = value.split_once('=') {
        let name = (!name.is_empty()).then(|| name.to_owned());
        return Data::Encode(name, content.to_owned());
    }
    match value.split_once('@') {
        Some((_, file)) => Data::File(file.to_owned()),
        None => Data::Encode(None, value.to_owned()),
    }
}
