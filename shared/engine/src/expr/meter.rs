//! Counting work, so that no expression can stall whoever evaluates it.

use super::error::Fault;

/// What is left of an evaluation's budget. One unit is about one visited node, one produced item, or 16 scanned bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meter {
    left: u64,
}

impl Meter {
    pub(super) fn new(budget: u64) -> Self {
        Self { left: budget }
    }

    pub(super) fn left(self) -> u64 {
        self.left
    }

    pub(super) fn charge(&mut self, units: usize) -> Result<(), Fault> {
        match self.left.checked_sub(units as u64) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(Fault::Budget)
            }
        }
    }

    /// Charges for bytes that are read or written.
    pub(super) fn bytes(&mut self, bytes: usize) -> Result<(), Fault> {
        self.charge(bytes / 16 + 1)
    }
}
