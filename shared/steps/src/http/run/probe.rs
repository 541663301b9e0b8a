//! Checking an http resource: its base is asked for; whatever it answers, it is there.

use serde_json::{Map, Value as Json, json};

use crate::contract::{StepContext, StepError, StepErrorClass};
use crate::http::Http;
use crate::probe;

pub(super) async fn probe(http: &Http, resource: &Json, cx: &StepContext) -> Result<String, StepError> {
    if resource.get("baseUrl").is_none() {
        let message = "it has no `baseUrl` to connect to";
        return Err(StepError::new(StepErrorClass::Permanent, "step.config", message));
    }
    match probe::ask(http, resource, json!({}), cx).await {
        Ok((output, _)) => Ok(facts(&output.fields)),
        // What is too large for a check was answered all the same.
        Err(error) if error.code == "http.tooLarge" => Ok("answers more than `maxBody`".to_owned()),
        Err(error) => Err(error),
    }
}

fn facts(fields: &Map<String, Json>) -> String {
    let field = |name: &str, below: &str| fields.get(name).and_then(|value| value.get(below));
    let status = fields.get("status").and_then(Json::as_u64).unwrap_or_default();
    let mut text = format!("answers {status}");
    if let Some(total) = field("timings", "total").and_then(Json::as_f64) {
        text.push_str(&format!(" in {} ms", total.round()));
    }
    if let Some(version) = field("tls", "version").and_then(Json::as_str) {
        text.push_str(&format!(", TLS {version}"));
    }
    if let Some(days) = field("tls", "expiresInDays").and_then(Json::as_i64) {
        text.push_str(&format!(", certificate good for {days} days"));
    }
    if matches!(status, 401 | 403) {
        text.push_str("; it may not take the credentials");
    }
    text
}
