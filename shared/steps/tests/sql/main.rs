//! The sql step against real databases and against servers that lie.
#![expect(clippy::disallowed_methods, reason = "the targets of a test run beside it, and end with it")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "what surrounds a test is test code too")]

mod fault_cases;
#[path = "../shared/fault_table.rs"]
mod fault_table;
mod faults;
mod guarded;
mod liar;
mod logins;
mod mariadb;
mod mutations;
#[path = "../shared/outside.rs"]
mod outside;
mod page;
mod postgres;
mod restarts;
mod sessions;
mod sqlite;
mod surroundings;
