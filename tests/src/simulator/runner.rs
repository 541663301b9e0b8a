//! Carries jobs out without a target: what each attempt comes to is drawn from the seed and its fence alone, so that it
//! is the same however the world around it behaves.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use assay_app::ports::{Carried, ClaimKey, JobRunner, JobStop};
use assay_engine::id::ExecutionId;
use assay_engine::job::{AssertionResult, Captured, ErrorClass, Fence, Job, JobError, JobPhase, JobResult, Outcome};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::hits::{Fault, Hits};
use super::store::Shared;
use super::world::{ProcessId, World};

/// One act, as the target saw it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Act {
    /// Of which execution.
    pub execution: ExecutionId,
    /// Which attempt and turn.
    pub fence: Fence,
    /// When it began.
    pub began: Timestamp,
    /// Which process.
    pub process: ProcessId,
    /// When it ended; none: its process died.
    pub ended: Option<Timestamp>,
}

/// What the targets have seen.
#[derive(Debug, Default)]
pub(super) struct Targets {
    acts: Mutex<Vec<Act>>,
}

impl Targets {
    fn acts_mut(&self) -> MutexGuard<'_, Vec<Act>> {
        self.acts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every act, in order.
    pub(super) fn acts(&self) -> Vec<Act> {
        self.acts_mut().clone()
    }
}

/// The runner of one process.
pub(super) struct SimRunner {
    /// Where time comes from.
    pub world: Arc<World>,
    /// What was hit.
    pub hits: Arc<Hits>,
    /// What is acted on.
    pub targets: Arc<Targets>,
    /// From which outcomes are drawn.
    pub seed: u64,
    /// Whose it is.
    pub process: ProcessId,
    /// What the ports were told.
    pub shared: Arc<Shared>,
}

/// A number that depends on the seed, the attempt and a purpose.
fn drawn(seed: u64, job: &Job, purpose: &str, bound: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    let fence = &job.fence;
    (seed, &fence.step, fence.instance, fence.attempt, purpose).hash(&mut hasher);
    job.execution.as_str().hash(&mut hasher);
    hasher.finish() % bound
}

impl SimRunner {
    fn drawn(&self, job: &Job, purpose: &str, bound: u64) -> u64 {
        drawn(self.seed, job, purpose, bound)
    }

    async fn die(&self, how: Fault) {
        self.hits.fault(how);
        self.world.crash(self.process);
        std::future::pending::<()>().await;
    }

    /// Takes its time; true: it was stopped.
    async fn take_time(&self, job: &Job, stop: &JobStop) -> bool {
        let long = self.drawn(job, "long", 100) < 5;
        let millis = if long { 31_000 + self.drawn(job, "time", 90_000) } else { 1 + self.drawn(job, "time", 4_000) };
        let deaf = self.drawn(job, "deaf", 100) < 4;
        let pause = self.world.sleep(Duration::from_millis(millis));
        tokio::select! {
            biased;
            () = stop.token.cancelled(), if !deaf => return true,
            () = pause => {}
        }
        if deaf && stop.token.is_cancelled() {
            self.hits.fault(Fault::RunnerIgnoresStop);
        }
        false
    }

    fn result(&self, job: &Job, began: Timestamp, outcome: Outcome) -> JobResult {
        let mut result = JobResult::of(outcome, began, self.world.now());
        if matches!(outcome, Outcome::Passed | Outcome::Failed) {
            let value = |name: &String| (name.clone(), Captured::Clear(json!(format!("{}/{name}", job.fence.place()))));
            result.captures = job.captures.iter().map(|capture| value(&capture.name)).collect();
            result.hidden = job.hidden.iter().map(value).collect::<BTreeMap<_, _>>();
            result.retry_on = (0..job.retry_on.len() as u32).filter(|_| self.drawn(job, "again", 4) == 0).collect();
        }
        let soft = self.drawn(job, "soft", 3) == 0;
        let assertion = |that: String, passed: bool| AssertionResult {
            that,
            passed,
            message: None,
            soft,
            reason: None,
            parts: Vec::new(),
        };
        match outcome {
            Outcome::Passed => {
                result.assertions = job.assertions.iter().map(|one| assertion(one.that.clone(), true)).collect();
            }
            Outcome::Failed => result.assertions = vec![assertion("status == 200".into(), false)],
            Outcome::Errored => {
                let class = if self.drawn(job, "class", 2) == 0 { ErrorClass::Connect } else { ErrorClass::Error };
                result.error = Some(error(class));
            }
            Outcome::TimedOut => result.error = Some(error(ErrorClass::Timeout)),
            Outcome::Cancelled => {}
        }
        result
    }

