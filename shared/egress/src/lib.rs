//! The egress guard: resolves, judges, connects. Every outgoing connection of a step goes through it.

/// The guard.
pub struct Egress {}
