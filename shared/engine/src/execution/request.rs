//! What admission must know of an execution.

use super::draft::{At, Draft, Missing};
use super::machine::Execution;
use super::parts::PartId;
use crate::admission::{Group, Request};
use crate::plan::Plan;

/// Why there is no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRequest {
    /// These parts must be loaded first.
    #[error("find parts that are not loaded")]
    Missing(Vec<PartId>),
    /// The concurrency group has no name.
    #[error("render `concurrency.group`: {0}")]
    Group(String),
}

impl Execution {
    /// The request that asks admission for a place; the same every time.
    ///
    /// # Errors
    /// When parts are missing, or when the group's name cannot be rendered.
    pub fn request(&self, plan: &Plan) -> Result<Request, NoRequest> {
        let group = match &plan.concurrency {
            Some(concurrency) => Some(Group {
                name: self.group_name(plan, &concurrency.group)?,
                max: concurrency.max,
                on_conflict: concurrency.on_conflict,
            }),
            None => None,
        };
        let (project, since) = (self.head.project.clone(), self.head.created_at);
        Ok(Request { project, priority: plan.priority, since, group })
    }

    fn group_name(&self, plan: &Plan, template: &crate::expr::Template) -> Result<String, NoRequest> {
        let at = self.head.created_at;
        let draft = Draft::new(plan, self, at);
        let seen = draft
            .see(template.references(), At::step(0))
            .map_err(|Missing(parts)| NoRequest::Missing(parts.into_iter().collect()))?;
        let mut cx = draft.evaluation("concurrency".to_owned(), at);
        match template.render(&seen.scope(), &mut cx) {
            Ok(serde_json::Value::String(name)) => Ok(name),
            Ok(serde_json::Value::Null) => Err(NoRequest::Group("it is null".to_owned())),
            Ok(other) => Ok(other.to_string()),
            Err(why) => Err(NoRequest::Group(why.to_string())),
        }
    }
}
