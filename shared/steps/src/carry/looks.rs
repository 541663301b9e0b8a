//! Looking again: `eventually` and `throughout`.

use std::time::Duration;

use assay_engine::duration;
use assay_engine::job::{Look as KeptLook, LookSummary, Looks, Outcome};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tokio::time::Instant;

use super::attempt::Act;
use super::evaluate::{Look, cut};
use crate::contract::{StepContext, StepError, StepErrorClass};

/// Looks that are kept: first, changes, last.
const KEPT: usize = 20;
/// A pause between two looks is at least this long, also when the step asks for none: other work goes on meanwhile.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
/// Bytes of a look's note.
const NOTE: usize = 500;

/// What an attempt has seen so far; it outlives a look that is cut off.
#[derive(Default)]
pub(super) struct Seen {
    /// The last look that had an output.
    pub(super) last: Option<Look>,
    /// The looks, when there may be several.
    count: u32,
    kept: Vec<KeptLook>,
    newest: Option<KeptLook>,
}

/// How the looks ended.
pub(super) enum LooksEnded {
    /// Decided by the last look in [`Seen`].
    Decided,
    /// The last look errored, and that ends it.
    Errored(StepError),
    /// Stopped between two looks.
    Stopped,
    /// The next look comes in another turn, after this pause.
    Later(Duration),
}

/// What is carried from turn to turn.
#[derive(Serialize, Deserialize)]
struct Carried {
    count: u32,
    kept: Vec<KeptLook>,
    newest: Option<KeptLook>,
}

impl Seen {
    /// What the next turn goes on from. The last output is not among it: a turn begins with a look.
    pub(super) fn written(&self) -> Json {
        let carried = Carried { count: self.count, kept: self.kept.clone(), newest: self.newest.clone() };
        serde_json::to_value(carried).unwrap_or_default()
    }

    /// Goes on from the turn before.
    pub(super) fn resume(&mut self, checkpoint: Option<&Json>) -> Result<(), StepError> {
        let Some(checkpoint) = checkpoint else { return Ok(()) };
        let carried = Carried::deserialize(checkpoint);
        let carried = carried.map_err(|error| StepError::bug(format!("read the looks before: {error}")))?;
        (self.count, self.kept, self.newest) = (carried.count, carried.kept, carried.newest);
        Ok(())
    }

    fn add(&mut self, at: Timestamp, outcome: Outcome, note: Option<String>) {
        self.count = self.count.saturating_add(1);
        let look = KeptLook { number: self.count, at, outcome, note: note.map(|note| cut(&note, NOTE)) };
        let changed = self.newest.as_ref().is_none_or(|before| before.outcome != outcome || before.note != look.note);
        if changed && self.kept.len() < KEPT - 1 {
            self.kept.push(look.clone());
        }
        self.newest = Some(look);
    }

    /// The looks as a result carries them; none when the step does not look again.
    pub(super) fn summary(&mut self) -> Option<LookSummary> {
        let newest = self.newest.take()?;
        let mut kept = std::mem::take(&mut self.kept);
        if kept.last().is_none_or(|last| last.number != newest.number) {
            kept.push(newest);
        }
        Some(LookSummary { count: self.count, kept })
    }

    /// What people read of the newest look.
    pub(super) fn newest_note(&self) -> Option<&str> {
        self.newest.as_ref()?.note.as_deref()
    }
}

/// Looks as often as the step asks for. What is seen goes into `seen`.
pub(super) async fn look_again(
    looks: Looks,
    end: Instant,
    act: &Act<'_>,
    seen: &mut Seen,
    cx: &StepContext,
) -> LooksEnded {
    let (until_passed, interval_ms) = match looks {
        Looks::Eventually { interval_ms, .. } => (true, interval_ms),
        Looks::Throughout { interval_ms, .. } => (false, interval_ms),
    };
    let interval = Duration::from_millis(interval_ms).max(SHORTEST_PAUSE);
    let (progress, stop) = (cx.progress.as_ref(), &cx.stop);
    // Where a place costs something, it is given back before a pause that is longer than what is left of the turn.
    let given_back = (!cx.turn.rest.is_zero()).then(|| Instant::now() + cx.turn.look);
    loop {
        let error = one_look(act, seen).await;
        if stop.is_cancelled() {
            return LooksEnded::Stopped;
        }
        let outcome = seen.newest.as_ref().map_or(Outcome::Errored, |look| look.outcome);
        if let Some(error) = error {
            let hopeless = error.class == StepErrorClass::Bug || error.is_of_the_config();
            if !until_passed || hopeless || Instant::now() >= end {
                return LooksEnded::Errored(error);
            }
        } else if (outcome == Outcome::Passed) == until_passed || Instant::now() >= end {
            return LooksEnded::Decided;
        }
        if until_passed {
            progress.note(&format!("not yet: {}", seen.newest_note().unwrap_or("no answer")));
        } else {
            let left = duration::text(Duration::from_millis(whole_millis(end - Instant::now())));
            progress.note(&format!("holds, {left} to go"));
        }
        // The last look is at the very end.
        let next = (Instant::now() + interval).min(end);
        if given_back.is_some_and(|at| next > at) {
            return LooksEnded::Later(next.saturating_duration_since(Instant::now()));
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return LooksEnded::Stopped,
            () = tokio::time::sleep_until(next) => {}
        }
    }
}

/// One look; the error, when it had no output.
async fn one_look(act: &Act<'_>, seen: &mut Seen) -> Option<StepError> {
    match act.look().await {
        Ok(look) => {
            let outcome = look.outcome();
            let note = look.first_failure().map(|note| look.masker.cut_text(&note).into_owned());
            seen.add(act.now(), outcome, note);
            seen.last = Some(look);
            None
        }
        Err(error) => {
            seen.add(act.now(), Outcome::Errored, Some(act.shown(&error.message)));
            Some(error)
        }
    }
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
