//! Plays a scenario.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use assay_engine::bundle::Bundle;
use assay_engine::compile::compile;
use assay_engine::execution::{
    self as engine, Acceptance, Change, Earlier, Effect, Event, Execution, Head, Part, PartId, RerunOptions, Token,
    Transition, plan_rerun,
};
use assay_engine::expr::Programs;
use assay_engine::id::{ExecutionId, OrganizationId, ProjectId};
use assay_engine::job::{AssertionResult, Captured, ErrorClass, Fence, JobError, JobPhase, JobResult, Mask, Outcome};
use assay_engine::plan::Plan;
use assay_engine::record::{Rerun, RerunHow};
use assay_engine::status::ExecutionStatus;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use super::command::{Command, Later, StepSaid, parse};
use super::told;
use crate::simulator::SimTypes;

/// An execution that a test plays with.
pub struct Scenario {
    plan: Arc<Plan>,
    execution: Execution,
    now: Timestamp,
    signals: u32,
    bundle: Bundle,
    edited: Option<String>,
    reruns: u32,
    /// What the last event made it do.
    pub lines: Vec<String>,
}

impl Scenario {
    /// An execution of this flow, accepted and not admitted.
    ///
    /// # Errors
    /// When the flow does not compile or is refused.
    pub fn of(flow: &str, asked: Asked) -> Result<Self> {
        let mut bundle = Bundle::of_text("flow.yaml", flow);
        let child = "steps: [{id: c, type: act, capture: {v: body.v}}]\ninputs: {x: {type: string, default: none}}\n";
        bundle.files.insert("child.yaml".into(), Arc::from(child.as_bytes()));
        let plan = compiled(&bundle)?;
        let now = Timestamp::from_second(1_800_000_000)?;
        let inputs = asked.inputs.into_iter().map(|(name, value)| (name, Captured::Clear(value))).collect();
        let acceptance = Acceptance {
            inputs,
            only: asked.only,
            keep: asked.keep,
            ..acceptance(ExecutionId::derived(&["scenario"]), now)
        };
        let (execution, change) = Execution::accept(&plan, acceptance)?;
        let edited = asked.edited;
        let mut scenario = Self { plan, execution, now, signals: 0, bundle, edited, reruns: 0, lines: Vec::new() };
        scenario.tell(&change);
        scenario.execution.mark_sent();
        Ok(scenario)
    }

    /// From here on the scenario is about an execution that goes on from this one.
    fn rerun(&mut self, later: Later) -> Result<()> {
        let mut bundle = self.bundle.clone();
        if let (true, Some(edited)) = (later.edited, &self.edited) {
            bundle.files.insert("flow.yaml".into(), Arc::from(edited.as_bytes()));
        }
        let plan = compiled(&bundle)?;
        let mut inputs = match self.execution.stored().1.get(&PartId::Start) {
            Some(Part::Start(start)) => start.inputs.clone(),
            _ => BTreeMap::new(),
        };
        inputs.extend(later.inputs.into_iter().map(|(name, value)| (name, Captured::Clear(value))));
        let id = ExecutionId::derived(&["scenario", "rerun", &(self.reruns + 1).to_string()]);
        let options = RerunOptions { after_finally: later.after_finally, steps: later.steps };
        let earlier = Earlier { plan: &self.plan, execution: &self.execution };
        let asked = engine::Later { plan: &plan, id: &id, inputs: &inputs, now: self.now };
        let carried = match plan_rerun(earlier, asked, &options) {
            Ok(carried) => carried,
            Err(refusal) => {
                self.lines.push(format!("refused: {refusal}"));
                return Ok(());
            }
        };
        for one in &carried.not_carried {
            self.lines.push(format!("{} runs again: {}", one.step, one.why));
        }
        for one in &carried.renewed {
            self.lines.push(format!("vars.{} is made anew: {}", one.name, one.why));
        }
        let rerun = Some(Rerun { of: carried.of.clone(), how: RerunHow::FromFailed });
        let (seed, attempt) = (carried.seed, self.execution.head().attempt + 1);
        let acceptance =
            Acceptance { inputs, rerun, seed, attempt, carried: Some(Box::new(carried)), ..acceptance(id, self.now) };
        let (execution, change) = Execution::accept(&plan, acceptance)?;
        (self.plan, self.execution, self.bundle) = (plan, execution, bundle);
        self.reruns += 1;
        self.tell(&change);
        self.execution.mark_sent();
        Ok(())
    }

