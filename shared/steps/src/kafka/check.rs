//! What the schema of `with` cannot say. Strings with `${` are templates, whose value is not known yet.

use assay_engine::types::Problem;
use serde_json::Value as Json;

use super::config::{Brokers, Instant};
use crate::tls::halves;

/// What both steps say of their connection.
pub(super) fn connection(with: &Json) -> Vec<Problem> {
    let mut problems = Vec::new();
    let parts: Vec<&str> = match with.get("brokers") {
        Some(Json::String(text)) => vec![text],
        Some(Json::Array(items)) => items.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    };
    if with.get("brokers").is_some()
        && !parts.iter().any(|part| is_template(part))
        && let Err(message) = Brokers::parse(parts)
    {
        problem(&mut problems, "/brokers", message, "write host:port, several in a list");
    }
    if let Some(topic) = with.get("topic").and_then(Json::as_str)
        && !is_template(topic)
        && !is_topic(topic)
    {
        let message = format!("`{}` is no topic", topic.chars().take(80).collect::<String>());
        problem(&mut problems, "/topic", message, "up to 249 letters, digits, `.`, `_` and `-`");
    }
    problems.extend(halves(with));
    problems
}

/// What `kafka.publish` says beside it.
pub(super) fn publish(with: &Json) -> Vec<Problem> {
    let mut problems = connection(with);
    match (with.get("value"), with.get("json")) {
        (None, None) => problem(&mut problems, "", "there is no value", "give `json` or `value`; null is a tombstone"),
        (Some(_), Some(_)) => problem(&mut problems, "/json", "there is a `value` already", "keep one of them"),
        _ => {}
    }
    if let Some(Json::String(text)) = with.get("timestamp")
        && !is_template(text)
        && Instant::parse(text).is_none()
    {
        let message = format!("`{}` is no time", text.chars().take(80).collect::<String>());
        problem(&mut problems, "/timestamp", message, "write 2026-01-01T00:00:00Z, or milliseconds since 1970");
    }
    problems
}

/// A topic's name, as brokers judge it.
fn is_topic(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !text.is_empty() && text.len() <= 249 && !matches!(text, "." | "..") && text.bytes().all(allowed)
}

fn is_template(text: &str) -> bool {
    text.contains("${")
}

fn problem(problems: &mut Vec<Problem>, at: &str, message: impl Into<String>, hint: &str) {
    problems.push(Problem { at: at.to_owned(), message: message.into(), hint: Some(hint.to_owned()) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(problems: Vec<Problem>) -> Vec<String> {
        problems.into_iter().map(|problem| problem.at).collect()
    }

    #[test]
    fn what_is_right_has_no_problem() {
        for with in [
            json!({"brokers": "a:9092, b:9093", "topic": "orders.v1", "json": null}),
            json!({"brokers": ["[::1]:9092", "127.0.0.1"], "topic": "a", "value": null}),
            json!({"brokers": "${inputs.brokers}", "topic": "${inputs.topic}", "value": "x", "timestamp": "${now()}"}),
            json!({"brokers": "a:1", "topic": "a", "value": 1, "timestamp": "2026-01-01T00:00:00Z"}),
        ] {
            assert!(publish(&with).is_empty(), "{with}: {:?}", publish(&with));
        }
    }

    #[test]
    fn each_problem_points_to_its_key() {
        for (with, expected) in [
            (json!({"brokers": "kafka://a:9092", "topic": "a", "value": 1}), "/brokers"),
            (json!({"brokers": "a:0", "topic": "a", "value": 1}), "/brokers"),
            (json!({"brokers": "a:b", "topic": "a", "value": 1}), "/brokers"),
            (json!({"brokers": ":9092", "topic": "a", "value": 1}), "/brokers"),
            (json!({"brokers": "::1:9092", "topic": "a", "value": 1}), "/brokers"),
            (json!({"brokers": " , ", "topic": "a", "value": 1}), "/brokers"),
            (json!({"brokers": "a", "topic": "a b", "value": 1}), "/topic"),
            (json!({"brokers": "a", "topic": "..", "value": 1}), "/topic"),
            (json!({"brokers": "a", "topic": "a"}), ""),
            (json!({"brokers": "a", "topic": "a", "value": 1, "json": 1}), "/json"),
            (json!({"brokers": "a", "topic": "a", "value": 1, "timestamp": "noon"}), "/timestamp"),
            (json!({"brokers": "a", "topic": "a", "value": 1, "tls": {"cert": "a"}}), "/tls/cert"),
        ] {
            assert_eq!(at(publish(&with)), [expected], "{with}");
        }
    }

    #[test]
    fn brokers_are_hosts_with_ports() {
        let read = |text: &str| Brokers::parse([text]).unwrap().0;
        assert_eq!(read("a:1,b"), [("a".to_owned(), 1), ("b".to_owned(), 9092)]);
        assert_eq!(read("[::1]:9093"), [("[::1]".to_owned(), 9093)]);
        assert_eq!(read("[::1]"), [("[::1]".to_owned(), 9092)]);
    }
}
