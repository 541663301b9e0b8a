//! Flow versions, and the ones that were used last.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use assay_app::ports::PortError;
use assay_engine::bundle::Bundle;
use assay_engine::id::FlowVersionId;
use jiff::Timestamp;
use rusqlite::{Transaction, params};

use super::rows::{Statements as _, instant, json, nanos, plain, text};
use crate::lifetime::later;

/// An unused flow version stays for this long: somebody may be about to start it.
pub(super) const UNUSED: Duration = Duration::from_secs(3600);
const REMEMBERED: usize = 32;

/// The versions that were used last: every job of an execution asks for the same one.
#[derive(Default)]
pub(super) struct Remembered(Mutex<VecDeque<(FlowVersionId, Arc<Bundle>)>>);

impl Remembered {
    pub(super) fn get(&self, id: &FlowVersionId) -> Option<Arc<Bundle>> {
        let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.iter().find(|(known, _)| known == id).map(|(_, bundle)| Arc::clone(bundle))
    }

    pub(super) fn put(&self, id: &FlowVersionId, bundle: &Arc<Bundle>) {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.iter().all(|(known, _)| known != id) {
            remembered.push_front((id.clone(), Arc::clone(bundle)));
            remembered.truncate(REMEMBERED);
        }
    }
}

/// Keeps it; of one that is there, notes now and then that it is wanted.
pub(super) fn put(
    transaction: &Transaction<'_>,
    id: &FlowVersionId,
    bundle: &Bundle,
    now: Timestamp,
) -> Result<(), PortError> {
    let known = transaction.one("SELECT put_at FROM flow_versions WHERE id = ?1", [id.as_str()], |row| {
        plain::<i64>(row, 0).map(instant)
    })?;
    match known {
        Some(put_at) if later(put_at, UNUSED / 4) > now => {}
        Some(_) => {
            let values = params![nanos(now), id.as_str()];
            transaction.change("UPDATE flow_versions SET put_at = ?1 WHERE id = ?2", values)?;
        }
        None => {
            let values = params![id.as_str(), text(bundle)?, nanos(now)];
            transaction.change("INSERT INTO flow_versions (id, bundle, put_at) VALUES (?1, ?2, ?3)", values)?;
        }
    }
    Ok(())
}

pub(super) fn get(transaction: &Transaction<'_>, id: &FlowVersionId) -> Result<Option<Bundle>, PortError> {
    transaction.one("SELECT bundle FROM flow_versions WHERE id = ?1", [id.as_str()], |row| json(row, 0, "flow version"))
}
