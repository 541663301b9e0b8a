//! What something was translated to, and what could not be.

use super::flow_text::FlowText;

/// A flow that was made from something else.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// The flow.
    pub(super) flow: FlowText,
    /// What its file may be called.
    pub(super) file: String,
    /// What could not be translated.
    pub(super) left_out: Vec<String>,
    /// Files that must lie beside the flow, as the command named them.
    pub(super) beside: Vec<String>,
}
