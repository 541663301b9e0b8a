//! How the step acts: sqlx over the guard's connections, driven by the step itself.
//!
//! sqlx cannot be handed a connection, so it is given a Unix socket that leads to a relay in the same future. The relay holds
//! the connection that the guard made, speaks TLS on it, and looks at the length of every message before it is let through:
//! sqlx never sees more than it may. Nothing is spawned: a relay's own future is polled beside the statement that uses it and
//! rests with it in the pool, so a frozen process loses nothing.

mod answer;
mod client;
mod dial;
mod fault;
mod frames;
mod mysql;
mod pool;
mod postgres;
mod relay;
mod runner;
mod session;
mod sqlite;
mod time;
mod tls;
mod wire;

pub(super) use client::Client;
