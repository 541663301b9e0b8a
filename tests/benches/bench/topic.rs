//! Topics of the benches, made and filled where they are not yet.

use std::time::Duration;

use assay_services::Services;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};

const PATIENCE: Duration = Duration::from_secs(30);

fn config() -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers());
    config
}

/// Where the brokers are.
pub(crate) fn brokers() -> &'static str {
    Services::shared().kafka_plain()
}

/// Makes the topic, unless it is there.
pub(crate) fn make(name: &str, partitions: i32) {
    let admin: AdminClient<DefaultClientContext> = config().create().unwrap();
    let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    let topics = [topic];
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
    let made = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let made = made.block_on(admin.create_topics(&topics, &options)).unwrap();
    match &made[0] {
        Ok(_) | Err((_, Code::TopicAlreadyExists)) => {}
        Err((_, code)) => panic!("the topic {name} could not be made: {code}"),
    }
    // Asked until every partition has its leader.
    for _ in 0..1_000 {
        let found = admin.inner().fetch_metadata(Some(name), PATIENCE).unwrap();
        let leaders = found.topics()[0].partitions().iter().filter(|one| one.leader() >= 0).count();
        if leaders == usize::try_from(partitions).unwrap() {
            return;
        }
    }
    panic!("the topic {name} has no leaders");
}

/// Writes messages to partition 0 until there are so many; `value` makes each from its offset.
pub(crate) fn fill(name: &str, messages: u64, value: impl Fn(u64) -> String) {
    let asking: BaseConsumer = config().create().unwrap();
    let (_, end) = asking.fetch_watermarks(name, 0, PATIENCE).unwrap();
    let there = u64::try_from(end).unwrap();
    if there >= messages {
        return;
    }
    println!("  writing {} messages", messages - there);
    let mut config = config();
    config.set("enable.idempotence", "true").set("linger.ms", "20").set("batch.size", "1000000");
    config.set("queue.buffering.max.messages", "100000");
    let producer: ThreadedProducer<DefaultProducerContext> = config.create().unwrap();
    for number in there..messages {
        let value = value(number);
        let mut record = BaseRecord::<(), _>::to(name).partition(0).payload(&value);
        while let Err((error, back)) = producer.send(record) {
            assert_eq!(error, KafkaError::MessageProduction(Code::QueueFull));
            producer.poll(Duration::from_millis(10));
            record = back;
        }
    }
    producer.flush(PATIENCE).unwrap();
    let (_, end) = asking.fetch_watermarks(name, 0, PATIENCE).unwrap();
    assert_eq!(u64::try_from(end).unwrap(), messages, "each message is written once");
}
