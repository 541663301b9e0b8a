//! The step itself.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::entries::{Entry, labels_json};
use super::pages::{Log, Outcome, Pages};
use crate::contract::{Output, StepContext, StepError, StepErrorClass as Class, StepOutcome, StepRunner};
use crate::loki::config::LARGEST_LIMIT;
use crate::loki::{Loki, LokiConfig};
use crate::probe;
use crate::telemetry::When;
use crate::telemetry::run::{Answer, Codes, Question, Window, empty, fields, span_seconds, with_warnings};

const CODES: Codes = Codes {
    connect: "loki.connect",
    egress: "loki.egress",
    tls: "loki.tls",
    timeout: "loki.timeout",
    request: "loki.request",
    broken: "loki.broken",
    too_large: "loki.tooLarge",
    auth: "loki.auth",
    query: "loki.query",
    answer: "loki.answer",
    unavailable: "loki.unavailable",
};

#[async_trait]
impl StepRunner for Loki {
    async fn run(&self, config: LokiConfig, cx: &StepContext) -> Result<StepOutcome, StepError> {
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
        if let Some(at) = config.at {
            let mut params = vec![("query", config.query.clone())];
            if !at.is_now() {
                let at = Window::instant(at, now, cx, CODES.request)?;
                params.push(("time", at.as_nanosecond().to_string()));
            }
            return numbers(question.ask("/loki/api/v1/query", &params, cx).await?);
        }
        let window = window(&config, now, cx)?;
        let pages = Pages {
            question: &question,
            codes: &CODES,
            query: &config.query,
            step: config.step.map(|step| span_seconds(step.0)),
            direction: config.direction,
            keep: config.limit.clamp(1, LARGEST_LIMIT),
            window: (nanos(window.start), nanos(window.end)),
        };
        match pages.read(cx).await? {
            Outcome::Log(log, warnings, sent) => Ok(entries(log, warnings, sent, window)),
            Outcome::Numbers(answer) => numbers(answer),
        }
    }

    async fn probe(&self, resource: &Json, cx: &StepContext) -> Result<Option<String>, StepError> {
        // A selector of nothing: the answer is empty, and the tenant and the credentials were judged.
        let nothing = json!({"query": "{assay_check=\"none\"}", "since": "1m", "limit": 1});
        let (_, took) = probe::ask(self, resource, nothing, cx).await?;
        Ok(Some(format!("answers queries in {}", probe::millis(took))))
    }
}

/// The window, which is not empty: Loki does not take one that is.
fn window(config: &LokiConfig, now: Timestamp, cx: &StepContext) -> Result<Window, StepError> {
    let start = config.since.map(|since| since.0).or(config.start).unwrap_or(When::START);
    let end = config.end.unwrap_or(When::NOW);
    let window = Window::between(start, end, now, cx, CODES.request)?;
    if window.start == window.end {
        let message =
            format!("the window is empty: it begins and ends at {:.3}; check `start` and `end`", window.start);
        return Err(StepError::new(Class::Permanent, CODES.request, message));
    }
    Ok(window)
}

fn nanos(instant: Timestamp) -> i64 {
    i64::try_from(instant.as_nanosecond()).unwrap_or(i64::MAX)
}

fn entries(log: Log, warnings: Vec<String>, sent: Json, window: Window) -> StepOutcome {
    let mut notes = Vec::new();
    if log.count == 0 {
        notes.push(format!("no entry matches from {:.3} to {:.3}", window.start, window.end));
    } else if log.entries.len() < log.count {
        notes.push(format!("{} entries match, the first {} are kept", log.count, log.entries.len()));
    }
    let streams: Vec<Json> =
        log.streams.iter().map(|(labels, count)| json!({"labels": labels_json(labels), "count": count})).collect();
    let entries: Vec<Json> = log.entries.into_iter().map(Entry::into_json).collect();
    let mut fields = Map::from_iter([
        ("entries".to_owned(), entries.into()),
        ("count".to_owned(), log.count.into()),
        ("streams".to_owned(), streams.into()),
    ]);
    fields.extend(empty());
    let note = with_warnings(&mut fields, notes, warnings);
    StepOutcome::Done(Output { fields, note, sent: Some(sent), ..Output::default() })
}

/// What a query of numbers comes to. It has no entries, and says so: an assertion on `count` is not answered by a zero.
fn numbers(answer: Answer) -> Result<StepOutcome, StepError> {
    let found = answer.measured(&CODES)?;
    let (measured, note) = fields(found, answer.warnings);
    let mut fields = Map::from_iter([
        ("entries".to_owned(), json!([])),
        ("count".to_owned(), Json::Null),
        ("streams".to_owned(), json!([])),
    ]);
    fields.extend(measured);
    Ok(StepOutcome::Done(Output { fields, note, sent: Some(answer.sent), ..Output::default() }))
}
