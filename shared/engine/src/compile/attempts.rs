//! How often a step is tried, how an attempt looks again, and how long it may take.

use std::time::Duration;

use super::flow::Scene;
use super::names::{Site, Uses};
use super::references::Check;
use super::step::{Kind, Raw};
use super::words::STEP_TIMEOUT;
use crate::diagnostics::Code;
use crate::job::Looks;
use crate::plan::{Retry, RetryOn, StepKind};
use crate::source::{Node, Value};

/// `retry`.
pub(super) fn retry(scene: &Scene<'_>, raw: &Raw<'_>, uses: &mut Uses) -> Retry {
    let mut retry = Retry {
        max_attempts: 1,
        interval: Duration::from_secs(1),
        backoff: 2.0,
        max_interval: None,
        jitter: true,
        on: vec![RetryOn::Error, RetryOn::Timeout],
    };
    let shared = scene.shared;
    let Some(node) = raw.get("retry") else { return retry };
    let keys = ["maxAttempts", "interval", "backoff", "maxInterval", "jitter", "on"];
    if shared.map(node, "`retry`", &keys).is_none() {
        return retry;
    }
    let time = |key: &str| node.get(key).and_then(|node| shared.duration(node, &format!("`{key}`")));
    let attempts = node.get("maxAttempts").and_then(|node| shared.count(node, "`maxAttempts`", 1..=100));
    retry.max_attempts = attempts.unwrap_or(3);
    retry.interval = time("interval").unwrap_or(retry.interval);
    retry.max_interval = time("maxInterval");
    retry.jitter = node.get("jitter").and_then(|node| shared.boolean(node, "`jitter`")).unwrap_or(retry.jitter);
    if let Some(backoff) = node.get("backoff") {
        match &backoff.value {
            Value::Number(number) if number.as_f64().is_some_and(|factor| (1.0..=100.0).contains(&factor)) => {
                retry.backoff = number.as_f64().unwrap_or(1.0);
            }
            Value::Number(number) => {
                shared.error(Code::InvalidValue, backoff.span, format!("`backoff` is {number}, not from 1 to 100"));
            }
            _ => shared.wrong_type(backoff, "`backoff`", "a number"),
        }
    }
    if let Some(on) = node.get("on") {
        retry.on = shared.one_or_list(on).iter().filter_map(|node| retry_on(scene, raw, node, uses)).collect();
    }
    retry
}

fn retry_on(scene: &Scene<'_>, raw: &Raw<'_>, node: &Node, uses: &mut Uses) -> Option<RetryOn> {
    let (shared, names) = (scene.shared, scene.names);
    let word = match node.text().map(str::trim) {
        Some("error") => RetryOn::Error,
        Some("timeout") => RetryOn::Timeout,
        Some("connect") => RetryOn::Connect,
        Some("lost") => RetryOn::Lost,
        Some("failed") => RetryOn::Failed,
        _ => {
            let program = shared.program(node, "`retry.on`")?;
            let site = Site::after("`retry.on`", raw.index);
            Check { shared, names, site: &site, node }.run(program.references(), uses);
            RetryOn::Expression(program)
        }
    };
    Some(word)
}

/// `eventually` or `throughout`.
pub(super) fn looks(scene: &Scene<'_>, raw: &Raw<'_>, waits: Option<Duration>) -> Option<Looks> {
    let shared = scene.shared;
    let (eventually, throughout) = (raw.node.entry("eventually"), raw.node.entry("throughout"));
    if let (Some(_), Some(second)) = (eventually, throughout) {
        let message = "`eventually` and `throughout` do not go together";
        let hint = "take two steps: one that waits until it holds, one that sees that it stays";
        shared.error_hint(Code::TwoLooks, second.key_span, message, hint);
    }
    let (entry, bound) = match (eventually, throughout) {
        (Some(entry), _) => (entry, "timeout"),
        (None, Some(entry)) => (entry, "window"),
        (None, None) => return None,
    };
    let key = &*entry.key;
    if waits.is_some() || matches!(raw.kind, Kind::Wait | Kind::Delay) {
        let message = format!("`{}` waits by itself: it takes no `{key}`", raw.type_name);
        shared.error_hint(Code::LooksOnWaiting, entry.key_span, message, "give its own time, as in `within`");
        return None;
    }
    let what = format!("`{key}`");
    shared.map(&entry.value, &what, &[bound, "interval"])?;
    let time = |key: &str| entry.value.get(key).map(|node| shared.duration(node, &format!("`{key}`")));
    let Some(total) = time(bound) else {
        let message = format!("{what} has no `{bound}`");
        shared.error_hint(Code::MissingKey, entry.key_span, message, format!("say for how long, as in `{bound}: 30s`"));
        return None;
    };
    let total_ms = millis(total?);
    let interval_ms = millis(time("interval").unwrap_or(Some(Duration::from_secs(1)))?);
    Some(match bound {
        "timeout" => Looks::Eventually { timeout_ms: total_ms, interval_ms },
        _ => Looks::Throughout { window_ms: total_ms, interval_ms },
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The time of one attempt: given, or enough for what the step does by itself.
pub(super) fn timeout(scene: &Scene<'_>, raw: &Raw<'_>, waits: Option<Duration>, looks: Option<Looks>) -> Duration {
    if let Some(node) = raw.get("timeout") {
        return super::headings::positive(scene.shared, node, "`timeout`").unwrap_or(STEP_TIMEOUT);
    }
    let own = match looks {
        Some(Looks::Eventually { timeout_ms: total, .. } | Looks::Throughout { window_ms: total, .. }) => {
            Duration::from_millis(total)
        }
        None => waits.unwrap_or_default(),
    };
    own + STEP_TIMEOUT
}

/// The time that a child may take by itself.
pub(super) fn child_time(kind: &StepKind) -> Option<Duration> {
    match kind {
        StepKind::Flow { plan, .. } => {
            Some(plan.timeout + plan.finally_timeout + plan.queue_timeout.unwrap_or_default())
        }
        _ => None,
    }
}
