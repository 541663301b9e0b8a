//! What a line with `>` says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use assay_engine::job::Captured;
use serde::Deserialize;
use serde_json::Value as Json;

/// Something that happens.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Command {
    /// `admitted 4`
    Admitted(u32),
    /// `wait 5s`: time passes, timers that are due fire.
    Pass(Duration),
    /// `cancel` or `cancel forced`
    Cancel(bool),
    /// `signal NAME {json}`; the same number is the same signal
    Signal(String, Json),
    /// `child STEP passed {captures}`
    Child(String, String, BTreeMap<String, Captured>),
    /// `STEP[index]#attempt WORD {captures}`
    Step(StepSaid),
    /// `finish`, or `finish left` to a rerun
    Finish(bool),
    /// `rerun {options}`: a later execution goes on from this one, which has ended
    Rerun(Later),
    /// `restart`: the execution is stored and loaded again; everything outstanding is told.
    Restart,
}

/// What is heard of a step.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StepSaid {
    pub(super) step: String,
    pub(super) instance: Option<u32>,
    pub(super) attempt: Option<u32>,
    pub(super) word: String,
    pub(super) values: Json,
}

/// What a rerun is asked for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Later {
    /// Steps that run again.
    pub(super) steps: BTreeSet<String>,
    pub(super) after_finally: bool,
    /// Inputs given anew.
    pub(super) inputs: BTreeMap<String, Json>,
    /// The flow that it runs: `edited` for the text below `--- edited`.
    pub(super) edited: bool,
}

pub(super) fn parse(line: &str) -> Result<Command> {
    let (head, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    Ok(match head {
        "admitted" => Command::Admitted(if rest.is_empty() { 10 } else { rest.parse().context("width")? }),
        "wait" => Command::Pass(assay_engine::duration::parse(rest)?),
        "cancel" => Command::Cancel(rest == "forced"),
        "finish" => Command::Finish(rest == "left"),
        "rerun" => Command::Rerun(serde_json::from_str(if rest.is_empty() { "{}" } else { rest }).context("options")?),
        "restart" => Command::Restart,
        "signal" => {
            let (name, payload) = rest.split_once(' ').unwrap_or((rest, "null"));
            Command::Signal(name.to_owned(), serde_json::from_str(payload).context("payload")?)
        }
        "child" => {
            let mut words = rest.splitn(3, ' ');
            let step = words.next().unwrap_or_default().to_owned();
            let status = words.next().context("a status")?.to_owned();
            let captures: BTreeMap<String, Json> = serde_json::from_str(words.next().unwrap_or("{}"))?;
            let captures = captures.into_iter().map(|(name, value)| (name, Captured::Clear(value))).collect();
            Command::Child(step, status, captures)
        }
        place => {
            let (word, values) = rest.split_once(' ').unwrap_or((rest, "{}"));
            if word.is_empty() {
                bail!("`{line}`: what happens to {place}?");
            }
            let values = serde_json::from_str(values).with_context(|| format!("`{line}`: values"))?;
            let (place, attempt) = match place.split_once('#') {
                Some((place, attempt)) => (place, Some(attempt.parse()?)),
                None => (place, None),
            };
            let (step, instance) = match place.split_once('[') {
                Some((step, index)) => (step, Some(index.trim_end_matches(']').parse()?)),
                None => (place, None),
            };
            Command::Step(StepSaid { step: step.to_owned(), instance, attempt, word: word.to_owned(), values })
        }
    })
}
