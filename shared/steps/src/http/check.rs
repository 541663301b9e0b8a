//! What the schema of `with` cannot say. Strings with `${` are templates, whose value is not known yet.

use assay_engine::types::Problem;
use serde_json::Value as Json;
use url::Url;

use super::config::{LARGEST_BODY, MOST_REDIRECTS};
use super::values::Size;
use crate::tls;

/// The ways to give a body.
const BODIES: [&str; 6] = ["json", "form", "text", "multipart", "graphql", "file"];

/// Headers that frame the message: written here, they could only contradict it.
pub(super) const FRAMING: [&str; 2] = ["content-length", "transfer-encoding"];

/// Methods that may be sent twice without doubling an effect (RFC 9110, section 9.2.2).
pub(super) const IDEMPOTENT: [&str; 6] = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"];

pub(super) fn check(with: &Json) -> Vec<Problem> {
    let mut problems = Vec::new();
    let bodies: Vec<&str> = BODIES.into_iter().filter(|key| with.get(key).is_some()).collect();
    if let [_, second, ..] = bodies.as_slice() {
        problems.push(Problem {
            at: format!("/{second}"),
            message: format!("there is more than one body: {}", bodies.join(", ")),
            hint: Some("keep one of them".into()),
        });
    }
    check_url(with, &mut problems);
    if let Some(method) = literal(with, "/method") {
        if !is_token(method) {
            problem(
                &mut problems,
                "/method",
                format!("`{}` is no method", short(method)),
                "write GET, POST or another",
            );
        } else if method.eq_ignore_ascii_case("CONNECT") {
            problem(&mut problems, "/method", "CONNECT opens a tunnel, which this step does not", "use `proxy`");
        }
    }
    check_headers(with, &mut problems);
    check_limits(with, &mut problems);
    problems.extend(tls::halves(with));
    if let Some(proxy) = literal(with, "/proxy")
        && let Err(message) = proxy_url(proxy)
    {
        problem(
            &mut problems,
            "/proxy",
            message,
            "write http://host:port, with user:password@ before the host if needed",
        );
    }
    problems
}

fn check_url(with: &Json, problems: &mut Vec<Problem>) {
    let (url, base) = (with.get("url"), with.get("baseUrl"));
    if url.is_none() && base.is_none() {
        return problem(problems, "", "there is no `url`", "add `url`, or `baseUrl` with `defaults`");
    }
    let templated = |value: Option<&Json>| value.and_then(Json::as_str).is_some_and(is_template);
    if templated(url) || templated(base) {
        return;
    }
    let text = |value: Option<&Json>| value.and_then(Json::as_str).map(str::to_owned);
    if let Err(message) = full_url(text(base).as_deref(), text(url).as_deref()) {
        let at = if url.is_some() { "/url" } else { "/baseUrl" };
        let braces = text(url).or_else(|| text(base)).is_some_and(|text| text.contains("{{"));
        let hint = match braces {
            true => "a value is put in by `${inputs.name}`, not by `{{...}}`",
            false => "write an absolute URL, http:// or https://, or give `baseUrl`",
        };
        problem(problems, at, message, hint);
    }
    if let Some(token_url) = literal(with, "/auth/oauth2/tokenUrl")
        && let Err(message) = full_url(None, Some(token_url))
    {
        problem(problems, "/auth/oauth2/tokenUrl", message, "write an absolute URL");
    }
}

pub(crate) fn check_headers(with: &Json, problems: &mut Vec<Problem>) {
    let Some(headers) = with.get("headers").and_then(Json::as_object) else { return };
    for (name, value) in headers {
        let at = format!("/headers/{}", name.replace('~', "~0").replace('/', "~1"));
        if !is_template(name) && !is_token(name) {
            problem(problems, &at, format!("`{}` is no header name", short(name)), "use letters, digits and -");
        } else if FRAMING.iter().any(|framing| name.eq_ignore_ascii_case(framing)) {
            problem(problems, &at, format!("`{name}` follows from the body"), "leave it out");
        }
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        if values.iter().filter_map(Json::as_str).any(|value| !is_template(value) && !is_header_value(value)) {
            problem(problems, &at, "a header's value holds no line breaks or control characters", "remove them");
        }
    }
}

