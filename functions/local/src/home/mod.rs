//! The folder that state is kept in: where it is, and which process has promised to run what.

mod journal;
mod key;
mod lock;
mod place;

pub(crate) use journal::{Entry, Journal, Kept, left_behind, living};
pub(crate) use key::{random, unique_key};
pub(crate) use lock::lock;
pub(crate) use place::{Home, folder};
