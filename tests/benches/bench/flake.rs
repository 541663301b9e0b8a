//! Runs of the examples that prove things in real systems, again and again, many at once: none may end in anything but passed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::everywhere;
use crate::figures::now;
use crate::runs::{Came, run};
use crate::shop::Shop;
use crate::{Tools, topic};

const TOPIC: &str = "bench-flake";
const AT_ONCE: usize = 8;

/// What a flow writes, it finds once.
const KAFKA: &str = "
vars: {id: \"${uuid()}\"}
steps:
  - id: announce
    type: kafka.publish
    with: {resource: announcements, topic: bench-flake, key: \"${vars.id}\", json: {id: \"${vars.id}\", state: NEW}}
  - id: announced
    type: kafka.expect
    needs: [announce]
    armBefore: announce
    with:
      resource: announcements
      topic: bench-flake
      match: value.id == vars.id && value.state == 'NEW'
      count: \"== 1\"
      within: 15s
      settle: 200ms
    assert: messages[0].key == vars.id
";

/// How runs of a flow have ended.
#[derive(Default)]
struct Tally {
    passed: AtomicUsize,
    failed: AtomicUsize,
    errored: AtomicUsize,
    other: AtomicUsize,
}

impl Tally {
    fn count(&self, came: &Came) -> bool {
        let which = match came.code {
            0 => &self.passed,
            1 => &self.failed,
            3 => &self.errored,
            _ => &self.other,
        };
        which.fetch_add(1, Ordering::Relaxed);
        came.code == 0
    }

    fn print(&self, name: &str) {
        let [passed, failed, errored, other] =
            [&self.passed, &self.failed, &self.errored, &self.other].map(|one| one.load(Ordering::Relaxed));
        println!("  {name:<12} {passed} passed, {failed} failed, {errored} errored, {other} otherwise");
    }

    fn all_passed(&self, count: usize) -> bool {
        self.passed.load(Ordering::Relaxed) == count
    }
}

/// Keeps what a run that did not pass has printed.
fn keep(folder: &Path, name: &str, number: usize, came: &Came) {
    std::fs::create_dir_all(folder).unwrap();
    let file = |ending: &str| folder.join(format!("{name}-{number}.{ending}"));
    std::fs::write(file("jsonl"), &came.out).unwrap();
    std::fs::write(file("err"), &came.err).unwrap();
    println!("  {name} {number} ended with {}: {}", came.code, file("jsonl").display());
}

/// So many runs of each flow against one shop. Ends this process with 1 when one did not pass.
pub(crate) fn hunt(tools: &Tools) {
    println!("\n{} runs of each flow against one shop, {AT_ONCE} at once (limit: all pass)", tools.count);
    let shop = Shop::start(&tools.assay);
    topic::make(TOPIC, 3);
    let folder = tempfile::tempdir().unwrap();
    let kafka = folder.path().join("kafka.yaml");
    std::fs::write(&kafka, KAFKA).unwrap();
    let flows: [(&str, PathBuf, Tally); 2] =
        [("everywhere", everywhere::flow(), Tally::default()), ("kafka", kafka, Tally::default())];
    let kept = std::env::temp_dir().join(format!("assay-flake-{}", std::process::id()));
    let (begun, next) = (now(), AtomicUsize::new(0));
    let options = shop.options();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let worker = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some((name, flow, tally)) =
                flows.get(number % flows.len()).filter(|_| number < tools.count * flows.len())
            else {
                return;
            };
            // A flow takes only the inputs that it has; the one without needs nothing but the environment.
            let options = if *name == "kafka" { &options[..2] } else { &options[..] };
            let came = run(&tools.assay, flow, options);
            if !tally.count(&came) {
                keep(&kept, name, number / flows.len(), &came);
            }
        }
    };
    std::thread::scope(|scope| (0..AT_ONCE).for_each(|_| drop(scope.spawn(worker))));
    flows.iter().for_each(|(name, _, tally)| tally.print(name));
    println!("  in {:.0} s", begun.elapsed().as_secs_f64());
    let steady = flows.iter().all(|(_, _, tally)| tally.all_passed(tools.count));
    // Exiting runs no destructor.
    drop((shop, folder));
    if !steady {
        std::process::exit(1);
    }
}
