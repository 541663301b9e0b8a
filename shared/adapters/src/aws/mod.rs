//! The platform's state on AWS: DynamoDB, SQS, S3 and KMS, or an emulator that speaks like them.

mod connect;
pub mod dynamodb;
mod names;

pub use connect::{Account, connect};
pub use names::StackNames;
