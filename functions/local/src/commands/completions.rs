//! `assay completions`

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::CommandLine;
use crate::error::CommandError;
use crate::out::Out;

pub(super) fn completions(shell: Shell, out: &Out) -> Result<u8, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), "assay", &mut script);
    out.print(&String::from_utf8_lossy(&script));
    Ok(0)
}
