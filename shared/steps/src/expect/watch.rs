//! One wait for messages: what has come so far, and what that means.

use std::collections::{BTreeMap, HashSet};

use assay_engine::expr::{EvalError, Evaluation, Program, Scope, Value};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::compare::Rank;
use super::error::ExpectError;
use super::misses::{Misses, explained};
use super::rules::Rules;

/// Bytes of a checkpoint. A wait that knows more than that stays where it is.
const CHECKPOINT_BYTES: usize = 40 * 1024;
/// Bytes of the messages that are kept.
const KEPT_BYTES: usize = 8 << 20;
/// Different values of `distinctBy`.
const DISTINCT: usize = 100_000;
/// Names that always mean the execution's values.
const RESERVED: [&str; 7] = ["inputs", "vars", "steps", "secrets", "item", "index", "execution"];

/// A message as expressions see it.
pub trait Message {
    /// The value of one of its names; none for a name that it does not have. Unless `whole`, only what the expressions
    /// name needs to be there.
    fn field(&self, name: &str, whole: bool) -> Option<Value>;
    /// What is kept of it.
    fn to_json(&self) -> Json;
    /// Within which its order means something.
    fn partition(&self) -> i64;
    /// Where it lies, for people.
    fn place(&self) -> String;
}

/// What a wait wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// More messages; at this time it asks again.
    Wait(Timestamp),
    /// To be told, by [`Watch::seen_until`], when everything that there was at this time has been looked at.
    Prove(Timestamp),
    /// Nothing: it is decided.
    Decided,
}

/// One wait.
#[derive(Debug)]
pub struct Watch<'a> {
    pub(super) rules: &'a Rules,
    pub(super) state: State,
    kept_bytes: usize,
    cx: Option<Evaluation<'a>>,
    now: Timestamp,
}

/// What is carried from turn to turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct State {
    from: Timestamp,
    pub(super) count: u64,
    pub(super) seen: u64,
    last_match: Option<Timestamp>,
    seen_until: Option<Timestamp>,
    pub(super) messages: Vec<Json>,
    pub(super) misses: Misses,
    /// The last match of each partition: its place and its value.
    order: BTreeMap<i64, (String, Rank)>,
    /// The first place where the order was broken.
    pub(super) disorder: Option<String>,
    /// The first match without an answer to `distinctBy`.
    pub(super) indistinct: Option<String>,
    distinct: Distinct,
}

impl<'a> Watch<'a> {
    /// A wait whose window starts at `from`.
    #[must_use]
    pub fn new(rules: &'a Rules, from: Timestamp, now: Timestamp) -> Self {
        let state = State {
            from,
            count: 0,
            seen: 0,
            last_match: None,
            seen_until: None,
            messages: Vec::new(),
            misses: Misses::default(),
            order: BTreeMap::new(),
            disorder: None,
            indistinct: None,
            distinct: Distinct::default(),
        };
        Self { rules, state, kept_bytes: 0, cx: None, now }
    }

