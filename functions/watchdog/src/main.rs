//! Finds what got lost on the way: called once a minute.

fn main() -> anyhow::Result<()> {
    assay_host::lambda::watchdog()
}
