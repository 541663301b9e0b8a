//! What the tree on a terminal costs beside lines on the same terminal: a thousand steps under way at once, which end
//! one after another over ten seconds.

use std::fmt::Write as _;

use crate::Tools;
use crate::figures::{begin, figure};
use crate::process::{cost, cost_on_terminal};

const STEPS: u64 = 1000;
/// From the first end to the last, in milliseconds.
const OVER: u64 = 10_000;
/// Of one core, in percent.
const LIMIT: f64 = 5.0;

/// Processor time of the tree, in percent of one core.
pub(crate) fn thousand_steps(tools: &Tools) {
    begin("the tree of 1,000 steps on a terminal of 100 columns and 30 rows");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("thousand.yaml");
    let mut text = "steps:\n".to_owned();
    for step in 0..STEPS {
        let ms = 200 + step * OVER / STEPS;
        let _ = writeln!(text, "  - {{id: step{step}, type: delay, needs: [], with: {{for: {ms}ms}}}}");
    }
    std::fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    let command = [tools.assay.as_str(), "run", &path, "--no-store"];
    let lines = [&command[..], &["--plain"]].concat();
    let (tree, plain, silent) = (cost_on_terminal(&command), cost_on_terminal(&lines), cost(&lines));
    let percent = |ours: f64, theirs: f64| (ours - theirs) / tree.wall * 100.0;
    figure("the tree beside lines", percent(tree.cpu, plain.cpu), "%", Some(("limit", LIMIT)));
    figure("the tree beside no terminal", percent(tree.cpu, silent.cpu), "%", Some(("limit", LIMIT)));
    figure("all of the command, with the tree", tree.cpu / tree.wall * 100.0, "%", None);
}
