//! The systems around the shop: what an order leaves behind in a ledger, a topic, a cache, a log and the metrics, when the
//! shop was told of such systems.

mod announcement;
mod cache;
mod ledger;
mod lie;
mod logs;
mod metrics;
mod start;
mod tell;
mod topic;

pub(super) use announcement::Announcement;
pub(crate) use lie::Lie;
pub(super) use metrics::metrics;
pub(crate) use start::Systems;
