//! Where state is kept: whether it can be written, how full it is, and what lies there unfinished.

use std::path::{Path, PathBuf};

use assay_app::ports::{ExecutionFilter, ExecutionSummary};
use assay_engine::status::ExecutionStatus;
use assay_host::Environment;
use jiff::{SignedDuration, Timestamp};

use super::finding::Finding;
use crate::args::StoreArgs;
use crate::commands::store::open;
use crate::error::CommandError;
use crate::home::{folder, living};

/// Less free space than this is worth a warning.
const LITTLE: u64 = 1 << 30;
/// A store that is larger than this is worth a warning, in bytes.
const LARGE: u64 = 4 << 30;
/// A start this far in the future: the clock was set back since, or is wrong now.
const AHEAD: SignedDuration = SignedDuration::from_secs(60);

pub(super) async fn store(args: &StoreArgs, environment: &Environment) -> Vec<Finding> {
    if args.on.is_some() {
        return kept(args, environment).await.unwrap_or_else(|error| vec![Finding::failed("store", error.text(), "")]);
    }
    let folder = match folder(args.store.as_deref(), environment) {
        Ok(folder) => folder,
        Err(error) => return vec![Finding::failed("store", error.text(), "")],
    };
    let mut found = vec![writable(&folder)];
    found.extend(space(&folder));
    if !folder.is_dir() {
        return found;
    }
    match kept(args, environment).await {
        Ok(more) => found.extend(more),
        Err(error) => {
            let advice = "an older or broken file can be put aside: the next run begins a new one";
            found.push(Finding::failed("executions", error.text(), advice));
        }
    }
    found
}

/// The nearest folder that is there.
fn nearest(folder: &Path) -> PathBuf {
    let here = |folder: &Path| if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() };
    folder.ancestors().map(here).find(|folder| folder.is_dir()).unwrap_or_else(|| PathBuf::from("."))
}

fn writable(folder: &Path) -> Finding {
    let shown = folder.display();
    let there = folder.is_dir();
    let tried = nearest(folder);
    // Made, written and taken away again: what rights say is not always what a file system does.
    let tries = tempfile::Builder::new().prefix(".assay-doctor-").tempfile_in(&tried);
    let tries = tries.and_then(|mut file| std::io::Write::write_all(&mut file, b"x"));
    match tries {
        Ok(()) if there => Finding::ok("store", format!("{shown} can be written")),
        Ok(()) => Finding::ok("store", format!("{shown} is not there yet: the first run makes it")),
        Err(error) => {
            let advice = "--store DIR or ASSAY_STORE names another folder; --no-store runs without";
            Finding::failed("store", format!("{} cannot be written: {error}", tried.display()), advice)
        }
    }
}

#[cfg(unix)]
fn space(folder: &Path) -> Option<Finding> {
    let about = rustix::fs::statvfs(nearest(folder)).ok()?;
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    let shown = size(free);
    Some(if free < LITTLE {
        let advice = "assay prune removes old executions; --store DIR names another disk";
        Finding::warning("space", format!("only {shown} are free where state is kept"), advice)
    } else {
        Finding::ok("space", format!("{shown} are free where state is kept"))
    })
}

#[cfg(not(unix))]
fn space(_folder: &Path) -> Option<Finding> {
    None
}

fn size(bytes: u64) -> String {
    let (giga, mega) = (bytes / (1 << 30), bytes / (1 << 20));
    if giga >= 10 { format!("{giga} GiB") } else { format!("{mega} MiB") }
}

/// What lies in a store that is there.
async fn kept(args: &StoreArgs, environment: &Environment) -> Result<Vec<Finding>, CommandError> {
    let opened = open(args, environment).await?;
    let Some(home) = &opened.home else { return Ok(vec![Finding::ok("store", opened.place().to_owned())]) };
    let status = vec![ExecutionStatus::Queued, ExecutionStatus::Running];
    let unfinished = opened.store().list(&ExecutionFilter { status, limit: 200, ..ExecutionFilter::default() }).await?;
    let latest = opened.store().list(&ExecutionFilter { limit: 1, ..ExecutionFilter::default() }).await?;
    let mut found = Vec::new();
    let bytes = home.folder().join("assay.db").metadata().map_or(0, |about| about.len());
    if bytes > LARGE {
        found.push(Finding::warning(
            "store",
            format!("it has grown to {}", size(bytes)),
            "assay prune --older-than 7d",
        ));
    }
    // Who may only look at the store finds out nothing about the processes that use it.
    let held = living(home).unwrap_or_default();
    let runs =
        |one: &&ExecutionSummary| held.iter().any(|kept| kept.entries.iter().any(|entry| entry.execution == one.id));
    let (running, left): (Vec<_>, Vec<_>) = unfinished.executions.iter().partition(|one| runs(one));
    found.push(match (left.as_slice(), latest.executions.is_empty()) {
        ([], true) => Finding::ok("executions", "none yet"),
        ([], false) if running.is_empty() => Finding::ok("executions", "all have ended"),
        ([], false) => Finding::ok("executions", format!("{} under way in another process", running.len())),
        ([one], _) => {
            let advice = format!("assay resume goes on with it, assay cancel {} ends it", one.id);
            Finding::warning("executions", format!("{} ({}) was interrupted", one.id, one.flow), advice)
        }
        (left, _) => {
            let advice = "assay resume goes on with them, assay executions --status running,queued lists them";
            Finding::warning("executions", format!("{} were interrupted", left.len()), advice)
        }
    });
    let ahead = latest.executions.first().filter(|one| one.created_at > Timestamp::now() + AHEAD);
    if let Some(one) = ahead {
        let advice = "set the clock: leases and timers depend on it";
        found.push(Finding::warning("clock", format!("{} was started in the future", one.id), advice));
    }
    Ok(found)
}
