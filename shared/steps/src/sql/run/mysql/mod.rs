//! MySQL and MariaDB: sessions, values sent, values read.

mod param;
mod session;
mod value;

pub(super) use session::{Connected, carry, command, open};
