//! Where a wait begins, and what a stream says of itself.

use serde::{Deserialize, Serialize};

use super::entry::Id;
use super::reply::Reply;

/// How far a wait has read, and what it must compare with in the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Place {
    pub(super) stream: String,
    /// The last entry that was there at the start, or was read since.
    pub(super) at: Id,
    /// How many entries were read since the start.
    pub(super) read: u64,
    /// How many entries the stream had ever been given at the start; none when the server does not count them.
    pub(super) added: Option<u64>,
    /// Which run of which server it was; none when the user may not ask.
    pub(super) run: Option<String>,
    /// Whether a connection was lost since.
    pub(super) interrupted: bool,
}

/// What XINFO STREAM says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Info {
    /// The newest id that was ever given.
    pub(super) last: Id,
    /// How many entries were ever added (since Redis 7).
    pub(super) added: Option<u64>,
}

impl Info {
    /// Of a stream that does not exist.
    pub(super) fn none() -> Self {
        Self { last: Id::default(), added: Some(0) }
    }

    /// Reads the answer, in both protocols. None when it is something else.
    pub(super) fn read(reply: Reply) -> Option<Self> {
        let pairs = match reply {
            Reply::Map(pairs) => pairs,
            Reply::List(items) => {
                let mut items = items.into_iter();
                std::iter::from_fn(|| Some((items.next()?, items.next()?))).collect()
            }
            _ => return None,
        };
        let named =
            |name: &str| pairs.iter().find(|(key, _)| *key == Reply::Bytes(name.into())).map(|(_, value)| value);
        let added = match named("entries-added") {
            Some(Reply::Integer(number)) => u64::try_from(*number).ok(),
            _ => None,
        };
        Some(Self { last: Id::of(named("last-generated-id")?)?, added })
    }
}

/// The run of a server in the answer to INFO.
pub(super) fn run_of(reply: &Reply) -> Option<String> {
    let Reply::Bytes(bytes) = reply else { return None };
    let text = std::str::from_utf8(bytes).ok()?;
    text.lines().find_map(|line| line.strip_prefix("run_id:")).map(|run| run.trim().to_owned())
}

impl Place {
    /// Why nobody can know whether all entries were seen, if that is so. `run` is the server's run now.
    pub(super) fn doubt(&self, info: &Info, run: Option<&str>) -> Option<String> {
        let restarted = match (self.run.as_deref(), run) {
            (Some(then), Some(now)) => then != now,
            _ => self.interrupted,
        };
        let expected = self.added.and_then(|added| added.checked_add(self.read));
        match (expected, info.added) {
            (Some(expected), Some(now)) if now > expected => {
                let lost = now - expected;
                Some(format!("{lost} entries were trimmed or deleted before they could be looked at"))
            }
            // As many as expected, but older than what was there: ids only grow within the life of a stream.
            (Some(expected), Some(now)) if now < expected || info.last < self.at => {
                Some("the stream was deleted or made anew meanwhile".into())
            }
            (Some(_), Some(_)) if restarted => Some(
                "the server was restarted or changed meanwhile, and what it was given just before may be lost".into(),
            ),
            (Some(_), Some(_)) => None,
            _ => Some("this server does not count what it adds to a stream, as Redis does since 7.0".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        let run = Some("a".to_owned());
        Place { stream: "s".into(), at: Id::default(), read: 2, added: Some(5), run, interrupted: true }
    }

    fn info(added: Option<u64>) -> Info {
        Info { added, ..Info::none() }
    }

    #[test]
    fn what_adds_up_leaves_no_doubt() {
        assert_eq!(place().doubt(&info(Some(7)), Some("a")), None);
        let blind = Place { run: None, interrupted: false, ..place() };
        assert_eq!(blind.doubt(&info(Some(7)), None), None);
    }

    #[test]
    fn what_does_not_add_up_is_doubted() {
        for (place, added, run, says) in [
            (place(), Some(9), Some("a"), "2 entries were trimmed"),
            (place(), Some(6), Some("a"), "made anew"),
            (place(), Some(7), Some("b"), "restarted"),
            (Place { run: None, ..place() }, Some(7), None, "restarted"),
            (place(), None, Some("a"), "does not count"),
            (Place { added: None, ..place() }, Some(7), Some("a"), "does not count"),
        ] {
            let doubt = place.doubt(&info(added), run).unwrap();
            assert!(doubt.contains(says), "{doubt}");
        }
    }

    #[test]
    fn what_a_stream_says_is_read_in_both_protocols() {
        let text = |text: &str| Reply::Bytes(text.into());
        let pairs = vec![
            (text("length"), Reply::Integer(1)),
            (text("last-generated-id"), text("7-1")),
            (text("entries-added"), Reply::Integer(3)),
        ];
        let flat = pairs.iter().flat_map(|(key, value)| [key.clone(), value.clone()]).collect();
        let expected = Some(Info { last: "7-1".parse().unwrap(), added: Some(3) });
        assert_eq!(Info::read(Reply::Map(pairs)), expected);
        assert_eq!(Info::read(Reply::List(flat)), expected);
        assert_eq!(Info::read(Reply::Null), None);
        assert_eq!(run_of(&text("# Server\r\nredis_version:7\r\nrun_id:abc\r\n")).as_deref(), Some("abc"));
    }
}
