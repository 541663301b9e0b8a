//! From text to plan.

use std::fmt::Write as _;
use std::sync::Arc;

use assay_engine::bundle::Bundle;
use assay_engine::compile::compile;
use assay_engine::expr::Programs;
use assay_engine::plan::Plan;
use assay_steps::registry::Types;

use crate::Tools;
use crate::figures::{begin, figure, median, now};

const STEPS: usize = 1000;
const LIMIT: f64 = 50.0;

/// The plan of a flow that must compile.
pub(crate) fn plan(bundle: &Bundle) -> Arc<Plan> {
    match compile(bundle, &Types, &Programs::default()) {
        Ok(compiled) => compiled.plan,
        Err(problems) => panic!("the flow of a bench compiles: {problems:?}"),
    }
}

/// A flow whose steps each use what the one before captured.
fn flow(steps: usize) -> String {
    let mut text = String::from("inputs:\n  baseUrl: {type: string, default: \"http://127.0.0.1:8080\"}\nsteps:\n");
    for number in 0..steps {
        let _ = writeln!(text, "  - id: step{number}\n    type: http\n    with:");
        let before = if number == 0 { "0".to_owned() } else { format!("${{steps.step{}.id}}", number - 1) };
        let _ = writeln!(text, "      url: \"${{inputs.baseUrl}}/items/{before}\"");
        let _ = writeln!(text, "      headers: {{x-number: \"{number}\"}}");
        let _ = writeln!(text, "    assert:\n      - status == 200\n      - size(body.items) > {number}");
        let _ = writeln!(text, "    capture: {{id: body.id}}");
    }
    text
}

/// A large flow.
pub(crate) fn large(_: &Tools) {
    begin(&format!("compile a flow of {STEPS} steps (limit: {LIMIT} ms)"));
    let bundle = Bundle::of_text("large.yaml", flow(STEPS));
    let times = (0..15).map(|_| {
        let start = now();
        assert_eq!(plan(&bundle).steps.len(), STEPS);
        start.elapsed().as_secs_f64() * 1000.0
    });
    figure("text to plan", median(times.collect()), "ms", Some(("limit", LIMIT)));
}
