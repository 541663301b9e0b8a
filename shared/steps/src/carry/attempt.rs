//! Carrying out one job.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use assay_engine::job::{CONTRACT, ErrorClass, Job, JobError, JobPhase, JobResult, Looks, Outcome};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::artifacts::MaskedArtifacts;
use super::evaluate::{Evaluator, Files, Look};
use super::guard::{Ended, guarded};
use super::looks::{LooksEnded, Seen, look_again};
use super::open::{Opened, open};
use super::progress::MaskedProgress;
use super::settle::{Settling, protected};
use super::surroundings::{CarriedOut, Surroundings};
use super::turns::waited;
use crate::contract::{Cookies, Prepared, StepContext, StepError, StepErrorClass, StepOutcome};
use crate::mask::Masker;
use crate::registry::{ErasedRunner, Runners};

/// Carries out one job.
///
/// The answer is always one that may be stored: no value of a secret is left in it. Nothing that a runner does ends
/// this function otherwise: its panics are caught, and it is left behind when it does not return in time.
pub async fn carry_out(job: Job, runners: &Runners, cx: &Surroundings) -> CarriedOut {
    let started_at = cx.clock.now();
    let undo = job.fence.phase == JobPhase::Undo;
    match Attempt::begin(job, runners, cx, started_at).await {
        Ok(attempt) => Box::pin(attempt.act()).await,
        Err((_, error)) if undo => CarriedOut::Undone(Err(error)),
        Err((outcome, error)) => {
            let result = JobResult::of(outcome, started_at, cx.clock.now());
            CarriedOut::Finished(Box::new(JobResult { error: Some(error), ..result }))
        }
    }
}

/// What an attempt comes to without an answer.
pub(super) type Halt = (Outcome, JobError);

/// A job that is about to be carried out.
pub(super) struct Attempt<'a> {
    pub(super) job: Job,
    pub(super) opened: Opened,
    pub(super) cx: &'a Surroundings,
    pub(super) context: StepContext,
    pub(super) artifacts: Arc<MaskedArtifacts>,
    pub(super) started_at: Timestamp,
    ends_at: Timestamp,
    /// Its place is gone before it is out of time.
    cut: bool,
    runner: Arc<dyn ErasedRunner>,
}

/// What acting came to.
enum Acted {
    Looked(LooksEnded),
    Continue { checkpoint: serde_json::Value, after: Duration },
}

impl<'a> Attempt<'a> {
    async fn begin(mut job: Job, runners: &Runners, cx: &'a Surroundings, now: Timestamp) -> Result<Self, Halt> {
        if job.contract > CONTRACT {
            let message =
                format!("the job is of contract {}, and this step function knows up to {CONTRACT}", job.contract);
            return Err(halted(StepError::new(StepErrorClass::Permanent, "step.contract", message)));
        }
        let Some(runner) = runners.get(&job.step_type).cloned() else {
            let message = format!("there is no runner for `{}` here", job.step_type);
            return Err(halted(StepError::new(StepErrorClass::Permanent, "step.unknown", message)));
        };
        let ends_at = job.deadline.unwrap_or_else(|| later(now, Duration::from_millis(job.timeout_ms)));
        let left = Duration::try_from(ends_at.duration_since(now)).unwrap_or(Duration::ZERO);
        let own_deadline = Instant::now() + left;
        let place_ends = cx.turns.ends_before(own_deadline);
        let deadline = place_ends.unwrap_or(own_deadline);
        let files = Files(cx.files.clone());
        let opened = guarded(&cx.stop, deadline, open(&mut job, cx.secrets.as_ref(), &files)).await;
        // What a panic says in here could hold a secret, and nobody can mask it yet.
        let opened = match opened {
            Ended::Panicked(_) => Ended::Panicked("while its job was opened".into()),
            ended => ended,
        };
        let mut opened = answer(opened, &job, &Masker::default())?;
        let artifacts = Arc::new(MaskedArtifacts::new(cx.artifacts.clone(), opened.masker.clone()));
        let context = StepContext {
            egress: cx.egress.clone(),
            files: cx.files.clone(),
            artifacts: artifacts.clone(),
            progress: Arc::new(MaskedProgress::new(cx.progress.clone(), opened.masker.clone())),
            stop: cx.stop.child_token(),
            deadline,
            cookies: Mutex::new(Cookies { seen: std::mem::take(&mut opened.cookies), added: Vec::new() }),
            prepared: opened.prepared.take(),
            checkpoint: opened.checkpoint.take(),
            window_from: job.window_from,
            execution_started_at: job.execution_started_at,
            clock: cx.clock.clone(),
            seed: attempt_seed(&job),
            turn: cx.turns.turn(job.fence.turn == 0, waited(now, ends_at, job.timeout_ms)),
            scope: if runner.wants_scope() { Arc::new(opened.scope.values()) } else { Arc::default() },
        };
        Ok(Self { job, opened, cx, context, artifacts, started_at: now, ends_at, cut: place_ends.is_some(), runner })
    }

