//! Waiting for messages: what `kafka.expect` and `redis.expect` have in common, without any input or output.
//!
//! A runner brings messages and says when it has seen everything that there was; [`Watch`] counts, compares, keeps and
//! decides. Time is an argument everywhere.
//!
//! - [`Count`] and [`Span`] are words of `with`; [`check`] judges them before anything runs.
//! - [`Rules`] is what the step asks for, compiled; [`Picks`] says which parts of a JSON text its expressions name.
//! - [`Watch`] is one wait. It can be written down between two turns ([`Watch::checkpoint`]).

mod check;
mod compare;
mod count;
mod error;
mod misses;
mod pick;
mod rules;
mod span;
mod verdict;
mod watch;

pub use check::check;
pub(crate) use check::waits;
pub use count::{Count, CountError};
pub use error::ExpectError;
pub use pick::Picks;
pub use rules::{Asked, Rules};
pub use span::Span;
pub use watch::{Ask, Message, Watch};
