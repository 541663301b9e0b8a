//! The http step against honest, clumsy and hostile targets, all on this machine.
#![expect(clippy::disallowed_methods, reason = "the targets of a test run beside it, and end with it")]

mod bodies;
mod certificates;
mod fault_cases;
mod faults;
mod honest;
mod surroundings;
mod target;
