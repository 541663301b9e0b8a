//! Time.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// The clock of this process; where the store has one, the store's is used for leases and `now`.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
    /// Comes back after this long.
    async fn sleep(&self, duration: Duration);
}
