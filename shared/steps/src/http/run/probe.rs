//! Checking an http resource: its base is asked for; whatever it answers, it is there.

use serde::Deserialize as _;
use serde_json::{Map, Value as Json};

use crate::contract::{StepContext, StepError, StepErrorClass, StepOutcome, StepRunner as _};
use crate::http::{Http, HttpConfig};

pub(super) async fn probe(http: &Http, resource: &Json, cx: &StepContext) -> Result<String, StepError> {
    let wrong = |message: String| StepError::new(StepErrorClass::Permanent, "step.config", message);
    if resource.get("baseUrl").is_none() {
        return Err(wrong("it has no `baseUrl` to connect to".to_owned()));
    }
    let config = HttpConfig::deserialize(resource).map_err(|error| wrong(error.to_string()))?;
    let start = tokio::time::Instant::now();
    match http.run(config, cx).await {
        Ok(StepOutcome::Done(output)) => Ok(facts(&output.fields)),
        Ok(StepOutcome::Continue { .. }) => Err(StepError::bug("a request wants to go on in another turn")),
        // What is too large for a check was answered all the same.
        Err(error) if error.code == "http.tooLarge" => {
            Ok(format!("answers more than `maxBody` in {} ms", start.elapsed().as_millis()))
        }
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
