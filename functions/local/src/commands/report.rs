//! `--report`: files for other programs.

use assay_app::reports::junit;
use assay_app::usecases::Executions;
use assay_engine::id::ExecutionId;

use crate::args::{ReportKind, ReportTarget};
use crate::error::CommandError;

/// Writes the reports of these executions, in their order. What is printed was masked when it was recorded.
pub(super) async fn write(
    targets: &[ReportTarget],
    ids: &[ExecutionId],
    executions: &Executions,
) -> Result<(), CommandError> {
    if targets.is_empty() {
        return Ok(());
    }
    let mut views = Vec::new();
    for id in ids {
        views.push(executions.show(id, true).await?);
    }
    for target in targets {
        let text = match target.kind {
            ReportKind::Junit => junit(&views).map_err(|error| CommandError::fault("make the JUnit report", error))?,
        };
        let place = target.path.display();
        if let Some(folder) = target.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)
                .map_err(|error| CommandError::fault(format!("make the folder of {place}"), error))?;
        }
        std::fs::write(&target.path, text).map_err(|error| CommandError::fault(format!("write {place}"), error))?;
    }
    Ok(())
}
