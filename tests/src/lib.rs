//! Tests of the whole: what several test binaries and tools share.

pub mod scenario;
pub mod simulator;
