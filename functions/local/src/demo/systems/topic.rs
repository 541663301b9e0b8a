//! The topic `shop.orders`: every announcement as JSON, with the order's id as the key.

use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::Value as Json;
use tokio::time::Instant;

use super::announcement::Announcement;
use super::lie::Lie;
use super::tell::System;

const TOPIC: &str = "shop.orders";
const LATE: Duration = Duration::from_secs(60);

pub(super) struct Topic {
    producer: FutureProducer,
    lie: Option<Lie>,
    /// Under [`Lie::OutOfOrder`]: what waits for a later announcement of its order.
    held: Vec<Announcement>,
    /// Under [`Lie::EventLate`]: what is sent when its time has come.
    late: Vec<(Instant, Announcement)>,
}

impl Topic {
    /// A producer for these brokers, a text with commas or a list.
    /// The topic is made when it is not there, for a flow may look for its end before the first order.
    pub(super) async fn open(brokers: &Json, lie: Option<Lie>) -> anyhow::Result<Self> {
        let brokers = match brokers {
            Json::Array(list) => list.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(","),
            other => other.as_str().context("a Kafka resource has `brokers`")?.to_owned(),
        };
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", brokers);
        let admin: AdminClient<DefaultClientContext> = config.create().context("make a Kafka client")?;
        let topic = NewTopic::new(TOPIC, 3, TopicReplication::Fixed(1));
        let made = admin.create_topics([&topic], &AdminOptions::new().operation_timeout(Some(Duration::from_secs(10))));
        match made.await.context("reach Kafka")?.into_iter().next() {
            None | Some(Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => {}
            Some(Err((_, error))) => anyhow::bail!("Kafka did not make the topic {TOPIC}: {error}"),
        }
        let producer = config
            .set("enable.idempotence", "true")
            .set("linger.ms", "0")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "500")
            .set("message.timeout.ms", "30000")
            .create()
            .context("make a Kafka producer")?;
        Ok(Self { producer, lie, held: Vec::new(), late: Vec::new() })
    }

    async fn send(&self, announcement: &Announcement) -> anyhow::Result<()> {
        let mut value = announcement.json();
        if self.lie == Some(Lie::WrongValue) && announcement.kind == "payment.settled" {
            value["totalCents"] = Json::from(announcement.cents + 1);
        }
        let key = if self.lie == Some(Lie::WrongKey) { "ord_another" } else { &announcement.order };
        let value = value.to_string();
        let headers = OwnedHeaders::new().insert(Header { key: "type", value: Some(&announcement.kind) });
        let record = FutureRecord::to(TOPIC).key(key).payload(&value).headers(headers);
        self.producer
            .send(record, Duration::from_secs(5))
            .await
            .map_err(|(error, _)| error)
            .context("send to Kafka")?;
        Ok(())
    }

    async fn send_what_is_late(&mut self) -> anyhow::Result<()> {
        while self.late.first().is_some_and(|(at, _)| *at <= Instant::now()) {
            let (_, announcement) = self.late.remove(0);
            self.send(&announcement).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl System for Topic {
    fn name(&self) -> &'static str {
        "kafka"
    }

    async fn hear(&mut self, announcement: &Announcement) -> anyhow::Result<()> {
        self.send_what_is_late().await?;
        match (self.lie, announcement.kind.as_str()) {
            (Some(Lie::EventMissing), "payment.settled") => Ok(()),
            (Some(Lie::EventLate), "payment.settled") => {
                self.late.push((Instant::now() + LATE, announcement.clone()));
                Ok(())
            }
            (Some(Lie::OutOfOrder), "order.placed") => {
                self.held.push(announcement.clone());
                Ok(())
            }
            _ => {
                self.send(announcement).await?;
                if self.lie == Some(Lie::EventDoubled) && announcement.kind == "payment.settled" {
                    self.send(announcement).await?;
                }
                if let Some(at) = self.held.iter().position(|held| held.order == announcement.order) {
                    let held = self.held.remove(at);
                    self.send(&held).await?;
                }
                Ok(())
            }
        }
    }
}
