//! Waiting for entries: recording where to begin, and the turns of a wait.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::bounds::bounded;
use super::client::Dial;
use super::doing::Doing;
use super::entry::{Entry, Id};
use super::fault;
use super::record::Place;
use super::wait::{Trouble, Wait};
use crate::contract::{Output, Prepared, StepContext, StepError, StepErrorClass as Class, StepOutcome, StepRunner};
use crate::expect::{Ask, Asked, ExpectError, Rules, Watch};
use crate::redis::config::LARGEST;
use crate::redis::target::{Beside, Target};
use crate::redis::{RedisExpect, RedisExpectConfig};
use crate::tls::TlsOptions;

/// How long one command waits for entries, so that a stop is seen soon.
const SLICE: Duration = Duration::from_secs(1);

/// The pause before a server that is away is asked again.
const PAUSE: Duration = Duration::from_millis(250);

/// What is carried from turn to turn.
#[derive(Debug, Serialize, Deserialize)]
struct Checkpoint {
    place: Place,
    watch: Json,
}

#[async_trait]
impl StepRunner for RedisExpect {
    async fn prepare(&self, config: RedisExpectConfig, cx: &StepContext) -> Result<Prepared, StepError> {
        let target = target(&config)?;
        let doing = Doing::default();
        let options = TlsOptions::read(&config.tls, cx.files.as_ref()).await.map_err(fault::tls)?;
        let mut wait = self.wait(&config, &target, &options, &doing, cx);
        let place = bounded(Box::pin(async { Ok(wait.begin(&config.stream).await?) }), cx, &doing, &target).await?;
        wait.rest();
        Ok(Prepared { state: written(&place)?, undo: None })
    }

    async fn run(&self, config: RedisExpectConfig, cx: &StepContext) -> Result<StepOutcome, StepError> {
        let target = target(&config)?;
        let doing = Doing::default();
        let work = Box::pin(self.turn(&config, &target, &doing, cx));
        bounded(work, cx, &doing, &target).await
    }
}

impl RedisExpect {
    fn wait<'a>(
        &'a self,
        config: &RedisExpectConfig,
        target: &'a Target,
        options: &'a TlsOptions,
        doing: &'a Doing,
        cx: &'a StepContext,
    ) -> Wait<'a> {
        let dial = Dial { client: &self.client, egress: &cx.egress, target, options, doing, until: cx.deadline };
        Wait::new(dial, config.max_bytes.0.min(LARGEST.0))
    }

    async fn turn(
        &self,
        config: &RedisExpectConfig,
        target: &Target,
        doing: &Doing,
        cx: &StepContext,
    ) -> Result<StepOutcome, StepError> {
        let options = TlsOptions::read(&config.tls, cx.files.as_ref()).await.map_err(fault::tls)?;
        let rules = rules(config, cx).await?;
        let mut wait = self.wait(config, target, &options, doing, cx);
        let now = cx.clock.now();
        let (place, watch) = match (&cx.checkpoint, &cx.prepared) {
            (Some(checkpoint), _) => {
                let Checkpoint { place, watch } = read(checkpoint, "checkpoint")?;
                (place, Watch::resume(&rules, &watch, now).map_err(expect_error)?)
            }
            (None, Some(prepared)) => {
                (read(prepared, "recorded position")?, Watch::new(&rules, cx.window_from.unwrap_or(now), now))
            }
            (None, None) => {
                let place = wait.begin(&config.stream).await?;
                (place, Watch::new(&rules, cx.window_from.unwrap_or(now), now))
            }
        };
        if place.stream != config.stream {
            let message = format!("the position was recorded for `{}`, not `{}`", place.stream, config.stream);
            return Err(fault::request(message));
        }
        let sent = json!({
            "target": format!("{}/{}", target.place(), target.db), "stream": config.stream, "after": place.at,
            "match": config.matches,
        });
        let mut hunt = Hunt { wait, place, watch, cx, until: Instant::now() + self.turn.unwrap_or(cx.turn.look) };
        let decided = hunt.go().await?;
        hunt.wait.rest();
        if decided {
            let output: Output = hunt.watch.into_output();
            return Ok(StepOutcome::Done(Output { sent: Some(sent), ..output }));
        }
        let due = hunt.due();
        let watch = hunt.watch.checkpoint().ok_or_else(|| StepError::bug("a turn ended that cannot be carried on"))?;
        let checkpoint = written(&Checkpoint { place: hunt.place, watch })?;
        Ok(StepOutcome::Continue { checkpoint, after: due.min(cx.turn.rest) })
    }
}

/// One turn of a wait.
struct Hunt<'a> {
    wait: Wait<'a>,
    place: Place,
    watch: Watch<'a>,
    cx: &'a StepContext,
    /// When this turn gives its place back.
    until: Instant,
}

