//! The step types that are built in: [`Types`] for what compiles flows, [`Runners`] for what carries jobs out.

mod list;
mod runners;
mod spec;

pub use list::Types;
pub(crate) use runners::ErasedRunner;
pub use runners::Runners;
