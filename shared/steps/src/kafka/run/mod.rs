//! How the steps act: librdkafka, told what to do on threads that may wait.
//!
//! librdkafka dials by itself, so every address that it may dial is judged by the guard before it is used: the brokers of
//! `with`, and those that the cluster advertises, each time they are asked for.

mod cluster;
mod ear;
mod expect;
mod fault;
mod hunt;
mod kept;
mod probe;
mod publish;
mod record;
mod reins;
mod target;

pub(super) use expect::Lookers;
pub(super) use publish::Producers;
