//! The flow that answers to a few questions become.

use serde_json::json;

use super::flow_text::{Assertion, FlowText, StepText};
use super::names::identifier;
use super::yaml::literal;

/// What a first flow is made from.
#[derive(Debug, Clone)]
pub(super) struct First {
    /// What it tests.
    pub(super) name: String,
    /// Where the system is.
    pub(super) base_url: String,
    /// The method of the first request.
    pub(super) method: String,
    /// Its path.
    pub(super) path: String,
    /// The status that must come back.
    pub(super) status: u16,
}

/// A flow to go on from.
pub(super) fn flow(first: &First) -> FlowText {
    let mut flow = FlowText {
        comments: vec![
            "A first flow. `assay run` runs it, `assay validate` tells what is wrong with it, `assay steps http` what a \
             step takes."
                .to_owned(),
        ],
        name: first.name.clone(),
        ..FlowText::default()
    };
    flow.inputs.insert("baseUrl".to_owned(), json!({"type": "string", "default": first.base_url}));
    flow.defaults.insert("baseUrl".to_owned(), "${inputs.baseUrl}".into());
    let mut step = StepText {
        id: identifier(&format!("{} {}", first.method.to_lowercase(), first.path), "first"),
        ..StepText::default()
    };
    if first.method != "GET" {
        step.with.insert("method".to_owned(), first.method.clone().into());
    }
    step.with.insert("url".to_owned(), literal(&first.path).into());
    step.asserts.push(Assertion::plain(format!("status == {}", first.status)));
    step.comments.push(
        "Nothing is asserted unless you say so; `body`, `headers`, `text` and `timings` are in scope too.".to_owned(),
    );
    flow.steps.push(step);
    flow
}

/// What may be done next, as comments behind the flow.
pub(super) const MORE: &str = "
  # To go on, take the # away and change what follows:
  # - id: more
  #   type: http
  #   with: {method: POST, url: /orders, json: {sku: A1}}
  #   assert: [status == 201]
  #   capture: {id: body.id}
  #
  # - id: settled
  #   type: http
  #   with: {url: \"/orders/${steps.more.id}\"}
  #   eventually: {timeout: 30s, interval: 1s}     # looks again until the assertions hold
  #   assert: [\"body.status == 'PAID'\"]
";
