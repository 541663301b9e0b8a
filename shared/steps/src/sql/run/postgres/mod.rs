//! Postgres: sessions, values sent, values read. All values travel as text; see the relay's frames.

mod array;
mod param;
mod session;
mod value;

pub(super) use session::{carry, command, open};
