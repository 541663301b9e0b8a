//! Stopping a thread that waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::fault;
use crate::contract::{StepContext, StepError};

/// Tells work on another thread when to end: after a stop, and when whoever waits for it is gone.
#[derive(Clone)]
pub(super) struct Reins {
    stop: CancellationToken,
    gone: Arc<AtomicBool>,
    /// When the attempt is out of time.
    pub(super) deadline: Instant,
}

/// Ends the work when it is dropped.
struct Hold(Arc<AtomicBool>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Reins {
    pub(super) fn new(cx: &StepContext) -> Self {
        Self { stop: cx.stop.clone(), gone: Arc::default(), deadline: cx.deadline }
    }

    /// An error when the work is to end.
    pub(super) fn check(&self) -> Result<(), StepError> {
        let over = self.stop.is_cancelled() || self.gone.load(Ordering::Relaxed);
        if over { Err(fault::stopped()) } else { Ok(()) }
    }

    /// Runs `work` on a thread that may wait.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, StepError> + Send + 'static,
    ) -> Result<T, StepError> {
        let _hold = Hold(self.gone.clone());
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(error) => Err(StepError::bug(format!("the thread that talks to Kafka broke off: {error}"))),
        }
    }

    /// Runs `work` on a thread that may wait. It tells its result when it has one, and may go on to clean up.
    pub(super) async fn told<T: Send + 'static>(
        &self,
        work: impl FnOnce(oneshot::Sender<Result<T, StepError>>) + Send + 'static,
    ) -> Result<T, StepError> {
        let _hold = Hold(self.gone.clone());
        let (tell, told) = oneshot::channel();
        drop(tokio::task::spawn_blocking(move || work(tell)));
        told.await.unwrap_or_else(|_| Err(StepError::bug("the thread that talks to Kafka broke off")))
    }
}
