//! Flow texts: what compiles, what does not and how it is told, what hostile ones cost, and whether the documentation's
//! examples do what they say.

mod corpus;
mod hostile;
mod mutations;
mod pages;
mod published;
