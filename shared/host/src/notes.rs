//! What steps say of themselves while they act, for whoever looks: the newest line of each attempt, gone when it ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use assay_engine::id::ExecutionId;
use assay_engine::job::Fence;
use assay_steps::contract::Progress;

/// The newest line of each attempt under way in this process. Nothing of it is stored or sent: it is for a terminal.
#[derive(Debug, Default)]
pub struct Notes {
    lines: Mutex<HashMap<Key, String>>,
}

/// The execution, and the step or instance as people write it.
type Key = (ExecutionId, String);

impl Notes {
    /// What this step or instance (`audited[3]`) said last.
    #[must_use]
    pub fn of(&self, execution: &ExecutionId, place: &str) -> Option<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).get(&(execution.clone(), place.to_owned())).cloned()
    }

    /// The end for an attempt to speak into.
    #[must_use]
    pub fn speaker(self: &Arc<Self>, execution: &ExecutionId, fence: &Fence) -> Arc<dyn Progress> {
        Arc::new(Speaker { notes: self.clone(), key: (execution.clone(), fence.place()) })
    }
}

/// Takes its line away when the attempt has ended, however it ended.
struct Speaker {
    notes: Arc<Notes>,
    key: Key,
}

impl Progress for Speaker {
    fn note(&self, line: &str) {
        let mut lines = self.notes.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.insert(self.key.clone(), line.to_owned());
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        self.notes.lines.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use assay_engine::job::JobPhase;

    use super::*;

    #[test]
    fn the_newest_line_stands_until_the_attempt_ends() {
        let notes = Arc::new(Notes::default());
        let execution = ExecutionId::derived(&["a"]);
        let fence = Fence { step: "s".into(), instance: Some(3), phase: JobPhase::Run, attempt: 1, turn: 0 };
        let speaker = notes.speaker(&execution, &fence);
        speaker.note("not yet");
        speaker.note("still not");
        assert_eq!(notes.of(&execution, "s[3]").as_deref(), Some("still not"));
        assert_eq!(notes.of(&execution, "s"), None);
        drop(speaker);
        assert_eq!(notes.of(&execution, "s[3]"), None);
    }
}
