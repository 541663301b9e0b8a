//! `assay.yaml`: defaults for the command line.

use std::path::{Path, PathBuf};

use assay_app::reports::Kind;
use assay_engine::compile::{ProjectFile, read_project};
use assay_engine::diagnostics::Style;

use crate::args::{OutputArgs, ReportTarget};
use crate::error::CommandError;

/// The file that marks the top of a project.
pub(crate) const MARKER: &str = "assay.yaml";
/// The nearest `assay.yaml`, or none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Project {
    /// The folder that it lies in; none without one.
    pub(crate) folder: Option<PathBuf>,
    /// What it says.
    pub(crate) file: ProjectFile,
}

impl Project {
    /// That of the current folder or the nearest one above.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(crate) fn nearest() -> Result<Self, CommandError> {
        let here = std::env::current_dir().map_err(|error| CommandError::fault("find the current folder", error))?;
        let Some(folder) = here.ancestors().find(|folder| folder.join(MARKER).is_file()) else {
            return Ok(Self::default());
        };
        let path = folder.join(MARKER);
        let name = seen_from(&here, &path);
        let bytes = crate::load::read(&path, crate::load::LARGEST_TEXT)?;
        let file = read_project(&name, &bytes, &Kind::WORDS)
            .map_err(|problems| CommandError::wrong(format!("{MARKER} is wrong\n{}", problems.render(Style::Plain))))?;
        Ok(Self { folder: Some(folder.to_owned()), file })
    }

    /// A path that the file names.
    pub(crate) fn path(&self, named: &str) -> PathBuf {
        self.folder.as_deref().unwrap_or(Path::new("")).join(named)
    }

    /// The file itself, if there is one.
    pub(crate) fn own_file(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(MARKER))
    }

    /// What is reported: what was typed, else what the file says.
    pub(crate) fn output(&self, typed: OutputArgs) -> Result<OutputArgs, CommandError> {
        if !typed.reports.is_empty() {
            return Ok(typed);
        }
        let report = |(kind, path): (&String, &String)| {
            let target: ReportTarget = format!("{kind}={path}").parse().map_err(CommandError::wrong)?;
            Ok(target.seen_from(self.folder.as_deref()))
        };
        let reports = self.file.reports.iter().map(report).collect::<Result<_, CommandError>>()?;
        Ok(OutputArgs { reports, ..typed })
    }
}

/// A path as people see it from a folder.
pub(super) fn seen_from(here: &Path, path: &Path) -> String {
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}
