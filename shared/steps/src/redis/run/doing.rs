//! What a step is doing, so that running out of time can say so.

use std::sync::{Mutex, PoisonError};

/// What goes on, after "while".
#[derive(Debug)]
pub(super) struct Doing(Mutex<String>);

impl Default for Doing {
    fn default() -> Self {
        Self(Mutex::new("preparing the connection".to_owned()))
    }
}

impl Doing {
    pub(super) fn set(&self, what: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = what.into();
    }

    pub(super) fn get(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
