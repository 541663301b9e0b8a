//! What the step is run with.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use assay_egress::Egress;
use assay_engine::expr::Programs;
use assay_engine::job::{Job, JobResult};
use assay_steps::carry::{CarriedOut, Surroundings, carry_out};
use assay_steps::contract::{Files, Output, StepContext, StepError, StepOutcome, StepRunner};
use assay_steps::redis::{Redis, RedisExpect};
use assay_steps::registry::Runners;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::outside::{EvidenceOnly, FilesInMemory, NoSecrets, WallClock};

/// A process that carries steps out, and what they find in it.
pub(crate) struct World {
    pub(crate) redis: Redis,
    pub(crate) expect: RedisExpect,
    pub(crate) egress: Egress,
    pub(crate) files: Arc<FilesInMemory>,
    pub(crate) stop: CancellationToken,
    pub(crate) timeout: Duration,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Egress::open())
    }

    pub(crate) fn with(egress: Egress) -> Self {
        Self {
            redis: Redis::default(),
            expect: RedisExpect::default(),
            egress,
            files: Arc::default(),
            stop: CancellationToken::new(),
            timeout: Duration::from_secs(20),
        }
    }

    pub(crate) fn file(mut self, name: &str, bytes: impl Into<Bytes>) -> Self {
        Arc::get_mut(&mut self.files).unwrap().0.insert(name.to_owned(), bytes.into());
        self
    }

    /// What a runner is given.
    pub(crate) fn context(&self) -> StepContext {
        StepContext {
            turn: assay_steps::contract::Turn::default(),
            egress: Arc::new(self.egress.clone()),
            files: Arc::clone(&self.files) as Arc<dyn Files>,
            artifacts: Arc::new(EvidenceOnly),
            progress: Arc::new(()),
            stop: self.stop.clone(),
            deadline: Instant::now() + self.timeout,
            cookies: Mutex::default(),
            prepared: None,
            checkpoint: None,
            window_from: None,
            execution_started_at: Timestamp::now(),
            clock: Arc::new(WallClock),
            seed: 7,
            scope: Arc::new(Map::new()),
        }
    }

    /// Runs the step with this `with`.
    pub(crate) async fn run(&self, with: Json) -> Result<Output, StepError> {
        let config = serde_json::from_value(with).unwrap();
        match self.redis.run(config, &self.context()).await? {
            StepOutcome::Done(output) => Ok(output),
            StepOutcome::Continue { .. } => panic!("the redis step ends in one turn"),
        }
    }

    /// Runs the step, which must answer; its fields.
    pub(crate) async fn ok(&self, with: Json) -> Json {
        Json::Object(self.run(with).await.unwrap().fields)
    }

    /// Sends one command, which must be answered; the reply.
    pub(crate) async fn reply(&self, url: &str, command: Json) -> Json {
        self.ok(json!({"url": url, "command": command})).await["reply"].take()
    }

    /// Records where a wait begins.
    pub(crate) async fn arm(&self, with: &Json) -> Result<Json, StepError> {
        let config = serde_json::from_value(with.clone()).unwrap();
        Ok(self.expect.prepare(config, &self.context()).await?.state)
    }

    /// Waits from there on, in as many turns as it takes; the output and how many turns there were.
    pub(crate) async fn wait(&self, with: &Json, armed: &Json) -> Result<(Output, u32), StepError> {
        let mut checkpoint = None;
        let from = Timestamp::now();
        for turn in 1.. {
            let mut cx = self.context();
            cx.prepared = Some(armed.clone());
            cx.window_from = Some(from);
            cx.checkpoint = checkpoint.take();
            cx.scope = Arc::new(json!({"vars": {"wanted": "A"}}).as_object().unwrap().clone());
            let config = serde_json::from_value(with.clone()).unwrap();
            match self.expect.run(config, &cx).await? {
                StepOutcome::Done(output) => return Ok((output, turn)),
                StepOutcome::Continue { checkpoint: left, .. } => checkpoint = Some(left),
            }
        }
        unreachable!("turns have no end")
    }

    /// Runs the step, which must not find out; its error.
    pub(crate) async fn error(&self, with: Json) -> StepError {
        match self.run(with).await {
            Err(error) => error,
            Ok(output) => panic!("expected an error, not {:?}", output.fields),
        }
    }
}

/// A key that no other test has, within what the user `app` may touch.
pub(crate) fn fresh(name: &str) -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let nanoseconds = Timestamp::now().as_nanosecond();
    format!("app:{name}:{}:{nanoseconds}:{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A job for a step of this type.
pub(crate) fn job(step_type: &str, with: &Json, assertions: &[&str], timeout: Duration) -> Json {
    let assertions: Vec<Json> = assertions.iter().map(|that| json!({"that": that})).collect();
    json!({
        "contract": 1,
        "organization": "org_1",
        "project": "prj_1",
        "execution": "exe_1",
        "flowVersion": "flv_1",
        "fence": {"step": "ask", "phase": "run", "attempt": 1, "turn": 0},
        "stepType": step_type,
        "with": with,
        "assertions": assertions,
        "timeoutMs": u64::try_from(timeout.as_millis()).unwrap(),
        "renderedAt": Timestamp::now(),
        "seed": 7,
        "executionStartedAt": Timestamp::now(),
    })
}

/// Carries a whole job out, as a step function does: with assertions, a time limit and a status.
pub(crate) async fn carry(world: World, job: Json) -> JobResult {
    match carry_on(world, job).await {
        CarriedOut::Finished(result) => *result,
        other => panic!("expected a result, not {other:?}"),
    }
}

/// Carries one phase or turn of a job out.
pub(crate) async fn carry_on(world: World, job: Json) -> CarriedOut {
    let job: Job = serde_json::from_value(job).unwrap();
    let surroundings = Surroundings {
        turns: assay_steps::carry::Turns::Held,
        egress: Arc::new(world.egress),
        secrets: Arc::new(NoSecrets),
        files: Arc::clone(&world.files) as Arc<dyn Files>,
        artifacts: Arc::new(EvidenceOnly),
        clock: Arc::new(WallClock),
        programs: Arc::new(Programs::default()),
        progress: Arc::new(()),
        stop: world.stop,
    };
    carry_out(job, &Runners::none().with(world.redis).with(world.expect), &surroundings).await
}
