//! Checking a resource: connecting for real, under a time, with secrets masked and panics caught.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assay_egress::Egress;
use assay_engine::job::{Artifact, BlobRef, JobError};
use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value as Json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::guard::{Ended, guarded};
use crate::contract::{Artifacts, Clock, Cookies, Files, StepContext, StepError, StepErrorClass, Turn};
use crate::mask::Masker;
use crate::registry::Runners;

/// A resource to check.
pub struct Probe {
    /// The step type that it is for, or the part of it before the dot.
    pub kind: String,
    /// Its fields besides `type`, rendered: in clear.
    pub fields: Json,
    /// The values of the secrets in them.
    pub secrets: BTreeSet<String>,
    /// How long it may take.
    pub within: Duration,
}

/// What a resource is checked with.
#[derive(Clone)]
pub struct ProbeSurroundings {
    /// The guard that every connection goes through.
    pub egress: Arc<Egress>,
    /// Files that its fields name.
    pub files: Arc<dyn Files>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
}

/// Connects to a resource. The answer tells facts for people, or none when no step type of this process can check it.
///
/// # Errors
/// Why it cannot be used. No value of a secret is left in it.
pub async fn probe(probe: Probe, runners: &Runners, cx: &ProbeSurroundings) -> Result<Option<String>, JobError> {
    let masker = Masker::new(probe.secrets);
    let deadline = Instant::now() + probe.within;
    let stop = CancellationToken::new();
    for runner in runners.serving(&probe.kind) {
        let context = context(cx, deadline, stop.clone());
        let ended = guarded(&stop, deadline, runner.probe(&probe.fields, &context)).await;
        let error = match ended {
            Ended::Done(Ok(Some(facts))) | Ended::Stopped(Some(Ok(Some(facts)))) => {
                return Ok(Some(masker.cut_text(&facts).into_owned()));
            }
            Ended::Done(Ok(None)) | Ended::Stopped(Some(Ok(None))) => continue,
            Ended::Done(Err(error)) | Ended::Stopped(Some(Err(error))) => error,
            Ended::OutOfTime | Ended::Stopped(None) => {
                let within = assay_engine::duration::text(probe.within);
                let message = format!("no answer within {within}: is the address right, and is a firewall in between?");
                StepError::new(StepErrorClass::Timeout, "resource.timeout", message)
            }
            Ended::Panicked(words) => StepError::bug(format!("the check of `{}` panicked: {words}", probe.kind)),
        };
        let message = masker.cut_text(&error.message).into_owned();
        return Err(StepError { message, ..error }.into_job_error());
    }
    Ok(None)
}

fn context(cx: &ProbeSurroundings, deadline: Instant, stop: CancellationToken) -> StepContext {
    StepContext {
        egress: cx.egress.clone(),
        files: cx.files.clone(),
        artifacts: Arc::new(NoArtifacts),
        progress: Arc::new(()),
        stop,
        deadline,
        cookies: Mutex::new(Cookies::default()),
        prepared: None,
        checkpoint: None,
        window_from: None,
        execution_started_at: cx.clock.now(),
        clock: cx.clock.clone(),
        seed: 0,
        turn: Turn::default(),
        scope: Arc::default(),
    }
}

/// A check leaves nothing behind.
struct NoArtifacts;

#[async_trait]
impl Artifacts for NoArtifacts {
    async fn put(&self, _name: &str, _media_type: &str, _bytes: Bytes) -> Result<Artifact, StepError> {
        Err(StepError::bug("a check of a resource stores no artifact"))
    }

    async fn put_evidence(&self, _name: &str, _bytes: Bytes) -> Result<BlobRef, StepError> {
        Err(StepError::bug("a check of a resource stores no evidence"))
    }
}
