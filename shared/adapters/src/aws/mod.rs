//! The platform's state on AWS: DynamoDB, SQS, S3 and KMS, or an emulator that speaks like them.

mod connect;
pub mod dynamodb;
mod error;
pub mod kms;
mod names;
pub mod s3;
pub mod sqs;

pub use connect::{Account, connect};
pub use error::AwsError;
pub use names::StackNames;
