//! Any bytes as a flow: compiling answers, and every refusal has a reason that can be shown.
#![no_main]

use std::sync::LazyLock;

use assay_engine::bundle::Bundle;
use assay_engine::compile::{compile, needed};
use assay_engine::diagnostics::Style;
use assay_engine::expr::Programs;
use assay_engine::testing::TestTypes;

static PROGRAMS: LazyLock<Programs> = LazyLock::new(Programs::default);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let bundle = Bundle::of_text("flow.yaml", bytes);
    let _ = needed(&bundle);
    match compile(&bundle, &TestTypes, &PROGRAMS) {
        Ok(compiled) => drop(compiled.plan.dump()),
        Err(found) => assert!(!found.render(Style::Plain).is_empty()),
    }
});
