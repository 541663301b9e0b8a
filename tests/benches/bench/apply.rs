//! One event of the execution machine, and what it makes a store write, while the execution grows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use assay_engine::bundle::Bundle;
use assay_engine::execution::{Acceptance, Change, Effect, Event, Execution, Part, PartId, Transition};
use assay_engine::id::{ExecutionId, OrganizationId, ProjectId};
use assay_engine::job::{Captured, JobResult, Mask, Outcome};
use assay_engine::plan::Plan;
use assay_engine::status::ExecutionStatus;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::Tools;
use crate::compile::plan;
use crate::figures::{begin, figure, now, trimmed_mean};

const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];
const LIMIT: f64 = 1.2;
const WIDTH: u32 = 8;
const FLOW: &str = "
inputs: {items: {type: array, required: true}}
steps:
  - id: each
    type: http
    foreach: \"${inputs.items}\"
    maxParallel: 8
    with: {url: \"http://127.0.0.1:8080/items/${item}\"}
    assert: [status == 200]
    capture: {id: body.id}
";

/// An execution, what a store would hold of it, and what is yet to happen.
struct Run<'a> {
    plan: &'a Plan,
    execution: Execution,
    stored: BTreeMap<PartId, Part>,
    events: VecDeque<Event>,
    costs: Vec<Cost>,
}

/// What one transition cost.
struct Cost {
    microseconds: f64,
    bytes: f64,
}

fn instant() -> Timestamp {
    "2030-01-01T00:00:00Z".parse().unwrap()
}

fn start(plan: &Plan, size: usize) -> Run<'_> {
    let items: Json = (0..size).collect();
    let asked = Acceptance {
        id: ExecutionId::derived(&["bench"]),
        organization: OrganizationId::derived(&["bench"]),
        project: ProjectId::derived(&["bench"]),
        parent: None,
        depth: 0,
        seed: 1,
        mask: Mask::default(),
        inputs: BTreeMap::from([("items".to_owned(), Captured::Clear(items))]),
        labels: BTreeMap::new(),
        rerun: None,
        attempt: 1,
        carried: None,
        only: None,
        keep: None,
        file: None,
        now: instant(),
    };
    let (execution, change) = Execution::accept(plan, asked).unwrap();
    let events = VecDeque::from([Event::Admitted { width: WIDTH }]);
    let mut run = Run { plan, execution, stored: BTreeMap::new(), events, costs: Vec::new() };
    run.keep(change);
    run
}

impl Run<'_> {
    fn keep(&mut self, change: Change) {
        self.stored.extend(change.parts);
        for effect in change.effects {
            if let Effect::Dispatch { job } = effect {
                let mut result = JobResult::of(Outcome::Passed, instant(), instant());
                result.captures.insert("id".to_owned(), Captured::Clear(json!("n1234567")));
                let fence = job.fence.clone();
                self.events.push_back(Event::StepStarted { fence: fence.clone() });
                self.events.push_back(Event::StepFinished { fence, result: Box::new(result) });
            }
        }
    }

    /// Gives the execution these parts, as a store would.
    fn load(&mut self, wanted: Vec<PartId>) {
        let (there, absent): (Vec<PartId>, BTreeSet<PartId>) = {
            let (there, absent): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|part| self.stored.contains_key(part));
            (there, absent.into_iter().collect())
        };
        let parts = there.into_iter().map(|part| (part, self.stored[&part].clone())).collect();
        self.execution.provide(parts, absent);
    }

    /// Applies one event; what it needs is loaded outside of the time that is measured.
    fn step(&mut self, event: Event) {
        let needs = self.execution.needs(self.plan, &event);
        self.load(needs);
        loop {
            let offered = event.clone();
            let begun = now();
            let transition = self.execution.apply(self.plan, offered, instant());
            let microseconds = begun.elapsed().as_secs_f64() * 1e6;
            match transition {
                Transition::Missing(parts) => self.load(parts),
                Transition::Ignored(_) => return,
                Transition::Applied(change) => {
                    let bytes = written(&change);
                    self.costs.push(Cost { microseconds, bytes });
                    self.execution.mark_sent();
                    return self.keep(*change);
                }
            }
        }
    }
}

/// The bytes that a store writes for a change.
fn written(change: &Change) -> f64 {
    let head = serde_json::to_vec(&change.head).unwrap().len();
    let parts: usize = change.parts.values().map(|part| serde_json::to_vec(part).unwrap().len()).sum();
    let records = serde_json::to_vec(&change.records).unwrap().len();
    (head + parts + records) as f64
}

/// The usual cost of a transition, without the first and the last few, which open and close the list.
fn middle(size: usize, plan: &Plan) -> Cost {
    let mut run = start(plan, size);
    while let Some(event) = run.events.pop_front() {
        run.step(event);
    }
    assert_eq!(run.execution.head().status, ExecutionStatus::Passed);
    let edge = WIDTH as usize;
    let costs = &run.costs[edge..run.costs.len() - edge];
    let of = |number: fn(&Cost) -> f64| costs.iter().map(number).collect::<Vec<f64>>();
    let bytes = of(|cost| cost.bytes);
    Cost {
        // Half of the events only note that a step has started: the median would fall between the two kinds.
        microseconds: trimmed_mean(of(|cost| cost.microseconds)),
        bytes: bytes.iter().sum::<f64>() / bytes.len() as f64,
    }
}

/// Executions of ten to ten thousand instances.
pub(crate) fn growing(_: &Tools) {
    begin(&format!("apply one event, beside an execution of {} instances (limit: {LIMIT} times)", SIZES[1]));
    let plan = plan(&Bundle::of_text("each.yaml", FLOW));
    middle(SIZES[1], &plan);
    let base = middle(SIZES[1], &plan);
    for size in SIZES {
        let Cost { microseconds, bytes } = middle(size, &plan);
        figure(&format!("{size} instances, time"), microseconds, "us", Some(("base", base.microseconds)));
        figure(&format!("{size} instances, written"), bytes, "bytes", Some(("base", base.bytes)));
    }
}
