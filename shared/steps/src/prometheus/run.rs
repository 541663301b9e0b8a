//! How the step acts: one query, its result in the step's words.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::{Prometheus, PrometheusConfig};
use crate::contract::{Output, StepContext, StepError, StepOutcome, StepRunner};
use crate::probe;
use crate::telemetry::When;
use crate::telemetry::run::{Codes, Question, Window, fields, seconds, span_seconds};

const CODES: Codes = Codes {
    connect: "prometheus.connect",
    egress: "prometheus.egress",
    tls: "prometheus.tls",
    timeout: "prometheus.timeout",
    request: "prometheus.request",
    broken: "prometheus.broken",
    too_large: "prometheus.tooLarge",
    auth: "prometheus.auth",
    query: "prometheus.query",
    answer: "prometheus.answer",
    unavailable: "prometheus.unavailable",
};

#[async_trait]
impl StepRunner for Prometheus {
    async fn run(&self, config: PrometheusConfig, cx: &StepContext) -> Result<StepOutcome, StepError> {
        let question = Question {
            codes: &CODES,
            client: &self.client,
            url: &config.url,
            headers: &config.headers,
            auth: config.auth.as_ref(),
            tls: &config.tls,
            tenant: config.tenant.as_deref(),
        };
        let now = cx.clock.now();
        let ranged = config.start.is_some() || config.end.is_some() || config.step.is_some();
        let (call, when) = if ranged {
            ("/api/v1/query_range", range(&config, now, cx)?)
        } else {
            let at = config.at.filter(|at| !at.is_now());
            let at = at.map(|at| Window::instant(at, now, cx, CODES.request)).transpose()?;
            ("/api/v1/query", at.map(|at| ("time", seconds(at))).into_iter().collect())
        };
        let mut params = vec![("query", config.query.clone())];
        params.extend(when);
        let answer = question.ask(call, &params, cx).await?;
        let found = answer.measured(&CODES)?;
        let (fields, note) = fields(found, answer.warnings);
        Ok(StepOutcome::Done(Output { fields, note, sent: Some(answer.sent), ..Output::default() }))
    }

    async fn probe(&self, resource: &Json, cx: &StepContext) -> Result<Option<String>, StepError> {
        let (_, took) = probe::ask(self, resource, json!({"query": "vector(1)"}), cx).await?;
        Ok(Some(format!("answers queries in {}", probe::millis(took))))
    }
}

/// The parameters of a range query.
fn range(
    config: &PrometheusConfig,
    now: Timestamp,
    cx: &StepContext,
) -> Result<Vec<(&'static str, String)>, StepError> {
    let (start, end) = (config.start.unwrap_or(When::START), config.end.unwrap_or(When::NOW));
    let window = Window::between(start, end, now, cx, CODES.request)?;
    let step = config.step.map_or_else(|| window.default_step(), |step| step.0);
    Ok(vec![("start", seconds(window.start)), ("end", seconds(window.end)), ("step", span_seconds(step))])
}
