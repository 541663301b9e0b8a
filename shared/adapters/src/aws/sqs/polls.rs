//! Waits at several queues at once.
//!
//! A request that waits at a queue cannot be called back without perhaps losing what it was just given. So a poll that is
//! still out when another queue has answered stays out, and the next call takes it up.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use assay_app::ports::PortError;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::name::Physical;
use super::queue::Wire;

/// Messages of one request.
const BATCH: usize = 10;
/// How much longer than asked for a queue may take to say that it has nothing.
const LATE: Duration = Duration::from_secs(1);

/// A message as SQS gives it.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) id: String,
    pub(super) handle: String,
    pub(super) body: String,
    pub(super) received: u32,
}

type Poll = BoxFuture<'static, (Physical, Result<Vec<Raw>, PortError>)>;

/// Several queues to wait at.
pub(super) struct Polls {
    sources: Vec<Physical>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    out: FuturesUnordered<Poll>,
    /// Whose poll is out.
    away: HashSet<Physical>,
    /// What was given and nobody has taken yet.
    ready: VecDeque<(Physical, Raw)>,
}

impl Polls {
    pub(super) fn new(sources: Vec<Physical>) -> Self {
        Self { sources, state: Mutex::default() }
    }

    /// Waits until one of them has something, or until it is over.
    pub(super) async fn take(
        &self,
        wire: &Arc<Wire>,
        limit: usize,
        over: Instant,
    ) -> Result<Vec<(Physical, Raw)>, PortError> {
        let Ok(mut state) = timeout_at(over, self.state.lock()).await else { return Ok(Vec::new()) };
        let mut asked = HashSet::new();
        while state.ready.is_empty() {
            let left = over.saturating_duration_since(Instant::now());
            for source in &self.sources {
                // Who waits for less than a second asks each queue once.
                if !state.away.contains(source) && (left >= Duration::from_secs(1) || asked.insert(source)) {
                    asked.insert(source);
                    state.away.insert(source.clone());
                    state.out.push(Box::pin(wire.clone().poll(source.clone(), limit.min(BATCH), left)));
                }
            }
            let mine = asked.iter().any(|source| state.away.contains(source));
            let until = if mine { over + LATE } else { over };
            let Ok(Some((source, answer))) = timeout_at(until, state.out.next()).await else { break };
            state.away.remove(&source);
            let found = answer?;
            self.top_up(wire, &mut state, source, found, limit).await?;
        }
        if state.ready.is_empty() {
            sleep_until(over).await;
        }
        let count = limit.min(state.ready.len());
        Ok(state.ready.drain(..count).collect())
    }

    /// A full answer seldom holds all that there is.
    async fn top_up(
        &self,
        wire: &Arc<Wire>,
        state: &mut State,
        source: Physical,
        mut found: Vec<Raw>,
        limit: usize,
    ) -> Result<(), PortError> {
        loop {
            let full = found.len() == BATCH;
            state.ready.extend(found.into_iter().map(|raw| (source.clone(), raw)));
            let rest = limit.saturating_sub(state.ready.len());
            if !full || rest == 0 {
                return Ok(());
            }
            found = match wire.clone().poll(source.clone(), rest.min(BATCH), Duration::ZERO).await.1 {
                Ok(found) => found,
                Err(error) => {
                    tracing::debug!(%error, "failed to receive more");
                    return Ok(());
                }
            };
        }
    }
}
