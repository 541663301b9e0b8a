//! XPath 1.0 over documents that `roxmltree` reads: no document type definitions, so no entities that grow, and every
//! visited node is counted.
//!
//! Two liberties: a name without a prefix matches in any namespace, and a prefix means what the document declares it
//! to mean where it declares it first. The `namespace` axis and `id()` and `lang()` do not exist.

mod calls;
mod document;
mod parse;
mod token;
mod walk;

pub(super) use document::evaluate;
