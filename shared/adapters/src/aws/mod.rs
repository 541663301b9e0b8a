//! The platform's state on AWS: DynamoDB, SQS, S3 and KMS, or an emulator that speaks like them.

mod connect;
pub mod dynamodb;
mod error;
mod executions;
pub mod kms;
mod names;
pub mod s3;
pub mod sqs;
mod stack;

pub use aws_config::SdkConfig;
pub use connect::{Account, connect};
pub use error::AwsError;
pub use executions::executions;
pub use names::StackNames;
pub use stack::StackParts;
