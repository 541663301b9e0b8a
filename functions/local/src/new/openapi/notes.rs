//! What could not be translated.

use std::collections::BTreeSet;

/// So many are told one by one.
const MOST: usize = 200;

/// What could not be translated, each thing once.
#[derive(Debug, Default)]
pub(super) struct Notes {
    seen: BTreeSet<String>,
    list: Vec<String>,
}

impl Notes {
    /// Tells of one more.
    pub(super) fn add(&mut self, what: impl Into<String>) {
        let what = what.into();
        if self.seen.insert(what.clone()) {
            self.list.push(what);
        }
    }

    /// All of them; what is too much is counted.
    pub(super) fn into_list(mut self) -> Vec<String> {
        let more = self.list.len().saturating_sub(MOST);
        if more > 0 {
            self.list.truncate(MOST);
            self.list.push(format!("and {more} more"));
        }
        self.list
    }
}
