//! Use cases, delivery, reports, and the ports they need.

pub mod ports;
