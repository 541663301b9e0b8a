//! `scripts/services` and sets of one's own, against real servers.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test whose systems or script fail has failed")]

mod containers;
mod faults;
mod redis;
mod script;
mod sets;
