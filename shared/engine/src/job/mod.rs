//! The job contract: one attempt (or one turn of it) to carry out a step, and what came of it.
//!
//! Both are versioned JSON with a published JSON Schema, so that a step type can be written in any language.
//! No secret value is ever in either: what names a secret is a template that the step function finishes.

mod captured;
mod evidence;
mod mask;
mod order;
mod result;

pub use captured::{Captured, Deferred, LateTemplate, ScopeValue};
pub use evidence::{Artifact, BlobRef, Evidence, Look, LookSummary};
pub use mask::Mask;
pub use order::{AssertionSpec, CONTRACT, CaptureSpec, Cookie, Fence, FileRef, Job, JobPhase, Looks};
pub use result::{AssertionResult, ErrorClass, FailedCapture, JobError, JobResult, Outcome, Part};
