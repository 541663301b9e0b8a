//! What the step is run with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assay_egress::Egress;
use assay_engine::job::{Artifact, BlobRef};
use assay_steps::contract::{
    Artifacts, Clock, Cookies, Files, Output, StepContext, StepError, StepErrorClass, StepOutcome, StepRunner,
};
use assay_steps::http::{Http, HttpConfig};
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value as Json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The files beside a flow.
#[derive(Default)]
pub(crate) struct FilesInMemory(pub(crate) HashMap<String, Bytes>);

#[async_trait]
impl Files for FilesInMemory {
    async fn read(&self, name: &str) -> Result<Bytes, StepError> {
        let missing = || StepError::new(StepErrorClass::Permanent, "step.file", format!("there is no file `{name}`"));
        self.0.get(name).cloned().ok_or_else(missing)
    }
}

struct NoArtifacts;

#[async_trait]
impl Artifacts for NoArtifacts {
    async fn put(&self, _: &str, _: &str, _: Bytes) -> Result<Artifact, StepError> {
        Err(StepError::bug("the http step leaves no artifacts"))
    }
    async fn put_evidence(&self, _: &str, _: Bytes) -> Result<BlobRef, StepError> {
        Err(StepError::bug("the http step leaves no evidence of its own"))
    }
}

/// A clock that stands until it is set.
pub(crate) struct StandingClock(pub(crate) Mutex<Timestamp>);

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// A step, its process and its execution.
pub(crate) struct World {
    pub(crate) http: Http,
    pub(crate) egress: Egress,
    pub(crate) files: Arc<FilesInMemory>,
    pub(crate) clock: Arc<StandingClock>,
    pub(crate) stop: CancellationToken,
    pub(crate) timeout: Duration,
    pub(crate) cookies: Mutex<Cookies>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Egress::open())
    }

    pub(crate) fn with(egress: Egress) -> Self {
        Self {
            http: Http::default(),
            egress,
            files: Arc::default(),
            clock: Arc::new(StandingClock(Mutex::new("2026-06-01T00:00:00Z".parse().unwrap()))),
            stop: CancellationToken::new(),
            timeout: Duration::from_secs(20),
            cookies: Mutex::default(),
        }
    }

    pub(crate) fn file(mut self, name: &str, bytes: impl Into<Bytes>) -> Self {
        Arc::get_mut(&mut self.files).unwrap().0.insert(name.to_owned(), bytes.into());
        self
    }

    /// Runs the step with this `with`; the cookies it leaves are there for the next one.
    pub(crate) async fn run(&self, with: Json) -> Result<Output, StepError> {
        let config: HttpConfig = serde_json::from_value(with).unwrap();
        let cx = StepContext {
            egress: Arc::new(self.egress.clone()),
            files: Arc::clone(&self.files) as Arc<dyn Files>,
            artifacts: Arc::new(NoArtifacts),
            progress: Arc::new(()),
            stop: self.stop.clone(),
            deadline: Instant::now() + self.timeout,
            cookies: Mutex::new(self.cookies.lock().unwrap().clone()),
            prepared: None,
            checkpoint: None,
            window_from: None,
            execution_started_at: self.clock.now(),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            seed: 7,
            scope: Arc::new(Map::new()),
        };
        let outcome = self.http.run(config, &cx).await;
        *self.cookies.lock().unwrap() = cx.cookies.into_inner().unwrap();
        match outcome? {
            StepOutcome::Done(output) => Ok(output),
            StepOutcome::Continue { .. } => panic!("the http step ends in one turn"),
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
