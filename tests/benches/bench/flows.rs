//! Whole runs of the binary, beside the same work done by `hurl`.

use std::fmt::Write as _;
use std::path::Path;

use crate::Tools;
use crate::figures::{begin, figure, median};
use crate::process::{Cost, cost};
use crate::target;

const FLOWS: usize = 200;
const REQUESTS: usize = 5;
const JOBS: &str = "8";

/// A flow of so many requests, each with a capture that the next one uses and two assertions.
pub(crate) fn flow(url: &str, requests: usize) -> String {
    let mut text = String::from("steps:\n");
    for number in 1..=requests {
        let id = if number == 1 { "first".to_owned() } else { format!("${{steps.s{}.next}}", number - 1) };
        let _ = write!(
            text,
            "  - id: s{number}\n    type: http\n    with: {{url: \"{url}/items/{id}\"}}\n    \
             assert: [status == 200, body.ok == true]\n    capture: {{next: body.next}}\n"
        );
    }
    text
}

/// The same work in hurl's words.
fn hurl(url: &str, requests: usize) -> String {
    let mut text = String::new();
    for number in 1..=requests {
        let id = if number == 1 { "first" } else { "{{next}}" };
        let _ = write!(
            text,
            "GET {url}/items/{id}\nHTTP 200\n[Captures]\nnext: jsonpath \"$.next\"\n[Asserts]\njsonpath \"$.ok\" == true\n\n"
        );
    }
    text
}

fn write_all(folder: &Path, flows: usize, requests: usize, url: &str) {
    for number in 0..flows {
        std::fs::write(folder.join(format!("flow{number:03}.yaml")), flow(url, requests)).unwrap();
        std::fs::write(folder.join(format!("flow{number:03}.hurl")), hurl(url, requests)).unwrap();
    }
}

fn files(folder: &Path, ending: &str) -> Vec<String> {
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().to_str().unwrap().to_owned())
        .filter(|path| path.ends_with(ending))
        .collect();
    files.sort();
    files
}

/// The median of each number over some runs.
pub(crate) fn middle(rounds: usize, mut run: impl FnMut() -> Cost) -> Cost {
    run();
    let costs: Vec<Cost> = (0..rounds).map(|_| run()).collect();
    let of = |number: fn(&Cost) -> f64| median(costs.iter().map(number).collect());
    Cost { wall: of(|cost| cost.wall), cpu: of(|cost| cost.cpu), memory: of(|cost| cost.memory) }
}

/// The cost of `assay run` with these arguments; with a store, a new one each time.
fn ours(tools: &Tools, durable: bool, folder: &Path, rounds: usize) -> Cost {
    let flows = folder.to_str().unwrap();
    middle(rounds, || {
        let place = tempfile::tempdir().unwrap();
        let store = place.path().join("store");
        let kept = ["--store", store.to_str().unwrap()];
        let mut command = vec![tools.assay.as_str(), "run", "--jobs", JOBS];
        command.extend(if durable { &kept[..] } else { &["--no-store"] });
        command.push(flows);
        cost(&command)
    })
}

fn peer(tools: &Tools, folder: &Path, rounds: usize) -> Option<Cost> {
    let hurl = tools.hurl.as_deref()?;
    let files = files(folder, ".hurl");
    let mut command = vec![hurl, "--test", "--jobs", JOBS];
    command.extend(files.iter().map(String::as_str));
    Some(middle(rounds, || cost(&command)))
}

fn print(what: &str, ours: Cost, peer: Option<Cost>) {
    let beside = |number: fn(&Cost) -> f64| peer.as_ref().map(|peer| ("hurl", number(peer)));
    figure(&format!("{what}, wall"), ours.wall, "ms", beside(|cost| cost.wall));
    figure(&format!("{what}, processor"), ours.cpu, "ms", beside(|cost| cost.cpu));
    figure(&format!("{what}, memory"), ours.memory, "MiB", beside(|cost| cost.memory));
}

/// One request, from the start of the process to its end.
pub(crate) fn one_request(tools: &Tools) {
    begin("one request, process start to exit (limits: hurl's time, 25 MiB)");
    let folder = tempfile::tempdir().unwrap();
    write_all(folder.path(), 1, 1, &target::start());
    let peer = peer(tools, folder.path(), 31);
    print("with durable state", ours(tools, true, folder.path(), 31), peer);
    print("with --no-store", ours(tools, false, folder.path(), 31), peer);
}

/// Many flows at once.
pub(crate) fn many(tools: &Tools) {
    begin(&format!(
        "{FLOWS} flows of {REQUESTS} requests, --jobs {JOBS} (limits: 1.0 without, 1.5 with durable state)"
    ));
    let folder = tempfile::tempdir().unwrap();
    write_all(folder.path(), FLOWS, REQUESTS, &target::start());
    let peer = peer(tools, folder.path(), 9);
    print("with --no-store", ours(tools, false, folder.path(), 9), peer);
    print("with durable state", ours(tools, true, folder.path(), 9), peer);
}
