//! The redis steps against a real server, and against clumsy and hostile ones, all on this machine.
#![expect(clippy::disallowed_methods, reason = "the targets of a test run beside it, and end with it")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "what surrounds a test is test code too")]

mod certificates;
mod expecting;
mod fault_cases;
#[path = "../shared/fault_table.rs"]
mod fault_table;
mod faults;
mod guarded;
mod kept;
mod outages;
#[path = "../shared/outside.rs"]
mod outside;
mod page;
mod replies;
mod signing;
mod surroundings;
mod target;
mod waiting_faults;
