//! A runner that follows a script, and ports that remember.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assay_egress::Egress;
use assay_engine::expr::Programs;
use assay_engine::job::{Artifact, BlobRef, Job, JobResult};
use assay_engine::types::{OutputField, Problem};
use assay_steps::carry::{CarriedOut, Surroundings, Turns, carry_out};
use assay_steps::contract::{
    Artifacts, Clock, Files, Output, Prepared, Progress, Secrets, StepContext, StepError, StepErrorClass, StepOutcome,
    StepRunner, StepType,
};
use assay_steps::registry::Runners;
use async_trait::async_trait;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What the script says of one call.
pub(crate) enum Act {
    Done(Output),
    Error(StepError),
    Continue(Json, Duration),
    Panic(&'static str),
    Hang,
    /// Returns this when it is told to stop.
    UntilStopped(Output),
}

/// Its config: anything under `say`, a number under `times`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "`times` and `list` are only there to be of a wrong type")]
pub(crate) struct ScriptConfig {
    #[serde(default)]
    pub(crate) say: Json,
    #[serde(default)]
    pub(crate) times: u32,
    #[serde(default)]
    pub(crate) list: Vec<ScriptConfig>,
}

pub(crate) struct Call<'a> {
    /// From 1.
    pub(crate) number: u32,
    pub(crate) config: ScriptConfig,
    pub(crate) cx: &'a StepContext,
}

type Plays = dyn Fn(Call<'_>) -> (Duration, Act) + Send + Sync;

pub(crate) struct Script {
    calls: AtomicU32,
    plays: Box<Plays>,
    prepares: Option<Prepared>,
}

impl Script {
    /// Answers each call at once.
    pub(crate) fn of(plays: impl Fn(Call<'_>) -> Act + Send + Sync + 'static) -> Self {
        Self::timed(move |call| (Duration::ZERO, plays(call)))
    }

    /// Answers each call after a while.
    pub(crate) fn timed(plays: impl Fn(Call<'_>) -> (Duration, Act) + Send + Sync + 'static) -> Self {
        Self { calls: AtomicU32::new(0), plays: Box::new(plays), prepares: None }
    }

    /// Always has these fields as its output.
    pub(crate) fn output(fields: Json) -> Self {
        Self::of(move |_| done(fields.clone()))
    }

    pub(crate) fn preparing(mut self, prepared: Prepared) -> Self {
        self.prepares = Some(prepared);
        self
    }
}

pub(crate) fn done(fields: Json) -> Act {
    Act::Done(output(fields))
}

pub(crate) fn output(fields: Json) -> Output {
    Output { fields: fields.as_object().unwrap().clone(), ..Output::default() }
}

pub(crate) fn refused(message: &str) -> Act {
    Act::Error(StepError::new(StepErrorClass::Connect, "script.refused", message))
}

impl StepType for Script {
    const NAME: &'static str = "script";
    const SUMMARY: &'static str = "Follows a script.";
    const OUTPUTS: &'static [OutputField] = &[];
    const EXPRESSIONS: &'static [&'static str] = &["match"];
    type Config = ScriptConfig;

    fn check(_with: &Json) -> Vec<Problem> {
        Vec::new()
    }

    fn repeatable(_with: &Json) -> bool {
        true
    }
}

#[async_trait]
impl StepRunner for Script {
    async fn prepare(&self, _config: ScriptConfig, _cx: &StepContext) -> Result<Prepared, StepError> {
        self.prepares
            .clone()
            .ok_or_else(|| StepError::new(StepErrorClass::Retry, "script.prepare", "nothing to prepare"))
    }

    async fn run(&self, config: ScriptConfig, cx: &StepContext) -> Result<StepOutcome, StepError> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let (after, act) = (self.plays)(Call { number, config, cx });
        tokio::time::sleep(after).await;
        match act {
            Act::Done(output) => Ok(StepOutcome::Done(output)),
            Act::Error(error) => Err(error),
            Act::Continue(checkpoint, after) => Ok(StepOutcome::Continue { checkpoint, after }),
            Act::Panic(words) => panic!("{words}"),
            Act::Hang => std::future::pending().await,
            Act::UntilStopped(output) => {
                cx.stop.cancelled().await;
                Ok(StepOutcome::Done(output))
            }
        }
    }

    async fn undo(&self, undo: Json, _cx: &StepContext) -> Result<(), StepError> {
        match undo {
            Json::Null => Err(StepError::new(StepErrorClass::Permanent, "script.undo", "nothing to take back")),
            _ => Ok(()),
        }
    }
}

/// Remembers everything that leaves.
#[derive(Default)]
pub(crate) struct Outside {
    pub(crate) secrets: BTreeMap<String, String>,
    pub(crate) files: BTreeMap<String, &'static str>,
    pub(crate) stored: Mutex<Vec<(String, Bytes)>>,
    pub(crate) notes: Mutex<Vec<(Instant, String)>>,
    pub(crate) storage_is_down: bool,
}

impl Outside {
    pub(crate) fn with_secrets(secrets: &[(&str, &str)]) -> Self {
        let secrets = secrets.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { secrets, ..Self::default() }
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap().iter().map(|(_, line)| line.clone()).collect()
    }
}

fn stored_as(bytes: &Bytes, name: &str) -> BlobRef {
    BlobRef { key: format!("blob/{name}"), size: bytes.len() as u64, sha256: "0".repeat(64) }
}

#[async_trait]
impl Artifacts for Outside {
    async fn put(&self, name: &str, media_type: &str, bytes: Bytes) -> Result<Artifact, StepError> {
        let blob = self.put_evidence(name, bytes).await?;
        Ok(Artifact { name: name.into(), media_type: media_type.into(), blob })
    }

    async fn put_evidence(&self, name: &str, bytes: Bytes) -> Result<BlobRef, StepError> {
        if self.storage_is_down {
            return Err(StepError::new(StepErrorClass::Retry, "blob.down", "store the evidence: no answer"));
        }
        let blob = stored_as(&bytes, name);
        self.stored.lock().unwrap().push((name.into(), bytes));
        Ok(blob)
    }
}

#[async_trait]
impl Files for Outside {
    async fn read(&self, name: &str) -> Result<Bytes, StepError> {
        let text = self.files.get(name).copied();
        let missing =
            || StepError::new(StepErrorClass::Permanent, "file.missing", format!("read {name}: no such file"));
        text.map(|text| Bytes::from_static(text.as_bytes())).ok_or_else(missing)
    }
}

/// Every byte is turned over, so that a sealed text holds no value in any known encoding.
fn turned(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte ^ 0x5a).collect()
}

