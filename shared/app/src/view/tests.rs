//! A view says what the records say.

use assay_engine::id::ExecutionId;
use assay_engine::job::{JobError, JobPhase, JobResult, Outcome};
use assay_engine::record::{Place, Record, What};
use assay_engine::status::{ExecutionStatus, SkipReason, StepStatus};
use jiff::Timestamp;
use serde_json::json;

use super::{ExecutionView, Fit};

fn id() -> ExecutionId {
    "exe_view".parse().unwrap()
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second as i64).unwrap()
}

fn place(step: &str, instance: Option<u32>) -> Place {
    Place { step: step.to_owned(), instance }
}

fn result(value: serde_json::Value) -> Box<JobResult> {
    let mut whole = json!({"startedAt": at(1), "endedAt": at(2)});
    whole.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
    Box::new(serde_json::from_value(whole).unwrap())
}

fn started(steps: &[&str], main: u32) -> What {
    What::Started { width: 4, steps: steps.iter().map(|step| (*step).to_owned()).collect(), main }
}

fn dispatched(step: &str, instance: Option<u32>, attempt: u32) -> What {
    What::Dispatched { place: place(step, instance), phase: JobPhase::Run, attempt }
}

fn finished(step: &str, instance: Option<u32>, status: StepStatus, attempts: u32, of: Option<Box<JobResult>>) -> What {
    What::StepFinished {
        place: place(step, instance),
        status,
        skipped: None,
        attempts,
        result: of,
        error: None,
        assertions: Vec::new(),
        duration_ms: 1000,
        carried: None,
    }
}

fn view(history: Vec<What>) -> ExecutionView {
    let mut view = ExecutionView::new(id());
    for (what, seq) in history.into_iter().zip(1..) {
        assert_eq!(view.apply(&Record { execution: id(), seq, at: at(seq), what }), Fit::Applied);
    }
    view
}

#[test]
fn a_record_counts_once_and_none_is_skipped() {
    let mut view = ExecutionView::new(id());
    let record = |seq, what| Record { execution: id(), seq, at: at(seq), what };
    assert_eq!(view.apply(&record(2, started(&["a"], 1))), Fit::Gap);
    assert_eq!(view.steps.len(), 0);
    assert_eq!(view.apply(&record(1, started(&["a"], 1))), Fit::Applied);
    assert_eq!(view.apply(&record(1, started(&["a", "b"], 2))), Fit::Known);
    assert_eq!((view.steps.len(), view.last_seq), (1, 1));
}

#[test]
fn every_attempt_is_kept() {
    let failed = result(json!({
        "outcome": "failed",
        "assertions": [{"that": "status == 200", "passed": false, "parts": [{"text": "status", "value": 500}]}],
    }));
    let view = view(vec![
        started(&["a", "z"], 1),
        dispatched("a", None, 1),
        What::AttemptEnded { place: place("a", None), attempt: 1, result: failed, retry_at: at(9) },
        dispatched("a", None, 2),
        finished("a", None, StepStatus::Passed, 2, Some(result(json!({"outcome": "passed"})))),
    ]);
    let step = view.step("a").unwrap();
    assert_eq!((step.place.status, step.finally, view.step("z").unwrap().finally), (StepStatus::Passed, false, true));
    let outcomes: Vec<Option<Outcome>> =
        step.place.attempts.iter().map(|attempt| attempt.result.as_ref().map(|result| result.outcome)).collect();
    assert_eq!(outcomes, [Some(Outcome::Failed), Some(Outcome::Passed)]);
    assert_eq!(step.place.attempts[0].retry_at, Some(at(9)));
    assert_eq!(step.place.reason(), None);
}

#[test]
fn the_reason_is_the_first_failed_assertion_with_its_values() {
    let failed = result(json!({
        "outcome": "failed",
        "assertions": [
            {"that": "true", "passed": true},
            {"that": "size(body.items) == 2", "message": "two of them", "passed": false,
             "parts": [{"text": "size(body.items)", "value": 1}, {"text": "body.items", "value": ["x"]}]},
            {"that": "status == 200", "passed": false},
        ],
    }));
    let view = view(vec![started(&["a"], 1), finished("a", None, StepStatus::Failed, 1, Some(failed))]);
    let reason = view.step("a").unwrap().place.reason().unwrap();
    assert_eq!(reason, r#"two of them: size(body.items) == 2 (size(body.items) = 1, body.items = ["x"])"#);
}

#[test]
fn a_step_that_never_ran_says_why() {
    let skipped = What::StepFinished {
        place: place("b", None),
        status: StepStatus::Skipped,
        skipped: Some(SkipReason::Blocked),
        attempts: 0,
        result: None,
        error: None,
        assertions: Vec::new(),
        duration_ms: 0,
        carried: None,
    };
    let view = view(vec![started(&["a", "b"], 2), skipped]);
    let step = view.step("b").unwrap();
    assert_eq!((step.place.status, step.place.attempts.len()), (StepStatus::Skipped, 0));
    assert!(step.place.reason().unwrap().starts_with("blocked"));
}

#[test]
fn instances_stand_in_their_order_whatever_comes_first() {
    let view = view(vec![
        started(&["a"], 1),
        What::Expanded { place: place("a", None), instances: 3 },
        dispatched("a", Some(2), 1),
        dispatched("a", Some(0), 1),
        finished("a", Some(2), StepStatus::Passed, 1, Some(result(json!({"outcome": "passed"})))),
    ]);
    let step = view.step("a").unwrap();
    let instances: Vec<_> = step.instances.iter().map(|one| (one.index, one.place.status)).collect();
    assert_eq!(instances, [(0, StepStatus::Running), (2, StepStatus::Passed)]);
    assert_eq!((step.expanded, step.place.status), (Some(3), StepStatus::Running));
}

#[test]
fn steps_heard_of_before_the_list_take_their_place_in_it() {
    let mut carried = finished("b", None, StepStatus::Passed, 0, None);
    if let What::StepFinished { carried, .. } = &mut carried {
        *carried = Some("exe_earlier".parse().unwrap());
    }
    let view = view(vec![carried, started(&["a", "b"], 1)]);
    let ids: Vec<(&str, bool)> = view.steps.iter().map(|step| (step.id.as_str(), step.finally)).collect();
    assert_eq!(ids, [("a", false), ("b", true)]);
    assert!(view.step("b").unwrap().place.carried.is_some());
}

#[test]
fn the_end_brings_the_verdict_and_what_stands_beside_it() {
    let error = JobError { class: assay_engine::job::ErrorClass::Error, code: "x".into(), message: "why".into() };
    let view = view(vec![
        started(&["a"], 1),
        What::StopRequested { by: "ann".into(), forced: true },
        What::Undone { place: place("a", None), ok: false, error: Some(error.clone()) },
        What::Finished {
            status: ExecutionStatus::Cancelled,
            worst: Some(StepStatus::Failed),
            cleanup: Some(StepStatus::Errored),
            reason: None,
            counts: [("failed".to_owned(), 1)].into(),
            duration_ms: 77,
        },
    ]);
    assert_eq!(
        (view.status, view.worst, view.duration_ms),
        (ExecutionStatus::Cancelled, Some(StepStatus::Failed), Some(77))
    );
    assert_eq!((view.phase, view.cleanup), (None, Some(StepStatus::Errored)));
    assert_eq!(view.step("a").unwrap().place.undone.as_ref().unwrap().error, Some(error));
    assert!(view.stop.is_some_and(|stop| stop.forced && stop.by == "ann"));
}
