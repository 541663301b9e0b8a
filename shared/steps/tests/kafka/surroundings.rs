//! What the steps are run with.

use std::sync::Arc;
use std::time::Duration;

use assay_egress::Egress;
use assay_engine::expr::Programs;
use assay_engine::job::{Job, JobResult};
use assay_steps::carry::{CarriedOut, Surroundings, carry_out};
use assay_steps::contract::Files;
use assay_steps::kafka::{KafkaExpect, KafkaPublish};
use assay_steps::registry::Runners;
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use crate::outside::{EvidenceOnly, FilesInMemory, NoSecrets, WallClock};

/// A process and an execution.
pub(crate) struct World {
    pub(crate) egress: Egress,
    pub(crate) files: Arc<FilesInMemory>,
    pub(crate) stop: CancellationToken,
    pub(crate) timeout: Duration,
    runners: Runners,
}

/// What a finished step comes to.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) result: JobResult,
    /// How many turns it took.
    pub(crate) turns: u32,
}

impl Ended {
    pub(crate) fn outcome(&self) -> String {
        serde_json::to_value(self.result.outcome).unwrap().as_str().unwrap().to_owned()
    }

    pub(crate) fn captured(&self, name: &str) -> Json {
        serde_json::to_value(&self.result.captures[name]).unwrap()
    }

    pub(crate) fn code(&self) -> Option<String> {
        self.result.error.as_ref().map(|error| error.code.clone())
    }

    pub(crate) fn message(&self) -> String {
        self.result.error.as_ref().map(|error| error.message.clone()).unwrap_or_default()
    }

    /// What the step itself asked for, with the reasons.
    pub(crate) fn asked(&self) -> Vec<(String, bool, Option<String>)> {
        let asked = self.result.assertions.iter();
        asked.map(|one| (one.that.clone(), one.passed, one.reason.clone())).collect()
    }

    pub(crate) fn evidence(&self) -> String {
        serde_json::to_string(&self.result.evidence).unwrap()
    }

    #[track_caller]
    pub(crate) fn is(&self, outcome: &str) -> &Self {
        assert_eq!(self.outcome(), outcome, "{:?} {:?}", self.result.error, self.asked());
        self
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Egress::open())
    }

    pub(crate) fn with(egress: Egress) -> Self {
        Self {
            egress,
            files: Arc::default(),
            stop: CancellationToken::new(),
            timeout: Duration::from_secs(60),
            runners: Runners::none().with(KafkaExpect::default()).with(KafkaPublish::default()),
        }
    }

    async fn carry(&self, job: &Json) -> CarriedOut {
        let job: Job = serde_json::from_value(job.clone()).unwrap();
        let surroundings = Surroundings {
            turns: assay_steps::carry::Turns::Held,
            egress: Arc::new(self.egress.clone()),
            secrets: Arc::new(NoSecrets),
            files: Arc::clone(&self.files) as Arc<dyn Files>,
            artifacts: Arc::new(EvidenceOnly),
            clock: Arc::new(WallClock),
            programs: Arc::new(Programs::default()),
            progress: Arc::new(()),
            stop: self.stop.clone(),
        };
        carry_out(job, &self.runners, &surroundings).await
    }

    fn job(&self, step_type: &str, phase: &str, with: &Json) -> Json {
        json!({
            "contract": 1,
            "organization": "org_1",
            "project": "prj_1",
            "execution": "exe_1",
            "flowVersion": "flv_1",
            "fence": {"step": "call", "phase": phase, "attempt": 1, "turn": 0},
            "stepType": step_type,
            "with": with,
            "timeoutMs": u64::try_from(self.timeout.as_millis()).unwrap(),
            "renderedAt": Timestamp::now(),
            "seed": 7,
            "executionStartedAt": Timestamp::now(),
        })
    }

    /// Writes a record through the step.
    pub(crate) async fn publish(&self, with: Json) -> Ended {
        let mut job = self.job("kafka.publish", "run", &with);
        let names = ["partition", "offset", "timestamp"];
        job["captures"] = names.iter().map(|name| json!({"name": name, "value": name})).collect();
        match self.carry(&job).await {
            CarriedOut::Finished(result) => Ended { result: *result, turns: 1 },
            other => panic!("expected a result, not {other:?}"),
        }
    }

    /// Records the position, as arming does.
    pub(crate) async fn arm(&self, with: &Json) -> Result<Json, Ended> {
        match self.carry(&self.job("kafka.expect", "prepare", with)).await {
            CarriedOut::Prepared { state, .. } => Ok(state),
            CarriedOut::Finished(result) => Err(Ended { result: *result, turns: 0 }),
            other => panic!("expected a position, not {other:?}"),
        }
    }

    /// Waits from a recorded position, in as many turns as it takes.
    pub(crate) async fn wait(&self, with: &Json, position: &Json) -> Ended {
        self.wait_in(with, position, json!({})).await
    }

    /// The same with these values in scope.
    pub(crate) async fn wait_in(&self, with: &Json, position: &Json, scope: Json) -> Ended {
        let mut job = self.job("kafka.expect", "run", with);
        let names = ["messages", "count", "seen"];
        job["captures"] = names.iter().map(|name| json!({"name": name, "value": name})).collect();
        job["prepared"] = position.clone();
        job["scope"] = scope;
        let mut turns = 0;
        loop {
            turns += 1;
            match self.carry(&job).await {
                CarriedOut::Finished(result) => return Ended { result: *result, turns },
                CarriedOut::Continue { checkpoint, deadline, .. } => {
                    job["checkpoint"] = checkpoint;
                    job["deadline"] = json!(deadline);
                    job["fence"]["turn"] = json!(turns);
                }
                other => panic!("expected a result or another turn, not {other:?}"),
            }
        }
    }

    /// Arms and waits at once.
    pub(crate) async fn expect(&self, with: Json) -> Ended {
        match self.arm(&with).await {
            Ok(position) => self.wait(&with, &position).await,
            Err(ended) => ended,
        }
    }
}
