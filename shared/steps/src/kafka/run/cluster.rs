//! Asking a cluster about a topic, and judging the brokers that it advertises.

use std::collections::BTreeMap;
use std::time::Duration;

use assay_egress::Egress;
use rdkafka::client::{Client, ClientContext};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::metadata::Metadata;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::ear::Ear;
use super::fault;
use super::reins::Reins;
use crate::contract::StepError;

/// How long one question may take before it is looked whether to ask on.
const SLICE: Duration = Duration::from_millis(250);
/// How long a broker is asked before it counts as not reachable, where nothing else says how long.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Who asks: on a thread that may wait.
pub(super) struct Asking<'a> {
    pub(super) topic: &'a str,
    pub(super) egress: &'a Egress,
    pub(super) runtime: &'a Handle,
    pub(super) reins: &'a Reins,
    pub(super) ear: &'a Ear,
    /// A client that says what is wrong only when it is polled, and that nobody else polls.
    pub(super) looker: Option<&'a BaseConsumer<Ear>>,
}

/// How many words are listened to at once.
const WORDS: usize = 100;

impl Asking<'_> {
    /// The topic's partitions, asked until there is an answer or it is `until`. Judges every broker that is advertised.
    pub(super) fn partitions<C: ClientContext>(
        &self,
        client: &Client<C>,
        until: Instant,
    ) -> Result<Vec<i32>, StepError> {
        let unanswered = format!("no broker could be asked about `{}`", self.topic);
        self.repeated(until, &unanswered, || self.ask(client, SLICE))
    }

    /// All that the cluster tells of itself. Judges every broker that is advertised.
    pub(super) fn cluster<C: ClientContext>(&self, client: &Client<C>, until: Instant) -> Result<Metadata, StepError> {
        self.repeated(until, "no broker could be asked about the cluster", || {
            let Ok(metadata) = client.fetch_metadata(None, SLICE) else { return Ok(None) };
            self.judge(&metadata)?;
            Ok(Some(metadata))
        })
    }

    /// Asks until there is an answer, it is `until`, or it is known that there will be none.
    fn repeated<T>(
        &self,
        until: Instant,
        unanswered: &str,
        ask: impl Fn() -> Result<Option<T>, StepError>,
    ) -> Result<T, StepError> {
        loop {
            self.reins.check()?;
            if let Some(answer) = ask()? {
                return Ok(answer);
            }
            self.listen();
            if let Some(error) = fault::hopeless(self.ear) {
                return Err(error);
            }
            if Instant::now() >= until {
                return Err(fault::unreachable(self.ear, unanswered));
            }
        }
    }

    fn judge(&self, metadata: &Metadata) -> Result<(), StepError> {
        for broker in metadata.brokers() {
            let port = u16::try_from(broker.port()).unwrap_or(0);
            match self.runtime.block_on(self.egress.resolve(broker.host(), port)) {
                Ok(_) => {}
                // A broker that has gone is still advertised for a while; what has no address cannot be dialled.
                Err(assay_egress::EgressError::Resolve { .. } | assay_egress::EgressError::NoAddress(_)) => {}
                Err(error) => return Err(fault::egress(&error)),
            }
        }
        Ok(())
    }

    /// Lets the client say what is wrong.
    fn listen(&self) {
        if let Some(looker) = self.looker {
            // What comes is about connections: nothing is assigned to this client.
            for _ in 0..WORDS {
                drop(looker.poll(Duration::ZERO));
            }
        }
    }

    /// The topic's partitions, asked once; none when nobody answered in time.
    pub(super) fn ask<C: ClientContext>(
        &self,
        client: &Client<C>,
        wait: Duration,
    ) -> Result<Option<Vec<i32>>, StepError> {
        let Ok(metadata) = client.fetch_metadata(Some(self.topic), wait) else { return Ok(None) };
        self.judge(&metadata)?;
        let Some(topic) = metadata.topics().first() else { return Err(fault::unknown_topic(self.topic)) };
        match topic.error().map(Code::from) {
            None => {}
            Some(Code::LeaderNotAvailable | Code::UnknownTopicOrPartition) if !topic.partitions().is_empty() => {}
            Some(Code::LeaderNotAvailable) => return Ok(None),
            Some(code) => return Err(fault::answered(code, self.topic, &format!("asking about `{}`", self.topic))),
        }
        if topic.partitions().is_empty() {
            return Err(fault::unknown_topic(self.topic));
        }
        Ok(Some(topic.partitions().iter().map(|partition| partition.id()).collect()))
    }

    /// The end of each partition: where the next record that can be read will stand, or later.
    pub(super) fn ends(&self, looker: &BaseConsumer<Ear>, until: Instant) -> Result<BTreeMap<i32, i64>, StepError> {
        let partitions = self.partitions(looker.client(), until)?;
        let mut wanted = TopicPartitionList::with_capacity(partitions.len());
        for partition in &partitions {
            let added = wanted.add_partition_offset(self.topic, *partition, Offset::End);
            added.map_err(|error| StepError::bug(format!("ask for an end: {error}")))?;
        }
        loop {
            self.reins.check()?;
            // A moved leader answers with an error for its partitions: asked again, the new one answers.
            if let Ok(found) = looker.offsets_for_times(wanted.clone(), Duration::from_secs(1)) {
                let ends: BTreeMap<i32, i64> = found
                    .elements()
                    .iter()
                    .filter(|element| element.error().is_ok())
                    .filter_map(|element| Some((element.partition(), element.offset().to_raw()?)))
                    .filter(|(_, offset)| *offset >= 0)
                    .collect();
                if ends.len() == partitions.len() {
                    return Ok(ends);
                }
            }
            self.listen();
            if let Some(error) = fault::hopeless(self.ear) {
                return Err(error);
            }
            if Instant::now() >= until {
                let what = format!("the ends of `{}` could not be asked for", self.topic);
                return Err(fault::unreachable(self.ear, &what));
            }
        }
    }
}
