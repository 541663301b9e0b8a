//! How long after an event a flow has its verdict on it.

use std::fmt::Write as _;

use crate::figures::{begin, figure, median, quantile};
use crate::runs::{Came, instant, run};
use crate::{Tools, topic};

const TOPIC: &str = "bench-latency";
const LIMIT: f64 = 20.0;
const CAUSED: usize = 100;
const AWAITED: usize = 20;

fn expect(number: usize, needs: &str, more: &str) -> String {
    format!(
        "  - id: e{number}\n    type: kafka.expect\n    needs: [{needs}]\n{more}    with: {{resource: k, topic: {TOPIC}, match: \
         \"value.id == vars.id && value.number == {number}\"}}\n    capture: {{written: \"messages[0].timestamp\"}}\n"
    )
}

fn publish(number: usize, needs: &str) -> String {
    format!(
        "  - id: p{number}\n    type: kafka.publish\n    needs: [{needs}]\n    with: {{resource: k, topic: {TOPIC}, json: {{id: \
         \"${{vars.id}}\", number: {number}}}}}\n"
    )
}

/// Pairs of a step that writes and one that was armed before it and looks afterwards.
fn caused() -> String {
    let mut steps = String::new();
    for number in 0..CAUSED {
        let before = if number == 0 { String::new() } else { format!("e{}", number - 1) };
        let _ = write!(steps, "{}", publish(number, &before));
        let _ = write!(steps, "{}", expect(number, &format!("p{number}"), &format!("    armBefore: p{number}\n")));
    }
    steps
}

/// Pairs of a step that waits, and one that writes after a moment.
fn awaited() -> String {
    let mut steps = String::new();
    for number in 0..AWAITED {
        let before = if number == 0 { String::new() } else { format!("e{}, p{}", number - 1, number - 1) };
        let _ = write!(steps, "{}", expect(number, &before, ""));
        let _ = writeln!(steps, "  - {{id: d{number}, type: delay, needs: [{before}], with: {{for: 400ms}}}}");
        let _ = write!(steps, "{}", publish(number, &format!("d{number}")));
    }
    steps
}

/// Milliseconds from the record's own time (of the producer) to the verdict's.
fn latencies(came: &Came) -> Vec<f64> {
    let of =
        |record: &serde_json::Value| instant(&record["at"]) - record["result"]["captures"]["written"].as_f64().unwrap();
    came.ends("e").iter().map(of).collect()
}

/// Of an event that the flow causes itself, and of one that comes while a step already waits.
pub(crate) fn to_verdict(tools: &Tools) {
    begin(&format!("Kafka event written to verdict, a whole flow with --no-store (limit: {LIMIT} ms for the median)"));
    topic::make(TOPIC, 3);
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str, steps: &str| {
        let file = folder.path().join(name);
        let resource = format!("resources: {{k: {{type: kafka, brokers: \"{}\"}}}}", topic::brokers());
        std::fs::write(&file, format!("{resource}\nvars: {{id: \"${{uuid()}}\"}}\nsteps:\n{steps}")).unwrap();
        latencies(&run(&tools.assay, &file, &[]).passed())
    };
    for (what, found) in [("caused", of("caused.yaml", &caused())), ("awaited", of("awaited.yaml", &awaited()))] {
        figure(&format!("{what} ({} times), median", found.len()), median(found.clone()), "ms", Some(("limit", LIMIT)));
        figure(&format!("{what}, 90 of 100 under"), quantile(found, 90), "ms", None);
    }
}
