//! Whom a query is put to.

use assay_engine::types::Problem;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;
use url::Url;

use crate::http::Basic;
use crate::http::check::{check_headers, full_url, is_header_value, literal, problem};

/// The header that names a tenant.
pub(crate) const TENANT: &str = "x-scope-orgid";

/// Credentials: one of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Auth {
    /// A user name and a password.
    Basic(Basic),
    /// A token, sent as `Authorization: Bearer`.
    Bearer(String),
}

/// The URL of a call below `url`, whose path may have a prefix and whose query is kept.
pub(crate) fn endpoint(url: &str, call: &str) -> Result<Url, String> {
    let mut url = full_url(None, Some(url))?;
    let path = format!("{}{call}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url.set_fragment(None);
    Ok(url)
}

/// Judges what is literal of `url`, `headers`, `tenant` and `tls`. `api` is the path that the step appends itself.
pub(crate) fn check_target(with: &Json, api: &str, problems: &mut Vec<Problem>) {
    if let Some(url) = literal(with, "/url") {
        match endpoint(url, "") {
            Err(message) => problem(problems, "/url", message, "write an absolute URL, http:// or https://"),
            Ok(url) if url.path().contains(api) => {
                let message = format!("the step appends `{api}` itself");
                problem(
                    problems,
                    "/url",
                    message,
                    "leave the URL's path out, up to a prefix that the target is behind",
                );
            }
            Ok(_) => {}
        }
    }
    check_headers(with, problems);
    problems.extend(crate::tls::halves(with));
    if let Some(tenant) = literal(with, "/tenant")
        && (tenant.is_empty() || !is_header_value(tenant))
    {
        problem(problems, "/tenant", "not a tenant's name", "give a name, or several with | between them");
    }
    let twice = with.get("headers").and_then(Json::as_object);
    let twice = twice.is_some_and(|headers| headers.keys().any(|name| name.eq_ignore_ascii_case(TENANT)));
    if twice && with.get("tenant").is_some() {
        problem(problems, "/tenant", "the tenant stands in `headers` too", "keep one of them");
    }
}

/// Judges that keys which exclude each other do not meet.
pub(crate) fn check_apart(with: &Json, key: &str, others: &[&str], hint: &str, problems: &mut Vec<Problem>) {
    if with.get(key).is_none() {
        return;
    }
    for other in others.iter().filter(|other| with.get(**other).is_some()) {
        problem(problems, &format!("/{other}"), format!("`{other}` does not go with `{key}`"), hint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_and_a_query_of_the_url_are_kept() {
        let at = |url| endpoint(url, "/api/v1/query").map(String::from);
        assert_eq!(at("http://h:9090"), Ok("http://h:9090/api/v1/query".into()));
        assert_eq!(at("http://h/prometheus/"), Ok("http://h/prometheus/api/v1/query".into()));
        assert_eq!(at("http://h/p?dedup=false#x"), Ok("http://h/p/api/v1/query?dedup=false".into()));
        assert!(at("h:9090").is_err() && at("").is_err());
    }
}
