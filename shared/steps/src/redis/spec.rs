//! What the engine must know of the `redis` step.

use assay_engine::types::{OutputField, Problem};
use serde_json::Value as Json;

use super::check;
use super::config::RedisConfig;
use crate::contract::StepType;
use crate::tls;

/// The `redis` step. One value serves a process: it keeps connections and TLS settings.
#[derive(Default)]
pub struct Redis {
    #[cfg(feature = "redis")]
    pub(super) client: super::run::Client,
}

impl StepType for Redis {
    const NAME: &'static str = "redis";
    const SUMMARY: &'static str = "Sends a command or a pipeline to Redis and looks at the replies.";
    const OUTPUTS: &'static [OutputField] = &[
        OutputField { name: "reply", doc: "what `command` was answered, with its type" },
        OutputField { name: "replies", doc: "what the commands of `pipeline` were answered, a list in their order" },
    ];
    const CONNECTION: &'static [&'static str] = &["url", "username", "password", "db", "tls"];
    type Config = RedisConfig;

    fn check(with: &Json) -> Vec<Problem> {
        check::check(with)
    }

    fn repeatable(with: &Json) -> bool {
        check::repeatable(with)
    }

    fn files(with: &Json) -> Vec<String> {
        tls::named_files(with).map(str::to_owned).collect()
    }
}
