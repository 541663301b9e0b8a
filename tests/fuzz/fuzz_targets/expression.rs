//! Any text as an expression and within a template: compiling and evaluating answer, within the budget.
#![no_main]

use assay_engine::expr::{Evaluation, Limits, Program, Template};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(now) = "2026-01-01T00:00:00Z".parse() else { return };
    let mut cx = Evaluation::new(now, 7).with_budget(50_000);
    if let Ok(program) = Program::compile(text, Limits::default()) {
        let _ = program.evaluate(&(), &mut cx);
        let _ = program.explain(&(), &mut cx);
    }
    if let Ok(template) = Template::compile(text) {
        let _ = template.render(&(), &mut cx);
    }
});
