//! Round after round.

use std::collections::HashMap;
use std::path::PathBuf;

use assay_engine::id::ExecutionId;
use assay_host::Environment;

use super::files::Watched;
use super::interrupts::{Interrupt, Interrupts, named};
use super::keys::{Keys, give_back, take_again};
use super::round::Round;
use crate::args::RunArgs;
use crate::commands::run_round;
use crate::drive::{Signals, Suspends, stop_here};
use crate::error::CommandError;
use crate::out::Out;
use crate::project::Project;

/// Runs the flows again and again; answers the exit code of the last round.
///
/// # Errors
/// When nothing can be listened to. A round that cannot begin is shown, and waited out.
pub(crate) async fn watch(args: RunArgs, environment: &Environment, out: &mut Out) -> Result<u8, CommandError> {
    let mut signals = Signals::listen()?;
    let folders = args.flows.iter().map(PathBuf::from).filter(|word| word.is_dir()).collect();
    let keys = Keys::listen(out);
    let mut suspends = Suspends::listen(keys.is_some());
    let mut interrupts = Interrupts::new(Watched::new(folders), keys);
    let mut earlier: HashMap<PathBuf, ExecutionId> = HashMap::new();
    loop {
        let mut round = Round { earlier: earlier.clone(), interrupts: Some(interrupts), ..Round::default() };
        let code = match one(args.clone(), environment, out, &mut round).await {
            Ok(code) => code,
            Err(error) => {
                out.error(&error.text());
                error.exit_code()
            }
        };
        let Some(back) = round.interrupts else { return Ok(code) };
        interrupts = back;
        if round.read.is_empty() {
            interrupts.watched.expect_beside(&round.flows);
        }
        earlier.extend(round.came);
        if round.stopped {
            return Ok(code);
        }
        let next = match interrupts.came.take() {
            Some(came) => came,
            None => {
                say(out, &args, &waiting(&interrupts));
                match idle(&mut interrupts, &mut signals, &mut suspends).await {
                    Some(next) => next,
                    None => return Ok(code),
                }
            }
        };
        match next {
            Interrupt::Quit => return Ok(code),
            Interrupt::Again => {
                earlier.clear();
                say(out, &args, "again, all of it");
            }
            Interrupt::Changed(paths) => say(out, &args, &format!("again: {} changed", named(&paths))),
        }
    }
}

async fn one(args: RunArgs, environment: &Environment, out: &mut Out, round: &mut Round) -> Result<u8, CommandError> {
    Box::pin(run_round(args, Project::nearest()?, environment, out, round)).await
}

/// What comes next; none: a signal ends it.
async fn idle(interrupts: &mut Interrupts, signals: &mut Signals, suspends: &mut Suspends) -> Option<Interrupt> {
    loop {
        tokio::select! {
            next = interrupts.next() => return Some(next),
            _ = signals.next() => return None,
            () = suspends.next() => {
                give_back();
                stop_here();
                take_again();
            }
        }
    }
}

fn waiting(interrupts: &Interrupts) -> String {
    let files = match interrupts.watched.count() {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    let keys = if interrupts.hears_keys() { "Enter runs it all again, q ends" } else { "Ctrl-C ends" };
    format!("watching {files}: {keys}")
}

/// A line between two rounds; not among records.
fn say(out: &Out, args: &RunArgs, text: &str) {
    if args.output.json {
        out.note(&format!("{text}\n"));
    } else {
        out.print(&format!("\n{}\n", out.paint().faint(text)));
    }
}
