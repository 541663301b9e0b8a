//! `assay run --watch`: runs again when something that was read has changed, or when somebody presses Enter.
//!
//! - `Watched` notices changes: it compares contents with what the last round has read, by looking again and again;
//! - `Keys` hears single keys on a terminal;
//! - [`Round`] is what one run takes from the one before and leaves to the next;
//! - [`watch`] is the loop.

mod files;
mod interrupts;
mod keys;
mod round;
mod rounds;

pub(crate) use interrupts::{Interrupt, Interrupts};
pub(crate) use keys::{give_back, take_again};
pub(crate) use round::Round;
pub(crate) use rounds::watch;
