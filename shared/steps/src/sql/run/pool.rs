//! Sessions at rest, to be used again by the same execution, and how many there may be at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::session::Session;
use super::tls::TrustId;
use crate::contract::StepError;
use crate::sql::address::Server;

/// How long a session may rest.
const REST: Duration = Duration::from_secs(30);
/// How many sessions rest at most, and how many one target has at once.
const MOST: usize = 64;
const MOST_EACH: usize = 8;

/// What two steps must share to share the places at a server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Route {
    /// Whose connections these are; see [`assay_egress::Egress::owner`].
    pub(super) owner: Arc<str>,
    pub(super) server: Server,
    pub(super) tls: TrustId,
}

/// A route and the execution: what two steps must share to share a session, which remembers what was done in it.
type Rest = (Route, Timestamp);

/// The sessions at rest and the places.
#[derive(Default)]
pub(super) struct Pool {
    resting: Mutex<HashMap<Rest, Vec<(Session, Instant)>>>,
    places: Mutex<HashMap<Route, Arc<Semaphore>>>,
}

impl Pool {
    /// Waits for a place at the server.
    pub(super) async fn place(&self, route: &Route) -> Result<OwnedSemaphorePermit, StepError> {
        let places = {
            let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            if places.len() >= MOST {
                places.retain(|_, each| Arc::strong_count(each) > 1);
            }
            Arc::clone(places.entry(route.clone()).or_insert_with(|| Arc::new(Semaphore::new(MOST_EACH))))
        };
        places.acquire_owned().await.map_err(|error| StepError::bug(error.to_string()))
    }

    /// Takes a session that rests as it was left.
    pub(super) fn take(&self, route: &Route, execution: Timestamp) -> Option<Session> {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let sessions = resting.get_mut(&(route.clone(), execution))?;
        while let Some((session, rested)) = sessions.pop() {
            if rested.elapsed() < REST && session.is_quiet() {
                return Some(session);
            }
        }
        None
    }

    /// Puts a session to rest; when there is no room, it is closed.
    pub(super) fn put(&self, route: Route, execution: Timestamp, session: Session) {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.retain(|_, sessions| {
            sessions.retain(|(_, rested)| rested.elapsed() < REST);
            !sessions.is_empty()
        });
        if resting.values().map(Vec::len).sum::<usize>() < MOST {
            resting.entry((route, execution)).or_default().push((session, Instant::now()));
        }
    }
}