    async fn act(self) -> CarriedOut {
        match self.job.fence.phase {
            JobPhase::Prepare => self.prepare().await,
            JobPhase::Run => self.run().await,
            JobPhase::Undo => self.undo().await,
        }
    }

    async fn prepare(self) -> CarriedOut {
        let act = self.runner.prepare(&self.opened.with, &self.context);
        let ended = match guarded(&self.cx.stop, self.context.deadline, act).await {
            // What was made must be saved, or nothing could take it back.
            Ended::Stopped(Some(Ok(prepared))) => Ok(prepared),
            ended => answer(ended, &self.job, &self.opened.masker),
        };
        let saved = match ended {
            Ok(prepared) => self.saved(prepared).await,
            Err(halt) => Err(halt),
        };
        match saved {
            Ok(prepared) => prepared,
            Err((outcome, error)) => self.finished(outcome, Some(error), Seen::default()).await,
        }
    }

    async fn saved(&self, prepared: Prepared) -> Result<CarriedOut, Halt> {
        let (secrets, masker) = (self.cx.secrets.as_ref(), &self.opened.masker);
        let halted = |error| halted_masked(error, masker);
        let state = protected(prepared.state, masker, secrets).await.map_err(halted)?;
        let undo = match prepared.undo {
            Some(undo) => Some(protected(undo, masker, secrets).await.map_err(halted)?),
            None => None,
        };
        Ok(CarriedOut::Prepared { state, undo })
    }

    async fn undo(mut self) -> CarriedOut {
        let what = self.opened.undo.take().unwrap_or_default();
        let act = self.runner.undo(what, &self.context);
        let ended = match guarded(&self.cx.stop, self.context.deadline, act).await {
            Ended::Stopped(Some(Ok(()))) => Ok(()),
            ended => answer(ended, &self.job, &self.opened.masker),
        };
        CarriedOut::Undone(ended.map_err(|(_, error)| error))
    }

    async fn run(self) -> CarriedOut {
        let mut seen = Seen::default();
        let ended = guarded(&self.cx.stop, self.context.deadline, self.look_or_looks(&mut seen)).await;
        let looks = self.job.looks.is_some();
        let (outcome, error) = match ended {
            Ended::Stopped(_) => stopped(),
            Ended::Done(Ok(Acted::Continue { checkpoint, after })) => match self.goes_on(checkpoint, after).await {
                Ok(goes_on) => return goes_on,
                Err(halt) => halt,
            },
            Ended::Done(Ok(Acted::Looked(LooksEnded::Later(after)))) => {
                match self.goes_on(seen.written(), after).await {
                    Ok(goes_on) => return goes_on,
                    Err(halt) => halt,
                }
            }
            Ended::Done(Ok(Acted::Looked(LooksEnded::Stopped))) => stopped(),
            Ended::Done(Ok(Acted::Looked(LooksEnded::Decided))) => {
                let (outcome, error) =
                    seen.last.as_mut().map_or((Outcome::Errored, None), |look| (look.outcome(), look.error.take()));
                return self.finished(outcome, error, seen).await;
            }
            // Where a step looks more than once, a look without an answer is an error, whatever its class.
            Ended::Done(Ok(Acted::Looked(LooksEnded::Errored(error)))) if looks => {
                (Outcome::Errored, halted_masked(error, &self.opened.masker).1)
            }
            Ended::Done(Ok(Acted::Looked(LooksEnded::Errored(error))) | Err(error)) => {
                halted_masked(error, &self.opened.masker)
            }
            Ended::OutOfTime if self.cut => place_gone(&self.job),
            Ended::OutOfTime => out_of_time(&self.job, seen.newest_note()),
            Ended::Panicked(words) => panicked(&self.job, &words, &self.opened.masker),
        };
        self.finished(outcome, Some(error), seen).await
    }

    /// Runs the runner, once or as often as the step looks.
    async fn look_or_looks(&self, seen: &mut Seen) -> Result<Acted, StepError> {
        let files = Files(self.cx.files.clone());
        let evaluator = Evaluator::new(&self.job, &self.opened, &self.cx.programs, &files).await?;
        let act = Act { attempt: self, evaluator };
        if let Some(looks) = self.job.looks {
            self.runner.check_config(&self.opened.with)?;
            seen.resume(self.context.checkpoint.as_ref())?;
            let end = self.looks_end(looks);
            let ended = look_again(looks, end, &act, seen, &self.context).await;
            return Ok(Acted::Looked(ended));
        }
        match self.runner.run(&self.opened.with, &self.context).await {
            Ok(StepOutcome::Done(output)) => {
                seen.last = Some(act.evaluator.look(output, act.now()));
                Ok(Acted::Looked(LooksEnded::Decided))
            }
            Ok(StepOutcome::Continue { checkpoint, after }) => Ok(Acted::Continue { checkpoint, after }),
            Err(error) => Ok(Acted::Looked(LooksEnded::Errored(error))),
        }
    }

