//! The terminal on which a tree of the flows is drawn.

use std::sync::Arc;

use assay_engine::id::ExecutionId;
use assay_host::Notes;
use jiff::Timestamp;

use super::signals::stop_here;
use crate::out::Out;
use crate::view::Live;
use crate::watch::{give_back, take_again};

/// Draws, and leaves the terminal as it was found, however it ends.
pub(crate) struct Stage {
    out: Out,
    pub(super) live: Live,
}

impl Stage {
    /// The stage of a command that runs `total` flows; none where lines are printed instead.
    pub(crate) fn of(out: &Out, notes: &Arc<Notes>, total: usize) -> Option<Self> {
        if !out.drawable() {
            return None;
        }
        let notes = notes.clone();
        let said = Box::new(move |execution: &ExecutionId, place: &str| notes.of(execution, place));
        let live = Live::new(out.paint(), out.signs(), said, total, Timestamp::now());
        Some(Self { out: out.clone(), live })
    }

    /// Shows how things stand.
    pub(crate) fn draw(&mut self) {
        let frame = self.live.draw(Timestamp::now(), self.out.size());
        self.out.draw(&frame, true);
    }

    /// Gives the terminal back and stops, until somebody calls the process back.
    pub(crate) fn suspend(&mut self) {
        self.out.draw(&self.live.suspend(), false);
        give_back();
        stop_here();
        take_again();
        self.draw();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let last = self.live.leave(Timestamp::now(), self.out.size());
        self.out.draw(&last, false);
    }
}
