//! What happens, as a tree that is drawn again and again: what runs and what it waits for, what failed and why. What is
//! done with is printed above for good, so that the tree holds what is still to be seen.
//!
//! - [`Tree`] is one execution with its sub-flows, put together from records;
//! - `lines` says what stands in the lines of a step;
//! - `window` chooses the lines that fit, following what runs;
//! - [`Live`] is all flows of a command on one terminal.

mod lines;
mod show;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_story;
mod tree;
mod waits;
mod window;

pub(crate) use lines::Signs;
pub(crate) use show::{Live, Size};
