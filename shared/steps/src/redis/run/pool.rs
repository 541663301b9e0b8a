//! Connections at rest, to be used again by the same owner for the same target as the same user.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::session::Session;
use crate::redis::target::Target;
use crate::tls::TlsId;

/// How long a connection may rest.
const REST: Duration = Duration::from_secs(30);
/// How many connections rest at most, and for one target: servers have few, ten thousand unless told otherwise.
const MOST: usize = 64;
const MOST_EACH: usize = 4;

/// What two steps must share to share a connection.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Route {
    /// Whose connections these are; see [`assay_egress::Egress::owner`].
    pub(super) owner: Arc<str>,
    pub(super) target: Target,
    pub(super) tls: Option<TlsId>,
}

/// The connections at rest.
#[derive(Default)]
pub(super) struct Pool(Mutex<HashMap<Route, Vec<(Instant, Session)>>>);

impl Pool {
    /// Takes the connection that was used last: the most likely to be still open.
    pub(super) fn take(&self, route: &Route) -> Option<Session> {
        let mut resting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sessions = resting.get_mut(route)?;
        let found = sessions.pop().filter(|(since, _)| since.elapsed() < REST);
        if found.is_none() {
            // The newest one is too old, so all are.
            resting.remove(route);
        }
        found.map(|(_, session)| session)
    }

    /// Puts a connection to rest; when there is no room, it is closed.
    pub(super) fn put(&self, route: Route, session: Session) {
        let mut resting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if resting.values().map(Vec::len).sum::<usize>() >= MOST {
            resting.retain(|_, sessions| {
                sessions.retain(|(since, _)| since.elapsed() < REST);
                !sessions.is_empty()
            });
        }
        if resting.values().map(Vec::len).sum::<usize>() < MOST {
            let sessions = resting.entry(route).or_default();
            if sessions.len() < MOST_EACH {
                sessions.push((Instant::now(), session));
            }
        }
    }
}