    /// The state as it would be stored.
    pub fn head(&self) -> &Head {
        self.execution.head()
    }

    /// Does what a line with `>` says; `lines` has what follows.
    ///
    /// # Errors
    /// When the line cannot be understood.
    pub fn when(&mut self, line: &str) -> Result<()> {
        self.lines.clear();
        let command = parse(line)?;
        match command {
            Command::Pass(duration) => self.pass(SignedDuration::try_from(duration)?),
            Command::Restart => return self.restart(),
            Command::Rerun(later) => return self.rerun(later),
            other => {
                let event = self.event(other)?;
                self.apply(event);
            }
        }
        Ok(())
    }

    fn pass(&mut self, duration: SignedDuration) {
        let until = self.now + duration;
        while let Some(timer) = self.execution.head().timers.first().filter(|timer| timer.at <= until).cloned() {
            self.now = self.now.max(timer.at);
            self.apply(Event::TimerFired { token: timer.token });
        }
        self.now = until;
    }

    fn apply(&mut self, event: Event) {
        let again = event.clone();
        match self.execution.apply(&self.plan, event, self.now) {
            Transition::Applied(change) => {
                self.tell(&change);
                self.execution.mark_sent();
            }
            Transition::Ignored(why) => self.lines.push(told::ignored(why)),
            // The store does not have them.
            Transition::Missing(parts) => {
                self.execution.provide(BTreeMap::new(), parts.into_iter().collect());
                self.apply(again);
            }
        }
    }

    fn tell(&mut self, change: &Change) {
        self.lines.extend(change.records.iter().filter_map(|record| told::record(&record.what)));
        let quiet = |effect: &&Effect| !matches!(effect, Effect::ArmTimer { token: Token::Execution, .. });
        self.lines.extend(change.effects.iter().filter(quiet).map(|effect| told::effect(effect, self.now)));
    }

    /// Through the store and back, part by part as JSON.
    fn restart(&mut self) -> Result<()> {
        let (head, parts) = self.execution.stored();
        let head: Head = serde_json::from_str(&serde_json::to_string(head)?)?;
        let parts: BTreeMap<PartId, Part> = parts
            .iter()
            .map(|(id, part)| Ok((id.to_string().parse()?, serde_json::from_str(&serde_json::to_string(part)?)?)))
            .collect::<Result<_>>()?;
        self.execution = Execution::restore(head, parts, BTreeSet::new());
        loop {
            match self.execution.outstanding(&self.plan, self.now) {
                Ok(effects) => {
                    let quiet = |effect: &&Effect| !matches!(effect, Effect::ArmTimer { token: Token::Execution, .. });
                    self.lines.extend(effects.iter().filter(quiet).map(|effect| told::effect(effect, self.now)));
                    return Ok(());
                }
                // The store does not have them.
                Err(parts) => self.execution.provide(BTreeMap::new(), parts.into_iter().collect()),
            }
        }
    }

