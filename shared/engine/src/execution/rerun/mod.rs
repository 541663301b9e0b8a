//! Rerun from failed: what an earlier execution has done, and a new one need not do again.
//!
//! [`plan_rerun`] decides it before the new execution is accepted, by rendering each `with` in a trial of it. Instances
//! of steps that run again are only offered: each is compared when it comes up.

mod carried;
mod plan;
mod tell;
mod trial;
mod vars;
mod why;

pub use carried::{Carried, NotCarried, RenewedVar};
pub use plan::{Earlier, Later, RerunOptions, RerunRefusal, plan_rerun};
