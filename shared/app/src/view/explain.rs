//! Why a step is what it is, in one line.

use assay_engine::job::{AssertionResult, JobResult, Outcome};
use assay_engine::status::SkipReason;

use super::model::PlaceView;

/// Longer values are cut in a line; the evidence has them whole.
const LONGEST: usize = 200;

impl PlaceView {
    /// What the last attempt came to.
    #[must_use]
    pub fn result(&self) -> Option<&JobResult> {
        self.attempts.iter().rev().find_map(|attempt| attempt.result.as_deref())
    }

    /// Its assertions: of the last attempt, or those that the engine evaluated itself.
    #[must_use]
    pub fn all_assertions(&self) -> &[AssertionResult] {
        match self.result() {
            Some(result) if !result.assertions.is_empty() => &result.assertions,
            _ => &self.assertions,
        }
    }

    /// Why it did not pass, in one line: the first failed assertion with its values, or the error.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        if let Some(why) = self.skipped {
            return Some(skip_reason(why).to_owned());
        }
        if let Some(error) = &self.error {
            return Some(error.message.clone());
        }
        if let Some(reason) = self.result().and_then(result_reason) {
            return Some(reason);
        }
        self.assertions.iter().find(|assertion| !assertion.passed).map(assertion_reason)
    }
}

/// Why an attempt did not pass, in one line.
#[must_use]
pub(crate) fn result_reason(result: &JobResult) -> Option<String> {
    if result.outcome == Outcome::Passed {
        return None;
    }
    if let Some(error) = &result.error {
        return Some(error.message.clone());
    }
    if let Some(failed) = result.assertions.iter().find(|assertion| !assertion.passed) {
        return Some(assertion_reason(failed));
    }
    let failed = result.failed_captures.first()?;
    Some(format!("capture {}: {}: {}", failed.name, failed.value, failed.reason))
}

/// A failed assertion with what it means and the values of its parts.
#[must_use]
pub(crate) fn assertion_reason(assertion: &AssertionResult) -> String {
    let mut line = match &assertion.message {
        Some(message) => format!("{message}: {}", assertion.that),
        None => assertion.that.clone(),
    };
    if let Some(reason) = &assertion.reason {
        line.push_str(&format!(": {reason}"));
    }
    let parts = assertion.parts.iter().filter(|part| part.text != assertion.that);
    let values = parts.filter_map(|part| Some(format!("{} = {}", part.text, cut(&part.value.as_ref()?.to_string()))));
    let values: Vec<String> = values.collect();
    if !values.is_empty() {
        line.push_str(&format!(" ({})", values.join(", ")));
    }
    line
}

fn skip_reason(why: SkipReason) -> &'static str {
    match why {
        SkipReason::Blocked => "blocked: a step that it needs did not pass",
        SkipReason::Condition => "its condition is false",
        SkipReason::Empty => "its list is empty",
        SkipReason::MissingValue => "it names a value that was never captured",
        SkipReason::LeftOut => "it was not asked for",
        SkipReason::HandedOver => "it is left to the rerun that goes on from here",
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(LONGEST).collect();
    short.push('…');
    short
}
