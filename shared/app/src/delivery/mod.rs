//! How an execution moves: messages become saved transitions, transitions become jobs, jobs become messages.
//!
//! - [`Worker`] claims an attempt, lets its runner act, keeps the result, reports it.

mod pause;
mod worker;

pub use worker::{Settle, Worker, WorkerOptions};
