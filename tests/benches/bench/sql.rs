//! Many small queries, beside `psql` in one session.

use std::fmt::Write as _;
use std::path::Path;

use assay_services::Services;

use crate::Tools;
use crate::figures::{begin, figure};
use crate::flows::middle;
use crate::process::cost;

const QUERIES: usize = 1_000;
const LIMIT: f64 = 1.5;
const ROUNDS: usize = 7;

/// A step of each query, one after the other.
fn steps() -> String {
    let mut text = String::new();
    for number in 0..QUERIES {
        let with = format!("{{resource: db, query: \"select $1::int + 1 as next\", params: [{number}]}}");
        let _ = writeln!(
            text,
            "  - {{id: s{number}, type: sql, with: {with}, assert: \"rows[0].next == {}\"}}",
            number + 1
        );
    }
    text
}

/// One step, an instance of each query, one after the other.
fn instances() -> String {
    let items: Vec<usize> = (0..QUERIES).collect();
    format!(
        "  - id: each\n    type: sql\n    foreach: {items:?}\n    maxParallel: 1\n    with: {{resource: db, query: \"select $1::int \
         + 1 as next\", params: [\"${{item}}\"]}}\n    assert: rows[0].next == item + 1\n"
    )
}

/// One step whose statements are the queries.
fn statements() -> String {
    let mut text = String::from("  - id: all\n    type: sql\n    with:\n      resource: db\n      statements:\n");
    for number in 0..QUERIES {
        let _ = writeln!(text, "        - {{query: \"select $1::int + 1 as next\", params: [{number}]}}");
    }
    let _ = writeln!(text, "    assert: rows[0].next == {QUERIES}");
    text
}

fn psql() -> String {
    (0..QUERIES).fold(String::new(), |mut text, number| {
        let _ = writeln!(text, "select {number} + 1 as next;");
        text
    })
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

/// As steps, as instances of one, and as statements of one.
pub(crate) fn many(tools: &Tools) {
    begin(&format!(
        "{QUERIES} small queries, process start to exit, --no-store (limit: {LIMIT} times psql in one session)"
    ));
    let url = Services::shared().postgres_url();
    let folder = tempfile::tempdir().unwrap();
    let script = write(folder.path(), "queries.sql", &psql());
    let peer = middle(ROUNDS, || cost(&["psql", url, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", &script]));
    for (what, steps) in [("steps", steps()), ("instances", instances()), ("statements", statements())] {
        let text = format!("resources: {{db: {{type: sql, url: \"{url}\"}}}}\nsteps:\n{steps}");
        let flow = write(folder.path(), &format!("{what}.yaml"), &text);
        let ours = middle(ROUNDS, || cost(&[&tools.assay, "run", "--no-store", &flow]));
        figure(&format!("as {what}, wall"), ours.wall, "ms", Some(("psql", peer.wall)));
        figure(&format!("as {what}, processor"), ours.cpu, "ms", Some(("psql", peer.cpu)));
    }
}
