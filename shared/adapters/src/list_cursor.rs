//! Where a list of executions goes on: behind the last one that was shown, by creation and id.

use assay_app::ports::{ExecutionSummary, Page, PortError};
use assay_engine::id::ExecutionId;
use jiff::Timestamp;

/// Executions of a page, unless the caller says.
const PAGE: usize = 50;
/// The most of a page.
const LARGEST_PAGE: usize = 1000;

/// Asked for, within bounds.
pub(crate) fn page_size(limit: usize) -> usize {
    if limit == 0 { PAGE } else { limit.min(LARGEST_PAGE) }
}

/// The place behind this execution.
fn write(created_at: Timestamp, id: &ExecutionId) -> String {
    format!("{}.{id}", created_at.as_nanosecond())
}

/// The place that a text names.
pub(crate) fn read(text: &str) -> Result<(Timestamp, ExecutionId), PortError> {
    let parsed = text.split_once('.').and_then(|(nanos, id)| {
        let at = Timestamp::from_nanosecond(nanos.parse().ok()?).ok()?;
        Some((at, id.parse().ok()?))
    });
    parsed.ok_or_else(|| PortError::permanent("go on behind that cursor: no list of executions has made it"))
}

/// A page of what was found, newest first; one more than the page was looked for, so that it is known to go on.
pub(crate) fn page(mut found: Vec<ExecutionSummary>, limit: usize) -> Page {
    let size = page_size(limit);
    let more = found.len() > size;
    found.truncate(size);
    let last = found.last().filter(|_| more);
    let next = last.map(|last| write(last.created_at, &last.id));
    Page { executions: found, next }
}
