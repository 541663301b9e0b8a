//! Starts flows, follows them, prints what happens, and passes Ctrl-C on.

mod again;
mod audience;
mod flows;
mod signals;
mod stage;

pub(crate) use flows::{Driven, Driving, Planned, Rules, drive};
pub(crate) use signals::{Signals, Suspends, stop_here};
