//! The `assay` binary: every function of Assay in one process, behind one command line.

mod args;
mod commands;
mod demo;
mod drive;
mod error;
mod home;
mod load;
mod local;
mod new;
mod out;
mod project;
mod remote;
mod view;
mod watch;

use std::process::ExitCode;

use clap::Parser as _;

/// Flows are made of many small values, which the systems' own allocators are slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    out::mask_panics();
    let line = args::CommandLine::parse();
    ExitCode::from(commands::dispatch(line.command, &assay_host::Environment::read()))
}
