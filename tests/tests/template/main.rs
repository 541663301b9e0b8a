//! `template.yaml` beside the code that runs in what it deploys: names, tables, what each function may do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test without its stack has failed")]

mod code;
mod rights;
mod stack;
mod yaml;
