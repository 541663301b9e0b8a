//! The parts of a stack, found by its name alone.

use std::sync::Arc;

use assay_app::ports::{Clock, PortError, QueueName};

use super::dynamodb::DynamoExecutionStore;
use super::kms::KmsSecretBox;
use super::s3::S3BlobStore;
use super::sqs::{SqsOptions, SqsWorkQueue, find};
use super::{Account, StackNames, connect};

/// The ports of a stack, for whoever has credentials of its account.
pub struct StackParts {
    /// Executions.
    pub store: Arc<DynamoExecutionStore>,
    /// Messages.
    pub queue: Arc<SqsWorkQueue>,
    /// Artifacts.
    pub blobs: Arc<S3BlobStore>,
    /// Seals for its step functions.
    pub secret_box: Arc<KmsSecretBox>,
    /// The account that it is in.
    pub account: String,
    /// The region that it is in.
    pub region: String,
}

impl StackParts {
    /// Finds the stack: one question, for the address of its dispatcher's queue, which tells the account. `process` is
    /// unique among all that write to its tables; `steps` are the step queues to listen to.
    ///
    /// # Errors
    /// When there is no such stack, or it cannot be asked: see [`super::AwsError`].
    pub async fn find(
        account: &Account,
        names: StackNames,
        steps: Vec<QueueName>,
        clock: Arc<dyn Clock>,
        process: &str,
    ) -> Result<Self, PortError> {
        let config = connect(account).await;
        let stack = names.stack();
        let Some(region) = config.region().map(ToString::to_string) else {
            return Err(PortError::permanent(format!(
                "find the stack {stack}: no region is named, neither by AWS_REGION nor by a profile"
            )));
        };
        let found = find(&config, &names)
            .await
            .map_err(|error| PortError { message: format!("find the stack {stack} in {region}"), ..error })?;
        let blobs = Arc::new(S3BlobStore::new(&config, names.bucket(&found.account, &region)));
        let client = aws_sdk_dynamodb::Client::new(&config);
        let (table, claims) = (names.table(), names.claims_table());
        let store = DynamoExecutionStore::new(client, &table, &claims, clock.clone(), process);
        let secret_box = Arc::new(KmsSecretBox::new(&config, names.key_alias()));
        let options = SqsOptions { steps, addresses: Some(found.addresses) };
        let queue = Arc::new(SqsWorkQueue::new(&config, names, options, blobs.clone(), clock));
        Ok(Self { store: Arc::new(store), queue, blobs, secret_box, account: found.account, region })
    }
}
