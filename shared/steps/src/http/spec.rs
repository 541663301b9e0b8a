//! What the engine must know of the `http` step.

use assay_engine::types::{OutputField, Problem};
use serde_json::Value as Json;

use super::check;
use super::config::HttpConfig;
use crate::contract::StepType;

/// The `http` step. One value serves a process: it keeps connections, TLS settings and tokens.
#[derive(Default)]
pub struct Http {
    #[cfg(feature = "http")]
    pub(super) client: super::run::Client,
}

impl StepType for Http {
    const NAME: &'static str = "http";
    const SUMMARY: &'static str = "Sends an HTTP request and looks at the answer.";
    const OUTPUTS: &'static [OutputField] = &[
        OutputField { name: "status", doc: "the status code, a number" },
        OutputField {
            name: "headers",
            doc: "an object of lower-case names; repeated ones joined by `, `, `set-cookie` by newline",
        },
        OutputField { name: "body", doc: "the value when the answer is JSON, whatever its content type; else null" },
        OutputField { name: "text", doc: "the answer as text in its charset (UTF-8 unless named); null if it is not" },
        OutputField { name: "size", doc: "the answer's bytes, decoded" },
        OutputField {
            name: "timings",
            doc: "milliseconds: dns, connect, tls, firstByte (from the connection's readiness to the answer's first byte), total",
        },
        OutputField { name: "remoteAddress", doc: "the address and port that answered; the proxy's when there is one" },
        OutputField {
            name: "tls",
            doc: "version (`1.3`) and expiresInDays of the target's certificate (null if it cannot be read); null without TLS",
        },
    ];
    const CONNECTION: &'static [&'static str] =
        &["baseUrl", "headers", "query", "auth", "tls", "proxy", "version", "followRedirects", "maxBody"];
    type Config = HttpConfig;

    fn check(with: &Json) -> Vec<Problem> {
        check::check(with)
    }

    fn repeatable(with: &Json) -> bool {
        check::repeatable(with)
    }

    fn files(with: &Json) -> Vec<String> {
        check::files(with)
    }
}
