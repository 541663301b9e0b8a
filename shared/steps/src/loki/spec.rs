//! What the engine must know of the `loki` step.

use assay_engine::types::{OutputField, Problem};
use serde_json::Value as Json;

use super::config::{LARGEST_LIMIT, LokiConfig};
use crate::contract::StepType;
use crate::http::check::problem;
use crate::telemetry::target::{check_apart, check_target};
use crate::telemetry::when::{check_instants, check_texts};
use crate::telemetry::{Since, Span};

/// The `loki` step. One value serves a process: it keeps connections and TLS settings.
#[derive(Default)]
pub struct Loki {
    #[cfg(feature = "loki")]
    pub(super) client: crate::http::Client,
}

impl StepType for Loki {
    const NAME: &'static str = "loki";
    const SUMMARY: &'static str = "Queries Loki for entries of logs, or for numbers made of them.";
    const OUTPUTS: &'static [OutputField] = &[
        OutputField {
            name: "entries",
            doc: "a list in the order of `direction`: `timestamp` (RFC 3339 with nine decimals), `line`, `labels`; `limit` of them at most",
        },
        OutputField { name: "count", doc: "how many entries match, also those that are not kept" },
        OutputField { name: "streams", doc: "a list of the sets of labels that the entries have: `labels`, `count`" },
        OutputField {
            name: "value",
            doc: "of a query of numbers: the number when the result is one sample alone; else null. \
                  What is no finite number is a text: `NaN`, `+Inf`, `-Inf`",
        },
        OutputField {
            name: "series",
            doc: "of a query of numbers, a list: `labels`, and for an instant `timestamp` and `value`, for a range `samples` of them",
        },
        OutputField { name: "warnings", doc: "a list of texts: what the target warns of" },
    ];
    const CONNECTION: &'static [&'static str] = &["url", "tenant", "auth", "headers", "tls"];
    type Config = LokiConfig;

    fn check(with: &Json) -> Vec<Problem> {
        let mut problems = Vec::new();
        check_target(with, "/loki/api/v1", &mut problems);
        check_instants(with, &["at", "start", "end"], &mut problems);
        check_texts(with, &["since"], |text| Since::parse(text).map(|_| ()), &mut problems);
        check_texts(with, &["step"], |text| Span::parse(text).map(|_| ()), &mut problems);
        let hint = "`since` ends now; with `end`, say `start`";
        check_apart(with, "since", &["start", "end"], hint, &mut problems);
        let hint = "`at` asks for numbers at one instant: keep it alone, or leave it out";
        let ranged = ["since", "start", "end", "step", "limit", "direction"];
        check_apart(with, "at", &ranged, hint, &mut problems);
        if let Some(limit) = with.get("limit").and_then(Json::as_u64)
            && !(1..=u64::from(LARGEST_LIMIT)).contains(&limit)
        {
            problem(&mut problems, "/limit", format!("{limit} entries cannot be kept"), "1 to 5000; all are counted");
        }
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
            (json!({"url": "http://h:3100", "query": "{a=\"b\"}"}), ""),
            (json!({"url": "http://h", "query": "x", "since": "5m", "limit": 10, "direction": "backward"}), ""),
            (json!({"url": "http://h", "query": "x", "start": "start - 1s", "end": "now + 1s", "step": "10s"}), ""),
            (json!({"url": "http://h", "query": "x", "since": "${inputs.since}", "limit": "${inputs.limit}"}), ""),
            (json!({"url": "http://h/loki/api/v1/query_range", "query": "x"}), "/url"),
            (json!({"url": "http://h", "query": "x", "since": "0s"}), "/since"),
            (json!({"url": "http://h", "query": "x", "since": "soon"}), "/since"),
            (json!({"url": "http://h", "query": "x", "since": "5m", "start": "start"}), "/start"),
            (json!({"url": "http://h", "query": "x", "since": "5m", "end": "now"}), "/end"),
            (json!({"url": "http://h", "query": "x", "at": "now", "limit": 5}), "/limit"),
            (json!({"url": "http://h", "query": "x", "limit": 0}), "/limit"),
            (json!({"url": "http://h", "query": "x", "limit": 5001}), "/limit"),
        ] {
            let found: Vec<String> = Loki::check(&with).into_iter().map(|problem| problem.at).collect();
            assert_eq!(found.join(" "), expected, "{with}");
        }
    }
}
