//! A deployed stack carries flows out: started here, moved by its functions alone. `scripts/test-stack` deploys one to an
//! emulator and runs these; the environment says which account, and `dev` is its name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test without its stack has failed")]

mod scenarios;
mod stack;
mod target;
