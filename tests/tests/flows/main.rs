//! Flow texts: what compiles, what does not and how it is told, what hostile ones cost, and whether the documentation's
//! examples do what they say.
#![expect(clippy::unwrap_used, reason = "what a test stands on is there, or the test fails")]

mod corpus;
mod hostile;
mod mutations;
mod pages;
mod published;
