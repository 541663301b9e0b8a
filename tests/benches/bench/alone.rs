//! One step without a flow around it: the runner, and what it may call.

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_egress::Egress;
use assay_engine::expr::Programs;
use assay_engine::job::{Artifact, BlobRef, Job, JobResult};
use assay_steps::carry::{CarriedOut, Surroundings, carry_out};
use assay_steps::contract::{Artifacts, Clock, Files, Secrets, StepError};
use assay_steps::registry::Runners;
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

/// No files, no secrets, no store.
struct Bare;

fn not_here<T>(what: &str) -> Result<T, StepError> {
    Err(StepError::bug(format!("a step alone has no {what}")))
}

#[async_trait]
impl Files for Bare {
    async fn read(&self, _: &str) -> Result<Bytes, StepError> {
        not_here("files")
    }
}

#[async_trait]
impl Artifacts for Bare {
    async fn put(&self, _: &str, _: &str, _: Bytes) -> Result<Artifact, StepError> {
        not_here("artifacts")
    }

    async fn put_evidence(&self, _: &str, _: Bytes) -> Result<BlobRef, StepError> {
        not_here("blobs")
    }
}

#[async_trait]
impl Secrets for Bare {
    async fn reveal(&self, _: &[String]) -> Result<BTreeMap<String, String>, StepError> {
        Ok(BTreeMap::new())
    }

    async fn seal(&self, _: &str) -> Result<String, StepError> {
        not_here("secrets")
    }

    async fn open(&self, _: &str) -> Result<String, StepError> {
        not_here("secrets")
    }
}

impl Clock for Bare {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Carries a step out, in as many turns as it takes; `captures` are expressions by name.
pub(crate) async fn carry(
    runners: &Runners,
    step_type: &str,
    with: &Json,
    prepared: &Json,
    captures: &[(&str, &str)],
) -> JobResult {
    let captures: Vec<Json> = captures.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let now = Timestamp::now();
    let mut job = json!({
        "contract": 1,
        "organization": "org_1",
        "project": "prj_1",
        "execution": "exe_1",
        "flowVersion": "flv_1",
        "fence": {"step": "alone", "phase": "run", "attempt": 1, "turn": 0},
        "stepType": step_type,
        "with": with,
        "prepared": prepared,
        "captures": captures,
        "timeoutMs": 600_000,
        "renderedAt": now,
        "seed": 7,
        "executionStartedAt": now,
    });
    let surroundings = Surroundings {
        turns: assay_steps::carry::Turns::Held,
        egress: Arc::new(Egress::open()),
        secrets: Arc::new(Bare),
        files: Arc::new(Bare),
        artifacts: Arc::new(Bare),
        clock: Arc::new(Bare),
        programs: Arc::new(Programs::default()),
        progress: Arc::new(()),
        stop: CancellationToken::new(),
    };
    for turn in 1.. {
        let one: Job = serde_json::from_value(job.clone()).unwrap();
        match carry_out(one, runners, &surroundings).await {
            CarriedOut::Finished(result) => return *result,
            CarriedOut::Continue { checkpoint, deadline, .. } => {
                job["checkpoint"] = checkpoint;
                job["deadline"] = json!(deadline);
                job["fence"]["turn"] = json!(turn);
            }
            other => panic!("a result or another turn, not {other:?}"),
        }
    }
    unreachable!("turns do not run out")
}
