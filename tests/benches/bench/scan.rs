//! `kafka.expect` reads a long topic: how fast on one core, and whether its memory stays.

use std::fmt::Write as _;

use assay_engine::job::Outcome;
use assay_steps::kafka::KafkaExpect;
use assay_steps::registry::Runners;
use jiff::Timestamp;
use serde_json::json;

use crate::figures::{begin, figure};
use crate::process::{Cost, cost};
use crate::{Tools, alone, topic};

/// The first argument of the process that reads.
pub(crate) const WORD: &str = "scan";
/// How many messages there are unless it is said.
pub(crate) const MESSAGES: u64 = 1_000_000;

const TOPIC: &str = "bench-orders";
const SIZE: usize = 1024;
const LIMIT: f64 = 60_000.0;
const AIM: f64 = 150_000.0;

/// An order of exactly 1 KiB, with what is looked for in the midst of it.
fn order(number: u64) -> String {
    let mut lines = String::new();
    for line in 0..6_u64 {
        let cents = 10_000 + (number + line) % 9_973;
        let _ = write!(lines, "{{\"sku\":\"SKU-{line:04}\",\"quantity\":{line},\"cents\":{cents},\"gift\":false}},");
    }
    lines.pop();
    let mut text = format!(
        "{{\"version\":3,\"customer\":{{\"id\":\"c-{number:08}\",\"name\":\"Ann \\u00c9xample\",\"country\":\"DE\"}},\
         \"lines\":[{lines}],\"state\":\"PAID\",\"orderId\":\"o-{number}\",\"note\":\""
    );
    while text.len() < SIZE - 2 {
        text.push("abcdefghijklmnop qrstuvwxyz"[number as usize % 20..].chars().next().unwrap_or('a'));
    }
    text.push_str("\"}");
    text
}

/// The process that is measured: reads from the start until it finds the last of so many messages.
pub(crate) fn consume(words: &[String]) {
    let [brokers, messages] = words else { panic!("{WORD} BROKERS MESSAGES") };
    let last = messages.parse::<u64>().unwrap() - 1;
    let with = json!({
        "brokers": brokers,
        "topic": TOPIC,
        "match": format!("value.state == 'PAID' && value.orderId == 'o-{last}'"),
        "within": "9m",
    });
    let prepared = json!({"topic": TOPIC, "offsets": {"0": 0}, "recordedAt": Timestamp::now()});
    let runners = Runners::none().with(KafkaExpect::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let result = runtime.block_on(alone::carry(&runners, "kafka.expect", &with, &prepared, &[("seen", "seen")]));
    assert_eq!(result.outcome, Outcome::Passed, "{:?} {:?}", result.error, result.assertions);
    assert_eq!(serde_json::to_value(&result.captures["seen"]).unwrap(), json!(last + 1));
}

fn read(messages: u64) -> Cost {
    let this = std::env::current_exe().unwrap();
    cost(&["taskset", "-c", "0", this.to_str().unwrap(), WORD, topic::brokers(), &messages.to_string()])
}

/// A tenth of the messages, then all.
pub(crate) fn through(tools: &Tools) {
    let messages = tools.messages;
    begin(&format!(
        "kafka.expect reads {messages} messages of {SIZE} bytes, two fields of each compared, on one core (limit: at least \
         {LIMIT} a second, aim {AIM}; memory does not grow)"
    ));
    topic::make(TOPIC, 1);
    topic::fill(TOPIC, messages, order);
    let few = read((messages / 10).max(1));
    let all = read(messages);
    let rate = |milliseconds: f64| messages as f64 / milliseconds * 1000.0;
    figure("messages a second", rate(all.wall), "/s", Some(("limit", LIMIT)));
    figure("messages a second of processor time", rate(all.cpu), "/s", Some(("limit", LIMIT)));
    figure("all, wall", all.wall, "ms", None);
    figure("all, processor", all.cpu, "ms", None);
    figure("all, memory", all.memory, "MiB", Some(("a tenth", few.memory)));
}
