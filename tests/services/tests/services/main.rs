//! `scripts/services` and sets of one's own, against real servers.

mod containers;
mod faults;
mod redis;
mod script;
mod sets;
