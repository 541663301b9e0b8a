//! The bundled shop and its flows: a small HTTP API on SQLite with an outbox that settles orders after a moment, so that the
//! first run of a flow is against a real system.

mod answer;
mod examples;
mod orders;
mod outbox;
mod pages;
mod routes;
mod shop;
mod store;
mod systems;
#[cfg(test)]
mod tests;

pub(crate) use examples::{EVERYWHERE, EXAMPLES};
pub(crate) use shop::start;
pub(crate) use systems::{Lie, Systems};
