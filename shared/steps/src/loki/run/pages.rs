//! Page after page, so that no entry is lost or counted twice.
//!
//! Loki gives the first so many entries of a window and no cursor. When a page is full, entries of its last instant may
//! be missing: all entries of that instant are dropped, and the next page begins with it.

use std::collections::BTreeMap;

use super::entries::{Entry, Labels, RawStream, in_order, instant_text};
use crate::contract::{StepContext, StepError, StepErrorClass as Class};
use crate::loki::Direction;
use crate::telemetry::run::{Answer, Codes, Question};

/// How many entries a page asks for, at least and at most.
const PAGE: (u32, u32) = (100, 1000);
/// The largest page: what Loki allows unless it is told otherwise.
const LARGEST_PAGE: u32 = 5000;
/// How many entries are counted.
const MOST: usize = 50_000;
/// How many bytes of entries are kept.
const KEPT_BYTES: usize = 16 << 20;

/// All that matches.
#[derive(Default)]
pub(super) struct Log {
    /// The first of them, as many as are kept.
    pub(super) entries: Vec<Entry>,
    pub(super) count: usize,
    pub(super) streams: BTreeMap<Labels, usize>,
    bytes: usize,
}

/// What the first answer turned out to be.
pub(super) enum Outcome {
    Log(Log, Vec<String>, serde_json::Value),
    Numbers(Answer),
}

/// What is read, from where and how.
pub(super) struct Pages<'a> {
    pub(super) question: &'a Question<'a>,
    pub(super) codes: &'static Codes,
    pub(super) query: &'a str,
    pub(super) step: Option<String>,
    pub(super) direction: Direction,
    pub(super) keep: u32,
    /// Nanoseconds since 1970; the end is not in it.
    pub(super) window: (i64, i64),
}

impl Pages<'_> {
    /// Reads to the end.
    pub(super) async fn read(mut self, cx: &StepContext) -> Result<Outcome, StepError> {
        let mut size = self.keep.clamp(PAGE.0, PAGE.1);
        let mut shrunk = false;
        let mut log = Log::default();
        let mut warnings: Vec<String> = Vec::new();
        let mut sent = None;
        loop {
            let answer = match self.page(size, cx).await {
                Err(error) if error.code == self.codes.too_large && size > 10 => {
                    (size, shrunk) = (size / 10, true);
                    continue;
                }
                answer => answer?,
            };
            if answer.kind() != "streams" {
                return match sent {
                    None => Ok(Outcome::Numbers(answer)),
                    Some(_) => Err(answer.wrong(self.codes, "answered a page of entries, and then numbers")),
                };
            }
            let found: Option<Vec<RawStream>> = answer.result(self.codes)?;
            let mut entries = in_order(found.unwrap_or_default(), self.direction);
            if entries.iter().any(|entry| entry.at < self.window.0 || entry.at >= self.window.1) {
                return Err(answer.wrong(self.codes, "answered entries outside of the window"));
            }
            for warning in answer.warnings {
                if !warnings.contains(&warning) {
                    warnings.push(warning);
                }
            }
            sent = sent.or(Some(answer.sent));
            let border = entries.last().filter(|_| entries.len() >= size as usize).map(|entry| entry.at);
            if let Some(border) = border {
                let whole = entries.iter().position(|entry| entry.at == border).unwrap_or_default();
                if whole == 0 {
                    // The page holds nothing but one instant, and perhaps not all of it.
                    if shrunk || size == LARGEST_PAGE {
                        return Err(self
                            .too_many(&format!("{size} entries or more share the instant {}", instant_text(border))));
                    }
                    size = LARGEST_PAGE;
                    continue;
                }
                entries.truncate(whole);
                self.turn_to(border);
            }
            log.add(entries, self.keep as usize);
            if log.count > MOST {
                return Err(self.too_many(&format!("more than {MOST} entries match")));
            }
            if log.bytes > KEPT_BYTES {
                return Err(self
                    .codes
                    .too_large("the entries to keep are larger than 16 MiB (a smaller `limit` keeps fewer)"));
            }
            if border.is_none() {
                return Ok(Outcome::Log(log, warnings, sent.unwrap_or_default()));
            }
        }
    }

    async fn page(&self, size: u32, cx: &StepContext) -> Result<Answer, StepError> {
        let mut params = vec![
            ("query", self.query.to_owned()),
            ("start", self.window.0.to_string()),
            ("end", self.window.1.to_string()),
            ("limit", size.to_string()),
            ("direction", if self.direction == Direction::Forward { "forward" } else { "backward" }.to_owned()),
        ];
        params.extend(self.step.clone().map(|step| ("step", step)));
        self.question.ask("/loki/api/v1/query_range", &params, cx).await
    }

    /// The next page begins with this instant.
    fn turn_to(&mut self, border: i64) {
        match self.direction {
            Direction::Forward => self.window.0 = border,
            Direction::Backward => self.window.1 = border.saturating_add(1),
        }
    }

    fn too_many(&self, what: &str) -> StepError {
        let message =
            format!("{what}: narrow the query or its window, or count in the query: sum(count_over_time(... [5m]))");
        StepError::new(Class::Permanent, "loki.tooMany", message)
    }
}

impl Log {
    fn add(&mut self, entries: Vec<Entry>, keep: usize) {
        self.count += entries.len();
        for entry in entries {
            match self.streams.get_mut(&*entry.labels) {
                Some(count) => *count += 1,
                None => {
                    self.streams.insert((*entry.labels).clone(), 1);
                }
            }
            if self.entries.len() < keep {
                self.bytes += entry.weight();
                self.entries.push(entry);
            }
        }
    }
}
