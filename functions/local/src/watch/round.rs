//! What one run takes from the one before and leaves to the next.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use assay_engine::bundle::EnvironmentText;
use assay_engine::id::ExecutionId;

use super::files::{Contents, contents};
use super::interrupts::Interrupts;
use crate::drive::{Driven, Planned};
use crate::load::Flow;

/// One run among others; a run that nobody repeats is one too.
#[derive(Default)]
pub(crate) struct Round {
    /// The execution that each flow goes on from, by its file.
    pub(crate) earlier: HashMap<PathBuf, ExecutionId>,
    /// What may end it before its time; none: only signals.
    pub(crate) interrupts: Option<Interrupts>,
    /// The flow files that were found.
    pub(crate) flows: Vec<PathBuf>,
    /// What was read, with its contents; empty when the flows could not be loaded.
    pub(crate) read: BTreeMap<PathBuf, Contents>,
    /// The execution of each flow that ran.
    pub(crate) came: HashMap<PathBuf, ExecutionId>,
    /// A signal has stopped it.
    pub(crate) stopped: bool,
}

impl Round {
    /// From now on a change of what was read may end the round.
    fn watch_read(&mut self) {
        if let Some(interrupts) = &mut self.interrupts {
            interrupts.watched.expect(self.read.clone());
        }
    }

    /// Tells the flows which executions they go on from.
    pub(crate) fn remember(&self, planned: &mut [Planned]) {
        for planned in planned {
            planned.earlier = planned.file.as_ref().and_then(|file| self.earlier.get(file).cloned());
        }
    }

    /// Notes what came of the flows: the executions that have ended, and whether a signal was the reason.
    pub(crate) fn note_ended(&mut self, driven: &Driven, ran: impl Iterator<Item = (PathBuf, ExecutionId)>) {
        let ended = |id: &ExecutionId| driven.outcomes.iter().any(|outcome| outcome.execution == *id);
        self.stopped = driven.stopped;
        self.came = ran.filter(|(_, id)| ended(id)).collect();
    }

    /// Notes what was read for these flows: their texts, what lies beside them, the environment, and other files. A change
    /// of it may end the round from now on.
    pub(crate) fn note_read(
        &mut self,
        flows: &[Flow],
        environment: Option<&EnvironmentText>,
        others: impl IntoIterator<Item = PathBuf>,
    ) {
        for flow in flows {
            let folder = flow.file.parent().unwrap_or(Path::new(""));
            for (path, bytes) in &flow.bundle.files {
                // A path of the machine stands for itself; one in the home folder is not watched.
                if !path.starts_with('~') {
                    self.read.insert(folder.join(path), Some(contents(bytes)));
                }
            }
        }
        if let Some(environment) = environment {
            self.read.insert(PathBuf::from(&environment.file), Some(contents(environment.text.as_bytes())));
        }
        for path in others {
            let held = std::fs::read(&path).ok().map(|bytes| contents(&bytes));
            self.read.insert(path, held);
        }
        self.watch_read();
    }
}
