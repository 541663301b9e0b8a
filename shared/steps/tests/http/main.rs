//! The http step against honest, clumsy and hostile targets, all on this machine.
#![expect(clippy::disallowed_methods, reason = "the targets of a test run beside it, and end with it")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "what surrounds a test is test code too")]

mod bodies;
mod certificates;
mod fault_cases;
#[path = "../shared/fault_table.rs"]
mod fault_table;
mod faults;
mod guarded;
mod honest;
mod kept;
#[path = "../shared/outside.rs"]
mod outside;
mod page;
mod secured;
mod sessions;
mod spellings;
mod surroundings;
mod target;
