//! What the engine must know of the `prometheus` step.

use assay_engine::types::{OutputField, Problem};
use serde_json::Value as Json;

use super::config::PrometheusConfig;
use crate::contract::StepType;
use crate::telemetry::Span;
use crate::telemetry::target::{check_apart, check_target};
use crate::telemetry::when::{check_instants, check_texts};

/// The `prometheus` step. One value serves a process: it keeps connections and TLS settings.
#[derive(Default)]
pub struct Prometheus {
    #[cfg(feature = "prometheus")]
    pub(super) client: crate::http::Client,
}

impl StepType for Prometheus {
    const NAME: &'static str = "prometheus";
    const SUMMARY: &'static str = "Queries Prometheus, or what speaks its API, at an instant or over a range.";
    const OUTPUTS: &'static [OutputField] = &[
        OutputField {
            name: "value",
            doc: "the number when the result is one sample alone, the text of a string result; null when there is none or there are several. \
                  What is no finite number is a text: `NaN`, `+Inf`, `-Inf`",
        },
        OutputField {
            name: "series",
            doc: "a list: `labels`, and for an instant `timestamp` and `value` (or `histogram`), for a range `samples` of them",
        },
        OutputField { name: "warnings", doc: "a list of texts: what the target warns of or remarks" },
    ];
    const CONNECTION: &'static [&'static str] = &["url", "tenant", "auth", "headers", "tls"];
    type Config = PrometheusConfig;

    fn check(with: &Json) -> Vec<Problem> {
        let mut problems = Vec::new();
        check_target(with, "/api/v1", &mut problems);
        check_instants(with, &["at", "start", "end"], &mut problems);
        check_texts(with, &["step"], |text| Span::parse(text).map(|_| ()), &mut problems);
        let hint = "`at` asks for an instant; `start`, `end` and `step` for a range: keep one kind";
        check_apart(with, "at", &["start", "end", "step"], hint, &mut problems);
        problems
    }

    fn repeatable(_with: &Json) -> bool {
        true
    }

    fn files(with: &Json) -> Vec<String> {
        crate::tls::named_files(with).map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_problem_points_to_its_key() {
        for (with, expected) in [
            (json!({"url": "http://h:9090", "query": "up"}), ""),
            (json!({"url": "${inputs.url}", "query": "up", "at": "${inputs.at}", "step": "${inputs.step}"}), "/step"),
            (json!({"url": "http://h", "query": "up", "start": "start - 5m", "end": 1_700_000_000, "step": "15s"}), ""),
            (json!({"url": "h:9090", "query": "up"}), "/url"),
            (json!({"url": "http://h/api/v1/query", "query": "up"}), "/url"),
            (json!({"url": "http://h", "query": "up", "at": "5m"}), "/at"),
            (json!({"url": "http://h", "query": "up", "at": "now", "start": "now"}), "/start"),
            (json!({"url": "http://h", "query": "up", "step": "15"}), "/step"),
            (json!({"url": "http://h", "query": "up", "tenant": ""}), "/tenant"),
            (json!({"url": "http://h", "query": "up", "tenant": "a", "headers": {"X-Scope-OrgID": "b"}}), "/tenant"),
            (json!({"url": "http://h", "query": "up", "headers": {"a b": "c"}}), "/headers/a b"),
            (json!({"url": "http://h", "query": "up", "tls": {"cert": "c.pem"}}), "/tls/cert"),
        ] {
            let found: Vec<String> = Prometheus::check(&with).into_iter().map(|problem| problem.at).collect();
            assert_eq!(found.join(" "), expected, "{with}");
        }
    }
}
