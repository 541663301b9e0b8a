//! The messages of the two protocols, as far as a relay must understand them.

mod either;
mod mysql;
mod postgres;

pub(super) use either::Frames;
pub(super) use mysql::{Packets, framed, packet};
pub(super) use postgres::Messages;
