//! `--on aws`: the same commands on a stack, with the caller's own credentials.

mod run;
mod site;

pub(crate) use run::{run, sealed};
pub(crate) use site::{Site, connect};
