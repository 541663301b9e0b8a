//! One execution and its sub-flows as lines.

use std::collections::{BTreeMap, HashMap};

use assay_engine::id::ExecutionId;
use assay_engine::job::{JobPhase, JobResult};
use assay_engine::record::{Place, Record, What};
use assay_engine::status::{ExecutionStatus, Phase, StepStatus};
use jiff::Timestamp;

use super::detail;
use super::paint::Paint;
use super::summary::Outcome;
use super::text::{clean, duration, hang, name};

/// Instances of a `foreach` that passed get a line of their own up to this many.
const FEW_INSTANCES: u32 = 10;
/// Room for `[12]` behind the id of a step.
const INDEX: usize = 4;
/// A step that runs for longer than this is named from time to time, in seconds.
const LONG: i64 = 10;

/// One execution and its sub-flows, fed with their records in order.
pub(crate) struct FlowView {
    paint: Paint,
    root: ExecutionId,
    nodes: HashMap<ExecutionId, Node>,
    /// Places of children whose first record has not come yet.
    expected: HashMap<ExecutionId, (ExecutionId, String)>,
    /// What is under way, with the instant it was last named.
    running: BTreeMap<(String, String), (Timestamp, Timestamp)>,
    /// What to say when a step begins, by step id of the main flow: what a `wait` waits for.
    notes: BTreeMap<String, String>,
    first: Option<(StepStatus, String, String)>,
    /// The first step that was told to stop.
    stopped: Option<String>,
    /// The flow's file as it was asked for; none: as the execution knows it.
    file: Option<String>,
    verdict: Option<ExecutionStatus>,
    reason: Option<String>,
}

/// One execution within the tree.
struct Node {
    flow: String,
    depth: usize,
    /// What its step names are preceded by: `pay/`.
    prefix: String,
    width: usize,
    main: usize,
    steps: Vec<String>,
    expanded: HashMap<String, u32>,
}

impl FlowView {
    /// A view of this execution. `notes`: what to say when a step begins.
    pub(crate) fn new(root: ExecutionId, notes: BTreeMap<String, String>, paint: Paint) -> Self {
        Self {
            paint,
            root,
            nodes: HashMap::new(),
            expected: HashMap::new(),
            running: BTreeMap::new(),
            notes,
            first: None,
            stopped: None,
            file: None,
            verdict: None,
            reason: None,
        }
    }

    /// The same view with the flow's file as it was asked for.
    pub(crate) fn of_file(self, file: Option<String>) -> Self {
        Self { file, ..self }
    }

