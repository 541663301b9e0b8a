//! A wait, from what comes to what it means.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::contract::Output;
use crate::expect::{Asked, Count, Picks};

struct Letter {
    partition: i64,
    offset: u64,
    text: String,
    picks: Option<Picks>,
}

impl Message for Letter {
    fn field(&self, name: &str, whole: bool) -> Option<Value> {
        match name {
            "value" => {
                let all = Picks::all();
                let picks = if whole { &all } else { self.picks.as_ref()? };
                Some(Value::from(picks.read(self.text.as_bytes()).unwrap_or(Json::Null)))
            }
            "offset" => Some(Value::Int(i64::try_from(self.offset).unwrap())),
            _ => None,
        }
    }
    fn to_json(&self) -> Json {
        json!({"offset": self.offset, "value": serde_json::from_str::<Json>(&self.text).unwrap_or_default()})
    }
    fn partition(&self) -> i64 {
        self.partition
    }
    fn place(&self) -> String {
        format!("offset {}", self.offset)
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + seconds).unwrap()
}

fn asked(count: &str) -> Asked<'static> {
    Asked {
        matches: Some("value.id == steps.order.id && value.state == 'PAID'"),
        count: count.parse::<Count>().unwrap(),
        within: Duration::from_secs(60),
        ..Asked::default()
    }
}

fn rules(asked: &Asked<'_>) -> Rules {
    let scope = json!({"steps": {"order": {"id": "A"}}});
    Rules::compile(asked, scope.as_object().unwrap(), 7).unwrap()
}

fn bring(watch: &mut Watch<'_>, second: i64, values: &[Json]) {
    for value in values {
        let letter = Letter {
            partition: value["partition"].as_i64().unwrap_or(0),
            offset: watch.state.seen,
            text: value.to_string(),
            picks: watch.rules.picks("value"),
        };
        watch.look_at(&letter, at(second)).unwrap();
    }
}

fn paid(extra: i64) -> Json {
    json!({"id": "A", "state": "PAID", "n": extra})
}

fn passed(output: &Output) -> Vec<bool> {
    output.expectations.iter().map(|expectation| expectation.passed).collect()
}

#[test]
fn at_least_passes_at_once() {
    let rules = rules(&asked(">= 2"));
    let mut watch = Watch::new(&rules, at(0), at(0));
    bring(&mut watch, 1, &[paid(1), json!({"id": "B", "state": "PAID"})]);
    assert_eq!(watch.ask(at(1)), Ask::Wait(at(60)));
    bring(&mut watch, 2, &[paid(2)]);
    assert_eq!(watch.ask(at(2)), Ask::Decided);
    let output = watch.into_output();
    assert_eq!((passed(&output), &output.fields["count"], &output.fields["seen"]), (vec![true], &json!(2), &json!(3)));
    assert_eq!(output.fields["messages"][1]["offset"], 2);
}

#[test]
fn what_did_not_come_has_failed_only_when_everything_of_the_window_was_seen() {
    let rules = rules(&asked(">= 1"));
    let mut watch = Watch::new(&rules, at(0), at(0));
    watch.seen_until(at(59));
    assert_eq!(watch.ask(at(59)), Ask::Wait(at(60)));
    assert_eq!(watch.ask(at(61)), Ask::Prove(at(60)));
    bring(&mut watch, 61, &[json!({"id": "A", "state": "OPEN"})]);
    watch.seen_until(at(61));
    assert_eq!(watch.ask(at(61)), Ask::Decided);
    let output = watch.into_output();
    assert_eq!(passed(&output), [false]);
    assert_eq!(output.expectations[0].that, "count >= 1 within 1m");
    assert_eq!(output.expectations[0].reason.as_deref(), Some("the one message that came does not match"));
}

#[test]
fn exactly_and_at_most_wait_for_the_end_of_the_window() {
    for (count, comes, holds) in
        [("== 1", 1, true), ("== 1", 2, false), ("<= 1", 0, true), ("<= 1", 2, false), ("== 0", 0, true)]
    {
        let rules = rules(&asked(count));
        let mut watch = Watch::new(&rules, at(0), at(0));
        for n in 0..comes {
            bring(&mut watch, 1, &[paid(n)]);
        }
        watch.seen_until(at(1));
        assert_eq!(watch.ask(at(1)), Ask::Wait(at(60)), "{count}");
        watch.seen_until(at(60));
        assert_eq!(watch.ask(at(60)), Ask::Decided, "{count}");
        assert_eq!(passed(&watch.into_output()), [holds], "{count} with {comes}");
    }
}

