//! The cache: a Redis hash `app:order:ID` for each order, and the stream `app:orders` of what happened.

use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::{Client, ConnectionInfo, IntoConnectionInfo as _};

use super::announcement::Announcement;
use super::lie::Lie;
use super::tell::System;

const STREAM: &str = "app:orders";
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Cache {
    client: Client,
    connection: Option<MultiplexedConnection>,
    lie: Option<Lie>,
}

impl Cache {
    /// The cache at this address.
    pub(super) fn open(
        url: &str,
        user: Option<&str>,
        password: Option<&str>,
        lie: Option<Lie>,
    ) -> anyhow::Result<Self> {
        let mut info: ConnectionInfo = url.into_connection_info().context("read the cache's url")?;
        let mut redis = info.redis_settings().clone();
        if let Some(user) = user {
            redis = redis.set_username(user);
        }
        if let Some(password) = password {
            redis = redis.set_password(password);
        }
        info = info.set_redis_settings(redis);
        Ok(Self { client: Client::open(info).context("read the cache's url")?, connection: None, lie })
    }

    async fn write(&mut self, announcement: &Announcement) -> anyhow::Result<()> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let opened = tokio::time::timeout(PATIENCE, self.client.get_multiplexed_async_connection());
                none.insert(opened.await.context("connect to the cache in time")?.context("connect to the cache")?)
            }
        };
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        if self.lie != Some(Lie::CacheStale) || announcement.kind == "order.placed" {
            let fields = [("status", announcement.status()), ("reference", &announcement.reference)];
            let key = format!("app:order:{}", announcement.order);
            pipeline.hset_multiple(&key, &fields).ignore();
            pipeline.hset(&key, "totalCents", announcement.cents).ignore();
            pipeline.expire(&key, 3_600).ignore();
        }
        let entry = [("type", &announcement.kind), ("orderId", &announcement.order)];
        pipeline.xadd_maxlen(STREAM, redis::streams::StreamMaxlen::Approx(100_000), "*", &entry).ignore();
        let wrote = tokio::time::timeout(PATIENCE, pipeline.query_async::<()>(connection));
        wrote.await.context("write to the cache in time")?.context("write to the cache")
    }
}

#[async_trait]
impl System for Cache {
    fn name(&self) -> &'static str {
        "redis"
    }

    async fn hear(&mut self, announcement: &Announcement) -> anyhow::Result<()> {
        let wrote = self.write(announcement).await;
        if wrote.is_err() {
            self.connection = None;
        }
        wrote
    }
}