    /// Notes the act; what was told to stop before it was claimed must not act, and what prepares must know what it
    /// has prepared.
    fn begin(&self, act: Act, job: &Job) -> usize {
        let key = ClaimKey { execution: job.execution.clone(), fence: job.fence.clone() };
        let told = self.shared.told();
        if let (Some((_, before)), Some(claim)) = (told.stops.get(&key), told.claims.get(&key))
            && claim > before
        {
            self.shared.violated(format!("{}: {} acts although it was stopped", job.execution, job.fence.place()));
        }
        if job.step_type == "fault" && job.fence.phase == JobPhase::Run && job.prepared.is_none() {
            self.shared.violated(format!("{}: {} does not know what it prepared", job.execution, job.fence.place()));
        }
        let mut acts = self.targets.acts_mut();
        acts.push(act);
        acts.len() - 1
    }

    /// Notes its end; a stop must have reached it within 20 s, unless its process stood still.
    fn end(&self, number: usize, job: &Job, stopped: bool) {
        let now = self.world.now();
        if let Some(act) = self.targets.acts_mut().get_mut(number) {
            act.ended = Some(now);
        }
        let key = ClaimKey { execution: job.execution.clone(), fence: job.fence.clone() };
        let asked = self.shared.told().stops.get(&key).map(|(at, _)| *at);
        let late = asked.is_some_and(|at| now.duration_since(at) > SignedDuration::from_secs(20));
        let deaf = self.drawn(job, "deaf", 100) < 4;
        if late && !stopped && !deaf && !self.world.stood_still(self.process) {
            self.shared.violated(format!("{}: {} was never told to stop", job.execution, job.fence.place()));
        }
    }

    fn outcome(&self, job: &Job) -> Outcome {
        match self.drawn(job, "outcome", 100) {
            0..78 => Outcome::Passed,
            78..88 => Outcome::Failed,
            88..95 => Outcome::Errored,
            _ => Outcome::TimedOut,
        }
    }
}

fn error(class: ErrorClass) -> JobError {
    JobError { class, code: "simulated".into(), message: "drawn".into() }
}

#[async_trait]
impl JobRunner for SimRunner {
    async fn carry_out(&self, job: Arc<Job>, stop: JobStop) -> Carried {
        let began = self.world.now();
        let act = Act {
            execution: job.execution.clone(),
            fence: job.fence.clone(),
            began,
            process: self.process,
            ended: None,
        };
        let number = self.begin(act, &job);
        if self.world.fault(4) {
            self.die(Fault::DiedDuringAct).await;
        }
        let stopped = self.take_time(&job, &stop).await;
        if self.world.fault(4) {
            self.die(Fault::DiedDuringAct).await;
        }
        self.end(number, &job, stopped);
        match job.fence.phase {
            JobPhase::Undo => Carried::Undone((self.drawn(&job, "undo", 12) == 0).then(|| error(ErrorClass::Error))),
            JobPhase::Prepare if stopped => Carried::Finished(Box::new(self.result(&job, began, Outcome::Cancelled))),
            JobPhase::Prepare => match self.drawn(&job, "prepare", 20) {
                0 => Carried::Finished(Box::new(self.result(&job, began, Outcome::Errored))),
                _ => {
                    let undo = (job.step_type == "fault").then(|| json!({"undo": job.fence.place()}));
                    Carried::Prepared { state: json!({"position": 7}), undo }
                }
            },
            JobPhase::Run if stopped => Carried::Finished(Box::new(self.result(&job, began, Outcome::Cancelled))),
            JobPhase::Run => {
                let turns = if self.drawn(&job, "turns", 8) == 0 { 1 + self.drawn(&job, "more", 3) } else { 0 };
                if u64::from(job.fence.turn) < turns {
                    let deadline = job.deadline.unwrap_or(began + SignedDuration::from_secs(3600));
                    let after_ms = self.drawn(&job, "after", 2) * 700;
                    return Carried::Continued { checkpoint: json!(job.fence.turn), after_ms, deadline };
                }
                Carried::Finished(Box::new(self.result(&job, began, self.outcome(&job))))
            }
        }
    }
}