    fn event(&mut self, command: Command) -> Result<Event> {
        Ok(match command {
            Command::Admitted(width) => Event::Admitted { width },
            Command::Cancel(forced) => Event::CancelRequested { by: "somebody".into(), forced },
            Command::Signal(name, payload) => {
                self.signals += 1;
                Event::SignalReceived { id: format!("sig{}", self.signals), name, payload, by: "somebody".into() }
            }
            Command::Child(step, status, captures) => {
                let status: ExecutionStatus = serde_json::from_value(Json::String(status))?;
                let fence = self.fence(&step, None, None)?;
                let place = fence.place();
                let attempt = fence.attempt.to_string();
                let child = ExecutionId::derived(&[self.execution.head().id.as_str(), &place, &attempt]);
                Event::ChildFinished { fence, child, status, captures, reason: None }
            }
            Command::Step(said) => self.step_event(said)?,
            Command::Finish(left) => {
                let left_to = left.then(|| ExecutionId::derived(&["later"]));
                Event::FinishRequested { by: "somebody".into(), left_to }
            }
            Command::Pass(_) | Command::Restart | Command::Rerun(_) => bail!("no event"),
        })
    }

    fn fence(&self, step: &str, instance: Option<u32>, attempt: Option<u32>) -> Result<Fence> {
        let index = self.plan.step_index(step).with_context(|| format!("no step `{step}`"))?;
        let current = self.execution.under_way(&self.plan, index, instance);
        let mut fence = match current {
            Some(fence) => fence,
            None => Fence { step: step.into(), instance, phase: JobPhase::Run, attempt: 1, turn: 0 },
        };
        fence.attempt = attempt.unwrap_or(fence.attempt);
        Ok(fence)
    }

    fn step_event(&self, said: StepSaid) -> Result<Event> {
        let fence = self.fence(&said.step, said.instance, said.attempt)?;
        let outcome = match said.word.as_str() {
            "started" => return Ok(Event::StepStarted { fence }),
            "lost" => return Ok(Event::WorkerLost { fence, reason: "gone".into() }),
            "prepared" => {
                let undo = said.values.get("undo").cloned();
                let state = said.values.get("state").cloned().unwrap_or(Json::Null);
                return Ok(Event::StepPrepared { fence, state, undo });
            }
            "undone" => return Ok(Event::StepUndone { fence, error: None }),
            "notUndone" => return Ok(Event::StepUndone { fence, error: Some(error(ErrorClass::Error)) }),
            "continued" => {
                let after_ms = said.values.get("after").and_then(Json::as_u64).unwrap_or(0);
                let deadline = self.now + SignedDuration::from_secs(60);
                return Ok(Event::StepContinued { fence, checkpoint: Json::from("here"), after_ms, deadline });
            }
            "passed" => Outcome::Passed,
            "failed" | "failedSoftly" => Outcome::Failed,
            "errored" | "unreachable" => Outcome::Errored,
            "timedOut" => Outcome::TimedOut,
            "cancelled" => Outcome::Cancelled,
            other => bail!("`{other}` is nothing that happens to a step"),
        };
        Ok(Event::StepFinished { fence, result: Box::new(self.result(&said, outcome)?) })
    }

    fn result(&self, said: &StepSaid, outcome: Outcome) -> Result<JobResult> {
        let mut result = JobResult::of(outcome, self.now, self.now);
        let Json::Object(mut values) = said.values.clone() else { bail!("values are an object") };
        if let Some(Json::Array(matched)) = values.remove("retryOn") {
            result.retry_on = matched.iter().filter_map(|one| u32::try_from(one.as_u64()?).ok()).collect();
        }
        if let Some(Json::Object(hidden)) = values.remove("hidden") {
            result.hidden = hidden.into_iter().map(|(path, value)| (path, Captured::Clear(value))).collect();
        }
        for (name, value) in values {
            result.captures.insert(name, serde_json::from_value(value)?);
        }
        if outcome == Outcome::Failed {
            let soft = said.word == "failedSoftly";
            let (that, message, reason, parts) = ("status == 200".to_owned(), None, None, Vec::new());
            result.assertions.push(AssertionResult { that, passed: false, message, soft, reason, parts });
        }
        result.error = match said.word.as_str() {
            "errored" => Some(error(ErrorClass::Error)),
            "unreachable" => Some(error(ErrorClass::Connect)),
            "timedOut" => Some(error(ErrorClass::Timeout)),
            _ => None,
        };
        Ok(result)
    }
}

