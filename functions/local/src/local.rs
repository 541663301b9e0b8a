//! Whose executions are those of a command: everything on a laptop belongs to one organization and one project.

use assay_engine::id::{OrganizationId, ProjectId};

/// The organization.
pub(crate) fn organization() -> OrganizationId {
    OrganizationId::derived(&["local"])
}

/// The project.
pub(crate) fn project() -> ProjectId {
    ProjectId::derived(&["local"])
}
