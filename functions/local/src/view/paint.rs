//! Colours, where they are wanted.

use assay_engine::status::{ExecutionStatus, StepStatus};

/// Paints text, or leaves it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// With colours or without.
    pub(crate) fn new(on: bool) -> Self {
        Self { on }
    }

    /// Whether there are colours.
    pub(crate) fn is_on(self) -> bool {
        self.on
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.on && !text.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn faint(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.with("31", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.with("33", text)
    }

    pub(crate) fn step(self, status: StepStatus, text: &str) -> String {
        let code = match status {
            StepStatus::Passed => "32",
            StepStatus::Failed => "31;1",
            StepStatus::Errored | StepStatus::TimedOut => "35;1",
            StepStatus::Cancelled => "33",
            StepStatus::Pending | StepStatus::Ready | StepStatus::Skipped => "2",
            StepStatus::Running => "36",
        };
        self.with(code, text)
    }

    pub(crate) fn execution(self, status: ExecutionStatus, text: &str) -> String {
        let code = match status {
            ExecutionStatus::Passed => "32;1",
            ExecutionStatus::Failed => "31;1",
            ExecutionStatus::Errored | ExecutionStatus::TimedOut => "35;1",
            ExecutionStatus::Cancelled => "33;1",
            ExecutionStatus::Queued | ExecutionStatus::Running => "36",
        };
        self.with(code, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colours_text_stays_as_it_is() {
        assert_eq!(Paint::new(false).red("x"), "x");
        assert_eq!(Paint::new(true).red("x"), "\u{1b}[31mx\u{1b}[0m");
        assert_eq!(Paint::new(true).red(""), "");
    }
}
