//! What earlier programs have stored and sent loads in this one: heads, parts, records, claims' reports and jobs of
//! each format, as files that are never changed, only added to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use assay_engine::execution::{
    Active, ActiveState, CarriedInstance, Event, Expansion, FORMAT, Head, InstanceState, Parent, Part, PartId, Signal,
    Standing, Start, StepState, Stop, Timer, Token, UndoEntry, Unsent, Values,
};
use assay_engine::job::{Captured, Cookie, Job, JobPhase, Mask};
use assay_engine::record::Record;
use assay_engine::status::{ExecutionStatus, Phase};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use crate::samples::{execution_id, fence, head, job, record, report, second};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/state")
}

/// The files whose names begin like this: `head-1.json`.
fn golden(kind: &str) -> Vec<(String, Json)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with(kind) {
            files.push((name, serde_json::from_slice(&std::fs::read(entry.path()).unwrap()).unwrap()));
        }
    }
    assert!(!files.is_empty(), "no golden file of {kind}");
    files
}

/// Whether everything of the one is in the other: a later program may add what has a default.
fn holds(now: &Json, then: &Json) -> bool {
    match (now, then) {
        (Json::Object(now), Json::Object(then)) => {
            then.iter().all(|(name, then)| now.get(name).is_some_and(|now| holds(now, then)))
        }
        (Json::Array(now), Json::Array(then)) => {
            now.len() == then.len() && now.iter().zip(then).all(|(now, then)| holds(now, then))
        }
        (now, then) => now == then,
    }
}

