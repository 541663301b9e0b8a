//! Finding the values of secrets in texts, bytes and JSON.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::Anchored;
use aho_corasick::automaton::{Automaton as _, StateID};
use aho_corasick::nfa::contiguous::NFA;
use serde_json::Value as Json;

use super::needles;
use super::stream::MaskStream;

/// What stands where a secret's value was.
pub const MASK: &str = "***";

/// Values with fewer bytes are not looked for: they would be found everywhere. The language refuses such secrets.
pub const SHORTEST: usize = 4;

/// Replaces the values of secrets, also base64, URL, JSON, HTML and hex encoded and in another case, by `***`. Cheap to
/// clone.
#[derive(Clone, Default)]
pub struct Masker {
    needles: Option<Arc<Needles>>,
}

struct Needles {
    automaton: NFA,
    patterns: Vec<Vec<u8>>,
    /// The values in clear, for sealing; `owner` gives the index of the value that a pattern stands for.
    secrets: Vec<String>,
    owner: Vec<usize>,
}

impl std::fmt::Debug for Masker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let secrets = self.needles.as_ref().map_or(0, |n| n.secrets.len());
        write!(f, "Masker({secrets} secrets)")
    }
}

impl Masker {
    /// Looks for these values; those under [`SHORTEST`] bytes are left out.
    pub fn new<S: Into<String>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let mut secrets: Vec<String> = secrets.into_iter().map(Into::into).collect();
        secrets.retain(|secret| secret.len() >= SHORTEST);
        secrets.sort_unstable();
        secrets.dedup();
        let mut patterns = Vec::new();
        let mut owner = Vec::new();
        for (index, secret) in secrets.iter().enumerate() {
            for needle in needles::of(secret) {
                patterns.push(needle);
                owner.push(index);
            }
        }
        if patterns.is_empty() {
            return Self::default();
        }
        let automaton = NFA::builder().ascii_case_insensitive(true).prefilter(false).build(&patterns).ok();
        let needles = automaton.map(|automaton| Arc::new(Needles { automaton, patterns, secrets, owner }));
        Self { needles }
    }

    /// One that looks for these values too.
    #[must_use]
    pub(crate) fn and(&self, more: Vec<String>) -> Self {
        if more.is_empty() {
            return self.clone();
        }
        let known = self.needles.iter().flat_map(|needles| needles.secrets.iter().cloned());
        Self::new(known.chain(more))
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.needles.is_none()
    }

    /// Whether a secret's value occurs in the text.
    #[must_use]
    pub fn finds(&self, text: &str) -> bool {
        self.finds_bytes(text.as_bytes())
    }

    fn finds_bytes(&self, bytes: &[u8]) -> bool {
        let Some(needles) = &self.needles else { return false };
        let mut walk = Walk::new(needles);
        bytes.iter().any(|byte| walk.step(*byte).is_some())
    }

    /// Whether a secret's value occurs in a text, a key or a number of the JSON value.
    #[must_use]
    pub fn finds_in(&self, json: &Json) -> bool {
        if self.is_empty() {
            return false;
        }
        match json {
            Json::Null | Json::Bool(_) => false,
            Json::Number(number) => self.finds(&number.to_string()),
            Json::String(text) => self.finds(text),
            Json::Array(items) => items.iter().any(|item| self.finds_in(item)),
            Json::Object(fields) => fields.iter().any(|(name, value)| self.finds(name) || self.finds_in(value)),
        }
    }

    /// The secrets, in clear, whose values occur in the JSON value.
    pub(crate) fn secrets_in(&self, json: &Json) -> Vec<String> {
        let Some(needles) = &self.needles else { return Vec::new() };
        let mut found = vec![false; needles.secrets.len()];
        needles.mark(json, &mut found);
        let secrets = needles.secrets.iter().zip(found);
        secrets.filter(|(_, found)| *found).map(|(secret, _)| secret.clone()).collect()
    }

    /// The text without the values of secrets.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(not_utf8) => String::from_utf8_lossy(not_utf8.as_bytes()).into_owned(),
            }),
        }
    }

    /// The bytes without the values of secrets.
    #[must_use]
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let places = self.places(bytes);
        if places.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let mut out = Vec::with_capacity(bytes.len());
        let mut from = 0;
        for place in places {
            out.extend_from_slice(&bytes[from..place.start]);
            out.extend_from_slice(MASK.as_bytes());
            from = place.end;
        }
        out.extend_from_slice(&bytes[from..]);
        Cow::Owned(out)
    }

    /// Masks every text and key of the value; a number in which a secret's value occurs becomes the text `***`.
    pub fn json(&self, json: &mut Json) {
        if self.is_empty() {
            return;
        }
        match json {
            Json::Null | Json::Bool(_) => {}
            Json::Number(number) => {
                if self.finds(&number.to_string()) {
                    *json = Json::from(MASK);
                }
            }
            Json::String(text) => {
                if let Cow::Owned(masked) = self.text(text) {
                    *text = masked;
                }
            }
            Json::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Json::Object(fields) => {
                if fields.keys().any(|name| self.finds(name)) {
                    let masked = std::mem::take(fields).into_iter();
                    *fields = masked.map(|(name, value)| (self.text(&name).into_owned(), value)).collect();
                }
                fields.values_mut().for_each(|value| self.json(value));
            }
        }
    }

    /// As [`Masker::text`], for a text that others have cut: a secret of which only the beginning is left before an
    /// ellipsis is masked too.
    #[must_use]
    pub fn cut_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let masked = self.text(text);
        let Some(needles) = &self.needles else { return masked };
        if !masked.contains('…') {
            return masked;
        }
        let mut out = String::with_capacity(masked.len());
        for piece in masked.split_inclusive('…') {
            let Some(before) = piece.strip_suffix('…') else {
                out.push_str(piece);
                continue;
            };
            out.push_str(&before[..before.len() - needles.begun(before)]);
            if needles.begun(before) > 0 {
                out.push_str(MASK);
            }
            out.push('…');
        }
        Cow::Owned(out)
    }

    /// As [`Masker::json`], for a value whose texts others have cut.
    pub(crate) fn cut_json(&self, json: &mut Json) {
        self.json(json);
        match json {
            Json::String(text) => *text = self.cut_text(text).into_owned(),
            Json::Array(items) => items.iter_mut().for_each(|item| self.cut_json(item)),
            Json::Object(fields) => fields.values_mut().for_each(|value| self.cut_json(value)),
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }

    /// Masks data that comes in chunks: a secret that is split over two of them is found.
    #[must_use]
    pub fn stream(&self) -> MaskStream {
        MaskStream::new(self.clone())
    }

    /// Where the values of secrets are, in order; those that overlap or touch are one place.
    fn places(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let Some(needles) = &self.needles else { return Vec::new() };
        let mut places = Vec::new();
        let mut walk = Walk::new(needles);
        for (index, byte) in bytes.iter().enumerate() {
            if let Some(length) = walk.step(*byte) {
                add_place(&mut places, index + 1 - length..index + 1);
            }
        }
        places
    }

    pub(super) fn longest(&self) -> usize {
        self.needles.as_ref().map_or(0, |needles| needles.automaton.max_pattern_len())
    }

    pub(super) fn start(&self) -> Option<StateID> {
        self.needles.as_ref().map(|needles| Walk::new(needles).state)
    }

    /// Goes on from a state with one byte: the state after it, whether it is the start, and what ends with the byte.
    pub(super) fn step(&self, state: StateID, byte: u8) -> (StateID, bool, Option<usize>) {
        let Some(needles) = &self.needles else { return (state, true, None) };
        let mut walk = Walk { needles, state };
        let length = walk.step(byte);
        (walk.state, needles.automaton.is_start(walk.state), length)
    }
}

