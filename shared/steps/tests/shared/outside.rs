//! What a step is run with besides its `with`: files in memory, evidence that is counted, no secrets, a clock.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use assay_engine::job::{Artifact, BlobRef};
use assay_steps::contract::{Artifacts, Clock, Files, Secrets, StepError, StepErrorClass};
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::json;

/// The files beside a flow.
#[derive(Default)]
pub(crate) struct FilesInMemory(pub(crate) HashMap<String, Bytes>);

#[async_trait]
impl Files for FilesInMemory {
    async fn read(&self, name: &str) -> Result<Bytes, StepError> {
        let missing =
            || StepError::new(StepErrorClass::Permanent, "file.missing", format!("there is no file `{name}`"));
        self.0.get(name).cloned().ok_or_else(missing)
    }
}

/// Takes evidence that is too large for a record, and no files.
pub(crate) struct EvidenceOnly;

#[async_trait]
impl Artifacts for EvidenceOnly {
    async fn put(&self, _: &str, _: &str, _: Bytes) -> Result<Artifact, StepError> {
        Err(StepError::bug("these steps leave no artifacts"))
    }
    async fn put_evidence(&self, name: &str, bytes: Bytes) -> Result<BlobRef, StepError> {
        let blob = json!({"key": name, "size": bytes.len(), "sha256": "0".repeat(64)});
        serde_json::from_value(blob).map_err(|error| StepError::bug(error.to_string()))
    }
}

/// Tests without a secret; sealing changes nothing.
pub(crate) struct NoSecrets;

#[async_trait]
impl Secrets for NoSecrets {
    async fn reveal(&self, names: &[String]) -> Result<BTreeMap<String, String>, StepError> {
        assert!(names.is_empty(), "these tests have no secrets");
        Ok(BTreeMap::new())
    }
    async fn seal(&self, text: &str) -> Result<String, StepError> {
        Ok(text.to_owned())
    }
    async fn open(&self, sealed: &str) -> Result<String, StepError> {
        Ok(sealed.to_owned())
    }
}

/// The machine's clock: the real systems have it too.
pub(crate) struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands until it is set.
pub(crate) struct StandingClock(pub(crate) Mutex<Timestamp>);

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}
