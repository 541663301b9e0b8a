//! Reports: which, and where to.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use assay_app::reports::Kind;
use clap::Args;

use super::StoreArgs;

/// `assay report`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assay report latest --report html=report.html
  assay report exe_0123456789abcdef exe_fedcba9876543210 --report junit=out/junit.xml --report html=out/report.html
  assay report latest --report markdown=- >> \"$GITHUB_STEP_SUMMARY\"

Says the same as `assay run --report` did. Several executions are reported together, in this order. The path `-` is
standard output. The exit code says whether the reports were written, not what the executions came to.")]
pub(crate) struct ReportArgs {
    /// Ids of executions, or `latest`
    #[arg(required = true, value_name = "EXECUTION")]
    pub(crate) executions: Vec<String>,
    /// A report to write; may be given again
    ///
    /// Kinds: junit, ctrf (JSON), tap, markdown, github (annotations), html.
    #[arg(long = "report", short = 'r', value_name = "KIND=PATH", required = true)]
    pub(crate) reports: Vec<ReportTarget>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// A report to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportTarget {
    /// Which kind.
    pub(crate) kind: Kind,
    /// Where to.
    pub(crate) to: Destination,
}

/// Where a report goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Into this file.
    File(PathBuf),
    /// To standard output: `-`.
    Output,
}

impl ReportTarget {
    /// The same, its path read from this folder.
    pub(crate) fn seen_from(self, folder: Option<&Path>) -> Self {
        let to = match self.to {
            Destination::File(path) => Destination::File(folder.unwrap_or(Path::new("")).join(path)),
            Destination::Output => Destination::Output,
        };
        Self { to, ..self }
    }
}

impl FromStr for ReportTarget {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (word, path) = text.split_once('=').ok_or("expected KIND=PATH, as in junit=report.xml")?;
        let kinds = || Kind::WORDS.join(", ");
        let kind = Kind::of(word).ok_or_else(|| format!("there is no report of kind `{word}`; kinds: {}", kinds()))?;
        match path {
            "" => Err("the path is missing, as in junit=report.xml".into()),
            "-" => Ok(Self { kind, to: Destination::Output }),
            path => Ok(Self { kind, to: Destination::File(path.into()) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_known_by_its_word_and_others_are_named() {
        for (kind, word) in Kind::ALL.into_iter().zip(Kind::WORDS) {
            assert_eq!(kind.word(), word);
            let target: ReportTarget = format!("{word}=a=b.x").parse().unwrap();
            assert_eq!(target, ReportTarget { kind, to: Destination::File("a=b.x".into()) });
        }
        assert!("pdf=x".parse::<ReportTarget>().unwrap_err().contains("junit, ctrf, tap, markdown, github, html"));
        assert!("junit".parse::<ReportTarget>().is_err() && "junit=".parse::<ReportTarget>().is_err());
    }
}
