//! Reports for other programs and for people: JUnit, CTRF, TAP, Markdown, GitHub annotations, one HTML page.
//!
//! All are made of a [`Report`], which holds executions as their records tell them, where their steps stand in the flows'
//! texts, and what their steps saw. What a status becomes in each of them is decided in one place (`case`).
//! Every value in it was masked before it was recorded.

mod case;
mod ctrf;
mod github;
mod html;
mod junit;
mod kind;
mod markdown;
mod report;
mod tap;
#[cfg(test)]
mod tests;
mod text;

pub use kind::{Kind, ReportError, write};
pub use report::{Body, Facts, Report, StepFacts};
