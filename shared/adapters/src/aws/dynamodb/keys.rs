//! What keys are made of. Times are written so that their texts sort as they do.

use assay_app::ports::PortError;
use assay_engine::execution::PartId;
use assay_engine::id::{ExecutionId, OrganizationId};
use assay_engine::job::{Fence, JobPhase};
use jiff::Timestamp;

/// The partition and sort key of both tables.
pub(super) const PK: &str = "pk";
/// See [`PK`].
pub(super) const SK: &str = "sk";
/// The sort key of an execution's root.
pub(super) const ROOT: &str = "root";
/// What the sort keys of its parts begin with.
pub(super) const PARTS: &str = "p#";
/// What the sort keys of its records begin with.
pub(super) const RECORDS: &str = "r#";

/// Partitions over which the executions of one organization are spread: one takes a thousand writes a second.
pub(super) const LISTS: u32 = 4;
/// Partitions over which what is due is spread.
pub(super) const SHARDS: u32 = 16;

/// A number that spreads evenly, the same in every process and version (FNV-1a).
fn spread(id: &ExecutionId, over: u32) -> u32 {
    let hash =
        id.as_str().bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash ^ (hash >> 16)) % over
}

/// The partition of the list in which an execution stands.
pub(super) fn list_of(organization: &OrganizationId, id: &ExecutionId) -> String {
    list_partition(organization, spread(id, LISTS))
}

/// A partition of an organization's list.
pub(super) fn list_partition(organization: &OrganizationId, number: u32) -> String {
    format!("{organization}#{number}")
}

/// The place in the list: by creation, then by id.
pub(super) fn list_at(created_at: Timestamp, id: &ExecutionId) -> String {
    format!("{:021}#{id}", created_at.as_nanosecond().max(0))
}

/// When it was created, of a place in the list.
pub(super) fn created_at(list_at: &str) -> Option<Timestamp> {
    Timestamp::from_nanosecond(list_at.split('#').next()?.parse().ok()?).ok()
}

/// The partition of what is due.
pub(super) fn due_of(id: &ExecutionId) -> String {
    due_partition(spread(id, SHARDS))
}

/// A partition of what is due.
pub(super) fn due_partition(number: u32) -> String {
    format!("due#{number}")
}

/// The partition of what has ended.
pub(super) fn ended_of(id: &ExecutionId) -> String {
    ended_partition(spread(id, SHARDS))
}

/// A partition of what has ended.
pub(super) fn ended_partition(number: u32) -> String {
    format!("ended#{number}")
}

/// An instant in the index of times, in whole milliseconds: never after the instant itself.
pub(super) fn time_at(milliseconds: i64) -> String {
    format!("{:015}", milliseconds.max(0))
}

/// The sort key of a part.
pub(super) fn part(id: PartId) -> String {
    format!("{PARTS}{id}")
}

/// The part of a sort key.
pub(super) fn part_of(sort: &str) -> Result<PartId, PortError> {
    let id = sort.strip_prefix(PARTS).and_then(|id| id.parse().ok());
    id.ok_or_else(|| PortError::bug(format!("read the key `{sort}` as one of a part")))
}

/// The sort key of a stretch of records: by its last one, so that the one that goes on after a number is found.
pub(super) fn records(first: u64, last: u64) -> String {
    format!("{RECORDS}{last:012}#{first:012}")
}

/// A sort key behind all stretches that end with this number, and before all that end later.
pub(super) fn records_after(seq: u64) -> String {
    format!("{RECORDS}{:012}#~", seq.min(999_999_999_999))
}

/// A claim's sort key: `audited/3/r/1/0`.
pub(super) fn fence(fence: &Fence) -> String {
    let instance = fence.instance.map(|instance| instance.to_string()).unwrap_or_default();
    let phase = match fence.phase {
        JobPhase::Prepare => 'p',
        JobPhase::Run => 'r',
        JobPhase::Undo => 'u',
    };
    format!("{}/{instance}/{phase}/{}/{}", escaped(&fence.step), fence.attempt, fence.turn)
}

/// The fence of a claim's sort key.
pub(super) fn fence_of(text: &str) -> Result<Fence, PortError> {
    let parsed = || {
        let mut words = text.split('/');
        let step = unescaped(words.next()?)?;
        let instance = Some(words.next()?).filter(|word| !word.is_empty());
        let instance = instance.map(str::parse).transpose().ok()?;
        let phase = match words.next()? {
            "p" => JobPhase::Prepare,
            "r" => JobPhase::Run,
            "u" => JobPhase::Undo,
            _ => return None,
        };
        let (attempt, turn) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Fence { step, instance, phase, attempt, turn })
    };
    parsed().ok_or_else(|| PortError::bug(format!("read the key `{text}` as one of a claim")))
}

/// A step's id as it is; what a forged event may name instead cannot be mistaken for another key.
fn escaped(step: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    step.chars().map(|c| if plain(c) { c.to_string() } else { format!("%{:x};", u32::from(c)) }).collect()
}

fn unescaped(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut step = pieces.next()?.to_owned();
    for piece in pieces {
        let (code, rest) = piece.split_once(';')?;
        step.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
        step.push_str(rest);
    }
    Some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ExecutionId {
        text.parse().unwrap()
    }

    #[test]
    fn times_sort_as_texts() {
        let at = |seconds: i64| Timestamp::from_second(seconds).unwrap();
        let instants = [at(-5), at(0), at(9), at(10), at(1_767_225_600), Timestamp::MAX];
        for pair in instants.windows(2) {
            assert!(list_at(pair[0], &id("exe_a")) <= list_at(pair[1], &id("exe_a")));
            assert!(time_at(pair[0].as_millisecond()) <= time_at(pair[1].as_millisecond()));
        }
        assert_eq!(created_at(&list_at(at(7), &id("exe_a"))), Some(at(7)));
    }

    #[test]
    fn fences_and_keys_say_the_same() {
        for (step, instance) in [("login", None), ("a_b", Some(9_999)), ("a/b c%\n\u{1f600}", Some(0)), ("", None)] {
            for phase in [JobPhase::Prepare, JobPhase::Run, JobPhase::Undo] {
                let one = Fence { step: step.into(), instance, phase, attempt: 3, turn: 20 };
                let key = fence(&one);
                assert_eq!(fence_of(&key).unwrap(), one);
                assert!(!key.contains([' ', '\n']));
            }
        }
        assert!(fence_of("login/r/1").is_err());
        assert!(fence_of("a%zz;/1/r/1/0").is_err());
    }

    #[test]
    fn the_next_stretch_is_found_by_its_last_record() {
        assert!(records(1, 7) < records_after(7));
        assert!(records_after(7) < records(1, 8));
        assert!(records_after(u64::MAX) > records(1, 999_999_999));
    }
}
