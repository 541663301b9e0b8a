//! The store in DynamoDB: on DynamoDB Local and on the emulator, and what only it promises.

mod cost;
mod faults;
mod rooms;
mod runs;
mod stream;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use assay_adapters::aws::dynamodb::{CLAIMS, DynamoExecutionStore, DynamoRecordFeed, TABLE, TableSchema};
use assay_app::ports::Clock;
use assay_services::Services;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;

use crate::samples::TestClock;
use crate::store::Opened;

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A configuration for what answers there, as `AWS_ENDPOINT_URL` and the usual variables would give it.
fn reached(url: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(aws_sdk_dynamodb::config::SharedCredentialsProvider::new(Credentials::new(
            "test", "test", None, None, "tests",
        )))
        .build()
}

/// A pair of tables of its own.
pub(crate) struct Tables {
    table: String,
    claims: String,
}

impl Tables {
    async fn made(config: &SdkConfig) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let table = format!("assay-{}-{number}", std::process::id());
        let tables = Self { claims: format!("{table}-claims"), table };
        let client = aws_sdk_dynamodb::Client::new(config);
        TABLE.create(&client, &tables.table).await.unwrap();
        // the clock of the tests stands in the past: what they claim would be cleared away
        let claims = TableSchema { expires: None, ..CLAIMS };
        claims.create(&client, &tables.claims).await.unwrap();
        tables
    }

    /// A store of this process on them.
    fn store(&self, config: &SdkConfig, clock: Arc<dyn Clock>, process: &str) -> Arc<DynamoExecutionStore> {
        let client = aws_sdk_dynamodb::Client::new(config);
        Arc::new(DynamoExecutionStore::new(client, &self.table, &self.claims, clock, process))
    }
}

async fn opened(url: &str) -> Opened {
    let (config, clock) = (reached(url), TestClock::new());
    let tables = Tables::made(&config).await;
    let store = tables.store(&config, clock.clone(), "node-1");
    let process = store.process().to_owned();
    let streams = aws_sdk_dynamodbstreams::Client::new(&config);
    let feed = Arc::new(DynamoRecordFeed::new(store.clone(), streams));
    Opened::of(store, feed, clock, process)
}

/// An empty store in DynamoDB Local.
pub(crate) async fn dynamodb() -> Opened {
    opened(Services::shared().dynamodb_url()).await
}

/// An empty store in the emulator of AWS.
pub(crate) async fn dynamodb_emulated() -> Opened {
    opened(Services::shared().aws_url()).await
}
