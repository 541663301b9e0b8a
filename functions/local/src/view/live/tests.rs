//! Frames as people see them: above the line what was printed for good, below it what is drawn again.

use assay_engine::job::JobPhase;
use assay_engine::record::What;
use assay_engine::status::ExecutionStatus;
use assay_engine::status::StepStatus;
use serde_json::json;

use super::super::cells::width;
use super::tests_story::{CHECKOUT, Story, at, ended, failed, id, place, result};

#[test]
fn each_step_says_what_it_does_or_waits_for() {
    let mut story = Story::of(CHECKOUT, &[]);
    story.begins(0, "login");
    assert_eq!(
        story.shown(500, 80, 24),
        "\
checkout  (a.yaml)  exe_a
---
  ⠴ login     0.5 s
  · order     needs login
  · stored    needs order
  · approved  needs order
  · pause     needs order
  · last      needs stored, approved, pause
  finally
    · clean     waits for the main steps
⠴ 0 of 7 steps: 1 running  0.5 s
"
    );
}

#[test]
fn attempts_looks_signals_and_times_are_told_while_they_last() {
    let mut story = Story::of(CHECKOUT, &[("stored", "not yet: status == 200 with status = 404")]);
    story.begins(0, "login");
    story.shown(500, 80, 24);
    story.ends(600, "login", StepStatus::Passed, Some(json!({"outcome": "passed"})));
    story.attempt(600, "order", 1);
    let refused = json!({"outcome": "errored", "error": {"class": "connect", "code": "http.refused",
        "message": "x refused the connection"}});
    story.tell(
        1000,
        What::AttemptEnded { place: place("order"), attempt: 1, result: result(900, refused), retry_at: at(3000) },
    );
    assert_eq!(
        story.shown(1500, 80, 24),
        "  ✓ login     120 ms
---
  ⠴ order     0.9 s  attempt 1 of 3 errored, again in 1.5 s: x refused the con…
  · stored    needs order
  · approved  needs order
  · pause     needs order
  · last      needs stored, approved, pause
  finally
    · clean     waits for the main steps
⠴ 1 of 7 steps: 1 passed, 1 running  1.5 s
"
    );
    story.attempt(3000, "order", 2);
    assert!(
        story
            .shown(3100, 80, 24)
            .contains("  ⠙ order     2.5 s  attempt 2 of 3\n    attempt 1 errored  100 ms  x refused the connection\n")
    );
    let mut passed = ended(3200, "order", StepStatus::Passed, Some(json!({"outcome": "passed"})));
    if let What::StepFinished { attempts, .. } = &mut passed {
        *attempts = 2;
    }
    story.tell(3200, passed);
    for step in ["stored", "approved", "pause"] {
        story.begins(3200, step);
    }
    assert_eq!(
        story.shown(6200, 100, 24),
        "  ✓ order     120 ms, 2 attempts
    attempt 1 errored  100 ms  x refused the connection
---
  ⠹ stored    3.0 s  not yet: status == 200 with status = 404, 3 of 30 s
  ⠹ approved  3.0 s  waits for the signal ok, 3 s of 10 min
    assay signal exe_a ok
  ⠹ pause     3.0 s  goes on in 17 s
  · last      needs stored, approved, pause
  finally
    · clean     waits for the main steps
⠹ 2 of 7 steps: 2 passed, 3 running  6.2 s
"
    );
}

#[test]
fn a_failure_shows_its_values_and_the_nearest_miss_where_it_happened() {
    let mut story = Story::of(CHECKOUT, &[]);
    story.begins(0, "login");
    story.ends(120, "login", StepStatus::Passed, None);
    story.begins(120, "order");
    story.ends(240, "order", StepStatus::Failed, Some(failed()));
    for step in ["stored", "approved", "pause", "last"] {
        story.ends(240, step, StepStatus::Skipped, None);
    }
    story.tell(240, serde_json::from_value(json!({"kind": "execution.phase", "phase": "finally"})).unwrap());
    story.begins(240, "clean");
    assert_eq!(
        story.shown(300, 80, 24),
        "\
checkout  (a.yaml)  exe_a
  ✓ login     120 ms
  ✗ order     failed  120 ms
    body.state == 'PAID'
      means: the order is paid
      body.state = \"NEW\"
    nearest: an order with state NEW
  - 4 steps skipped: blocked (stored, approved, pause, last)
---
  finally
    ⠸ clean     0.0 s
⠸ 6 of 7 steps: 1 passed, 1 failed, 4 skipped, 1 running  0.3 s
"
    );
    story.ends(400, "clean", StepStatus::Passed, None);
    story.finishes(400, ExecutionStatus::Failed, &[("passed", 2), ("failed", 1), ("skipped", 4)]);
    assert_eq!(
        story.shown(400, 80, 24),
        "  finally\n    ✓ clean     120 ms\ncheckout failed: 2 passed, 1 failed, 4 skipped  400 ms\n---\n\n"
    );
}