    /// The wait of an earlier turn, as [`Watch::checkpoint`] has written it down.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn resume(rules: &'a Rules, checkpoint: &Json, now: Timestamp) -> Result<Self, ExpectError> {
        let state = State::deserialize(checkpoint).map_err(|error| ExpectError::Checkpoint(error.to_string()))?;
        let kept_bytes = state.messages.iter().map(|message| message.to_string().len()).sum();
        Ok(Self { rules, state, kept_bytes, cx: None, now })
    }

    /// What the next turn needs; none when that would be too large to be carried, so that this one has to go on.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Json> {
        if self.kept_bytes + self.state.distinct.0.len() * 22 > CHECKPOINT_BYTES {
            return None;
        }
        let json = serde_json::to_value(&self.state).ok()?;
        (json.to_string().len() <= CHECKPOINT_BYTES).then_some(json)
    }

    /// Looks at one message that has come by `now`.
    ///
    /// # Errors
    /// When it takes more work, or more room, than is allowed.
    pub fn look_at(&mut self, message: &impl Message, now: Timestamp) -> Result<(), ExpectError> {
        self.state.seen += 1;
        if !self.matches(message)? {
            return Ok(());
        }
        self.state.last_match = Some(now);
        self.in_order(message)?;
        if !self.is_new(message)? {
            return Ok(());
        }
        self.state.count += 1;
        if self.state.messages.len() < self.rules.collect {
            let json = message.to_json();
            self.kept_bytes += json.to_string().len();
            if self.kept_bytes > KEPT_BYTES {
                return Err(ExpectError::TooLarge { limit: KEPT_BYTES });
            }
            self.state.messages.push(json);
        }
        Ok(())
    }

    /// Everything that there was at this time has been looked at.
    pub fn seen_until(&mut self, at: Timestamp) {
        self.state.seen_until = self.state.seen_until.max(Some(at));
    }

    /// How many messages have been looked at, and how many of them count.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.state.seen, self.state.count)
    }

    /// What it wants next.
    #[must_use]
    pub fn ask(&self, now: Timestamp) -> Ask {
        let Self { rules, state, .. } = self;
        if rules.count.is_settled(state.count) {
            return Ask::Decided;
        }
        let end = after(state.from, rules.within);
        let quiet = rules.settle.filter(|_| !rules.count.wants_more(state.count));
        let quiet = quiet.map(|settle| after(state.last_match.unwrap_or(state.from).max(state.from), settle));
        let due = quiet.map_or(end, |quiet| quiet.min(end));
        if state.seen_until.is_some_and(|seen| seen >= due) {
            Ask::Decided
        } else if now < due {
            Ask::Wait(due)
        } else {
            Ask::Prove(due)
        }
    }

    /// Whether all parts of `match` hold. Parts are asked one by one as long as the message could be a nearest miss.
    fn matches(&mut self, message: &impl Message) -> Result<bool, ExpectError> {
        let rules = self.rules;
        let scope = Names { message, rules, whole: false };
        let mut failed: Vec<usize> = Vec::new();
        for (index, part) in rules.matches.iter().enumerate() {
            let answer = self.evaluate("match", part, &scope)?;
            if matches!(answer, Ok(Value::Bool(true))) {
                continue;
            }
            failed.push(index);
            if !self.state.misses.would_keep(rules.matches.len() - failed.len()) {
                return Ok(false);
            }
        }
        if failed.is_empty() {
            return Ok(true);
        }
        let held = rules.matches.len() - failed.len();
        let parts: Vec<&Program> = failed.iter().filter_map(|index| rules.matches.get(*index)).collect();
        let scope = Names { message, rules, whole: true };
        let mut cx = self.evaluation();
        self.state.misses.keep(message.place(), held, explained(&parts, &scope, &mut cx));
        Ok(false)
    }

    fn in_order(&mut self, message: &impl Message) -> Result<(), ExpectError> {
        let Some(program) = self.rules.ordered_by.as_ref().filter(|_| self.state.disorder.is_none()) else {
            return Ok(());
        };
        let scope = Names { message, rules: self.rules, whole: false };
        let value = self.evaluate("orderedBy", program, &scope)?;
        let place = message.place();
        let rank = match value.map(|value| (Rank::of(&value), value)) {
            Ok((Some(rank), _)) => rank,
            Ok((None, value)) => {
                self.state.disorder = Some(format!("{place}: {} has no order", value.kind().name()));
                return Ok(());
            }
            Err(error) => {
                self.state.disorder = Some(format!("{place}: {error}"));
                return Ok(());
            }
        };
        if let Some((before, last)) = self.state.order.get(&message.partition()) {
            match rank.compare(last) {
                Some(std::cmp::Ordering::Less) => {
                    self.state.disorder = Some(format!("{place} has {rank}, after {last} at {before}"));
                }
                None => {
                    self.state.disorder =
                        Some(format!("{place} has {rank}, which does not compare with {last} at {before}"));
                }
                Some(_) => {}
            }
        }
        self.state.order.insert(message.partition(), (place, rank));
        Ok(())
    }

    fn is_new(&mut self, message: &impl Message) -> Result<bool, ExpectError> {
        let Some(program) = &self.rules.distinct_by else { return Ok(true) };
        let scope = Names { message, rules: self.rules, whole: false };
        match self.evaluate("distinctBy", program, &scope)? {
            Ok(value) => {
                let new = self.state.distinct.add(&value.to_json());
                if self.state.distinct.0.len() > DISTINCT {
                    return Err(ExpectError::TooManyDistinct { limit: DISTINCT });
                }
                Ok(new)
            }
            Err(error) => {
                let place = message.place();
                self.state.indistinct.get_or_insert_with(|| format!("{place}: {error}"));
                Ok(true)
            }
        }
    }

    /// The value, or why there is none; an error only when the work is too much. What was compiled for one message
    /// (regular expressions, schemas) serves the next, the budget is new for each.
    fn evaluate(
        &mut self,
        key: &'static str,
        program: &Program,
        scope: &dyn Scope,
    ) -> Result<Result<Value, EvalError>, ExpectError> {
        let mut cx = self.evaluation();
        let value = program.evaluate(scope, &mut cx);
        // The execution's values may be secrets, or made from them.
        let given = program.references().roots.iter().any(|reference| self.rules.given.contains_key(&*reference.root));
        let value = value.map_err(|error| if given { error.without_values() } else { error });
        self.cx = Some(cx);
        if matches!(value, Err(EvalError::Budget)) {
            return Err(ExpectError::Budget { key, text: program.text().chars().take(200).collect() });
        }
        Ok(value)
    }

    fn evaluation(&mut self) -> Evaluation<'a> {
        let rules = self.rules;
        let fresh = || Evaluation::new(self.now, rules.seed).with_schemas(&rules.schemas);
        self.cx.take().unwrap_or_else(fresh).with_budget(assay_engine::expr::DEFAULT_BUDGET)
    }
}

fn after(from: Timestamp, by: std::time::Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    from.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// The names that an expression over a message sees.
struct Names<'m, M> {
    message: &'m M,
    rules: &'m Rules,
    whole: bool,
}

impl<M: Message> Scope for Names<'_, M> {
    fn root(&self, name: &str) -> Option<Value> {
        if RESERVED.contains(&name) {
            return self.rules.given.get(name).cloned();
        }
        self.message.field(name, self.whole)
    }
}

/// The values of `distinctBy` so far, each as the beginning of its hash.
#[derive(Debug, Clone, Default, PartialEq)]
struct Distinct(HashSet<[u8; 16]>);

impl Distinct {
    fn add(&mut self, value: &Json) -> bool {
        let digest = Sha256::digest(value.to_string());
        let mut hash = [0; 16];
        hash.copy_from_slice(digest.get(..16).unwrap_or(&[0; 16]));
        self.0.insert(hash)
    }
}

impl Serialize for Distinct {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut hashes: Vec<&[u8; 16]> = self.0.iter().collect();
        hashes.sort_unstable();
        serializer.serialize_str(&STANDARD_NO_PAD.encode(hashes.into_iter().flatten().copied().collect::<Vec<u8>>()))
    }
}

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD.decode(text).map_err(serde::de::Error::custom)?;
        let (hashes, rest) = bytes.as_chunks::<16>();
        if !rest.is_empty() {
            return Err(serde::de::Error::custom("half a hash"));
        }
        Ok(Self(hashes.iter().copied().collect()))
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
