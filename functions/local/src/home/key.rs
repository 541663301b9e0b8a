//! Keys that no other process makes too.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use jiff::Timestamp;

/// A key that is unique and sorts by the time at which it was made.
pub(crate) fn unique_key() -> String {
    format!("{:012x}-{:016x}", Timestamp::now().as_millisecond(), random())
}

/// A number that cannot be foretold: the standard library seeds its hash tables from the operating system.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