#[test]
fn a_long_list_is_counted_and_what_failed_is_named() {
    let text = "steps: [{id: each, type: http, foreach: [1], with: {url: 'http://x'}, assert: status == 200}]";
    let mut story = Story::of(text, &[]);
    story.tell(0, What::Expanded { place: place("each"), instances: 200 });
    for index in 0..60 {
        let step = format!("each[{index}]");
        story.begins(0, &step);
        match index {
            0..40 => story.ends(100, &step, StepStatus::Passed, None),
            40..46 => story.ends(100, &step, StepStatus::Failed, Some(failed())),
            _ => {}
        }
    }
    assert_eq!(
        story.shown(1000, 70, 24),
        "\
flow  (a.yaml)  exe_a
---
  ⠋ each      46 of 200: 40 passed, 6 failed, 14 running  1.0 s
    ✗ [43]    failed  body.state == 'PAID', but body.state = \"NEW\"
    ✗ [44]    failed  body.state == 'PAID', but body.state = \"NEW\"
    ✗ [45]    failed  body.state == 'PAID', but body.state = \"NEW\"
    … also did not pass: [40] [41] [42]
    ⠋ [46]    1.0 s
    ⠋ [47]    1.0 s
    ⠋ [48]    1.0 s
    ⠋ [49]    1.0 s
    ⠋ [50]    1.0 s
⠋ 0 of 1 steps: 1 running  1.0 s
"
    );
}

#[test]
fn a_sub_flow_stands_below_its_step() {
    let text = "steps: [{id: pay, type: flow, with: {flow: pay.yaml}}]";
    let mut story = Story::of(text, &[]);
    let child = id("child");
    story.tell(
        0,
        What::StepStarted { place: place("pay"), phase: JobPhase::Run, attempt: 1, child: Some(child.clone()) },
    );
    story.queued(&child, "pay", Some(id("a")));
    story.record(0, &child, What::Started { width: 8, steps: vec!["card".into(), "receipt".into()], main: 2 });
    story.record(100, &child, ended(100, "card", StepStatus::Failed, Some(failed())));
    let shown = story.shown(1000, 60, 24);
    assert!(
        shown.contains("  ⠋ pay       1.0 s\n    ✗ card      failed  120 ms\n      body.state == 'PAID'\n"),
        "{shown}"
    );
    assert!(shown.contains("    · receipt   needs card\n") || shown.contains("    · receipt   queued\n"), "{shown}");
}

#[test]
fn a_narrow_terminal_keeps_names_and_says_what_fits() {
    let mut story = Story::of(CHECKOUT, &[]);
    story.begins(0, "login");
    story.ends(120, "login", StepStatus::Passed, None);
    story.begins(120, "order");
    story.ends(240, "order", StepStatus::Failed, Some(failed()));
    let shown = story.shown(300, 40, 12);
    let (above, frame) = shown.split_once("---").unwrap();
    assert!(above.lines().all(|line| width(line) < 40), "{above}");
    assert!(above.contains("    nearest: an order with state NEW\n"), "{above}");
    assert!(frame.contains("  · stored    queued\n") || frame.contains("needs"), "{frame}");
}

