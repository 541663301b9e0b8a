//! How an execution moves: messages become saved transitions, transitions become jobs, jobs become messages.
//!
//! - [`Dispatcher`] takes what happened to an execution, applies it, saves once, and then does what follows.
//! - [`Worker`] claims an attempt, lets its runner act, keeps the result, reports it.
//! - [`Watchdog`] finds what got lost on the way.
//!
//! No message is trusted: each may be lost, doubled, late or out of order. What is saved decides.

mod admission;
mod advance;
mod children;
mod dispatcher;
mod due;
mod effects;
mod fault;
mod pause;
mod recovery;
mod session;
mod settle;
mod undelivered;
mod watchdog;
mod worker;

pub(crate) use children::first;
pub use dispatcher::{Dispatcher, DispatcherOptions, ShortWait};
pub use settle::{Settle, Settled};
pub use watchdog::{Round, Watchdog};
pub use worker::{Worker, WorkerOptions};
