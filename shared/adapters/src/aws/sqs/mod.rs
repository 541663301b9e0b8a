//! Messages on SQS.
//!
//! | queue | kind | group | |
//! |---|---|---|---|
//! | dispatcher | FIFO | the execution | two dispatchers never work on one execution |
//! | one for each word of step types | standard | the organization (fair queues) | who sends much keeps nobody else waiting |
//! | timers | standard | the organization or execution | what a FIFO queue cannot: delays; also any delay beyond SQS's 15 minutes, in hops |
//!
//! A body is JSON, `{"assay": 1, "message": ..}`. One of more than 256 KiB lies in the blob store, and its message says where.
//! What cannot be read is set aside: it goes to the queue's dead-letter queue with a reason, and never loops or crashes.

mod dead;
mod name;
mod polls;
mod queue;
mod receive;
mod send;
mod settle;
mod timers;
mod wire;

pub use dead::Unreadable;
pub use name::{Found, find};
pub use queue::{SqsOptions, SqsWorkQueue};
