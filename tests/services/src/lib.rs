//! The real systems that tests talk to, as `scripts/services` has started them.