    /// When the looks end: they began with the attempt, perhaps in an earlier turn.
    fn looks_end(&self, looks: Looks) -> Instant {
        let window = match looks {
            Looks::Eventually { timeout_ms, .. } => timeout_ms,
            Looks::Throughout { window_ms, .. } => window_ms,
        };
        let before = match self.job.fence.turn {
            0 => Duration::ZERO,
            _ => waited(self.started_at, self.ends_at, self.job.timeout_ms).unsigned_abs(),
        };
        Instant::now() + Duration::from_millis(window).saturating_sub(before)
    }

    async fn goes_on(&self, checkpoint: serde_json::Value, after: Duration) -> Result<CarriedOut, Halt> {
        let masker = &self.opened.masker;
        let checkpoint = protected(checkpoint, masker, self.cx.secrets.as_ref()).await;
        let checkpoint = checkpoint.map_err(|error| halted_masked(error, masker))?;
        let after = after.min(self.context.deadline.saturating_duration_since(Instant::now()));
        Ok(CarriedOut::Continue { checkpoint, after, deadline: self.ends_at })
    }

    async fn finished(self, outcome: Outcome, error: Option<JobError>, seen: Seen) -> CarriedOut {
        CarriedOut::Finished(Box::new(Settling::new(self, outcome, error).result(seen).await))
    }
}

/// One act or look of an attempt.
pub(super) struct Act<'a> {
    attempt: &'a Attempt<'a>,
    evaluator: Evaluator<'a>,
}

impl Act<'_> {
    /// Runs the runner and evaluates what it brings.
    pub(super) async fn look(&self) -> Result<Look, StepError> {
        let Attempt { runner, opened, context, job, .. } = self.attempt;
        match runner.run(&opened.with, context).await? {
            StepOutcome::Done(output) => Ok(self.evaluator.look(output, self.now())),
            StepOutcome::Continue { .. } => {
                Err(StepError::bug(format!("a look of `{}` wants to go on in another turn", job.step_type)))
            }
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.attempt.cx.clock.now()
    }

    /// The text without the values of secrets.
    pub(super) fn shown(&self, text: &str) -> String {
        self.attempt.opened.masker.cut_text(text).into_owned()
    }
}

/// The answer of something that was guarded, or what it comes to without one.
fn answer<T>(ended: Ended<Result<T, StepError>>, job: &Job, masker: &Masker) -> Result<T, Halt> {
    match ended {
        Ended::Done(Ok(answer)) => Ok(answer),
        Ended::Done(Err(error)) => Err(halted_masked(error, masker)),
        Ended::Stopped(_) => Err(stopped()),
        Ended::OutOfTime => Err(out_of_time(job, None)),
        Ended::Panicked(words) => Err(panicked(job, &words, masker)),
    }
}

fn halted(error: StepError) -> Halt {
    let outcome = if error.class == StepErrorClass::Timeout { Outcome::TimedOut } else { Outcome::Errored };
    (outcome, error.into_job_error())
}

fn halted_masked(error: StepError, masker: &Masker) -> Halt {
    let message = masker.cut_text(&error.message).into_owned();
    halted(StepError { message, ..error })
}

fn stopped() -> Halt {
    let error =
        JobError { class: ErrorClass::Error, code: "step.stopped".into(), message: "stopped on request".into() };
    (Outcome::Cancelled, error)
}

fn out_of_time(job: &Job, note: Option<&str>) -> Halt {
    let timeout = assay_engine::duration::text(Duration::from_millis(job.timeout_ms));
    let mut message = format!("not done within its timeout of {timeout}");
    if let Some(note) = note {
        message.push_str(&format!("; the last look: {note}"));
    }
    (Outcome::TimedOut, JobError { class: ErrorClass::Timeout, code: "step.timeout".into(), message })
}

/// The step has time left, and the function that carries it out has not.
fn place_gone(job: &Job) -> Halt {
    let timeout = assay_engine::duration::text(Duration::from_millis(job.timeout_ms));
    let message = format!(
        "not done within the time that a function has here, which is less than its timeout of {timeout}; it may have acted"
    );
    (Outcome::Errored, JobError { class: ErrorClass::Timeout, code: "step.turn".into(), message })
}

fn panicked(job: &Job, words: &str, masker: &Masker) -> Halt {
    halted_masked(StepError::bug(format!("the step type `{}` panicked: {words}", job.step_type)), masker)
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Other attempts of the same step draw other values.
fn attempt_seed(job: &Job) -> u64 {
    let mut hash = Sha256::new();
    hash.update(job.seed.to_be_bytes());
    hash.update(job.fence.attempt.to_be_bytes());
    hash.update(job.fence.place().as_bytes());
    hash.finalize().iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}
