//! The state of an execution at hand: loaded, or kept from the batch before.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assay_engine::execution::{Execution, Head, PartId};
use assay_engine::id::ExecutionId;
use assay_engine::plan::Plan;

use crate::ports::Loaded;

/// A session that has loaded and saved this many parts starts anew, so that long executions do not fill the memory.
const MAX_PARTS: usize = 2_000;

/// An execution at hand.
pub(super) struct Session {
    pub(super) execution: Execution,
    pub(super) plan: Arc<Plan>,
    /// The version of the stored head that this is.
    pub(super) version: u64,
    /// This process has performed the effects of this version.
    pub(super) sent: bool,
    /// It was read from the store for this batch: what it says is not old.
    pub(super) fresh: bool,
    /// Parts loaded and saved so far.
    pub(super) weight: usize,
}

impl Session {
    pub(super) fn of(loaded: Loaded, plan: Arc<Plan>) -> Self {
        let sent = loaded.head.unsent.is_empty();
        let weight = loaded.parts.len();
        let execution = Execution::restore(loaded.head, loaded.parts, loaded.absent);
        Self { execution, plan, version: loaded.version, sent, fresh: true, weight }
    }

    pub(super) fn head(&self) -> &Head {
        self.execution.head()
    }

    pub(super) fn provide(&mut self, loaded: Loaded) {
        self.weight += loaded.parts.len();
        self.execution.provide(loaded.parts, loaded.absent);
    }
}

/// Sessions kept between two batches. Keeping one saves the loading; safety comes from the compare-and-set.
pub(super) struct Sessions {
    limit: usize,
    kept: Mutex<HashMap<ExecutionId, Session>>,
    /// The version of each execution whose effects this process has performed last. It outlasts a session that a
    /// failed save has made doubtful: what was sent is not sent again with each try.
    sent: Mutex<HashMap<ExecutionId, u64>>,
}

impl Sessions {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, kept: Mutex::default(), sent: Mutex::default() }
    }

    /// Takes a session out; whoever took it puts it back unless it has become doubtful.
    pub(super) fn take(&self, id: &ExecutionId) -> Option<Session> {
        let mut session = self.kept().remove(id)?;
        session.fresh = false;
        Some(session)
    }

    /// The effects of the session's version are performed.
    pub(super) fn note_sent(&self, session: &mut Session) {
        session.execution.mark_sent();
        session.sent = true;
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if session.head().status.ended() {
            sent.remove(&session.head().id);
            return;
        }
        if sent.len() >= self.limit.max(1) * 8
            && let Some(any) = sent.keys().next().cloned()
        {
            sent.remove(&any);
        }
        sent.insert(session.head().id.clone(), session.version);
    }

    /// A session that was loaded anew, with what this process knows of its effects.
    pub(super) fn known(&self, mut session: Session) -> Session {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.get(&session.head().id) == Some(&session.version) {
            session.execution.mark_sent();
            session.sent = true;
        }
        session
    }

    pub(super) fn put(&self, session: Session) {
        if self.limit == 0 || session.weight > MAX_PARTS || session.head().status.ended() {
            return;
        }
        let mut kept = self.kept();
        if kept.len() >= self.limit
            && let Some(any) = kept.keys().next().cloned()
        {
            kept.remove(&any);
        }
        kept.insert(session.head().id.clone(), session);
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<ExecutionId, Session>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a session lacks, without doubles.
pub(super) fn distinct(parts: Vec<PartId>) -> Vec<PartId> {
    parts.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}
