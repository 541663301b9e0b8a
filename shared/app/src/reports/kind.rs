//! The kinds of reports.

use super::report::Report;
use super::{ctrf, github, html, junit, markdown, tap};

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// JUnit XML, attempts in Surefire's words.
    Junit,
    /// Common Test Report Format: JSON.
    Ctrf,
    /// Test Anything Protocol, version 14.
    Tap,
    /// Markdown for a CI job's page.
    Markdown,
    /// Workflow commands that annotate files on GitHub.
    Github,
    /// One page that needs nothing else.
    Html,
}

/// The report cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ReportError(pub(super) String);

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 6] = [Self::Junit, Self::Ctrf, Self::Tap, Self::Markdown, Self::Github, Self::Html];
    /// Their words.
    pub const WORDS: [&str; 6] = ["junit", "ctrf", "tap", "markdown", "github", "html"];

    /// The word that names it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Junit => "junit",
            Self::Ctrf => "ctrf",
            Self::Tap => "tap",
            Self::Markdown => "markdown",
            Self::Github => "github",
            Self::Html => "html",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether it shows what steps saw as a whole, and so wants what lies in the blob store.
    #[must_use]
    pub fn shows_bodies(self) -> bool {
        self == Self::Html
    }
}

/// The report as a text.
///
/// # Errors
/// When it cannot be written in that format.
pub fn write(kind: Kind, report: &Report) -> Result<String, ReportError> {
    match kind {
        Kind::Junit => junit::junit(report),
        Kind::Ctrf => ctrf::ctrf(report),
        Kind::Tap => Ok(tap::tap(report)),
        Kind::Markdown => Ok(markdown::markdown(report)),
        Kind::Github => Ok(github::github(report)),
        Kind::Html => Ok(html::html(report)),
    }
}