/// Adds a place that ends behind all others; it swallows those that it overlaps or touches.
pub(super) fn add_place(places: &mut Vec<Range<usize>>, mut place: Range<usize>) {
    while let Some(last) = places.pop_if(|last| last.end >= place.start) {
        place.start = place.start.min(last.start);
    }
    places.push(place);
}

impl Needles {
    /// How many bytes at the end of the text are the beginning of a needle: any of a secret in clear, at least [`SHORTEST`]
    /// of an encoded one, whose first characters say little.
    fn begun(&self, text: &str) -> usize {
        let longest = |needle: &[u8], least: usize| {
            let sizes = (least..needle.len()).rev();
            let ends = |size: &usize| {
                let from = text.len().checked_sub(*size);
                from.is_some_and(|from| text.as_bytes()[from..].eq_ignore_ascii_case(&needle[..*size]))
            };
            sizes.filter(ends).find(|size| {
                // A cut within a character has left a whole one: the needle's beginning ends where it does.
                text.is_char_boundary(text.len() - size)
            })
        };
        let encoded = self.patterns.iter().filter_map(|needle| longest(needle, SHORTEST));
        let clear = self.secrets.iter().filter_map(|secret| longest(secret.as_bytes(), 1));
        encoded.chain(clear).max().unwrap_or(0)
    }

    fn mark(&self, json: &Json, found: &mut [bool]) {
        match json {
            Json::Null | Json::Bool(_) => {}
            Json::Number(number) => self.mark_text(&number.to_string(), found),
            Json::String(text) => self.mark_text(text, found),
            Json::Array(items) => items.iter().for_each(|item| self.mark(item, found)),
            Json::Object(fields) => {
                for (name, value) in fields {
                    self.mark_text(name, found);
                    self.mark(value, found);
                }
            }
        }
    }

    fn mark_text(&self, text: &str, found: &mut [bool]) {
        let mut walk = Walk::new(self);
        for byte in text.bytes() {
            if walk.step(byte).is_none() {
                continue;
            }
            for index in 0..self.automaton.match_len(walk.state) {
                let pattern = self.automaton.match_pattern(walk.state, index);
                if let Some(found) = self.owner.get(pattern.as_usize()).and_then(|owner| found.get_mut(*owner)) {
                    *found = true;
                }
            }
        }
    }
}

/// A walk over bytes that sees every needle, also overlapping ones.
struct Walk<'n> {
    needles: &'n Needles,
    state: StateID,
}

impl<'n> Walk<'n> {
    fn new(needles: &'n Needles) -> Self {
        // An unanchored start exists in every automaton that was built without further settings.
        let state = needles.automaton.start_state(Anchored::No).unwrap_or_default();
        Self { needles, state }
    }

    /// The length of the longest needle that ends with this byte.
    fn step(&mut self, byte: u8) -> Option<usize> {
        let automaton = &self.needles.automaton;
        self.state = automaton.next_state(Anchored::No, self.state, byte);
        if !automaton.is_special(self.state) || !automaton.is_match(self.state) {
            return None;
        }
        let patterns = (0..automaton.match_len(self.state)).map(|index| automaton.match_pattern(self.state, index));
        patterns.map(|pattern| automaton.pattern_len(pattern)).max()
    }
}
