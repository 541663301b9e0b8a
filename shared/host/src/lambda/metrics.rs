//! What an invocation came to, as a line that CloudWatch makes metrics of (its embedded metric format).

use std::io::{self, Write as _};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

/// Whose metrics: the namespace of every function of every stack.
const NAMESPACE: &str = "Assay";

/// The metrics of one invocation.
#[derive(Debug)]
pub(super) struct Metrics {
    stack: String,
    function: String,
    values: Vec<(&'static str, &'static str, f64)>,
}

impl Metrics {
    pub(super) fn of(stack: &str, function: &str) -> Self {
        Self { stack: stack.to_owned(), function: function.to_owned(), values: Vec::new() }
    }

    #[must_use]
    pub(super) fn count(mut self, name: &'static str, count: usize) -> Self {
        self.values.push((name, "Count", count as f64));
        self
    }

    #[must_use]
    pub(super) fn time(mut self, name: &'static str, time: Duration) -> Self {
        self.values.push((name, "Milliseconds", (time.as_secs_f64() * 1e6).round() / 1e3));
        self
    }

    /// Prints them. Who closed standard output wants none.
    pub(super) fn print(&self, now: Timestamp) {
        let mut line = self.line(now).to_string();
        line.push('\n');
        let _ = io::stdout().lock().write_all(line.as_bytes());
    }

    fn line(&self, now: Timestamp) -> Json {
        let metrics: Vec<Json> =
            self.values.iter().map(|(name, unit, _)| json!({"Name": name, "Unit": unit})).collect();
        let directive = json!({"Namespace": NAMESPACE, "Dimensions": [["Stack", "Function"]], "Metrics": metrics});
        let mut line = Map::new();
        line.insert("_aws".into(), json!({"Timestamp": now.as_millisecond(), "CloudWatchMetrics": [directive]}));
        line.insert("Stack".into(), json!(self.stack));
        line.insert("Function".into(), json!(self.function));
        line.extend(self.values.iter().map(|(name, _, value)| ((*name).to_owned(), json!(value))));
        Json::Object(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_its_metrics_and_holds_their_values() {
        let metrics =
            Metrics::of("dev", "step-http").count("Messages", 3).time("Duration", Duration::from_micros(1500));
        assert_eq!(
            metrics.line(Timestamp::from_millisecond(7).expect("an instant")),
            json!({
                "_aws": {"Timestamp": 7, "CloudWatchMetrics": [{
                    "Namespace": "Assay",
                    "Dimensions": [["Stack", "Function"]],
                    "Metrics": [{"Name": "Messages", "Unit": "Count"}, {"Name": "Duration", "Unit": "Milliseconds"}],
                }]},
                "Stack": "dev", "Function": "step-http", "Messages": 3.0, "Duration": 1.5,
            })
        );
    }
}
