//! The steps that query stores of logs and numbers: against the real ones, and against clumsy and hostile targets.
#![expect(clippy::disallowed_methods, reason = "the targets of a test run beside it, and end with it")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "what surrounds a test is test code too")]

#[path = "../http/certificates.rs"]
#[expect(dead_code, reason = "the http step's tests use more of it")]
mod certificates;
mod fault_cases;
#[path = "../shared/fault_table.rs"]
mod fault_table;
mod faults;
mod guarded;
mod hostile;
mod log;
mod numbers;
#[path = "../shared/outside.rs"]
mod outside;
mod page;
mod secured;
mod surroundings;
mod systems;
#[path = "../http/target.rs"]
#[expect(dead_code, reason = "the http step's tests use more of it")]
mod target;
