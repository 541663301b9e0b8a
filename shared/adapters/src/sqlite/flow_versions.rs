//! Flow versions, and the ones that were used last.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use assay_app::ports::PortError;
use assay_engine::bundle::Bundle;
use assay_engine::id::FlowVersionId;
use jiff::Timestamp;
use rusqlite::{Transaction, params};

use super::rows::{Statements as _, instant, json, nanos, plain};
use crate::lifetime::later;

/// An unused flow version stays for this long: somebody may be about to start it.
pub(super) const UNUSED: Duration = Duration::from_secs(3600);
const REMEMBERED: usize = 32;
const NOTED: usize = 4096;

/// What this process knows of flow versions.
#[derive(Default)]
pub(super) struct Remembered {
    /// Those that were used last: every job of an execution asks for the same one.
    used: Mutex<VecDeque<(FlowVersionId, Arc<Bundle>)>>,
    /// When this process has put them in last.
    put: Mutex<HashMap<FlowVersionId, Timestamp>>,
}

impl Remembered {
    pub(super) fn get(&self, id: &FlowVersionId) -> Option<Arc<Bundle>> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.iter().find(|(known, _)| known == id).map(|(_, bundle)| Arc::clone(bundle))
    }

    pub(super) fn use_it(&self, id: &FlowVersionId, bundle: &Arc<Bundle>) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.iter().all(|(known, _)| known != id) {
            used.push_front((id.clone(), Arc::clone(bundle)));
            used.truncate(REMEMBERED);
        }
    }

    /// Whether it was put in so lately that nobody can have removed it, and nothing is to be noted.
    pub(super) fn was_put(&self, id: &FlowVersionId, now: Timestamp) -> bool {
        let put = self.put.lock().unwrap_or_else(PoisonError::into_inner);
        put.get(id).is_some_and(|at| is_recent(*at, now))
    }

    pub(super) fn note_put(&self, id: &FlowVersionId, now: Timestamp) {
        let mut put = self.put.lock().unwrap_or_else(PoisonError::into_inner);
        if put.len() >= NOTED {
            put.retain(|_, at| is_recent(*at, now));
        }
        if put.len() < NOTED {
            put.insert(id.clone(), now);
        }
    }
}

/// Its time need not be noted again.
fn is_recent(put_at: Timestamp, now: Timestamp) -> bool {
    later(put_at, UNUSED / 4) > now
}

/// Keeps it; of one that is there, notes now and then that it is wanted.
pub(super) fn put(
    transaction: &Transaction<'_>,
    id: &FlowVersionId,
    bundle: &str,
    now: Timestamp,
) -> Result<(), PortError> {
    let known = transaction.one("SELECT put_at FROM flow_versions WHERE id = ?1", [id.as_str()], |row| {
        plain::<i64>(row, 0).map(instant)
    })?;
    match known {
        Some(put_at) if is_recent(put_at, now) => {}
        Some(_) => {
            let values = params![nanos(now), id.as_str()];
            transaction.change("UPDATE flow_versions SET put_at = ?1 WHERE id = ?2", values)?;
        }
        None => {
            let values = params![id.as_str(), bundle, nanos(now)];
            transaction.change("INSERT INTO flow_versions (id, bundle, put_at) VALUES (?1, ?2, ?3)", values)?;
        }
    }
    Ok(())
}

pub(super) fn get(transaction: &Transaction<'_>, id: &FlowVersionId) -> Result<Option<Bundle>, PortError> {
    transaction.one("SELECT bundle FROM flow_versions WHERE id = ?1", [id.as_str()], |row| json(row, 0, "flow version"))
}
