//! The step itself: commands, their replies, the output.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value as Json, json};

use super::bounds::bounded;
use super::client::Dial;
use super::doing::Doing;
use super::fault;
use super::reader::{Broken, Budget};
use super::reply::Reply;
use crate::contract::{Output, StepContext, StepError, StepOutcome, StepRunner};
use crate::probe;
use crate::redis::command::Command;
use crate::redis::config::{LARGEST, MOST_COMMANDS};
use crate::redis::target::{Beside, Target};
use crate::redis::{Redis, RedisConfig};
use crate::tls::TlsOptions;

#[async_trait]
impl StepRunner for Redis {
    async fn run(&self, config: RedisConfig, cx: &StepContext) -> Result<StepOutcome, StepError> {
        let url = config.url.as_deref().ok_or_else(|| fault::request("there is no `url`"))?;
        let beside =
            Beside { username: config.username.as_deref(), password: config.password.as_deref(), db: config.db };
        let target = Target::read(url, beside).map_err(fault::request)?;
        let doing = Doing::default();
        let work = Box::pin(self.act(config, &target, &doing, cx));
        bounded(work, cx, &doing, &target).await.map(StepOutcome::Done)
    }

    async fn probe(&self, resource: &Json, cx: &StepContext) -> Result<Option<String>, StepError> {
        let (_, took) = probe::ask(self, resource, json!({"command": ["PING"]}), cx).await?;
        let mut facts = format!("answers in {}", probe::millis(took));
        // Not every user may ask for the version.
        if let Ok((output, _)) = probe::ask(self, resource, json!({"command": ["INFO", "server"]}), cx).await
            && let Some(version) = output.fields.get("reply").and_then(Json::as_str).and_then(version)
        {
            facts.push_str(&format!(", version {version}"));
        }
        Ok(Some(facts))
    }
}

/// The version in the answer to `INFO`.
fn version(info: &str) -> Option<&str> {
    info.lines().find_map(|line| line.strip_prefix("redis_version:")).map(str::trim)
}

impl Redis {
    async fn act(
        &self,
        config: RedisConfig,
        target: &Target,
        doing: &Doing,
        cx: &StepContext,
    ) -> Result<Output, StepError> {
        let (commands, several) = commands(config.command, config.pipeline)?;
        let options = TlsOptions::read(&config.tls, cx.files.as_ref()).await.map_err(fault::tls)?;
        let dial = Dial {
            client: &self.client,
            egress: &cx.egress,
            target,
            options: &options,
            doing,
            // The time is kept above, where it is known what goes on.
            until: cx.deadline + Duration::from_secs(60),
        };
        let replies = exchange(&dial, &commands, config.max_bytes.0.min(LARGEST.0)).await?;
        for (index, (command, reply)) in commands.iter().zip(&replies).enumerate() {
            if let Some(message) = reply.refusal() {
                let what = if several { format!("pipeline[{index}] {}", command.name()) } else { command.name() };
                return Err(fault::refused(target, &what, message));
            }
        }
        let mut replies = replies.into_iter().map(Reply::into_json);
        let mut fields = Map::new();
        if several {
            fields.insert("replies".into(), replies.collect());
        } else {
            fields.insert("reply".into(), replies.next().unwrap_or_default());
        }
        Ok(Output { fields, sent: Some(sent(target, &commands, several)), note: None, expectations: Vec::new() })
    }
}

/// What is to be sent, and whether it is a pipeline.
fn commands(command: Option<Command>, pipeline: Option<Vec<Command>>) -> Result<(Vec<Command>, bool), StepError> {
    let (commands, several) = match (command, pipeline) {
        (Some(command), None) => (vec![command], false),
        (None, Some(commands)) => (commands, true),
        _ => return Err(fault::request("a step has either `command` or `pipeline`")),
    };
    if commands.is_empty() || commands.len() > MOST_COMMANDS {
        return Err(fault::request(format!("a pipeline has 1 to {MOST_COMMANDS} commands, not {}", commands.len())));
    }
    match commands.iter().find_map(Command::refused) {
        Some((message, hint)) => Err(fault::request(format!("{message}: {hint}"))),
        None => Ok((commands, several)),
    }
}

/// Sends the commands on a connection at rest or a new one. One at rest that turns out to be closed is replaced, when
/// sending twice does no harm.
async fn exchange(dial: &Dial<'_>, commands: &[Command], max_bytes: u64) -> Result<Vec<Reply>, StepError> {
    let route = dial.route();
    let mut resting = dial.resting(&route);
    loop {
        let reused = resting.is_some();
        let mut session = match resting.take() {
            Some(session) => session,
            None => dial.open().await?,
        };
        let waiting = AtomicUsize::new(0);
        let name = |index: usize| commands.get(index).map(Command::name).unwrap_or_default();
        let on_reply = |index| {
            waiting.store(index, Relaxed);
            dial.doing.set(format!("waiting for the reply to {}", name(index)));
        };
        match session.ask(commands, &mut Budget::new(max_bytes), on_reply).await {
            Ok(replies) => {
                if session.is_usable() && commands.iter().all(Command::leaves_no_trace) {
                    dial.client.pool.put(route, session);
                }
                return Ok(replies);
            }
            Err(Broken::Closed { within: false } | Broken::Io(_))
                if reused && waiting.load(Relaxed) == 0 && commands.iter().all(Command::reads) => {}
            Err(broken) => return Err(fault::broken(dial.target, broken, &name(waiting.load(Relaxed)))),
        }
    }
}

/// The longest argument, and the most of them, that evidence shows.
const SHOWN: usize = 1024;
const MOST_SHOWN: usize = 100;

/// What was sent, for evidence.
fn sent(target: &Target, commands: &[Command], several: bool) -> Json {
    let shown = |command: &Command| -> Json {
        let cut = |part: std::borrow::Cow<'_, str>| part.chars().take(SHOWN).collect::<String>();
        command.parts().take(MOST_SHOWN).map(cut).collect()
    };
    let place = format!("{}/{}", target.place(), target.db);
    match commands {
        [command] if !several => json!({"target": place, "command": shown(command)}),
        _ => json!({"target": place, "pipeline": commands.iter().take(MOST_SHOWN).map(shown).collect::<Vec<_>>()}),
    }
}
