//! From `with` to what goes over the wire.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::Method;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use serde_json::{Map, Value as Json, json};
use url::Url;
use url::form_urlencoded::Serializer;

use super::dial::basic_of;
use super::fault;
use super::multipart;
use crate::contract::{Files, StepError};
use crate::http::check::{FRAMING, full_url};
use crate::http::{Auth, HttpConfig};

/// A request, ready but for its cookies and a token.
pub(super) struct Plan {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The `Authorization` header was made from `auth` or the URL and is not shown.
    pub(super) hides_authorization: bool,
}

/// How much of a body is shown as evidence.
const SHOWN: usize = 1024;

impl Plan {
    /// Renders the config; reads its files.
    pub(super) async fn make(config: &HttpConfig, files: &dyn Files, seed: u64) -> Result<Self, StepError> {
        let mut url = full_url(config.base_url.as_deref(), config.url.as_deref()).map_err(fault::request)?;
        if config.query.iter().next().is_some() {
            url.query_pairs_mut().extend_pairs(config.query.iter());
        }
        url.set_fragment(None);
        let method = match &config.method {
            Some(method) => Method::from_bytes(method.to_ascii_uppercase().as_bytes())
                .ok()
                .filter(|method| *method != Method::CONNECT)
                .ok_or_else(|| fault::request("`method` is no method: write GET, POST or another"))?,
            None if config.graphql.is_some() => Method::POST,
            None => Method::GET,
        };
        let mut headers = HeaderMap::with_capacity(8);
        let (media_type, body) = body(config, files, seed).await?;
        if let Some(media_type) = media_type {
            headers.insert(CONTENT_TYPE, value("content-type", &media_type)?);
        }
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate, br"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("assay/", env!("CARGO_PKG_VERSION"))));
        own_headers(config, &mut headers)?;
        let credentials = match &config.auth {
            Some(Auth::Basic(basic)) => {
                let pair = format!("{}:{}", basic.username, basic.password);
                Some(format!("Basic {}", STANDARD.encode(pair)))
            }
            Some(Auth::Bearer(token)) => Some(format!("Bearer {token}")),
            Some(Auth::Oauth2(_)) => None,
            None if headers.contains_key(AUTHORIZATION) => None,
            None => basic_of(&url),
        };
        // An http URL always takes an empty user.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let mut plan = Self { method, url, headers, body, hides_authorization: false };
        if let Some(credentials) = credentials {
            plan.authorize(&credentials)?;
        }
        Ok(plan)
    }

    /// Sets a header that evidence does not show.
    pub(super) fn authorize(&mut self, credentials: &str) -> Result<(), StepError> {
        self.headers.insert(AUTHORIZATION, value("authorization", credentials)?);
        self.hides_authorization = true;
        Ok(())
    }

    /// What was sent, for evidence. Credentials that this step made are not shown, nor are the jar's cookies.
    pub(super) fn evidence(&self, redirects: &[String]) -> Json {
        let mut headers = Map::new();
        for name in self.headers.keys() {
            let all: Vec<_> =
                self.headers.get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes())).collect();
            let text = match name {
                name if *name == AUTHORIZATION && self.hides_authorization => {
                    let scheme = all.first().and_then(|text| text.split(' ').next()).unwrap_or_default();
                    format!("{scheme} ***")
                }
                _ => all.join(", "),
            };
            headers.insert(name.as_str().to_owned(), text.into());
        }
        let mut sent = json!({"method": self.method.as_str(), "url": self.url.as_str(), "headers": headers});
        if !self.body.is_empty() {
            sent["body"] = shown(&self.body).into();
        }
        if !redirects.is_empty() {
            sent["redirects"] = redirects.into();
        }
        sent
    }
}

fn shown(body: &Bytes) -> String {
    match std::str::from_utf8(body) {
        Ok(text) if text.len() <= SHOWN => text.to_owned(),
        Ok(text) => {
            let end = (0..=SHOWN).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            format!("{}... ({} bytes)", text.get(..end).unwrap_or_default(), text.len())
        }
        Err(_) => format!("({} bytes)", body.len()),
    }
}

fn own_headers(config: &HttpConfig, headers: &mut HeaderMap) -> Result<(), StepError> {
    let name_of = |name: &str| {
        HeaderName::from_bytes(name.as_bytes())
            .ok()
            .filter(|name| !FRAMING.contains(&name.as_str()))
            .ok_or_else(|| fault::request(format!("`{}` cannot be given as a header", name.escape_debug())))
    };
    for name in config.headers.left_out() {
        headers.remove(name_of(name)?);
    }
    let mut before: Option<HeaderName> = None;
    for (name, text) in config.headers.iter() {
        let name = name_of(name)?;
        let value = value(name.as_str(), &text)?;
        if before.as_ref() == Some(&name) {
            headers.append(name, value);
        } else {
            headers.insert(name.clone(), value);
            before = Some(name);
        }
    }
    Ok(())
}

/// A header's value; a line break in it would start another header.
pub(super) fn value(name: &str, text: &str) -> Result<HeaderValue, StepError> {
    HeaderValue::from_bytes(text.as_bytes()).map_err(|_| {
        fault::request(format!("the value of header `{name}` has a line break or a control character: remove it"))
    })
}

async fn body(config: &HttpConfig, files: &dyn Files, seed: u64) -> Result<(Option<String>, Bytes), StepError> {
    let mut found: Vec<(String, Bytes)> = Vec::with_capacity(1);
    if let Some(json) = &config.json {
        found.push(("application/json".into(), json.to_string().into()));
    }
    if let Some(form) = &config.form {
        let text = Serializer::new(String::new()).extend_pairs(form.iter()).finish();
        found.push(("application/x-www-form-urlencoded".into(), text.into()));
    }
    if let Some(text) = &config.text {
        found.push(("text/plain; charset=utf-8".into(), text.text().into_owned().into()));
    }
    if let Some(parts) = &config.multipart {
        found.push(multipart::build(parts, files, seed).await?);
    }
    if let Some(graphql) = &config.graphql {
        let mut request = json!({"query": graphql.query});
        if let Some(variables) = &graphql.variables {
            request["variables"] = Json::Object(variables.clone());
        }
        if let Some(name) = &graphql.operation_name {
            request["operationName"] = name.as_str().into();
        }
        found.push(("application/json".into(), request.to_string().into()));
    }
    if let Some(file) = &config.file {
        let media_type = file.content_type().unwrap_or_else(|| media_type_of(file.path()));
        found.push((media_type.to_owned(), files.read(file.path()).await?));
    }
    if found.len() > 1 {
        return Err(fault::request(
            "there is more than one body: keep one of json, form, text, multipart, graphql, file",
        ));
    }
    Ok(found.pop().map_or((None, Bytes::new()), |(media_type, body)| (Some(media_type), body)))
}

/// The content type that a file's extension tells.
pub(super) fn media_type_of(name: &str) -> &'static str {
    let extension = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        "json" => "application/json",
        "xml" => "application/xml",
        "html" | "htm" => "text/html; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "yaml" | "yml" => "application/yaml",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "gz" => "application/gzip",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// The headers of one request with the jar's cookies; a `cookie` header of its own wins.
pub(super) fn with_cookies(headers: &HeaderMap, cookies: &[(&str, &str)]) -> HeaderMap {
    let mut headers = headers.clone();
    if !cookies.is_empty() && !headers.contains_key(COOKIE) {
        let text = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        if let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) {
            headers.insert(COOKIE, value);
        }
    }
    headers
}
