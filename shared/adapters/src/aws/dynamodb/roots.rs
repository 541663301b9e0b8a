//! Roots that this process has read or written last: a save goes on from one without reading it again.
//!
//! They are no more than a guess at what is stored: every save is conditioned on the version.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assay_engine::id::ExecutionId;

use super::root::Root;

/// Bytes of all of them.
const LARGEST: usize = 32 << 20;

/// See the module.
#[derive(Default)]
pub(super) struct Roots(Mutex<State>);

#[derive(Default)]
struct State {
    known: HashMap<ExecutionId, (Arc<Root>, u64)>,
    /// Oldest first; an entry with another number than the known one's is of the past.
    order: VecDeque<(ExecutionId, u64)>,
    number: u64,
    size: usize,
}

impl Roots {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The root, if it has this version.
    pub(super) fn at(&self, id: &ExecutionId, version: u64) -> Option<Arc<Root>> {
        let state = self.state();
        state.known.get(id).map(|(root, _)| Arc::clone(root)).filter(|root| root.version == version)
    }

    pub(super) fn keep(&self, root: Arc<Root>) {
        let mut state = self.state();
        state.forget(&root.id);
        let size = root.image.size();
        if size > LARGEST / 8 {
            return;
        }
        state.number += 1;
        state.size += size;
        let number = state.number;
        state.order.push_back((root.id.clone(), number));
        state.known.insert(root.id.clone(), (root, number));
        while state.size > LARGEST || state.order.len() > 2 * state.known.len() + 64 {
            let Some((id, number)) = state.order.pop_front() else { return };
            if state.known.get(&id).is_some_and(|(_, known)| *known == number) {
                if state.size > LARGEST {
                    state.forget(&id);
                } else {
                    state.order.push_back((id, number));
                }
            }
        }
    }

    pub(super) fn forget(&self, id: &ExecutionId) {
        self.state().forget(id);
    }
}

impl State {
    fn forget(&mut self, id: &ExecutionId) {
        if let Some((root, _)) = self.known.remove(id) {
            self.size -= root.image.size();
        }
    }
}
