//! Use cases, delivery, reports, and the ports they need.

pub mod delivery;
pub mod ports;