#[test]
fn a_thousand_steps_fit_and_the_window_follows_what_runs() {
    use std::fmt::Write as _;
    let mut text = "steps:\n".to_owned();
    for step in 0..1000 {
        let _ = writeln!(
            text,
            "  - {{id: s{step}, type: http, needs: [], with: {{url: 'http://x'}}, assert: status == 200}}"
        );
    }
    let mut story = Story::of(&text, &[]);
    story.begins(0, "s0");
    for step in 1..500 {
        let id = format!("s{step}");
        story.begins(0, &id);
        let status = if step == 77 { StepStatus::Failed } else { StepStatus::Passed };
        story.ends(50, &id, status, (step == 77).then(failed));
    }
    for step in 500..520 {
        story.begins(60, &format!("s{step}"));
    }
    let shown = story.shown(1000, 80, 30);
    for step in ["⠋ s0 ", "✗ s77 ", "⠋ s500 ", "⠋ s519 "] {
        assert!(shown.contains(step), "{step} is missing\n{shown}");
    }
    assert!(shown.contains("… 76 passed\n"), "{shown}");
    let frame = shown.split_once("---\n").unwrap().1;
    assert_eq!(frame.lines().count(), 29, "every row is used: {shown}");
    let tiny = story.shown(1000, 80, 4);
    assert!(tiny.contains("21 running"), "{tiny}");
}

#[test]
fn ten_thousand_instances_are_counted_as_they_change() {
    let text = "steps: [{id: each, type: http, foreach: [1], with: {url: 'http://x'}, assert: status == 200}]";
    let mut story = Story::of(text, &[]);
    story.tell(0, What::Expanded { place: place("each"), instances: 10_000 });
    for index in 0..10_000 {
        let step = format!("each[{index}]");
        story.begins(0, &step);
        story.ends(100, &step, StepStatus::Passed, Some(json!({"outcome": "passed", "evidence": {"preview": "x"}})));
    }
    assert!(story.shown(1000, 70, 24).contains("10000 of 10000: 10000 passed"));
    let kept = story.live.kept_evidence();
    assert_eq!(kept, 0, "what passed is not kept with all that it saw");
}

#[test]
fn several_flows_share_the_terminal_and_one_that_passed_is_a_line() {
    let short = "steps: [{id: only, type: http, with: {url: 'http://x'}, assert: status == 200}]";
    let mut story = Story::several(4, &[]).flow("one", short).flow("two", short).flow("three", CHECKOUT);
    story.root = id("one");
    story.ends(100, "only", StepStatus::Passed, None);
    story.finishes(150, ExecutionStatus::Passed, &[("passed", 1)]);
    story.root = id("two");
    story.ends(100, "only", StepStatus::Failed, Some(failed()));
    story.finishes(150, ExecutionStatus::Failed, &[("failed", 1)]);
    story.root = id("three");
    story.begins(100, "login");
    assert_eq!(
        story.shown(1000, 80, 24),
        "\
✓ flow              1 passed  150 ms  (one.yaml)  exe_one
flow  (two.yaml)  exe_two
  ✗ only      failed  120 ms
    body.state == 'PAID'
      means: the order is paid
      body.state = \"NEW\"
    nearest: an order with state NEW
flow failed: 1 failed  150 ms
---
checkout  0 of 7: 1 running  1.0 s
  ⠋ login     0.9 s
⠋ 2 of 4 flows: 1 passed, 1 failed, 1 running  1.0 s
"
    );
}

#[test]
fn what_comes_from_outside_stays_within_its_line() {
    let mut story = Story::of(CHECKOUT, &[("login", "a\u{1b}[2J\r\n\u{9b}31m日本語\u{202e}\u{301}\u{301}\t end")]);
    story.begins(0, "login");
    story.tell(0, What::Warned { step: Some("lo\u{1b}]0;gin".into()), message: "one\ntwo \u{7}".into() });
    let hostile = json!({"outcome": "failed", "assertions": [{"that": "x\u{1b}[1A", "passed": false,
        "parts": [{"text": "\u{1b}[31m", "value": "\u{1b}[5n\u{8}"}]}]});
    story.begins(0, "order");
    story.ends(100, "order", StepStatus::Failed, Some(hostile));
    for columns in [20, 40, 80] {
        let shown = story.shown(1000, columns, 24);
        assert!(!shown.contains(['\u{1b}', '\r', '\u{9b}', '\u{7}', '\u{8}', '\u{202e}', '\t']), "{shown:?}");
    }
}
