//! How executions survive: each rule of delivery, shown on ports in memory that lose, double, delay and deny.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test whose world cannot be built has failed")]

mod children;
mod claims;
mod faults;
mod flow;
mod messages;
mod starts;
mod stops;
mod timers;
mod unsent;
mod watching;
mod world;