    /// What it came to, once it has its verdict.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        let flow = self.nodes.get(&self.root).map(|node| node.flow.clone()).unwrap_or_default();
        let first = match (&self.first, &self.reason) {
            (Some((_, step, why)), _) => Some((step.clone(), why.clone())),
            (None, Some(reason)) => Some((self.stopped.clone().unwrap_or_default(), reason.clone())),
            (None, None) => {
                let why = "it was running when the time of the execution was over";
                self.stopped.clone().map(|step| (step, why.to_owned()))
            }
        };
        Some(Outcome { flow, execution: self.root.clone(), status: self.verdict?, first })
    }

    /// The lines of a record; empty when there is nothing to say.
    pub(crate) fn record(&mut self, record: &Record) -> String {
        match &record.what {
            What::Queued { flow, main, parent, attempt, .. } => self.queued(record, flow, main, parent, *attempt),
            What::Started { steps, main, .. } => self.started(record, steps, *main),
            What::PhaseEntered { phase, until } => self.phase(record, *phase, *until),
            What::Released { by, rerun } => {
                let what = rerun.as_ref().map_or("`finally` runs", |_| "`finally` is left to the rerun");
                self.say(record, &self.paint.yellow(&format!("let go of by {}: {what}", clean(by))))
            }
            What::StopRequested { by, forced } => {
                let how = if *forced { "ends at once" } else { "stops, then `finally` runs" };
                self.say(record, &self.paint.yellow(&format!("stop asked for by {}: {how}", clean(by))))
            }
            What::Finished { .. } => self.finished(record),
            What::Expanded { place, instances } => {
                let node = self.node(&record.execution);
                node.expanded.insert(place.step.clone(), *instances);
                String::new()
            }
            What::Dispatched { .. } | What::Continued { .. } => String::new(),
            What::StepStarted { place, phase, child, .. } => self.step_started(record, place, *phase, child.as_ref()),
            What::Prepared { .. } => String::new(),
            What::AttemptEnded { place, attempt, result, retry_at } => {
                self.attempt_ended(record, place, *attempt, result, *retry_at)
            }
            What::StepFinished { .. } => self.step_finished(record),
            What::Undone { place, ok, error } => {
                let label = self.label(&record.execution, place);
                let mut out = if *ok {
                    self.say(record, &format!("{label}  {}", self.paint.faint("taken back")))
                } else {
                    self.say(record, &format!("{label}  {}", self.paint.red("could not be taken back")))
                };
                if let Some(error) = error {
                    out.push_str(&detail::of_error(error, self.paint, self.indent(&record.execution) + 4));
                }
                out
            }
            What::SignalReceived { name, by } => {
                self.say(record, &self.paint.faint(&format!("signal {} from {}", clean(name), clean(by))))
            }
            What::Warned { step, message } => {
                let about = step.as_ref().map(|step| format!("{}: ", clean(step))).unwrap_or_default();
                let said = hang(&clean(message), self.indent(&record.execution) + 4);
                self.say(record, &format!("{} {about}{said}", self.paint.yellow("warning")))
            }
        }
    }

    /// Names steps that have been running for long, so that a quiet terminal is no riddle.
    pub(crate) fn still_running(&mut self, now: Timestamp) -> String {
        let mut out = String::new();
        for ((path, _), (since, named)) in &mut self.running {
            if now.as_second() - named.as_second() < LONG {
                continue;
            }
            *named = now;
            let seconds = (now.as_second() - since.as_second()).max(0).unsigned_abs();
            let line = format!("  {path}  still running after {}\n", duration(seconds * 1000));
            out.push_str(&self.paint.faint(&line));
        }
        out
    }

    /// What to say at the end of a history that goes on.
    pub(crate) fn unfinished(&self) -> String {
        let flow = self.nodes.get(&self.root).map(|node| name(&node.flow)).unwrap_or_default();
        let doing: Vec<&str> = self.running.keys().map(|(path, _)| path.as_str()).collect();
        let doing = if doing.is_empty() { String::new() } else { format!(": {} under way", doing.join(", ")) };
        format!("{} {}{doing}\n", self.paint.bold(&flow), self.paint.faint("has no verdict yet"))
    }

    fn queued(
        &mut self,
        record: &Record,
        flow: &str,
        main: &str,
        parent: &Option<ExecutionId>,
        attempt: u32,
    ) -> String {
        let place = self.expected.remove(&record.execution);
        let above = place.as_ref().map(|(above, _)| above).or(parent.as_ref()).and_then(|above| self.nodes.get(above));
        let (depth, prefix) = match above {
            Some(above) => {
                let own = place.as_ref().map_or(flow, |(_, own)| own.as_str());
                (above.depth + 1, format!("{}{}/", above.prefix, name(own)))
            }
            None => (0, String::new()),
        };
        let head = if depth == 0 {
            let again = if attempt > 1 { format!(", run {attempt}") } else { String::new() };
            let file = self.file.as_deref().unwrap_or(main);
            let about = self.paint.faint(&format!("({}{again})  {}", name(file), record.execution));
            format!("{}  {about}\n", self.paint.bold(&name(flow)))
        } else {
            let about = self.paint.faint(&format!("flow {}  {}", clean(main), record.execution));
            format!("{}{}  {about}\n", " ".repeat(depth * 2), prefix.trim_end_matches('/'))
        };
        let node = Node {
            flow: flow.to_owned(),
            depth,
            prefix,
            width: 0,
            main: 0,
            steps: Vec::new(),
            expanded: HashMap::new(),
        };
        self.nodes.insert(record.execution.clone(), node);
        head
    }

    fn started(&mut self, record: &Record, steps: &[String], main: u32) -> String {
        let node = self.node(&record.execution);
        let longest = steps.iter().map(|step| step.chars().count()).max().unwrap_or(0);
        node.width = node.prefix.chars().count() + longest.clamp(8, 32) + INDEX;
        node.main = main as usize;
        node.steps = steps.to_vec();
        String::new()
    }

    fn phase(&mut self, record: &Record, phase: Phase, until: Option<Timestamp>) -> String {
        let node = self.node(&record.execution);
        let (any, indent) = (node.steps.len() > node.main, node.depth * 2 + 2);
        match phase {
            Phase::Finally if any => format!("{}{}\n", " ".repeat(indent), self.paint.faint("finally")),
            Phase::Kept => {
                let left = until.map_or(0, |until| until.as_millisecond() - record.at.as_millisecond());
                let left = duration(left.max(0).unsigned_abs());
                let (pad, id) = (" ".repeat(indent), &record.execution);
                let kept = self.paint.bold(&format!("kept for {left}: `finally` waits"));
                let hint = |what: &str, command: String| format!("{pad}  {} {command}\n", self.paint.faint(what));
                [
                    format!("{pad}{kept}\n"),
                    hint("look      ", format!("assay show {id}")),
                    hint("go on     ", format!("assay rerun {id} --from-failed")),
                    hint("clean up  ", format!("assay finish {id}   (or Ctrl-C here)")),
                ]
                .concat()
            }
            _ => String::new(),
        }
    }

    fn step_started(&mut self, record: &Record, place: &Place, phase: JobPhase, child: Option<&ExecutionId>) -> String {
        if let Some(child) = child {
            let above = record.execution.clone();
            if !self.nodes.contains_key(child) {
                self.expected.insert(child.clone(), (above, place.to_string()));
            }
            return String::new();
        }
        if phase != JobPhase::Run {
            return String::new();
        }
        let path = format!("{}{place}", self.node(&record.execution).prefix);
        self.running.insert((path, record.execution.to_string()), (record.at, record.at));
        if record.execution != self.root {
            return String::new();
        }
        let Some(note) = self.notes.get(&place.step).cloned() else { return String::new() };
        let label = self.label(&record.execution, place);
        self.say(record, &format!("{label}  {}", self.paint.faint(&note)))
    }

    fn attempt_ended(
        &mut self,
        record: &Record,
        place: &Place,
        attempt: u32,
        result: &JobResult,
        retry_at: Timestamp,
    ) -> String {
        let pause = (retry_at.as_millisecond() - record.at.as_millisecond()).max(0).unsigned_abs();
        let status = status_of(result);
        let word = self.paint.step(status, status.word());
        let label = self.label(&record.execution, place);
        let when = if pause == 0 { "at once".to_owned() } else { format!("in {}", duration(pause)) };
        let next = self.paint.faint(&format!("attempt {attempt}, again {when}"));
        let mut out = self.say(record, &format!("{label}  {word}  {next}"));
        out.push_str(&detail::of_result(result, self.paint, self.indent(&record.execution) + 4));
        out
    }

    fn step_finished(&mut self, record: &Record) -> String {
        let What::StepFinished { place, status, result, error, assertions, .. } = &record.what else {
            return String::new();
        };
        let path = format!("{}{place}", self.node(&record.execution).prefix);
        self.running.remove(&(path.clone(), record.execution.to_string()));
        self.notice(record, place, &path, *status, detail::headline(result.as_deref(), assertions, error.as_ref()));
        let instances = self.node(&record.execution).expanded.get(&place.step).copied();
        if place.instance.is_some() && *status == StepStatus::Passed && instances.unwrap_or(0) > FEW_INSTANCES {
            return String::new();
        }
        let label = self.label(&record.execution, place);
        let word = self.paint.step(*status, &format!("{:<9}", status.word()));
        let mut out = self
            .say(record, &format!("{label}  {word}  {}", self.paint.faint(&detail::about(&record.what, instances))));
        let indent = self.indent(&record.execution) + 4;
        let own = place.instance.is_some() || instances.is_none();
        if let Some(result) = result.as_ref().filter(|_| own && *status != StepStatus::Passed) {
            out.push_str(&detail::of_result(result, self.paint, indent));
        }
        out.push_str(&detail::of_assertions(assertions, self.paint, indent));
        if let Some(error) = error {
            out.push_str(&detail::of_error(error, self.paint, indent));
        }
        out
    }

    /// Remembers the first step that explains the verdict: of the worst kind, the one that ended first.
    fn notice(&mut self, record: &Record, place: &Place, path: &str, status: StepStatus, why: String) {
        let rank = |status: StepStatus| match status {
            StepStatus::Errored | StepStatus::TimedOut => 2,
            StepStatus::Failed => 1,
            _ => 0,
        };
        let node = self.node(&record.execution);
        let of_finally = node.steps.iter().position(|step| *step == place.step).is_some_and(|at| at >= node.main);
        let better = self.first.as_ref().is_none_or(|(known, _, said)| {
            rank(status) > rank(*known) || (rank(status) == rank(*known) && said.is_empty() && !why.is_empty())
        });
        if status == StepStatus::Cancelled && !of_finally {
            self.stopped.get_or_insert_with(|| path.to_owned());
        }
        if rank(status) > 0 && better && !(of_finally && self.first.is_some()) {
            self.first = Some((status, path.to_owned(), why));
        }
    }

    fn finished(&mut self, record: &Record) -> String {
        let What::Finished { status, worst, cleanup, reason, counts, duration_ms } = &record.what else {
            return String::new();
        };
        let is_root = record.execution == self.root;
        if is_root {
            self.verdict = Some(*status);
            self.reason.clone_from(reason);
        } else if *status == ExecutionStatus::Passed {
            return String::new();
        }
        let order = ["passed", "failed", "errored", "timedOut", "cancelled", "skipped"];
        let counted: Vec<String> =
            order.iter().filter_map(|word| counts.get(*word).map(|count| format!("{count} {word}"))).collect();
        let node = self.node(&record.execution);
        let (flow, indent) = (name(&node.flow), " ".repeat(node.depth * 2));
        let word = self.paint.execution(*status, status.word());
        let about = self.paint.faint(&format!("{}  {}", counted.join(", "), duration(*duration_ms)));
        let mut out = format!("{indent}{} {word}: {about}\n", self.paint.bold(&flow));
        if let Some(reason) = reason {
            out.push_str(&format!("{indent}  {}\n", hang(&clean(reason), indent.len() + 4)));
        }
        if let Some(worst) = worst.filter(|worst| *worst != StepStatus::Cancelled) {
            out.push_str(&format!("{indent}  until then: {}\n", self.paint.step(worst, worst.word())));
        }
        if let Some(cleanup) = cleanup.filter(|cleanup| *cleanup != StepStatus::Passed) {
            out.push_str(&format!("{indent}  clean-up: {}\n", self.paint.step(cleanup, cleanup.word())));
        }
        out
    }

    fn node(&mut self, execution: &ExecutionId) -> &mut Node {
        self.nodes.entry(execution.clone()).or_insert_with(|| Node {
            flow: execution.to_string(),
            depth: 0,
            prefix: String::new(),
            width: 8,
            main: 0,
            steps: Vec::new(),
            expanded: HashMap::new(),
        })
    }

    fn indent(&self, execution: &ExecutionId) -> usize {
        self.nodes.get(execution).map_or(0, |node| node.depth * 2) + 2
    }

    fn label(&mut self, execution: &ExecutionId, place: &Place) -> String {
        let node = self.node(execution);
        let indent =
            if node.main > 0 && node.steps.iter().skip(node.main).any(|step| *step == place.step) { 2 } else { 0 };
        let width = node.width;
        format!("{}{:<width$}", " ".repeat(indent), format!("{}{place}", node.prefix))
    }

    fn say(&self, record: &Record, text: &str) -> String {
        format!("{}{text}\n", " ".repeat(self.indent(&record.execution)))
    }
}

fn status_of(result: &JobResult) -> StepStatus {
    use assay_engine::job::Outcome as Came;
    match result.outcome {
        Came::Passed => StepStatus::Passed,
        Came::Failed => StepStatus::Failed,
        Came::Errored => StepStatus::Errored,
        Came::TimedOut => StepStatus::TimedOut,
        Came::Cancelled => StepStatus::Cancelled,
    }
}
