//! How the steps act: our own reader of the protocol, over the guard's connections.
//!
//! A target may be hostile, so what a reply may take is known before it is read: every byte and every value is paid from
//! one budget, and announced lengths are compared with what is left of it.

mod bounds;
mod client;
mod doing;
mod entry;
mod fault;
mod pool;
mod reader;
mod record;
mod reply;
mod runner;
mod session;
mod stream;
mod wait;
mod waiter;

pub(super) use client::Client;
