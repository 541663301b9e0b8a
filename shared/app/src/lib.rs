//! Use cases, delivery, reports, and the ports they need.

pub mod delivery;
pub mod plans;
pub mod platform;
pub mod ports;
pub mod reports;
pub mod usecases;
pub mod view;