fn check_limits(with: &Json, problems: &mut Vec<Problem>) {
    if let Some(count) = with.get("followRedirects").and_then(Json::as_u64)
        && count > u64::from(MOST_REDIRECTS)
    {
        problem(problems, "/followRedirects", format!("{count} redirects are too many"), "20 at most");
    }
    let size = match with.get("maxBody") {
        Some(Json::String(text)) if !is_template(text) => Some(Size::parse(text)),
        Some(Json::Number(number)) => Some(number.as_u64().map(Size)),
        _ => None,
    };
    match size {
        Some(None) => problem(problems, "/maxBody", "not a size", "write 10MB, 16MiB or a number of bytes"),
        Some(Some(size)) if size > LARGEST_BODY => {
            problem(problems, "/maxBody", format!("{size} are more than one answer may have"), "256 MiB at most");
        }
        _ => {}
    }
}

pub(super) fn repeatable(with: &Json) -> bool {
    let method = with.get("method").and_then(Json::as_str);
    let method = method.unwrap_or(if with.get("graphql").is_some() { "POST" } else { "GET" });
    let keyed = with.get("headers").and_then(Json::as_object).is_some_and(|headers| {
        headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("idempotency-key") && !value.is_null())
    });
    keyed || IDEMPOTENT.iter().any(|known| method.eq_ignore_ascii_case(known))
}

pub(super) fn files(with: &Json) -> Vec<String> {
    let mut found: Vec<&str> = Vec::new();
    found.extend(with.get("file").and_then(Json::as_str));
    found.extend(with.pointer("/file/path").and_then(Json::as_str));
    for part in with.get("multipart").and_then(Json::as_object).into_iter().flat_map(|parts| parts.values()) {
        let parts = part.as_array().map_or(std::slice::from_ref(part), Vec::as_slice);
        found.extend(parts.iter().filter_map(|part| part.get("file")?.as_str()));
    }
    found.extend(tls::named_files(with));
    let mut seen = std::collections::BTreeSet::new();
    found.into_iter().filter(|name| seen.insert(*name)).map(str::to_owned).collect()
}

/// The absolute URL that `url` and `baseUrl` come to. A relative `url` is appended, path to path, and can never change
/// the host.
pub(crate) fn full_url(base: Option<&str>, url: Option<&str>) -> Result<Url, String> {
    let joined;
    let text = match (base, url) {
        (_, Some(url)) if has_scheme(url) => url,
        (Some(base), Some(url)) if !base.contains(['?', '#']) => {
            let separator = if url.is_empty() || url.starts_with(['?', '#']) { "" } else { "/" };
            let base = if separator.is_empty() { base } else { base.trim_end_matches('/') };
            joined = format!("{base}{separator}{}", url.trim_start_matches(['/', '\\']));
            &joined
        }
        (Some(_), Some(_)) => return Err("`baseUrl` has a query or a fragment".into()),
        (Some(base), None) => base,
        (None, Some(url)) => return Err(format!("`{}` is relative and there is no `baseUrl`", short(url))),
        (None, None) => return Err("there is no `url`".into()),
    };
    let parsed = Url::parse(text).map_err(|error| format!("`{}` is no URL: {error}", short(text)))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(format!("`{}:` is neither http nor https", short(parsed.scheme())));
    }
    Ok(parsed)
}

/// Whether a URL starts with a scheme, as in `ftp://` or `http:`; `localhost:8080/x` reads as one too, as in browsers.
fn has_scheme(url: &str) -> bool {
    let Some((scheme, _)) = url.trim_start().split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// The URL of a proxy.
pub(super) fn proxy_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("`proxy` is no URL: {error}"))?;
    if url.scheme() != "http" {
        return Err(format!("a proxy is spoken to in http, not {}", short(url.scheme())));
    }
    Ok(url)
}

/// A method or header name (RFC 9110, section 5.6.2).
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

pub(crate) fn is_header_value(text: &str) -> bool {
    !text.chars().any(|c| c != '\t' && c.is_ascii_control())
}

pub(crate) fn is_template(text: &str) -> bool {
    text.contains("${")
}

pub(crate) fn literal<'a>(with: &'a Json, pointer: &str) -> Option<&'a str> {
    with.pointer(pointer).and_then(Json::as_str).filter(|text| !is_template(text))
}

pub(crate) fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

