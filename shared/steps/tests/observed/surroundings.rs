//! What the steps are run with.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use assay_egress::Egress;
use assay_engine::expr::Programs;
use assay_engine::job::{Job, JobResult};
use assay_steps::carry::{CarriedOut, Surroundings, carry_out};
use assay_steps::contract::{Output, Progress, StepContext, StepError, StepOutcome, StepRunner};
use assay_steps::loki::Loki;
use assay_steps::prometheus::Prometheus;
use assay_steps::registry::Runners;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value as Json, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::outside::{EvidenceOnly, FilesInMemory, NoSecrets, WallClock};

/// The step types of these tests.
pub(crate) const TYPES: [&str; 2] = ["loki", "prometheus"];

/// A process with its steps, and an execution.
pub(crate) struct World {
    pub(crate) loki: Loki,
    pub(crate) prometheus: Prometheus,
    pub(crate) egress: Egress,
    pub(crate) stop: CancellationToken,
    pub(crate) timeout: Duration,
    pub(crate) started_at: Timestamp,
}

impl World {
    /// An execution that started a minute ago.
    pub(crate) fn new() -> Self {
        Self {
            loki: Loki::default(),
            prometheus: Prometheus::default(),
            egress: Egress::open(),
            stop: CancellationToken::new(),
            timeout: Duration::from_secs(30),
            started_at: Timestamp::now() - SignedDuration::from_mins(1),
        }
    }

    fn context(&self) -> StepContext {
        StepContext {
            turn: assay_steps::contract::Turn::default(),
            egress: Arc::new(self.egress.clone()),
            files: Arc::new(FilesInMemory::default()),
            artifacts: Arc::new(EvidenceOnly),
            progress: Arc::new(()),
            stop: self.stop.clone(),
            deadline: Instant::now() + self.timeout,
            cookies: Mutex::default(),
            prepared: None,
            checkpoint: None,
            window_from: None,
            execution_started_at: self.started_at,
            clock: Arc::new(WallClock),
            seed: 7,
            scope: Arc::new(Map::new()),
        }
    }

    /// Runs a step of this type with this `with`.
    pub(crate) async fn run(&self, kind: &str, with: Json) -> Result<Output, StepError> {
        let cx = self.context();
        let outcome = match kind {
            "loki" => self.loki.run(serde_json::from_value(with).unwrap(), &cx).await?,
            "prometheus" => self.prometheus.run(serde_json::from_value(with).unwrap(), &cx).await?,
            other => panic!("no step type of these tests: {other}"),
        };
        match outcome {
            StepOutcome::Done(output) => Ok(output),
            StepOutcome::Continue { .. } => panic!("these steps end in one turn"),
        }
    }

    /// Runs a step, which must answer; its fields.
    pub(crate) async fn ok(&self, kind: &str, with: Json) -> Json {
        Json::Object(self.run(kind, with).await.unwrap().fields)
    }

    /// Runs a step, which must not find out.
    pub(crate) async fn error(&self, kind: &str, with: Json) -> StepError {
        match self.run(kind, with).await {
            Err(error) => error,
            Ok(output) => panic!("expected an error, not {:?}", output.fields),
        }
    }
}

/// Carries a whole job out, as a step function does: with looks, assertions, a time limit and a status.
pub(crate) async fn carry(world: World, kind: &str, with: Json, looks: Json, assertions: &[&str]) -> JobResult {
    carry_watched(world, kind, json!({"with": with, "looks": looks}), assertions, Arc::new(())).await
}

/// Says when the first line for people comes: the first look is over then.
#[derive(Default)]
pub(crate) struct FirstLine(pub(crate) tokio::sync::Notify);

impl Progress for FirstLine {
    fn note(&self, _: &str) {
        self.0.notify_one();
    }
}

/// The same with more of the job given, and someone who watches.
pub(crate) async fn carry_watched(
    world: World,
    kind: &str,
    more: Json,
    assertions: &[&str],
    progress: Arc<dyn Progress>,
) -> JobResult {
    let assertions: Vec<Json> = assertions.iter().map(|that| json!({"that": that})).collect();
    let mut job = json!({
        "contract": 1,
        "organization": "org_1",
        "project": "prj_1",
        "execution": "exe_1",
        "flowVersion": "flv_1",
        "fence": {"step": "look", "phase": "run", "attempt": 1, "turn": 0},
        "stepType": kind,
        "assertions": assertions,
        "timeoutMs": u64::try_from(world.timeout.as_millis()).unwrap(),
        "renderedAt": world.started_at,
        "seed": 7,
        "executionStartedAt": world.started_at,
    });
    job.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone().into_iter().filter(|(_, value)| !value.is_null()));
    let job: Job = serde_json::from_value(job).unwrap();
    let surroundings = Surroundings {
        turns: assay_steps::carry::Turns::Held,
        egress: Arc::new(world.egress),
        secrets: Arc::new(NoSecrets),
        files: Arc::new(FilesInMemory::default()),
        artifacts: Arc::new(EvidenceOnly),
        clock: Arc::new(WallClock),
        programs: Arc::new(Programs::default()),
        progress,
        stop: world.stop,
    };
    let runners = Runners::none().with(world.loki).with(world.prometheus);
    match carry_out(job, &runners, &surroundings).await {
        CarriedOut::Finished(result) => *result,
        other => panic!("expected a result, not {other:?}"),
    }
}