#[test]
fn quiet_settles_a_count_that_holds_and_never_one_that_wants_more() {
    let rules = rules(&Asked { settle: Some(Duration::from_secs(5)), ..asked("== 2") });
    let mut watch = Watch::new(&rules, at(0), at(0));
    bring(&mut watch, 1, &[paid(1)]);
    watch.seen_until(at(30));
    assert_eq!(watch.ask(at(30)), Ask::Wait(at(60)), "one of two, however quiet");
    bring(&mut watch, 31, &[paid(2)]);
    assert_eq!(watch.ask(at(31)), Ask::Wait(at(36)));
    assert_eq!(watch.ask(at(36)), Ask::Prove(at(36)), "quiet is proven, not assumed");
    bring(&mut watch, 36, &[json!({"id": "other"})]);
    watch.seen_until(at(36));
    assert_eq!(watch.ask(at(36)), Ask::Decided, "only matches disturb the quiet");
}

#[test]
fn the_window_counts_from_when_it_says_and_may_be_over_at_the_start() {
    let rules = rules(&asked(">= 1"));
    let mut watch = Watch::new(&rules, at(-100), at(0));
    assert_eq!(watch.ask(at(0)), Ask::Prove(at(-40)));
    bring(&mut watch, 0, &[paid(1)]);
    assert_eq!(watch.ask(at(0)), Ask::Decided);
}

#[test]
fn a_message_that_cannot_answer_does_not_match() {
    let rules = rules(&asked(">= 1"));
    let mut watch = Watch::new(&rules, at(0), at(0));
    bring(&mut watch, 1, &[json!("text"), json!(null), json!({"id": {"deep": 1}}), json!({"id": "A"}), json!([1])]);
    assert_eq!(watch.counts(), (5, 0));
}

#[test]
fn the_nearest_misses_say_which_part_failed_with_its_values() {
    let rules = rules(&asked(">= 1"));
    let mut watch = Watch::new(&rules, at(0), at(0));
    let far = json!({"id": "B", "state": "OPEN"});
    bring(&mut watch, 1, &vec![far; 10]);
    bring(
        &mut watch,
        1,
        &[json!({"id": "A", "state": "OPEN"}), json!({"id": "C", "state": "PAID"}), json!({"id": "A"})],
    );
    bring(&mut watch, 1, &[json!({"id": "A", "state": "LATE"})]);
    watch.seen_until(at(60));
    let note = watch.into_output().note.unwrap();
    let lines: Vec<&str> = note.lines().collect();
    assert_eq!(lines.len(), 3, "{note}");
    assert_eq!(lines[0], "nearest: offset 10: not `value.state == 'PAID'`: value.state = \"OPEN\"");
    assert!(
        lines[1].contains("offset 11: not `value.id == steps.order.id`: value.id = \"C\", steps.order.id = \"A\""),
        "{note}"
    );
    assert!(lines[2].contains("offset 12: `value.state == 'PAID'` has no answer: value.state"), "{note}");
}

#[test]
fn equal_ones_count_once() {
    let rules = rules(&Asked { distinct_by: Some("value.n"), ..asked("== 2") });
    let mut watch = Watch::new(&rules, at(0), at(0));
    for _ in 0..1000 {
        bring(&mut watch, 1, &[paid(1), paid(2)]);
    }
    assert_eq!(watch.counts(), (2000, 2));
    watch.seen_until(at(60));
    assert_eq!(passed(&watch.into_output()), [true, true]);
}

#[test]
fn a_match_without_an_answer_to_distinct_by_has_failed() {
    let rules = rules(&Asked { distinct_by: Some("value.missing"), ..asked(">= 1") });
    let mut watch = Watch::new(&rules, at(0), at(0));
    bring(&mut watch, 1, &[paid(1)]);
    let output = watch.into_output();
    assert_eq!(passed(&output), [true, false]);
    assert!(output.expectations[1].reason.as_deref().unwrap().starts_with("offset 0: value.missing"));
}

