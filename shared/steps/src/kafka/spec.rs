//! What the engine must know of the `kafka` steps.

use std::time::Duration;

use assay_engine::types::{Arming, FlowKind, OutputField, Problem};
use serde_json::Value as Json;

use super::check;
use super::config::{DEFAULT_WITHIN, ExpectConfig, PublishConfig};
use crate::contract::StepType;
use crate::{expect, tls};

/// The `kafka.publish` step. One value serves a process: it keeps producers.
#[derive(Default)]
pub struct KafkaPublish {
    #[cfg(feature = "kafka")]
    pub(super) producers: super::run::Producers,
}

/// The `kafka.expect` step. One value serves a process: it keeps the clients that record positions.
#[derive(Default)]
pub struct KafkaExpect {
    #[cfg(feature = "kafka")]
    pub(super) lookers: super::run::Lookers,
}

/// What a resource of a cluster may hold.
const CONNECTION: &[&str] = &["brokers", "sasl", "tls"];

impl StepType for KafkaPublish {
    const NAME: &'static str = "kafka.publish";
    const SUMMARY: &'static str = "Writes one record to a Kafka topic and waits until it is acknowledged.";
    const OUTPUTS: &'static [OutputField] = &[
        OutputField { name: "partition", doc: "the partition that the record was written to" },
        OutputField { name: "offset", doc: "its offset there" },
        OutputField { name: "timestamp", doc: "its time, in milliseconds since 1970" },
    ];
    const CONNECTION: &'static [&'static str] = CONNECTION;
    const KIND: FlowKind = FlowKind::Event;
    type Config = PublishConfig;

    fn check(with: &Json) -> Vec<Problem> {
        check::publish(with)
    }

    fn repeatable(_: &Json) -> bool {
        // A second attempt would be a second record.
        false
    }

    fn files(with: &Json) -> Vec<String> {
        tls::named_files(with).map(str::to_owned).collect()
    }
}

impl StepType for KafkaExpect {
    const NAME: &'static str = "kafka.expect";
    const SUMMARY: &'static str = "Waits for records of a Kafka topic, counts those that match and keeps them.";
    const OUTPUTS: &'static [OutputField] = &[
        OutputField {
            name: "messages",
            doc: "the first `collect` matches: key, value, headers, partition, offset, timestamp (milliseconds since 1970), size (bytes of the value; null without one)",
        },
        OutputField { name: "count", doc: "how many records matched; with `distinctBy`, how many different ones" },
        OutputField { name: "seen", doc: "how many records were looked at" },
    ];
    const EXPRESSIONS: &'static [&'static str] = &["match", "orderedBy", "distinctBy"];
    const ARMING: Option<Arming> = Some(Arming::Position);
    // Also a step that is armed before nothing keeps its position over retries and lost attempts.
    const PREPARES: bool = true;
    const CONNECTION: &'static [&'static str] = CONNECTION;
    const KIND: FlowKind = FlowKind::Event;
    type Config = ExpectConfig;

    fn check(with: &Json) -> Vec<Problem> {
        let mut problems = check::connection(with);
        problems.extend(expect::check(with));
        problems
    }

    fn repeatable(_: &Json) -> bool {
        true
    }

    fn files(with: &Json) -> Vec<String> {
        tls::named_files(with).map(str::to_owned).collect()
    }

    fn waits(with: &Json) -> Option<Duration> {
        Some(expect::waits(with, DEFAULT_WITHIN))
    }
}
