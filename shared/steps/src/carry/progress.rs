//! Notes to whoever watches: masked, and not too many.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::contract::Progress;
use crate::mask::Masker;

/// Between two notes.
const NOTE_EVERY: Duration = Duration::from_millis(200);

/// Hands on one note in [`NOTE_EVERY`], masked; the others are dropped.
pub(super) struct MaskedProgress {
    inner: Arc<dyn Progress>,
    masker: Masker,
    noted: Mutex<Option<Instant>>,
}

impl MaskedProgress {
    pub(super) fn new(inner: Arc<dyn Progress>, masker: Masker) -> Self {
        Self { inner, masker, noted: Mutex::default() }
    }

    fn is_time(&self) -> bool {
        let now = Instant::now();
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.is_some_and(|before| now - before < NOTE_EVERY) {
            return false;
        }
        *noted = Some(now);
        true
    }
}

impl Progress for MaskedProgress {
    fn note(&self, line: &str) {
        if self.is_time() {
            self.inner.note(&self.masker.cut_text(line));
        }
    }
}
