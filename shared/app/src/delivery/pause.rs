//! How long to wait before something that failed is tried again.

use std::time::Duration;

use crate::ports::{PortError, PortErrorClass};

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(30);

/// 200 ms, doubled with each delivery, at most 30 s.
pub(crate) fn failed_delivery_pause(attempt: u32) -> Duration {
    FIRST.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(LONGEST)
}

/// What the error asks for, else [`failed_delivery_pause`].
pub(crate) fn pause_after(error: &PortError, attempt: u32) -> Duration {
    match error.class {
        PortErrorClass::Retry { after: Some(after) } => after,
        _ => failed_delivery_pause(attempt),
    }
}