impl Hunt<'_> {
    /// How long until something must be decided.
    fn due(&self) -> Duration {
        let now = self.cx.clock.now();
        match self.watch.ask(now) {
            Ask::Wait(due) => Duration::try_from(due.duration_since(now)).unwrap_or_default(),
            Ask::Decided | Ask::Prove(_) => Duration::ZERO,
        }
    }

    /// Reads until it is decided (true) or the turn is over (false).
    async fn go(&mut self) -> Result<bool, StepError> {
        loop {
            let now = self.cx.clock.now();
            match self.watch.ask(now) {
                Ask::Decided => return Ok(true),
                Ask::Prove(_) => self.prove(now).await?,
                Ask::Wait(_) if Instant::now() >= self.until && self.watch.checkpoint().is_some() => return Ok(false),
                Ask::Wait(due) => {
                    let left = Duration::try_from(due.duration_since(now)).unwrap_or_default();
                    self.listen(left.min(SLICE)).await?;
                }
            }
        }
    }

    /// Waits for entries. A server that is away may come back: a stream keeps what it was given.
    async fn listen(&mut self, block: Duration) -> Result<(), StepError> {
        let read = self.wait.read(&self.place, Some(block)).await;
        self.place.interrupted |= self.wait.interrupted;
        match read {
            Ok(entries) => look(&mut self.watch, entries, None, self.cx).map(|read| self.place.moved(read)),
            Err(Trouble::Fatal(error)) => Err(error),
            Err(Trouble::Away(error)) => {
                self.cx.progress.note(&format!("waiting for the server: {error}"));
                tokio::time::sleep(PAUSE.min(block)).await;
                Ok(())
            }
        }
    }

    /// Reads everything that there is by now and makes sure that nothing is missing in it. What did not come has only then
    /// not come.
    async fn prove(&mut self, now: Timestamp) -> Result<(), StepError> {
        let info = self.wait.info(&self.place.stream).await?;
        while self.place.at < info.last && self.watch.ask(now) != Ask::Decided {
            let entries = self.wait.read(&self.place, None).await?;
            if entries.is_empty() {
                break;
            }
            let beyond = entries.first().is_some_and(|entry| entry.id > info.last);
            let read = look(&mut self.watch, entries, Some(info.last), self.cx)?;
            self.place.moved(read);
            if beyond {
                break;
            }
        }
        if self.watch.ask(now) == Ask::Decided {
            return Ok(());
        }
        let run = self.wait.run().await?;
        self.place.interrupted |= self.wait.interrupted;
        if let Some(doubt) = self.place.doubt(&info, run.as_deref()) {
            let Place { stream, .. } = &self.place;
            let message = format!("nobody can know whether all entries of `{stream}` were seen: {doubt}");
            return Err(StepError::new(Class::Permanent, "redis.missed", message));
        }
        self.watch.seen_until(now);
        Ok(())
    }
}

impl Place {
    fn moved(&mut self, read: (u64, Option<Id>)) {
        self.read += read.0;
        self.at = read.1.unwrap_or(self.at);
    }
}

/// Looks at entries up to `last`, and at none after it is decided; how many, and the last of them.
fn look(
    watch: &mut Watch<'_>,
    entries: Vec<Entry>,
    last: Option<Id>,
    cx: &StepContext,
) -> Result<(u64, Option<Id>), StepError> {
    let now = cx.clock.now();
    let mut read = (0, None);
    for entry in entries {
        if last.is_some_and(|last| entry.id > last) || watch.ask(now) == Ask::Decided {
            break;
        }
        watch.look_at(&entry, now).map_err(expect_error)?;
        read = (read.0 + 1, Some(entry.id));
    }
    Ok(read)
}

fn target(config: &RedisExpectConfig) -> Result<Target, StepError> {
    let url = config.url.as_deref().ok_or_else(|| fault::request("there is no `url`"))?;
    let beside = Beside { username: config.username.as_deref(), password: config.password.as_deref(), db: config.db };
    Target::read(url, beside).map_err(fault::request)
}

/// The compiled expressions, with the schemas that they name.
async fn rules(config: &RedisExpectConfig, cx: &StepContext) -> Result<Rules, StepError> {
    let asked = Asked {
        matches: config.matches.as_deref(),
        count: config.count,
        within: config.within.0,
        settle: config.settle.map(|settle| settle.0),
        ordered_by: config.ordered_by.as_deref(),
        distinct_by: config.distinct_by.as_deref(),
        collect: config.collect,
    };
    let rules = Rules::compile(&asked, &cx.scope, cx.seed).map_err(expect_error)?;
    let mut schemas = BTreeMap::new();
    for name in rules.schema_files() {
        let bytes = cx.files.read(&name).await?;
        let schema = serde_json::from_slice(&bytes).map_err(|error| {
            StepError::new(Class::Permanent, "step.schema", format!("the schema {name} is not JSON: {error}"))
        })?;
        schemas.insert(name, schema);
    }
    Ok(rules.with_schemas(schemas))
}

fn expect_error(error: ExpectError) -> StepError {
    error.into_step_error("redis.tooLarge")
}

fn written(value: &impl Serialize) -> Result<Json, StepError> {
    serde_json::to_value(value).map_err(|error| StepError::bug(format!("write down where the wait is: {error}")))
}

fn read<T: for<'de> Deserialize<'de>>(json: &Json, what: &str) -> Result<T, StepError> {
    T::deserialize(json).map_err(|error| StepError::bug(format!("read the {what}: {error}")))
}
