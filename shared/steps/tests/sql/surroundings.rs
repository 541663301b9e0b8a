//! What the step is run with.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use assay_egress::Egress;
use assay_engine::expr::Programs;
use assay_engine::job::{Job, JobResult};
use assay_steps::carry::{CarriedOut, Surroundings, carry_out};
use assay_steps::contract::{Clock, Cookies, Files, Output, StepContext, StepError, StepOutcome, StepRunner};
use assay_steps::registry::Runners;
use assay_steps::sql::{Sql, SqlConfig};
use serde_json::{Map, Value as Json, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::outside::{EvidenceOnly, FilesInMemory, NoSecrets, StandingClock};

/// A step, its process and its execution.
pub(crate) struct World {
    pub(crate) sql: Sql,
    pub(crate) egress: Egress,
    pub(crate) files: Arc<FilesInMemory>,
    pub(crate) clock: Arc<StandingClock>,
    pub(crate) stop: CancellationToken,
    pub(crate) timeout: Duration,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Egress::open())
    }

    pub(crate) fn with(egress: Egress) -> Self {
        Self {
            sql: Sql::default(),
            egress,
            files: Arc::default(),
            clock: Arc::new(StandingClock(Mutex::new("2026-06-01T00:00:00Z".parse().unwrap()))),
            stop: CancellationToken::new(),
            timeout: Duration::from_secs(20),
        }
    }

    /// Runs the step with this `with`.
    pub(crate) async fn run(&self, with: Json) -> Result<Output, StepError> {
        let config: SqlConfig = serde_json::from_value(with).unwrap();
        let cx = StepContext {
            turn: assay_steps::contract::Turn::default(),
            egress: Arc::new(self.egress.clone()),
            files: Arc::clone(&self.files) as Arc<dyn Files>,
            artifacts: Arc::new(EvidenceOnly),
            progress: Arc::new(()),
            stop: self.stop.clone(),
            deadline: Instant::now() + self.timeout,
            cookies: Mutex::new(Cookies::default()),
            prepared: None,
            checkpoint: None,
            window_from: None,
            execution_started_at: self.clock.now(),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            seed: 7,
            scope: Arc::new(Map::new()),
        };
        let outcome = self.sql.run(config, &cx).await;
        match outcome? {
            StepOutcome::Done(output) => Ok(output),
            StepOutcome::Continue { .. } => panic!("the sql step ends in one turn"),
        }
    }

    /// Runs the step, which must answer; its fields.
    pub(crate) async fn ok(&self, with: Json) -> Json {
        Json::Object(self.run(with).await.unwrap().fields)
    }

    /// Runs the step, which must not find out; its code and message.
    pub(crate) async fn error(&self, with: Json) -> StepError {
        match self.run(with).await {
            Err(error) => error,
            Ok(output) => panic!("expected an error, not {:?}", output.fields),
        }
    }
}

/// Carries a whole job out, as a step function does: with assertions, a time limit and a status.
pub(crate) async fn carry(world: World, with: Json, assertions: &[&str]) -> JobResult {
    carry_looking(world, with, Json::Null, assertions).await
}

/// The same, looking more than once.
pub(crate) async fn carry_looking(world: World, with: Json, looks: Json, assertions: &[&str]) -> JobResult {
    let assertions: Vec<Json> = assertions.iter().map(|that| json!({"that": that})).collect();
    let job: Job = serde_json::from_value(json!({
        "contract": 1,
        "organization": "org_1",
        "project": "prj_1",
        "execution": "exe_1",
        "flowVersion": "flv_1",
        "fence": {"step": "call", "phase": "run", "attempt": 1, "turn": 0},
        "stepType": "sql",
        "with": with,
        "assertions": assertions,
        "looks": looks,
        "timeoutMs": u64::try_from(world.timeout.as_millis()).unwrap(),
        "renderedAt": world.clock.now(),
        "seed": 7,
        "executionStartedAt": world.clock.now(),
    }))
    .unwrap();
    let surroundings = Surroundings {
        turns: assay_steps::carry::Turns::Held,
        egress: Arc::new(world.egress),
        secrets: Arc::new(NoSecrets),
        files: Arc::clone(&world.files) as Arc<dyn Files>,
        artifacts: Arc::new(EvidenceOnly),
        clock: Arc::clone(&world.clock) as Arc<dyn Clock>,
        programs: Arc::new(Programs::default()),
        progress: Arc::new(()),
        stop: world.stop,
    };
    match carry_out(job, &Runners::none().with(world.sql), &surroundings).await {
        CarriedOut::Finished(result) => *result,
        other => panic!("expected a result, not {other:?}"),
    }
}
