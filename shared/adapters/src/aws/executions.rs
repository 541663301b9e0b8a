//! The store of executions of a stack, from the configuration that every client is made of.

use std::sync::Arc;

use assay_app::ports::Clock;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;

use super::dynamodb::DynamoExecutionStore;

/// Executions in these tables; nothing is asked before the first call. `process` is unique among all processes, at all
/// times.
#[must_use]
pub fn executions(
    config: &SdkConfig,
    table: &str,
    claims: &str,
    clock: Arc<dyn Clock>,
    process: &str,
) -> DynamoExecutionStore {
    DynamoExecutionStore::new(Client::new(config), table, claims, clock, process)
}
