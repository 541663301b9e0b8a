//! Pieces of text that several reports use.

use assay_engine::job::{Evidence, JobResult};
use jiff::Timestamp;
use serde_json::Value as Json;

use crate::view::{PlaceView, assertion_reason};

/// A duration as people read it: `12 ms`, `3.4 s`, `2 min 5 s`.
pub(super) fn duration(millis: u64) -> String {
    match millis {
        0..1000 => format!("{millis} ms"),
        1000..60_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        60_000..3_600_000 => format!("{} min {} s", millis / 60_000, millis / 1000 % 60),
        _ => format!("{} h {} min", millis / 3_600_000, millis / 60_000 % 60),
    }
}

/// A size as people read it.
pub(super) fn bytes(size: u64) -> String {
    match size {
        0..1024 => format!("{size} bytes"),
        1024..1_048_576 => format!("{}.{} KiB", size / 1024, size % 1024 * 10 / 1024),
        _ => format!("{}.{} MiB", size / 1_048_576, size % 1_048_576 * 10 / 1_048_576),
    }
}

/// `1 step`, `2 steps`.
pub(super) fn counted(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// The time between two instants, in milliseconds.
pub(super) fn between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}

/// Text from outside with what could mislead its reader written out: control characters, and those that turn the
/// direction of the text around or have no width. Line breaks and tabs stay.
pub(super) fn visible(text: &str) -> String {
    if !text.chars().any(misleads) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if misleads(c) {
            out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// The same in one line.
pub(super) fn line(text: &str) -> String {
    visible(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most so many characters of a text; what is cut is seen.
pub(super) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn misleads(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => true,
        '\u{fffe}' | '\u{ffff}' => true,
        c => c.is_control(),
    }
}

/// Everything that tells why an attempt did not pass, a line each: assertions with their values, captures, the error, the
/// last look, and what the step says itself (the nearest messages, for one that waits for some).
pub(super) fn details(result: &JobResult) -> Vec<String> {
    let failed = result.assertions.iter().filter(|assertion| !assertion.passed);
    let mut lines: Vec<String> = failed.map(assertion_reason).collect();
    let captures = result.failed_captures.iter();
    lines.extend(captures.map(|failed| format!("capture {}: {}: {}", failed.name, failed.value, failed.reason)));
    lines.extend(result.error.iter().map(|error| format!("{} ({})", error.message, error.code)));
    if let Some(looks) = &result.looks {
        let count = counted(looks.count as usize, "look");
        match looks.kept.last().and_then(|look| look.note.as_deref()) {
            Some(note) => lines.push(format!("{count}; at the last one: {note}")),
            None => lines.push(count),
        }
    }
    lines.extend(result.evidence.as_ref().and_then(note));
    lines
}

/// The same of a step or an instance: of its last attempt, or of what the engine says of it.
pub(super) fn details_of(place: &PlaceView) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(error) = &place.error {
        lines.push(format!("{} ({})", error.message, error.code));
    }
    let own = place.assertions.iter().filter(|assertion| !assertion.passed);
    lines.extend(own.map(assertion_reason));
    if let Some(result) = place.result() {
        lines.extend(details(result).into_iter().filter(|line| !lines.contains(line)).collect::<Vec<_>>());
    }
    lines
}

/// What a step says itself for people. It is the first field, so that the beginning of a long text is enough.
pub(super) fn note(evidence: &Evidence) -> Option<String> {
    match &evidence.preview {
        Json::String(beginning) => {
            let rest = beginning.strip_prefix("{\"note\":")?;
            serde_json::Deserializer::from_str(rest).into_iter::<String>().next()?.ok()
        }
        whole => whole.get("note")?.as_str().map(str::to_owned),
    }
}
