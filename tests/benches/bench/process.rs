//! What a process costs, from its start to its end: wall time, processor time and memory.
//!
//! The operating system tells the memory of all children together, so each measurement is made by a process of its own:
//! this bench, started again with [`WORD`].

use std::process::{Command, Stdio};

use nix::sys::resource::{UsageWho, getrusage};

use crate::figures::now;

/// The first argument of a process that measures.
pub(crate) const WORD: &str = "measured";

/// What a process cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Milliseconds from start to end.
    pub(crate) wall: f64,
    /// Milliseconds of processor time.
    pub(crate) cpu: f64,
    /// The most memory it had, in MiB.
    pub(crate) memory: f64,
}

/// Runs a command that must succeed, and says what it cost.
pub(crate) fn cost(command: &[&str]) -> Cost {
    let output = Command::new(std::env::current_exe().unwrap())
        .arg(WORD)
        .args(command)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    match numbers[..] {
        [wall, cpu, memory] => Cost { wall, cpu, memory },
        _ => panic!("{} did not end well: {text}", command.join(" ")),
    }
}

/// The process that measures: runs its arguments and prints three numbers.
pub(crate) fn measured(command: &[String]) {
    let start = now();
    let mut child = Command::new(&command[0]);
    let status = child.args(&command[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let wall = start.elapsed().as_secs_f64() * 1000.0;
    let status = status.unwrap_or_else(|error| panic!("{}: {error}", command[0]));
    assert!(status.success(), "{status}: {}", command.join(" "));
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let milliseconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 * 1000.0 + time.tv_usec() as f64 / 1000.0;
    let cpu = milliseconds(usage.user_time()) + milliseconds(usage.system_time());
    println!("{wall} {cpu} {}", usage.max_rss() as f64 / 1024.0);
}