/// How an execution is asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// `inputs: {json}`
    pub inputs: BTreeMap<String, Json>,
    /// `only: a, b`
    pub only: Option<BTreeSet<String>>,
    /// `keep: 30m`
    pub keep: Option<Duration>,
    /// The flow that a rerun is given.
    pub edited: Option<String>,
}

impl Asked {
    fn read(head: &str) -> Result<Self> {
        let said = |key: &str| head.lines().find_map(|line| line.strip_prefix(key));
        Ok(Self {
            inputs: said("inputs: ").map(serde_json::from_str).transpose()?.unwrap_or_default(),
            only: said("only: ").map(|ids| ids.split(", ").map(str::to_owned).collect()),
            keep: said("keep: ").map(assay_engine::duration::parse).transpose()?,
            edited: None,
        })
    }
}

fn compiled(bundle: &Bundle) -> Result<Arc<Plan>> {
    match compile(bundle, &SimTypes, &Programs::new(1024, Default::default())) {
        Ok(compiled) => Ok(compiled.plan),
        Err(wrong) => bail!("the flow does not compile: {wrong:?}"),
    }
}

fn acceptance(id: ExecutionId, now: Timestamp) -> Acceptance {
    Acceptance {
        id,
        organization: OrganizationId::derived(&["scenario"]),
        project: ProjectId::derived(&["scenario"]),
        parent: None,
        depth: 0,
        seed: 7,
        mask: Mask::default(),
        inputs: BTreeMap::new(),
        labels: BTreeMap::new(),
        rerun: None,
        attempt: 1,
        carried: None,
        only: None,
        keep: None,
        file: None,
        now,
    }
}

fn error(class: ErrorClass) -> JobError {
    JobError { class, code: "scenario".into(), message: format!("{class:?}").to_lowercase() }
}

/// Plays a file and compares; with `UPDATE=1` it writes what was found.
///
/// # Errors
/// When the file cannot be read or understood, or something else follows than it says.
pub fn play_file(path: &Path, update: bool) -> Result<()> {
    let text = std::fs::read_to_string(path)?;
    let (head, rest) = text.split_once("--- flow\n").context("no `--- flow`")?;
    let (texts, script) = rest.split_once("--- events\n").context("no `--- events`")?;
    let (flow, edited) = texts.split_once("--- edited\n").map_or((texts, None), |(flow, edited)| (flow, Some(edited)));
    let mut scenario = Scenario::of(flow, Asked { edited: edited.map(str::to_owned), ..Asked::read(head)? })?;
    let mut found = format!("{head}--- flow\n{texts}--- events\n");
    let first = std::mem::take(&mut scenario.lines);
    first.iter().for_each(|line| found.push_str(&format!("{line}\n")));
    for line in script.lines().filter_map(|line| line.strip_prefix("> ")) {
        scenario.when(line).with_context(|| format!("> {line}"))?;
        found.push_str(&format!("> {line}\n"));
        scenario.lines.iter().for_each(|line| found.push_str(&format!("{line}\n")));
    }
    if found == text {
        return Ok(());
    }
    if update {
        std::fs::write(path, &found)?;
        return Ok(());
    }
    bail!("{}: something else follows:\n{}", path.display(), difference(&text, &found))
}

fn difference(wanted: &str, found: &str) -> String {
    let (wanted, found): (Vec<_>, Vec<_>) = (wanted.lines().collect(), found.lines().collect());
    let first = wanted.iter().zip(&found).position(|(a, b)| a != b).unwrap_or(wanted.len().min(found.len()));
    let from = first.saturating_sub(4);
    let show =
        |lines: &[&str]| lines.iter().skip(from).take(12).map(|line| format!("    {line}\n")).collect::<String>();
    format!("  wanted:\n{}  found:\n{}", show(&wanted), show(&found))
}