pub(crate) fn problem(problems: &mut Vec<Problem>, at: &str, message: impl Into<String>, hint: &str) {
    problems.push(Problem { at: at.to_owned(), message: message.into(), hint: Some(hint.to_owned()) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(with: Json) -> Vec<String> {
        check(&with).into_iter().map(|problem| problem.at).collect()
    }

    #[test]
    fn what_is_right_has_no_problem() {
        for with in [
            json!({"url": "http://localhost:8080/x"}),
            json!({"url": "/x", "baseUrl": "https://api.example.com/v1"}),
            json!({"baseUrl": "https://api.example.com/v1"}),
            json!({"url": "${inputs.baseUrl}/x", "method": "${inputs.method}", "headers": {"x": "${inputs.x}\n"}}),
            json!({"url": "http://h", "method": "POST", "json": null, "maxBody": "10MB", "tls": {"cert": "a", "key": "b"}}),
            json!({"url": "http://h", "proxy": "http://u:p@proxy:3128", "followRedirects": 20}),
        ] {
            assert!(check(&with).is_empty(), "{with}: {:?}", check(&with));
        }
    }

    #[test]
    fn each_problem_points_to_its_key() {
        for (with, expected) in [
            (json!({}), ""),
            (json!({"url": "/x"}), "/url"),
            (json!({"url": "ftp://h/x"}), "/url"),
            (json!({"url": "http://"}), "/url"),
            (json!({"url": "http://[fe80::1%25eth0]/"}), "/url"),
            (json!({"url": "x", "baseUrl": "http://h/?a=1"}), "/url"),
            (json!({"baseUrl": "h:80"}), "/baseUrl"),
            (json!({"url": "http://h", "json": {}, "form": {}}), "/form"),
            (json!({"url": "http://h", "method": "GE T"}), "/method"),
            (json!({"url": "http://h", "method": "connect"}), "/method"),
            (json!({"url": "http://h", "headers": {"a b": "c"}}), "/headers/a b"),
            (json!({"url": "http://h", "headers": {"a": "c\r\nd: e"}}), "/headers/a"),
            (json!({"url": "http://h", "headers": {"a": ["c", "d\n"]}}), "/headers/a"),
            (json!({"url": "http://h", "headers": {"Content-Length": 3}}), "/headers/Content-Length"),
            (json!({"url": "http://h", "followRedirects": 21}), "/followRedirects"),
            (json!({"url": "http://h", "maxBody": "much"}), "/maxBody"),
            (json!({"url": "http://h", "maxBody": "1GiB"}), "/maxBody"),
            (json!({"url": "http://h", "tls": {"cert": "a"}}), "/tls/cert"),
            (json!({"url": "http://h", "tls": {"key": "a"}}), "/tls/key"),
            (json!({"url": "http://h", "proxy": "socks5://h"}), "/proxy"),
            (json!({"url": "http://h", "auth": {"oauth2": {"tokenUrl": "/t"}}}), "/auth/oauth2/tokenUrl"),
        ] {
            assert_eq!(at(with.clone()), [expected], "{with}");
        }
    }

    #[test]
    fn a_relative_url_is_appended_and_never_changes_the_host() {
        let url = |base: &str, url: &str| full_url(Some(base), Some(url)).unwrap().to_string();
        assert_eq!(url("http://h/api/", "/orders?a=1"), "http://h/api/orders?a=1");
        assert_eq!(url("http://h/api", "orders"), "http://h/api/orders");
        assert_eq!(url("http://h/api/", "?a=1"), "http://h/api/?a=1");
        assert_eq!(url("http://h/api", ""), "http://h/api");
        for trick in ["//evil/x", "\\\\evil/x", "@evil/x", ".evil/x", "/\\evil/x"] {
            assert_eq!(full_url(Some("http://h"), Some(trick)).unwrap().host_str(), Some("h"), "{trick}");
        }
        assert_eq!(url("http://h", "https://other/x"), "https://other/x");
    }

    #[test]
    fn only_what_can_be_sent_twice_is_repeatable() {
        for (with, expected) in [
            (json!({}), true),
            (json!({"method": "put"}), true),
            (json!({"method": "POST"}), false),
            (json!({"method": "PATCH"}), false),
            (json!({"graphql": {"query": "{a}"}}), false),
            (json!({"method": "POST", "headers": {"Idempotency-Key": "k"}}), true),
        ] {
            assert_eq!(repeatable(&with), expected, "{with}");
        }
    }

    #[test]
    fn files_are_those_that_with_names() {
        let with = json!({
            "file": "order.json",
            "multipart": {"a": {"file": "a.png"}, "b": [{"file": "b.png"}, {"file": "a.png"}], "c": "text"},
            "tls": {"ca": "ca.pem", "cert": "-----BEGIN CERTIFICATE-----", "key": "${secrets.KEY}"}
        });
        assert_eq!(files(&with), ["order.json", "a.png", "b.png", "ca.pem"]);
        assert_eq!(files(&json!({"file": {"path": "x.xml"}})), ["x.xml"]);
    }
}
