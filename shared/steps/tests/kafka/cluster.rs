//! What a test does to a cluster besides the step.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use assay_services::Services;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::Value as Json;

static TOPICS: AtomicU32 = AtomicU32::new(0);

/// A cluster, asked as an administrator.
pub(crate) struct Cluster {
    pub(crate) brokers: String,
}

/// The cluster that all tests share.
pub(crate) fn shared() -> Cluster {
    Cluster { brokers: Services::shared().kafka_plain().to_owned() }
}

impl Cluster {
    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set("linger.ms", "0").set("message.max.bytes", "50000000");
        config
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.config().create().unwrap()
    }

    /// A name that no other test has.
    pub(crate) fn name() -> String {
        let number = TOPICS.fetch_add(1, Ordering::Relaxed);
        format!("steps-{}-{}-{number}", std::process::id(), jiff::Timestamp::now().as_microsecond())
    }

    /// A new topic, ready to be used.
    pub(crate) async fn topic(&self, partitions: i32) -> String {
        self.topic_with(partitions, &[]).await
    }

    pub(crate) async fn topic_with(&self, partitions: i32, settings: &[(&str, &str)]) -> String {
        let name = Self::name();
        self.create(&name, partitions, settings).await;
        name
    }

    pub(crate) async fn create(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) {
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        let topic = settings.iter().fold(topic, |topic, (key, value)| topic.set(key, value));
        let made = self.admin().create_topics([&topic], &AdminOptions::new()).await.unwrap();
        made.into_iter().for_each(|one| drop(one.unwrap()));
        self.until_there(name, usize::try_from(partitions).unwrap()).await;
    }

    /// Until every partition has a leader.
    async fn until_there(&self, name: &str, partitions: usize) {
        let producer: FutureProducer = self.config().create().unwrap();
        let name = name.to_owned();
        let there = tokio::task::spawn_blocking(move || {
            let deadline = std::time::Duration::from_secs(15);
            let start = tokio::time::Instant::now();
            while start.elapsed() < deadline {
                let found = producer.client().fetch_metadata(Some(&name), Duration::from_secs(2));
                if let Ok(found) = found
                    && let Some(topic) = found.topics().first()
                    && topic.partitions().iter().filter(|one| one.leader() >= 0).count() == partitions
                {
                    return true;
                }
            }
            false
        });
        assert!(there.await.unwrap(), "the topic did not come up");
    }

    pub(crate) async fn delete(&self, name: &str) {
        let gone = self.admin().delete_topics(&[name], &AdminOptions::new()).await.unwrap();
        gone.into_iter().for_each(|one| drop(one.unwrap()));
    }

    pub(crate) async fn grow(&self, name: &str, partitions: usize) {
        let more = NewPartitions::new(name, partitions);
        let grown = self.admin().create_partitions([&more], &AdminOptions::new()).await.unwrap();
        grown.into_iter().for_each(|one| drop(one.unwrap()));
        self.until_there(name, partitions).await;
    }

    /// Removes everything before an offset.
    pub(crate) async fn truncate(&self, name: &str, partition: i32, before: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(name, partition, Offset::Offset(before)).unwrap();
        self.admin().delete_records(&list, &AdminOptions::new()).await.unwrap();
    }

    pub(crate) fn producer(&self) -> FutureProducer {
        self.config().create().unwrap()
    }

    /// Writes raw bytes; none is a tombstone.
    pub(crate) async fn write(&self, topic: &str, partition: i32, value: Option<&[u8]>) -> i64 {
        let producer = self.producer();
        let headers = OwnedHeaders::new().insert(Header { key: "source", value: Some("test") });
        let mut record: FutureRecord<'_, str, [u8]> =
            FutureRecord::to(topic).partition(partition).key("k").headers(headers);
        record.payload = value;
        producer.send(record, Duration::from_secs(10)).await.unwrap().offset
    }

    pub(crate) async fn write_json(&self, topic: &str, values: &[Json]) {
        let producer = self.producer();
        let mut sent = Vec::new();
        for value in values {
            let bytes = value.to_string();
            let record: FutureRecord<'_, str, str> = FutureRecord::to(topic).partition(0).payload(&bytes);
            sent.push(producer.send_result(record).unwrap());
        }
        for one in sent {
            one.await.unwrap().unwrap();
        }
    }

    /// A producer of transactions.
    pub(crate) fn transactional(&self, id: &str) -> FutureProducer {
        self.config().set("transactional.id", id).create().unwrap()
    }
}
