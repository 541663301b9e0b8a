//! Messages within one process: plain for use, nasty for tests.

mod dispatcher;
mod mischief;
mod queue;
mod state;
mod steps;

pub use queue::MemoryWorkQueue;
