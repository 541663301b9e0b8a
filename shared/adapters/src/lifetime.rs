//! What every store of executions derives the same way: when a lease is over, when somebody must look, whether records
//! go on, how an execution that is set aside ends.

use std::sync::Arc;
use std::time::Duration;

use assay_app::ports::PortError;
use assay_engine::execution::Head;
use assay_engine::id::ExecutionId;
use assay_engine::record::Record;
use assay_engine::status::ExecutionStatus;
use jiff::Timestamp;

/// How long a new execution may lie before the watchdog looks at it.
const FIRST_LOOK: Duration = Duration::from_secs(30);

/// This much later; the end of time when that is beyond it.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// When somebody must look at a new execution: at what the caller says, and soon, since whoever created it may be
/// gone before telling anyone.
pub(crate) fn first_due(head: &Head, due: Option<Timestamp>) -> Option<Timestamp> {
    let look = later(head.created_at, FIRST_LOOK);
    if head.status.ended() { due } else { Some(due.or_else(|| head.due()).map_or(look, |due| due.min(look))) }
}

/// When somebody must look at a saved one. An unfinished execution always has a due time, whatever the caller forgot.
pub(crate) fn next_due(head: &Head, due: Option<Timestamp>) -> Option<Timestamp> {
    if head.status.ended() { due } else { Some(due.or_else(|| head.due()).unwrap_or(head.now)) }
}

/// When it ended, for a head that says it has.
pub(crate) fn ended_at(head: &Head) -> Option<Timestamp> {
    head.status.ended().then(|| head.ended_at.unwrap_or(head.now))
}

/// Ends a head whose execution is set aside: nothing more will happen to it.
pub(crate) fn set_aside(head: &mut Head, last_seq: u64, at: Timestamp) {
    head.status = ExecutionStatus::Errored;
    head.ended_at = Some(at);
    head.now = head.now.max(at);
    head.last_seq = last_seq;
    head.timers.clear();
    head.unsent.clear();
}

/// Records are numbered on from the stored ones, without gaps.
pub(crate) fn check_numbers(last: u64, id: &ExecutionId, records: &[Arc<Record>]) -> Result<(), PortError> {
    let fits = records.iter().zip(last + 1..).all(|(record, seq)| record.seq == seq && record.execution == *id);
    fits.then_some(()).ok_or_else(|| PortError::bug(format!("save records of {id}: they do not go on after {last}")))
}
