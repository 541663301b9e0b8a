//! The kafka steps against a real broker, as `scripts/services` starts it.
#![expect(clippy::disallowed_methods, reason = "what a test does beside the step runs beside it, and ends with it")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "what surrounds a test is test code too")]

mod cluster;
mod fault_cases;
#[path = "../shared/fault_table.rs"]
mod fault_table;
mod faults;
mod guarded;
mod outages;
#[path = "../shared/outside.rs"]
mod outside;
mod publishing;
mod surroundings;
mod turns;
mod waiting;
