//! Starts flows, follows them, prints what happens, and passes Ctrl-C on.

mod audience;
mod flows;
mod signals;

pub(crate) use flows::{Driven, Driving, Planned, drive};
pub(crate) use signals::Signals;
