//! What the root of an execution holds: its head, parts that changed lately or are small, its latest records.
//!
//! As text it is a line for each thing, so that a head that cannot be read spoils nothing else; the text is packed.

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_app::ports::PortError;
use assay_engine::execution::PartId;
use assay_engine::record::Record;
use jiff::Timestamp;

use super::blobs::BlobRef;
use super::item::{from_json, json};
use super::pack::{pack, unpack};

/// A text, where it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// Here.
    Here(Arc<str>),
    /// In items of its own.
    Blob(BlobRef),
}

/// A part in the root.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kept {
    /// The version of the execution that made it so: no two contents of one part have the same.
    pub(super) at: u64,
    /// Its JSON.
    pub(super) content: Content,
}

/// Records that follow each other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stretch {
    pub(super) first: u64,
    pub(super) last: u64,
    /// A line of JSON for each.
    pub(super) content: Content,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Image {
    /// The head's JSON.
    pub(super) head: Arc<str>,
    pub(super) parts: BTreeMap<PartId, Kept>,
    /// The last records.
    pub(super) tail: Vec<Stretch>,
    /// When the last record was.
    pub(super) last_at: Option<Timestamp>,
    /// Other parts lie in items of their own.
    pub(super) outside: bool,
}

impl Content {
    /// The bytes that it takes here, unpacked.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Here(text) => text.len(),
            Self::Blob(_) => 40,
        }
    }
}

impl Kept {
    /// As a line, which is also what the part's own item holds.
    fn write(&self, id: PartId, out: &mut String) {
        match &self.content {
            Content::Here(text) => out.push_str(&format!("p {id} {} {text}\n", self.at)),
            Content::Blob(blob) => out.push_str(&format!("q {id} {} {blob}\n", self.at)),
        }
    }

    /// Packed for an item of its own.
    pub(super) fn packed(&self, id: PartId) -> Result<Vec<u8>, PortError> {
        let mut line = String::new();
        self.write(id, &mut line);
        pack(line.as_bytes())
    }

    /// What an item of its own holds.
    pub(super) fn unpacked(bytes: &[u8]) -> Result<(PartId, Self), PortError> {
        let mut image = Image::unpacked(bytes)?;
        image.parts.pop_first().ok_or_else(|| damaged("a part"))
    }
}

impl Stretch {
    /// Of these records; none: there is no stretch.
    pub(super) fn of(records: &[Arc<Record>]) -> Result<Option<Self>, PortError> {
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return Ok(None) };
        let lines = records.iter().map(json).collect::<Result<Vec<_>, _>>()?;
        let content = Content::Here(lines.join("\n").into());
        Ok(Some(Self { first: first.seq, last: last.seq, content }))
    }

    fn write(&self, out: &mut String) {
        match &self.content {
            Content::Here(text) => out.push_str(&format!("r {} {}\n{text}\n", self.first, self.last)),
            Content::Blob(blob) => out.push_str(&format!("b {} {} {blob}\n", self.first, self.last)),
        }
    }

    /// Several, packed for an item of their own.
    pub(super) fn packed(stretches: &[Self]) -> Result<Vec<u8>, PortError> {
        let mut lines = String::new();
        stretches.iter().for_each(|stretch| stretch.write(&mut lines));
        pack(lines.as_bytes())
    }

    /// What an item of their own holds.
    pub(super) fn unpacked(bytes: &[u8]) -> Result<Vec<Self>, PortError> {
        Ok(Image::unpacked(bytes)?.tail)
    }

    /// The records of its text.
    pub(super) fn records(text: &str) -> impl Iterator<Item = Result<Record, PortError>> {
        text.lines().map(|line| from_json("record", line))
    }
}

impl Image {
    fn written(&self) -> String {
        let mut out = String::new();
        // first what seldom changes; the head last, beside the latest records
        if self.outside {
            out.push_str("o\n");
        }
        if let Some(at) = self.last_at {
            out.push_str(&format!("a {at}\n"));
        }
        self.parts.iter().for_each(|(id, part)| part.write(*id, &mut out));
        self.tail.iter().for_each(|stretch| stretch.write(&mut out));
        out.push_str(&format!("h {}\n", self.head));
        out
    }

    pub(super) fn packed(&self) -> Result<Vec<u8>, PortError> {
        pack(self.written().as_bytes())
    }

