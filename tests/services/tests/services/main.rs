//! `scripts/services` and sets of one's own, against real servers.

mod faults;
mod redis;
mod script;
mod sets;