#[test]
fn order_is_kept_within_a_partition_only() {
    let rules = rules(&Asked { ordered_by: Some("value.n"), ..asked(">= 3") });
    let with = |partition: i64, n: i64| json!({"id": "A", "state": "PAID", "n": n, "partition": partition});
    for (comes, holds) in
        [(vec![with(0, 5), with(1, 1), with(0, 5)], true), (vec![with(0, 5), with(0, 4), with(0, 6)], false)]
    {
        let mut watch = Watch::new(&rules, at(0), at(0));
        bring(&mut watch, 1, &comes);
        let output = watch.into_output();
        assert_eq!(passed(&output), [true, holds]);
        if !holds {
            assert_eq!(output.expectations[1].reason.as_deref(), Some("offset 1 has 4, after 5 at offset 0"));
        }
    }
}

#[test]
fn values_without_an_order_break_it() {
    let rules = rules(&Asked { ordered_by: Some("value.n"), ..asked(">= 2") });
    for odd in [json!({"id": "A", "state": "PAID"}), json!({"id": "A", "state": "PAID", "n": "one"})] {
        let mut watch = Watch::new(&rules, at(0), at(0));
        bring(&mut watch, 1, &[paid(1), odd]);
        assert_eq!(passed(&watch.into_output()), [true, false]);
    }
}

#[test]
fn only_so_many_are_kept_and_all_are_counted() {
    let rules = rules(&Asked { collect: Some(2), ..asked("== 5") });
    let mut watch = Watch::new(&rules, at(0), at(0));
    for n in 0..5 {
        bring(&mut watch, 1, &[paid(n)]);
    }
    let output = watch.into_output();
    assert_eq!((output.fields["messages"].as_array().unwrap().len(), &output.fields["count"]), (2, &json!(5)));
}

#[test]
fn a_wait_that_is_written_down_and_read_again_is_the_same() {
    let asked = Asked { distinct_by: Some("value.n"), ordered_by: Some("value.n"), ..asked("== 4") };
    let rules = rules(&asked);
    let mut watch = Watch::new(&rules, at(0), at(0));
    bring(&mut watch, 1, &[paid(1), paid(2), json!({"id": "A"})]);
    watch.seen_until(at(1));
    let mut again = Watch::resume(&rules, &watch.checkpoint().unwrap(), at(2)).unwrap();
    assert_eq!(again.state, watch.state);
    for watch in [&mut watch, &mut again] {
        bring(watch, 3, &[paid(2), paid(1), paid(9)]);
    }
    assert_eq!(again.state, watch.state);
    assert_eq!(again.state.count, 3);
    assert!(again.state.disorder.is_some());
}

#[test]
fn what_is_too_large_to_be_carried_stays() {
    let rules = rules(&asked("== 4"));
    let mut watch = Watch::new(&rules, at(0), at(0));
    bring(&mut watch, 1, &[json!({"id": "A", "state": "PAID", "blob": "x".repeat(50_000)})]);
    assert_eq!(watch.checkpoint(), None);
    let small = Watch::new(&rules, at(0), at(0));
    assert!(small.checkpoint().is_some());
}

#[test]
fn too_much_is_an_error_and_no_shortened_result() {
    let rules = rules(&asked("== 4"));
    let mut watch = Watch::new(&rules, at(0), at(0));
    let text = json!({"id": "A", "state": "PAID", "blob": "x".repeat(KEPT_BYTES)}).to_string();
    let letter = Letter { partition: 0, offset: 0, text, picks: rules.picks("value") };
    assert_eq!(watch.look_at(&letter, at(1)), Err(ExpectError::TooLarge { limit: KEPT_BYTES }));
}

#[test]
fn an_expression_that_works_too_much_is_an_error() {
    let text = "value.l.all(a, value.l.all(b, value.l.all(c, a + b + c > 0)))";
    let rules = rules(&Asked { matches: Some(text), ..asked(">= 1") });
    let mut watch = Watch::new(&rules, at(0), at(0));
    let text = json!({"l": (1..200).collect::<Vec<_>>()}).to_string();
    let letter = Letter { partition: 0, offset: 0, text, picks: rules.picks("value") };
    assert!(matches!(watch.look_at(&letter, at(1)), Err(ExpectError::Budget { key: "match", .. })));
}

#[test]
fn without_match_every_message_counts() {
    let rules = rules(&Asked { matches: None, ..asked("== 2") });
    let mut watch = Watch::new(&rules, at(0), at(0));
    bring(&mut watch, 1, &[json!(1), json!("x")]);
    assert_eq!(watch.counts(), (2, 2));
}
