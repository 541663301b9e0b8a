//! Who sees the records: the views of the flows, or a program that reads JSON.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use assay_app::ports::ExecutionStore;
use assay_engine::id::ExecutionId;
use assay_engine::plan::Plan;
use assay_engine::record::{Record, What};
use jiff::Timestamp;

use super::stage::Stage;
use crate::error::CommandError;
use crate::out::Out;
use crate::view::{FlowView, Outcome};

/// Records read from the store at once.
const PAGE: usize = 1000;
/// The number that stands for "everything was shown".
const ENDED: u64 = u64::MAX - 1;

/// Shows each record once, in order per execution, whatever the messenger lost or doubled.
pub(crate) struct Audience {
    out: Out,
    json: bool,
    /// One flow at a time: its lines are printed as they come.
    live: bool,
    /// The tree on a terminal, instead of lines.
    stage: Option<Stage>,
    store: Arc<dyn ExecutionStore>,
    roots: HashMap<ExecutionId, Shown>,
    /// The top of the tree that an execution belongs to, and the number of its last record that was shown.
    known: HashMap<ExecutionId, (ExecutionId, u64)>,
    outcomes: Vec<Outcome>,
    blocks: usize,
}

struct Shown {
    view: FlowView,
    kept: String,
}

impl Audience {
    /// An audience of this output.
    pub(crate) fn new(out: Out, json: bool, live: bool, stage: Option<Stage>, store: Arc<dyn ExecutionStore>) -> Self {
        let (roots, known) = (HashMap::new(), HashMap::new());
        Self { out, json, live, stage, store, roots, known, outcomes: Vec::new(), blocks: 0 }
    }

    /// Expects an execution. `notes`: what to say when a step begins; `file`: where the flow was found.
    pub(crate) fn expect(
        &mut self,
        execution: &ExecutionId,
        plan: &Arc<Plan>,
        notes: BTreeMap<String, String>,
        file: Option<String>,
    ) {
        if let Some(stage) = &mut self.stage {
            stage.live.expect(execution, Some(plan.clone()), file.clone());
        }
        let view = FlowView::new(execution.clone(), notes, self.out.paint()).of_file(file);
        self.roots.insert(execution.clone(), Shown { view, kept: String::new() });
        self.known.insert(execution.clone(), (execution.clone(), 0));
    }

    /// The executions at the top that have no verdict yet.
    pub(crate) fn unfinished(&self) -> Vec<ExecutionId> {
        self.roots.keys().cloned().collect()
    }

    /// What has come out so far, in the order in which it came.
    pub(crate) fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// What has come out; what was drawn on a terminal is printed for good.
    pub(crate) fn into_outcomes(mut self) -> Vec<Outcome> {
        self.stage = None;
        self.outcomes
    }

    /// Whether there is something to draw again and again.
    pub(crate) fn draws(&self) -> bool {
        self.stage.is_some()
    }

    /// Shows how things stand.
    pub(crate) fn draw(&mut self) {
        if let Some(stage) = &mut self.stage {
            stage.draw();
        }
    }

    /// The process stops until it is called back to the foreground.
    pub(crate) fn suspend(&mut self) {
        if let Some(stage) = &mut self.stage {
            stage.suspend();
        }
    }

    /// Prints a line among those of the flows; not among records.
    pub(crate) fn say(&mut self, text: &str) {
        match &mut self.stage {
            _ if self.json => self.out.note(text),
            Some(stage) => stage.live.say(text),
            None => self.out.print(text),
        }
    }

    /// Says something to people, beside what the flows say.
    pub(crate) fn warn(&mut self, text: &str) {
        match &mut self.stage {
            Some(stage) => stage.live.say(text),
            None => self.out.note(text),
        }
    }

    /// Says what happens since a stop was asked for.
    pub(crate) fn say_stopping(&mut self, text: &str) {
        match &mut self.stage {
            Some(stage) => stage.live.stopping(text),
            None => self.out.note(&format!("\n{text}\n")),
        }
    }

    /// Takes what the messenger brought.
    pub(crate) async fn take(&mut self, records: &[Arc<Record>]) -> Result<(), CommandError> {
        for record in records {
            if let What::Queued { parent: Some(parent), .. } = &record.what
                && let Some((root, _)) = self.known.get(parent).cloned()
            {
                self.known.entry(record.execution.clone()).or_insert((root, 0));
            }
            match self.known.get(&record.execution) {
                Some((_, last)) if record.seq == last + 1 => self.show(record),
                Some((_, last)) if record.seq > last + 1 => {
                    let execution = record.execution.clone();
                    self.catch_up(&execution).await?;
                }
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    /// Reads what the messenger may have lost, of everything that is not finished.
    pub(crate) async fn catch_up_all(&mut self) -> Result<(), CommandError> {
        let mut executions: Vec<ExecutionId> = self.known.keys().cloned().collect();
        while let Some(execution) = executions.pop() {
            let before = self.known.len();
            self.catch_up(&execution).await?;
            if self.known.len() > before {
                // It has told of a sub-flow.
                executions = self.known.keys().cloned().collect();
            }
        }
        Ok(())
    }

    /// Reads what is stored of an execution beyond what was shown.
    pub(crate) async fn catch_up(&mut self, execution: &ExecutionId) -> Result<(), CommandError> {
        loop {
            let last = self.known.get(execution).map_or(ENDED, |(_, last)| *last);
            if last == ENDED {
                return Ok(());
            }
            let records = self.store.records(execution, last, PAGE).await?;
            for record in &records {
                self.show(record);
            }
            if records.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// Names what has been running for long.
    pub(crate) fn still_running(&mut self, now: Timestamp) {
        if self.json || !self.live || self.stage.is_some() {
            return;
        }
        for shown in self.roots.values_mut() {
            let text = shown.view.still_running(now);
            self.out.print(&text);
        }
    }

    fn show(&mut self, record: &Record) {
        let Some((root, last)) = self.known.get_mut(&record.execution) else { return };
        *last = record.seq;
        let root = root.clone();
        if let What::StepStarted { child: Some(child), .. } = &record.what {
            self.known.entry(child.clone()).or_insert((root.clone(), 0));
        }
        if self.json
            && let Ok(line) = serde_json::to_string(record)
        {
            self.out.print(&format!("{line}\n"));
        }
        let Some(shown) = self.roots.get_mut(&root) else { return };
        let text = shown.view.record(record);
        if let Some(stage) = &mut self.stage {
            stage.live.take(&root, record);
        } else if self.live && !self.json {
            self.out.print(&text);
        } else {
            shown.kept.push_str(&text);
        }
        if record.execution == root && matches!(record.what, What::Finished { .. }) {
            self.close(&root);
        } else if matches!(record.what, What::Finished { .. }) {
            self.known.insert(record.execution.clone(), (root, ENDED));
        }
    }

    fn close(&mut self, root: &ExecutionId) {
        let Some(shown) = self.roots.remove(root) else { return };
        self.known.retain(|_, (of, _)| of != root);
        if !self.json && !self.live && self.stage.is_none() {
            let gap = if self.blocks > 0 { "\n" } else { "" };
            self.out.print(&format!("{gap}{}", shown.kept));
            self.blocks += 1;
        }
        self.outcomes.extend(shown.view.outcome());
    }
}
