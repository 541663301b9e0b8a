//! Writing one record.

use std::sync::Arc;

use async_trait::async_trait;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use serde_json::{Map, json};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::cluster::{Asking, PATIENCE};
use super::ear::Ear;
use super::fault;
use super::kept::Kept;
use super::reins::Reins;
use super::target::Target;
use crate::contract::{Output, StepContext, StepError, StepErrorClass as Class, StepOutcome, StepRunner};
use crate::http::Scalar;
use crate::kafka::{KafkaPublish, PublishConfig};

/// The largest record that is offered to a broker, which has its own limit.
const LARGEST: usize = 64 << 20;
/// How long an acknowledgement may take.
const ACKNOWLEDGED_IN: &str = "20000";

/// A producer, and what it says.
pub(in crate::kafka) struct Producer {
    client: FutureProducer<Ear>,
    ear: Ear,
}

/// The producers of a process.
#[derive(Default)]
pub(in crate::kafka) struct Producers(Arc<Kept<Producer>>);

#[async_trait]
impl StepRunner for KafkaPublish {
    async fn run(&self, config: PublishConfig, cx: &StepContext) -> Result<StepOutcome, StepError> {
        let value = value_of(&config)?;
        let key = config.key.as_ref().map(|key| key.text().into_owned());
        let what = format!("writing to `{}`", config.topic);
        if value.as_ref().map_or(0, Vec::len) > LARGEST {
            return Err(fault::answered(rdkafka::error::RDKafkaErrorCode::MessageSizeTooLarge, &config.topic, &what));
        }
        let target = Target::read(config.brokers.clone(), config.sasl.clone(), config.tls.as_ref(), cx.files.as_ref());
        let target = target.await?;
        let producer = self.producer(&config, target, cx).await?;
        let mut record: FutureRecord<'_, String, Vec<u8>> = FutureRecord::to(&config.topic);
        record.key = key.as_ref();
        record.payload = value.as_ref();
        record.partition = config.partition.map(|partition| i32::try_from(partition).unwrap_or(i32::MAX));
        record.timestamp = config.timestamp.map(|time| time.0);
        let headers: Vec<(String, String)> =
            config.headers.iter().map(|(name, value)| (name.to_owned(), value.into_owned())).collect();
        if !headers.is_empty() {
            let all = headers.iter().fold(OwnedHeaders::new_with_capacity(headers.len()), |all, (key, value)| {
                all.insert(Header { key, value: Some(value) })
            });
            record = record.headers(all);
        }
        let sent = producer.client.send_result(record).map_err(|(error, _)| match error.rdkafka_error_code() {
            Some(code) => fault::answered(code, &config.topic, &what),
            None => StepError::bug(format!("{what}: {error}")),
        })?;
        let delivered = tokio::select! {
            delivered = sent => delivered,
            () = cx.stop.cancelled() => {
                let message = format!("stopped while {what}: it may have been written");
                return Err(StepError::new(Class::Stopped, "step.stopped", message));
            }
        };
        match delivered {
            Ok(Ok(delivery)) => {
                let mut fields = Map::new();
                fields.insert("partition".into(), delivery.partition.into());
                fields.insert("offset".into(), delivery.offset.into());
                fields.insert("timestamp".into(), delivery.timestamp.to_millis().into());
                Ok(StepOutcome::Done(Output {
                    fields,
                    sent: Some(evidence(&config, key.as_deref())),
                    ..Output::default()
                }))
            }
            Ok(Err((error, _))) => {
                if producer.client.client().fatal_error().is_some() {
                    self.producers.0.forget(&producer);
                }
                Err(match error.rdkafka_error_code() {
                    Some(code) => fault::answered(code, &config.topic, &what),
                    None => fault::unacknowledged(&what),
                })
            }
            Err(_) => Err(fault::unacknowledged(&what)),
        }
    }
}

impl KafkaPublish {
    /// The producer for this target, once the topic and its partition are known to be there.
    async fn producer(
        &self,
        config: &PublishConfig,
        target: Target,
        cx: &StepContext,
    ) -> Result<Arc<Producer>, StepError> {
        let bootstrap = target.bootstrap(&cx.egress).await?;
        let id = target.id(cx.egress.owner(), &bootstrap);
        let reins = Reins::new(cx);
        let (kept, egress, runtime) = (self.producers.0.clone(), cx.egress.clone(), Handle::current());
        let (topic, partition) = (config.topic.clone(), config.partition);
        let held = reins.clone();
        reins
            .run(move || {
                let producer = kept.get(id, || make(&target, &bootstrap))?;
                let asking = Asking {
                    topic: &topic,
                    egress: &egress,
                    runtime: &runtime,
                    reins: &held,
                    ear: &producer.ear,
                    looker: None,
                };
                let partitions = asking
                    .partitions(producer.client.client(), Instant::now() + PATIENCE)
                    .inspect_err(|_| kept.forget(&producer))?;
                producer.ear.forget();
                if let Some(wanted) = partition
                    && !partitions.iter().any(|known| u32::try_from(*known) == Ok(wanted))
                {
                    let message = format!("`{topic}` has no partition {wanted}, only {} of them", partitions.len());
                    return Err(StepError::new(Class::Permanent, "kafka.partition", message));
                }
                Ok(producer)
            })
            .await
    }
}

fn make(target: &Target, bootstrap: &[String]) -> Result<Producer, StepError> {
    let mut config = target.config(bootstrap);
    config
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "0")
        .set("delivery.timeout.ms", ACKNOWLEDGED_IN)
        .set("message.max.bytes", LARGEST.to_string())
        .set("queue.buffering.max.kbytes", "262144")
        .set("partitioner", "murmur2_random");
    let ear = Ear::default();
    let client = config.create_with_context(ear.clone()).map_err(|error| fault::client(&error))?;
    Ok(Producer { client, ear })
}

/// The bytes of the value; none for a tombstone.
fn value_of(config: &PublishConfig) -> Result<Option<Vec<u8>>, StepError> {
    match (&config.value, &config.json) {
        (Some(value), None) => Ok(value.as_ref().map(|value: &Scalar| value.text().into_owned().into_bytes())),
        (None, Some(json)) => {
            let bytes = serde_json::to_vec(json).map_err(|error| StepError::bug(format!("write JSON: {error}")))?;
            Ok(Some(bytes))
        }
        (None, None) => Err(fault::request("there is no value: give `json` or `value`; null is a tombstone")),
        (Some(_), Some(_)) => Err(fault::request("there are two values: keep `json` or `value`")),
    }
}

/// What was sent, for people.
fn evidence(config: &PublishConfig, key: Option<&str>) -> serde_json::Value {
    let value = match (&config.json, &config.value) {
        (Some(json), _) => json.clone(),
        (None, Some(Some(value))) => value.text().chars().take(1024).collect::<String>().into(),
        _ => serde_json::Value::Null,
    };
    let headers: Vec<String> = config.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    json!({"topic": config.topic, "key": key, "value": value, "headers": headers})
}
