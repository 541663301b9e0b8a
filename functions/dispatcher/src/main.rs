//! Moves executions: called with what happened to them, and with their timers.

fn main() -> anyhow::Result<()> {
    assay_host::lambda::dispatcher()
}
