//! Executions told record by record, and the frames that come of them.

use std::collections::HashMap;
use std::sync::Arc;

use assay_engine::bundle::Bundle;
use assay_engine::compile::compile;
use assay_engine::expr::Programs;
use assay_engine::id::ExecutionId;
use assay_engine::job::{JobPhase, JobResult};
use assay_engine::plan::Plan;
use assay_engine::record::{Place, Record, What};
use assay_engine::status::{ExecutionStatus, SkipReason, StepStatus};
use assay_steps::registry::Types;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::super::cells::width;
use super::super::paint::Paint;
use super::{Live, Signs, Size};

/// Records as they come, told to a view.
pub(super) struct Story {
    pub(super) live: Live,
    pub(super) last: HashMap<ExecutionId, u64>,
    pub(super) root: ExecutionId,
}

pub(super) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_700_000_000_000 + ms).unwrap()
}

pub(super) fn id(name: &str) -> ExecutionId {
    format!("exe_{name}").parse().unwrap()
}

pub(super) fn plan(text: &str) -> Arc<Plan> {
    let mut bundle = Bundle::of_text("flow.yaml", text);
    let child = "steps:\n  - {id: card, type: http, with: {url: 'http://x'}, assert: status == 200}\n  \
                 - {id: receipt, type: http, with: {url: 'http://x'}, assert: status == 200}\n";
    bundle.files.insert("pay.yaml".to_owned(), Arc::from(child.as_bytes().to_vec()));
    compile(&bundle, &Types, &Programs::default()).unwrap_or_else(|problems| panic!("{problems:?}")).plan
}

pub(super) fn place(step: &str) -> Place {
    match step.split_once('[') {
        Some((step, index)) => Place { step: step.into(), instance: index.trim_end_matches(']').parse().ok() },
        None => Place { step: step.into(), instance: None },
    }
}

pub(super) fn result(ms: i64, value: Json) -> Box<JobResult> {
    let mut whole = json!({"startedAt": at(ms), "endedAt": at(ms + 100)});
    whole.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
    Box::new(serde_json::from_value(whole).unwrap())
}

impl Story {
    pub(super) fn of(text: &str, notes: &'static [(&'static str, &'static str)]) -> Self {
        Self::several(1, notes).flow("a", text)
    }

    pub(super) fn several(total: usize, notes: &'static [(&'static str, &'static str)]) -> Self {
        let notes = move |_: &ExecutionId, place: &str| {
            notes.iter().find(|(step, _)| *step == place).map(|(_, note)| (*note).to_owned())
        };
        let live = Live::new(Paint::new(false), Signs::Unicode, Box::new(notes), total, at(0));
        Self { live, last: HashMap::new(), root: id("a") }
    }

    /// One flow more begins.
    pub(super) fn flow(mut self, name: &str, text: &str) -> Self {
        let plan = plan(text);
        self.root = id(name);
        self.live.expect(&self.root.clone(), Some(plan.clone()), Some(format!("{name}.yaml")));
        let root = self.root.clone();
        self.queued(&root, &plan.name, None);
        let steps: Vec<String> = plan.steps.iter().map(|step| step.id.to_string()).collect();
        self.record(0, &root, What::Started { width: 8, steps, main: plan.main_steps as u32 });
        self
    }

    pub(super) fn queued(&mut self, id: &ExecutionId, flow: &str, parent: Option<ExecutionId>) {
        let what = json!({"kind": "execution.queued", "flow": flow, "version": "flv_0123456789", "main": "flow.yaml",
            "attempt": 1, "parent": parent});
        self.record(0, id, serde_json::from_value(what).unwrap());
    }

    pub(super) fn record(&mut self, ms: i64, execution: &ExecutionId, what: What) {
        let last = self.last.entry(execution.clone()).or_default();
        *last += 1;
        let record = Record { execution: execution.clone(), seq: *last, at: at(ms), what };
        self.live.take(&self.root, &record);
    }

    pub(super) fn tell(&mut self, ms: i64, what: What) {
        let root = self.root.clone();
        self.record(ms, &root, what);
    }

    pub(super) fn begins(&mut self, ms: i64, step: &str) {
        self.attempt(ms, step, 1);
    }

    pub(super) fn attempt(&mut self, ms: i64, step: &str, attempt: u32) {
        self.tell(ms, What::Dispatched { place: place(step), phase: JobPhase::Run, attempt });
        self.tell(ms, What::StepStarted { place: place(step), phase: JobPhase::Run, attempt, child: None });
    }

    pub(super) fn ends(&mut self, ms: i64, step: &str, status: StepStatus, of: Option<Json>) {
        self.tell(ms, ended(ms, step, status, of));
    }

    pub(super) fn finishes(&mut self, ms: i64, status: ExecutionStatus, counts: &[(&str, u32)]) {
        let counts = counts.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect();
        let (worst, cleanup, reason) = (None, None, None);
        self.tell(ms, What::Finished { status, worst, cleanup, reason, counts, duration_ms: ms as u64 });
    }

    /// What stands on the terminal: printed for good, a line, the frame.
    pub(super) fn shown(&mut self, ms: i64, columns: usize, rows: usize) -> String {
        let size = Size { columns, rows };
        self.live.print(at(ms), size);
        let frame = self.live.frame(at(ms), size);
        assert!(frame.len() < rows, "{} lines in {rows} rows", frame.len());
        for line in &frame {
            assert!(width(line) < columns, "{line:?} is wider than {columns}");
        }
        let above = std::mem::take(&mut self.live.above);
        format!("{above}---\n{}\n", frame.join("\n"))
    }
}

pub(super) fn ended(ms: i64, step: &str, status: StepStatus, of: Option<Json>) -> What {
    let none = matches!(status, StepStatus::Skipped);
    What::StepFinished {
        place: place(step),
        status,
        skipped: none.then_some(SkipReason::Blocked),
        attempts: u32::from(!none),
        result: of.map(|of| result(ms, of)),
        error: None,
        assertions: Vec::new(),
        duration_ms: 120,
        carried: None,
    }
}

pub(super) const CHECKOUT: &str = "
name: checkout
steps:
  - {id: login, type: http, with: {url: 'http://x'}, assert: status == 200}
  - {id: order, type: http, with: {url: 'http://x'}, retry: {maxAttempts: 3, interval: 2s}, assert: status == 200}
  - {id: stored, type: http, with: {url: 'http://x'}, eventually: {timeout: 30s, interval: 1s}, assert: status == 200}
  - {id: approved, type: wait, needs: [order], with: {signal: ok, within: 10m}}
  - {id: pause, type: delay, needs: [order], with: {for: 20s}}
  - {id: last, type: http, needs: [stored, approved, pause], with: {url: 'http://x'}, assert: status == 200}
finally:
  - {id: clean, type: http, with: {url: 'http://x'}, assert: status == 200}
";

pub(super) fn failed() -> Json {
    json!({"outcome": "failed", "assertions": [{"that": "body.state == 'PAID'", "passed": false,
        "message": "the order is paid", "parts": [{"text": "body.state", "value": "NEW"}]}],
        "evidence": {"preview": {"note": "nearest: an order with state NEW"}}})
}