/// Each file loads, and nothing of it is lost.
fn load_again<T: DeserializeOwned + Serialize>(kind: &str) -> Vec<T> {
    let load = |(name, then): (String, Json)| {
        let loaded: T = serde_json::from_value(then.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let now = serde_json::to_value(&loaded).unwrap();
        assert!(holds(&now, &then), "{name} lost something: {now}");
        loaded
    };
    golden(kind).into_iter().map(load).collect()
}

#[test]
fn stored_heads_load_again() {
    let heads: Vec<Head> = load_again("head-");
    assert!(heads.iter().all(|head| head.format <= FORMAT));
    assert!(heads.iter().any(|head| head.stop.is_some() && !head.timers.is_empty() && head.unsent.len() == 6));
}

#[test]
fn stored_parts_load_again() {
    assert_eq!(load_again::<Part>("part-").len(), 7);
}

#[test]
fn names_of_stored_parts_are_read_again() {
    for (file, names) in golden("names-") {
        for name in names.as_array().unwrap() {
            let name = name.as_str().unwrap();
            assert_eq!(name.parse::<PartId>().unwrap().to_string(), name, "{file}");
        }
    }
}

#[test]
fn stored_records_reports_and_jobs_load_again() {
    load_again::<Record>("record-");
    load_again::<Event>("report-");
    load_again::<Job>("job-");
}

fn values() -> Values {
    let sealed = Captured::Sealed("AQID".into());
    let cookie = Cookie { set_cookie: sealed.clone(), url: "http://a/login".into(), at: second(2) };
    Values {
        captures: BTreeMap::from([
            ("token".into(), sealed),
            ("id".into(), Captured::Clear(json!({"a": [1, null], "$b": 2}))),
        ]),
        hidden: BTreeMap::from([("body.items[0].id".into(), Captured::NULL)]),
        cookies: vec![cookie],
    }
}

fn instance() -> InstanceState {
    InstanceState {
        ended: Some(Standing::FailedSoftly),
        active: Some(Active {
            phase: JobPhase::Run,
            turn: 2,
            state: ActiveState::TurnPause,
            repeatable: true,
            deadline: Some(second(90)),
            checkpoint: Some(json!({"offset": 12})),
            places: 1,
            stopping: true,
        }),
        attempt: 3,
        extra: 1,
        started_at: Some(second(1)),
        rendered_at: Some(second(1)),
        ended_at: Some(second(2)),
        with_hash: Some("abc".into()),
        child: Some(execution_id("child")),
        values: values(),
        apart: true,
        prepared: Some(json!({"positions": [1, 2]})),
        undo: Some(json!({"rule": "r1"})),
    }
}

fn full_head() -> Head {
    Head {
        parent: Some(Parent { execution: execution_id("top"), fence: fence("flow", 1) }),
        depth: 1,
        rerun_of: Some(execution_id("earlier")),
        status: ExecutionStatus::Running,
        phase: Phase::Stopping,
        started_at: Some(second(1)),
        steps: vec![Standing::Passed, Standing::Running, Standing::SkippedByCondition, Standing::Pending],
        stop: Some(Stop { verdict: ExecutionStatus::Cancelled, by: "ada".into(), forced: false, wins: true }),
        timers: vec![
            Timer { at: second(30), token: Token::StopGrace },
            Timer { at: second(60), token: Token::Step { fence: fence("login", 2) } },
        ],
        unsent: vec![
            Unsent::Dispatch { fence: fence("login", 2) },
            Unsent::StartChild { fence: fence("flow", 1) },
            Unsent::Stop { fence: fence("login", 1) },
            Unsent::StopChild { fence: fence("flow", 1), forced: true },
            Unsent::Proceed { fence: fence("paid", 1) },
            Unsent::Finish,
        ],
        undo: vec![UndoEntry { step: 1, instance: Some(3), attempt: 1 }],
        cookie_steps: vec![0, 1],
        signals: true,
        undo_failed: true,
        instances: 17,
        capture_bytes: 1234,
        reason: Some("because".into()),
        ..head("golden")
    }
}

fn parts() -> Vec<(&'static str, Part)> {
    let start = Start {
        inputs: values().captures,
        vars: BTreeMap::from([("ref".into(), Captured::Clear("r1".into()))]),
        mask: Mask { secrets: vec!["KEY".into()], sealed: vec!["c2VhbGVk".into()] },
        labels: BTreeMap::from([("team".into(), "payments".into())]),
        environment: Some("staging".into()),
        children: BTreeMap::from([("flow".into(), execution_id("child"))]),
        after_finally: false,
        carried_instances: BTreeMap::from([(
            "audited[3]".into(),
            CarriedInstance { with_hash: "abc".into(), values: values(), rendered_at: second(1) },
        )]),
    };
    let foreach =
        Expansion { count: 17, next: 16, active: 2, ended: 14, worst: Some(Standing::Failed), at: Some(second(1)) };
    let step = StepState { alone: instance(), carried: Some(execution_id("earlier")), ..StepState::default() };
    let signal =
        Signal { id: "s1".into(), name: "approved".into(), payload: json!(true), by: "ada".into(), used: true };
    vec![
        ("start", Part::Start(start)),
        ("step", Part::Step(step)),
        ("foreach", Part::Step(StepState { foreach: Some(foreach), ..StepState::default() })),
        ("block", Part::Block(vec![instance(), InstanceState::default()])),
        ("values", Part::Values(values())),
        ("signals", Part::Signals(vec![signal])),
        ("empty", Part::Step(StepState::default())),
    ]
}

/// What this program would keep, by the name of its golden file.
fn samples() -> Vec<(String, Json)> {
    fn sample(name: &str, value: impl Serialize) -> (String, Json) {
        (name.to_owned(), serde_json::to_value(value).unwrap())
    }
    let names = [
        PartId::Start,
        PartId::Step(3),
        PartId::Block(3, 1),
        PartId::StepValues(3),
        PartId::InstanceValues(3, 17),
        PartId::Signals,
    ];
    let mut samples = vec![
        sample("head-full", full_head()),
        sample("head-new", head("golden")),
        sample("names", names.iter().map(PartId::to_string).collect::<Vec<_>>()),
        sample("record", record("golden", 2)),
        sample("report", report("golden")),
        sample("job", job("golden")),
    ];
    samples.extend(parts().iter().map(|(name, part)| sample(&format!("part-{name}"), part)));
    samples
}

#[test]
fn the_format_of_this_program_has_its_golden_files() {
    let mut missing = Vec::new();
    for (name, value) in samples() {
        let path = folder().join(format!("{name}-{FORMAT}.json"));
        if !path.exists() {
            std::fs::write(&path, serde_json::to_string_pretty(&value).unwrap() + "\n").unwrap();
            missing.push(name);
        }
    }
    assert!(missing.is_empty(), "written, look at them and commit them: {missing:?}");
}
