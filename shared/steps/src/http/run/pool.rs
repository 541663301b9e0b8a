//! Connections at rest, to be used again by the same owner for the same target.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::connection::Connection;
use crate::http::Version;
use crate::tls::TlsId;

/// How long a connection may rest. Most servers keep theirs for longer.
const REST: Duration = Duration::from_secs(30);
/// How many connections rest at most, and for one target.
const MOST: usize = 256;
const MOST_EACH: usize = 32;

/// What two requests must share to share a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Route {
    /// Whose connections these are; see [`assay_egress::Egress::owner`].
    pub(super) owner: Arc<str>,
    /// The TLS settings; none for plain http.
    pub(super) tls: Option<TlsId>,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) proxy: Option<Arc<Proxy>>,
    pub(super) version: Option<Version>,
}

/// A proxy, and how to introduce oneself to it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    /// The value of `Proxy-Authorization`.
    pub(super) authorization: Option<String>,
}

/// The connections at rest.
#[derive(Default)]
pub(super) struct Pool(Mutex<HashMap<Route, Vec<Connection>>>);

impl Pool {
    /// Takes the connection that was used last: the most likely to be still open.
    pub(super) fn take(&self, route: &Route) -> Option<Connection> {
        let mut resting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = resting.get_mut(route)?;
        let found = connections.pop().filter(|connection| connection.rested.elapsed() < REST);
        if found.is_none() {
            // The newest one is too old, so all are.
            resting.remove(route);
        }
        found
    }

    /// Puts a connection to rest; when there is no room, it is closed.
    pub(super) fn put(&self, route: Route, mut connection: Connection) {
        connection.rested = Instant::now();
        let mut resting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if resting.values().map(Vec::len).sum::<usize>() >= MOST {
            resting.retain(|_, connections| {
                connections.retain(|connection| connection.rested.elapsed() < REST);
                !connections.is_empty()
            });
        }
        if resting.values().map(Vec::len).sum::<usize>() < MOST {
            let connections = resting.entry(route).or_default();
            if connections.len() < MOST_EACH {
                connections.push(connection);
            }
        }
    }
}
