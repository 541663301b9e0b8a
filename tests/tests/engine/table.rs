//! The state x event table: what every event does in every state, as a snapshot. `UPDATE=1` writes it anew.

use std::path::Path;
use std::time::Duration;

use assay_tests::scenario::{Asked, Scenario};
use assay_tests::simulator::{EVENTS, STATES};

/// [`STATES`], each with the events that lead to it. The step that events speak of is `s`.
const WAYS: [(&str, &str, &[&str]); STATES.len()] = [
    ("queued", ACT, &[]),
    ("dispatched", ACT, &["admitted"]),
    ("claimed", ACT, &["admitted", "s started"]),
    ("retry pause", ACT, &["admitted", "s errored"]),
    ("turn pause", ACT, &["admitted", "s continued {\"after\": 9000}"]),
    ("ready, no place", WAITS_FOR_A_PLACE, &["admitted 1"]),
    ("pending", NEEDS, &["admitted"]),
    ("arming", ARMED, &["admitted"]),
    ("armed", ARMED, &["admitted", "s prepared"]),
    ("preparing", FAULT, &["admitted"]),
    ("delay", "steps: [{id: s, type: delay, with: {for: 1m}}]", &["admitted"]),
    ("wait", "steps: [{id: s, type: wait, with: {signal: go, within: 1m}}]", &["admitted"]),
    ("child", "steps: [{id: s, type: flow, with: {flow: child.yaml}}]", &["admitted"]),
    ("stopping", ACT, &["admitted", "cancel"]),
    ("child stopping", "steps: [{id: s, type: flow, with: {flow: child.yaml}}]", &["admitted", "cancel"]),
    ("undoing", FAULT, &["admitted", "s prepared {\"undo\": 1}", "s passed"]),
    ("in finally", "steps: [{id: a, type: act}]\nfinally: [{id: s, type: act}]", &["admitted", "a passed"]),
    ("over, others run", NEEDED, &["admitted", "s passed"]),
    ("kept", KEPT, &["admitted", "s passed"]),
    ("passed", ACT, &["admitted", "s passed"]),
    ("ended badly", ACT, &["admitted", "s failed"]),
    ("cancelled", ACT, &["cancel"]),
];

const ACT: &str = "steps: [{id: s, type: act, retry: {maxAttempts: 2, interval: 9s, jitter: false}}]";
const NEEDS: &str = "steps: [{id: a, type: act}, {id: s, type: act}]";
const NEEDED: &str = "steps: [{id: s, type: act}, {id: a, type: act}]";
const WAITS_FOR_A_PLACE: &str = "steps: [{id: a, type: act, needs: []}, {id: s, type: act, needs: []}]";
const ARMED: &str = "steps: [{id: x, type: act}, {id: s, type: expect, needs: [x], armBefore: x}]";
const KEPT: &str = "steps: [{id: s, type: act}]\nfinally: [{id: f, type: act}]";
const FAULT: &str = "steps: [{id: s, type: fault}]";

/// How long the state `kept` lasts.
const KEEP: Duration = Duration::from_secs(60 * 60);

/// What each event of [`EVENTS`] is in a scenario.
const SAID: [&str; EVENTS.len()] = [
    "admitted",
    "s started",
    "s prepared",
    "s continued {\"after\": 9000}",
    "s passed",
    "s failed",
    "s errored",
    "s cancelled",
    "s lost",
    "s undone",
    "s#7 passed",
    "child s passed {}",
    "signal go",
    "wait 2h",
    "cancel",
    "cancel forced",
    "finish",
];

#[test]
fn every_event_in_every_state_does_what_the_table_says() {
    assert_eq!(WAYS.map(|(state, ..)| state), STATES, "the simulator has the same states");
    let mut table = String::from("what an event does in a state: the first thing that follows, or why it is ignored\n");
    for (state, flow, setup) in WAYS {
        table.push_str(&format!("\n{state}\n"));
        for (event, said) in EVENTS.into_iter().zip(SAID) {
            let asked = Asked { keep: (state == "kept").then_some(KEEP), ..Asked::default() };
            let mut scenario = Scenario::of(flow, asked).unwrap();
            setup.iter().for_each(|line| scenario.when(line).unwrap());
            scenario.when(said).unwrap();
            let follows = scenario.lines.first().map_or("nothing", String::as_str);
            let more = scenario.lines.len().saturating_sub(1);
            let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
            table.push_str(&format!("  {event:<20} {follows}{more}\n"));
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/state-event-table.txt");
    if std::env::vars().any(|(name, value)| name == "UPDATE" && value == "1") {
        std::fs::write(&path, &table).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), table, "UPDATE=1 writes the table anew");
}