#[async_trait]
impl Secrets for Outside {
    async fn reveal(&self, names: &[String]) -> Result<BTreeMap<String, String>, StepError> {
        let known = names.iter().filter_map(|name| self.secrets.get_key_value(name));
        Ok(known.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    async fn seal(&self, text: &str) -> Result<String, StepError> {
        Ok(hex::encode(turned(text.as_bytes())))
    }

    async fn open(&self, sealed: &str) -> Result<String, StepError> {
        let broken =
            || StepError::new(StepErrorClass::Permanent, "secret.broken", "open a sealed value: it is damaged");
        let bytes = hex::decode(sealed).map_err(|_| broken())?;
        String::from_utf8(turned(&bytes)).map_err(|_| broken())
    }
}

impl Progress for Outside {
    fn note(&self, line: &str) {
        self.notes.lock().unwrap().push((Instant::now(), line.to_owned()));
    }
}

/// A wall clock that goes with the runtime's paused time.
struct PausedClock(Instant);

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        start() + SignedDuration::try_from(self.0.elapsed()).unwrap()
    }
}

pub(crate) fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// A job of the script's type, with these keys.
pub(crate) fn job(keys: Json) -> Job {
    let mut job = json!({
        "contract": 1, "organization": "org_a", "project": "prj_a", "execution": "exe_a", "flowVersion": "flv_a",
        "fence": {"step": "pay", "phase": "run", "attempt": 1, "turn": 0}, "stepType": "script", "with": {},
        "timeoutMs": 30_000, "renderedAt": start(), "seed": 7, "executionStartedAt": start(),
    });
    let fields = job.as_object_mut().unwrap();
    fields.extend(keys.as_object().unwrap().clone());
    serde_json::from_value(job).unwrap()
}

/// Everything around a job, and the stop that reaches it.
pub(crate) struct World {
    pub(crate) outside: Arc<Outside>,
    pub(crate) stop: CancellationToken,
    runners: Runners,
    clock: Arc<PausedClock>,
    programs: Arc<Programs>,
}

impl World {
    pub(crate) fn new(script: Script, outside: Outside) -> Self {
        Self {
            outside: Arc::new(outside),
            stop: CancellationToken::new(),
            runners: Runners::none().with(script),
            clock: Arc::new(PausedClock(Instant::now())),
            programs: Arc::default(),
        }
    }

    pub(crate) async fn carry_out(&self, job: Job) -> CarriedOut {
        self.carry_out_in(job, Turns::Held).await
    }

    /// In a place that is there for this long.
    pub(crate) async fn carry_out_within(&self, job: Job, time: Duration) -> CarriedOut {
        self.carry_out_in(job, Turns::Handed { ends: Instant::now() + time }).await
    }

    async fn carry_out_in(&self, job: Job, turns: Turns) -> CarriedOut {
        let cx = Surroundings {
            turns,
            egress: Arc::new(Egress::closed()),
            secrets: self.outside.clone(),
            files: self.outside.clone(),
            artifacts: self.outside.clone(),
            clock: self.clock.clone(),
            programs: self.programs.clone(),
            progress: self.outside.clone(),
            stop: self.stop.clone(),
        };
        carry_out(job, &self.runners, &cx).await
    }

    pub(crate) async fn result(&self, job: Job) -> JobResult {
        match self.carry_out(job).await {
            CarriedOut::Finished(result) => *result,
            other => panic!("not finished: {other:?}"),
        }
    }

    /// Carries the job out and stops it after a while.
    pub(crate) async fn result_stopped_after(&self, after: Duration, job: Job) -> JobResult {
        let stop = async {
            tokio::time::sleep(after).await;
            self.stop.cancel();
        };
        tokio::join!(self.result(job), stop).0
    }
}

/// The result of a job whose runner has this output.
pub(crate) async fn result_of(fields: Json, keys: Json) -> JobResult {
    World::new(Script::output(fields), Outside::default()).result(job(keys)).await
}

/// What the error says: its code and message.
pub(crate) fn error_of(result: &JobResult) -> (&str, &str) {
    let error = result.error.as_ref().expect("an error");
    (&error.code, &error.message)
}
