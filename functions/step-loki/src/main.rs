//! Carries out the jobs of `loki` steps.

use assay_steps as _; // brings the step type

fn main() -> anyhow::Result<()> {
    assay_host::lambda::step("loki")
}
