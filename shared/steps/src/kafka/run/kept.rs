//! Clients that are kept for the next step of the same owner with the same target.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::target::TargetId;
use crate::contract::StepError;

/// How many clients are kept: each holds a few threads and connections.
const MOST: usize = 16;
/// How long one may rest.
const REST: Duration = Duration::from_secs(300);

struct Resting<C> {
    id: TargetId,
    client: Arc<C>,
    used: Instant,
}

/// Clients by target, the one used last at the end.
pub(super) struct Kept<C>(Mutex<Vec<Resting<C>>>);

impl<C> Default for Kept<C> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<C> Kept<C> {
    /// The client of a target, made now unless there is one. To be called where waiting is allowed: clients that are no longer
    /// kept end here.
    pub(super) fn get(&self, id: TargetId, make: impl FnOnce() -> Result<C, StepError>) -> Result<Arc<C>, StepError> {
        let now = Instant::now();
        let mut dropped = Vec::new();
        let found = {
            let mut kept = self.lock();
            let at = kept.iter().position(|resting| resting.id == id);
            let found = at.map(|at| kept.remove(at));
            let found = found.map(|resting| self::touch(&mut kept, resting, now));
            let (rest, old): (Vec<_>, Vec<_>) = kept.drain(..).partition(|one| now.duration_since(one.used) < REST);
            *kept = rest;
            dropped.extend(old);
            found
        };
        drop(dropped);
        if let Some(client) = found {
            return Ok(client);
        }
        let client = Arc::new(make()?);
        let mut dropped = Vec::new();
        let mut kept = self.lock();
        kept.push(Resting { id, client: client.clone(), used: now });
        while kept.len() > MOST {
            dropped.push(kept.remove(0));
        }
        drop(kept);
        drop(dropped);
        Ok(client)
    }

    /// A client that is of no use any more.
    pub(super) fn forget(&self, client: &Arc<C>) {
        let mut kept = self.lock();
        let at = kept.iter().position(|resting| Arc::ptr_eq(&resting.client, client));
        let dropped = at.map(|at| kept.remove(at));
        drop(kept);
        drop(dropped);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Resting<C>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn touch<C>(kept: &mut Vec<Resting<C>>, resting: Resting<C>, now: Instant) -> Arc<C> {
    let client = resting.client.clone();
    kept.push(Resting { used: now, ..resting });
    client
}
