//! What a process costs, from its start to its end: wall time, processor time and memory.
//!
//! The operating system tells the memory of all children together, so each measurement is made by a process of its own:
//! this bench, started again with [`WORD`].

use std::io::Read as _;
use std::process::{Command, ExitStatus, Stdio};

use nix::pty::{Winsize, openpty};
use nix::sys::resource::{UsageWho, getrusage};

use crate::figures::now;

/// The first argument of a process that measures.
pub(crate) const WORD: &str = "measured";

/// The second argument, when the output is a terminal.
const TERMINAL: &str = "--on-terminal";

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
    measure(&[], command)
}

/// The same with a terminal of 100 columns and 30 rows as its output, which somebody reads.
pub(crate) fn cost_on_terminal(command: &[&str]) -> Cost {
    measure(&[TERMINAL], command)
}

fn measure(how: &[&str], command: &[&str]) -> Cost {
    let output = Command::new(std::env::current_exe().unwrap())
        .arg(WORD)
        .args(how)
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
    let status = match command {
        [how, command @ ..] if how == TERMINAL => on_terminal(command),
        command => quietly(command).stdout(Stdio::null()).status(),
    };
    let wall = start.elapsed().as_secs_f64() * 1000.0;
    let status = status.unwrap_or_else(|error| panic!("{}: {error}", command.join(" ")));
    assert!(status.success(), "{status}: {}", command.join(" "));
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let milliseconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 * 1000.0 + time.tv_usec() as f64 / 1000.0;
    let cpu = milliseconds(usage.user_time()) + milliseconds(usage.system_time());
    println!("{wall} {cpu} {}", usage.max_rss() as f64 / 1024.0);
}

fn quietly(command: &[String]) -> Command {
    let mut child = Command::new(&command[0]);
    child.args(&command[1..]).stdin(Stdio::null()).stderr(Stdio::null());
    child
}

fn on_terminal(command: &[String]) -> std::io::Result<ExitStatus> {
    let size = Winsize { ws_row: 30, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    let pair = openpty(Some(&size), None)?;
    let mut reader = std::fs::File::from(pair.master);
    let mut child = quietly(command);
    child.stdout(pair.slave).env("TERM", "xterm-256color").env_remove("CI").env_remove("ASSAY_LOG");
    let mut running = child.spawn()?;
    // The end of the terminal that a command keeps for another start.
    drop(child);
    let reading = std::thread::spawn(move || {
        let mut bytes = [0; 8192];
        while reader.read(&mut bytes).is_ok_and(|count| count > 0) {}
    });
    let status = running.wait();
    let _ = reading.join();
    status
}
