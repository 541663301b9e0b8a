//! How the step acts: hyper over the guard's connections, driven by the request itself.
//!
//! Nothing is spawned: a connection's own future is polled beside the request that uses it and rests with it in the pool,
//! so a frozen process loses nothing.

mod answer;
mod client;
mod connection;
mod cookies;
mod decode;
mod dial;
mod exchange;
mod fault;
#[cfg(any(feature = "loki", feature = "prometheus"))]
mod fetch;
mod handshake;
mod multipart;
mod oauth;
mod phase;
mod pool;
mod probe;
mod request;
mod runner;
mod wire;
mod x509;

pub(crate) use client::Client;
#[cfg(any(feature = "loki", feature = "prometheus"))]
pub(crate) use fetch::Fetched;