    pub(super) fn unpacked(bytes: &[u8]) -> Result<Self, PortError> {
        let text = String::from_utf8(unpack(bytes)?).map_err(|error| damaged("a text").because(error))?;
        let mut image = Self::default();
        let mut rest = text.as_str();
        while let Some((line, after)) = rest.split_once('\n') {
            rest = after;
            let (word, value) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "o" => image.outside = true,
                "a" => image.last_at = Some(value.parse().map_err(|_| damaged("an instant"))?),
                "p" | "q" => {
                    let (id, kept) = read_part(word, value)?;
                    image.parts.insert(id, kept);
                }
                "r" | "b" => {
                    let (stretch, behind) = read_stretch(word, value, rest)?;
                    image.tail.push(stretch);
                    rest = behind;
                }
                "h" => image.head = value.into(),
                _ => return Err(damaged("a line")),
            }
        }
        Ok(image)
    }

    /// Bytes of its texts.
    pub(super) fn size(&self) -> usize {
        self.head.len()
            + self.parts.values().map(|part| part.content.size() + 12).sum::<usize>()
            + self.tail.iter().map(|stretch| stretch.content.size() + 12).sum::<usize>()
    }
}

fn read_part(word: &str, value: &str) -> Result<(PartId, Kept), PortError> {
    let mut words = value.splitn(3, ' ');
    let mut next = || words.next().ok_or_else(|| damaged("a part"));
    let id = next()?.parse().map_err(|_| damaged("the name of a part"))?;
    let at = next()?.parse().map_err(|_| damaged("the version of a part"))?;
    let content = next()?;
    let content = if word == "p" { Content::Here(content.into()) } else { Content::Blob(content.parse()?) };
    Ok((id, Kept { at, content }))
}

fn read_stretch<'a>(word: &str, value: &str, rest: &'a str) -> Result<(Stretch, &'a str), PortError> {
    let mut words = value.splitn(3, ' ');
    let mut next = || words.next().ok_or_else(|| damaged("records"));
    let first: u64 = next()?.parse().map_err(|_| damaged("the number of a record"))?;
    let last: u64 = next()?.parse().map_err(|_| damaged("the number of a record"))?;
    if word == "b" {
        return Ok((Stretch { first, last, content: Content::Blob(next()?.parse()?) }, rest));
    }
    let count = usize::try_from(last.saturating_sub(first)).map_or(usize::MAX, |more| more.saturating_add(1));
    let end = rest.match_indices('\n').nth(count - 1).map(|(end, _)| end).ok_or_else(|| damaged("records"))?;
    let (lines, behind) = rest.split_at(end);
    Ok((Stretch { first, last, content: Content::Here(lines.into()) }, &behind[1..]))
}

fn damaged(what: &str) -> PortError {
    PortError::bug(format!("read {what} of what is stored of an execution"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(first: u64, last: u64) -> Stretch {
        let lines: Vec<_> = (first..=last).map(|seq| format!("{{\"seq\":{seq}}}")).collect();
        Stretch { first, last, content: Content::Here(lines.join("\n").into()) }
    }

    #[test]
    fn an_image_comes_back() {
        let blob = Content::Blob("node-1.2:3".parse().unwrap());
        let image = Image {
            head: "{\"id\":\"exe_a\"}".into(),
            parts: BTreeMap::from([
                (PartId::Start, Kept { at: 1, content: Content::Here("{\"start\": \"a b\\n\"}".into()) }),
                (PartId::Block(1, 2), Kept { at: 9, content: blob.clone() }),
            ]),
            tail: vec![stretch(3, 5), Stretch { first: 6, last: 9, content: blob }, stretch(10, 10)],
            last_at: Some(Timestamp::from_second(7).unwrap()),
            outside: true,
        };
        assert_eq!(Image::unpacked(&image.packed().unwrap()).unwrap(), image);
        let empty = Image::default();
        assert_eq!(Image::unpacked(&empty.packed().unwrap()).unwrap(), empty);
    }

    #[test]
    fn parts_and_records_have_items_of_their_own() {
        let part = Kept { at: 4, content: Content::Here("{}".into()) };
        let id = PartId::InstanceValues(7, 9_999);
        assert_eq!(Kept::unpacked(&part.packed(id).unwrap()).unwrap(), (id, part));
        let stretches = [stretch(1, 2), stretch(3, 3)];
        assert_eq!(Stretch::unpacked(&Stretch::packed(&stretches).unwrap()).unwrap(), stretches);
    }

    #[test]
    fn what_is_damaged_is_told() {
        for text in
            ["x 1\n", "p start\n", "p nowhere 1 {}\n", "r 1 3\n{}\n{}\n", "r 3 1\n", "a soon\n", "q start 1 x\n"]
        {
            assert!(Image::unpacked(&pack(text.as_bytes()).unwrap()).is_err(), "{text}");
        }
    }
}
