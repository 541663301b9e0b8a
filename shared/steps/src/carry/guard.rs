//! Running something under the attempt's time and stop signal, with its panics caught.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::coop::unconstrained;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a runner may take to return after a stop.
pub(super) const STOP_GRACE: Duration = Duration::from_secs(5);

/// How it ended.
pub(super) enum Ended<T> {
    /// It came to its end.
    Done(T),
    /// It was stopped; with what it returned, if it returned in time.
    Stopped(Option<T>),
    /// The attempt was out of time.
    OutOfTime,
    /// It panicked, with these words.
    Panicked(String),
}

/// Runs `act` until `deadline`. A stop gives it [`STOP_GRACE`] to return.
pub(super) async fn guarded<T>(
    stop: &CancellationToken,
    deadline: Instant,
    act: impl Future<Output = T> + Send,
) -> Ended<T> {
    if stop.is_cancelled() {
        return Ended::Stopped(None);
    }
    let act = AssertUnwindSafe(act).catch_unwind();
    tokio::pin!(act);
    // A target that never pauses uses up what a turn of the runtime allows; the clock must be looked at all the same.
    tokio::select! {
        biased;
        ended = &mut act => return judged(ended, stop.is_cancelled()),
        () = unconstrained(stop.cancelled()) => {}
        () = unconstrained(tokio::time::sleep_until(deadline)) => return Ended::OutOfTime,
    }
    let last = deadline.min(Instant::now() + STOP_GRACE);
    match tokio::time::timeout_at(last, act).await {
        Ok(ended) => judged(ended, true),
        Err(_) => Ended::Stopped(None),
    }
}

fn judged<T>(ended: Result<T, Box<dyn Any + Send>>, stopped: bool) -> Ended<T> {
    match ended {
        Ok(value) if stopped => Ended::Stopped(Some(value)),
        Ok(value) => Ended::Done(value),
        Err(panic) => Ended::Panicked(words(panic.as_ref())),
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without words".into())
}
