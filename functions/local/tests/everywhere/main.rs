//! One order, proven in every system that it touches; and a shop that lies in one of them, which turns exactly the step that
//! looks there failed.

#![allow(clippy::unwrap_used, reason = "a test that cannot start the shop fails")]

mod shop;

use assay_services::Services;
use serde_json::Value as Json;

use shop::Shop;

/// Each lie, and the step that must find it out.
const LIES: [(&str, &str); 10] = [
    ("wrong-value", "announced"),
    ("event-missing", "announced"),
    ("event-doubled", "announced"),
    ("event-late", "announced"),
    ("out-of-order", "announced"),
    ("wrong-key", "announced"),
    ("row-missing", "booked"),
    ("log-missing", "logged"),
    ("metric-stuck", "counted"),
    ("cache-stale", "cached"),
];

/// `(step, status)` of every step that has ended, in the order of their ends.
fn ends(records: &[Json]) -> Vec<(String, String)> {
    let text = |record: &Json, key: &str| record[key].as_str().unwrap_or_default().to_owned();
    let ended = records.iter().filter(|record| record["kind"] == "step.finished");
    ended.map(|record| (text(record, "step"), text(record, "status"))).collect()
}

fn unlike(records: &[Json], status: &str) -> Vec<(String, String)> {
    ends(records).into_iter().filter(|(_, ended)| ended != status).collect()
}

#[test]
fn an_order_is_proven_in_every_system() {
    let shop = Shop::start(Services::shared(), 0, None);
    let came = shop.run_everywhere();
    assert_eq!(unlike(&came.records, "passed"), [], "{}", came.err);
    assert_eq!((came.code, ends(&came.records).len()), (0, 12), "{}", came.err);
}

#[test]
fn each_lie_of_the_target_turns_exactly_the_step_that_looks_there_failed() {
    let services = Services::shared();
    std::thread::scope(|scope| {
        let runs: Vec<_> = LIES
            .iter()
            .enumerate()
            .map(|(index, (lie, step))| {
                let run = move || Shop::start(services, index + 1, Some(lie)).run_everywhere();
                (lie, step, scope.spawn(run))
            })
            .collect();
        for (lie, step, run) in runs {
            let came = run.join().unwrap();
            let found = unlike(&came.records, "passed");
            assert_eq!(found, [((*step).to_owned(), "failed".to_owned())], "{lie}: {}", came.err);
            assert_eq!(came.code, 1, "{lie}: {}", came.err);
        }
    });
}
