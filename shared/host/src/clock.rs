//! The machine's clock.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl assay_app::ports::Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

impl assay_steps::contract::Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
