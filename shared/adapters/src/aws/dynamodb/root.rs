//! The root of an execution: the one item that every save replaces.

use std::collections::BTreeMap;

use assay_app::ports::{ExecutionSummary, NewExecution, PortError, Save};
use assay_engine::execution::{Head, Part, PartId};
use assay_engine::id::{ExecutionId, OrganizationId};
use assay_engine::record::{Record, What};
use assay_engine::status::ExecutionStatus;
use jiff::Timestamp;

use super::blobs::BlobRef;
use super::image::{Content, Image, Kept, Stretch};
use super::item::{Attributes as _, Item, bytes, from_json, instant, item, json, number, text};
use super::keys::{self, PK, ROOT};
use crate::lifetime;

/// The version of an execution; what a save is conditioned on.
pub(super) const VERSION: &str = "v";
/// Which save has written it.
pub(super) const BY: &str = "by";
/// When somebody must look at it.
pub(super) const DUE: &str = "due";
/// When it ended.
pub(super) const ENDED: &str = "end";
/// Claims that are settled, as the claims' own keys.
pub(super) const SETTLED: &str = "settled";
const SEQ: &str = "seq";
/// The number of the last record of the save before: what comes after it is new.
const FROM: &str = "from";
const STATUS: &str = "status";
const IMAGE: &str = "image";
/// Where the image lies when the root has no room for it.
const IMAGE_AT: &str = "imageAt";
const LIST_OF: &str = "listOf";
const LIST_AT: &str = "listAt";
const TIME_OF: &str = "timeOf";
const TIME_AT: &str = "timeAt";
const PROJECT: &str = "project";
const FLOW: &str = "flow";
const PARENT: &str = "parent";
const LABELS: &str = "labels";
/// What never changes of an execution.
const FIXED: [&str; 6] = [LIST_OF, LIST_AT, PROJECT, FLOW, PARENT, LABELS];
/// What a list shows of an execution, and whose it is.
pub(super) const SUMMARY: [&str; 8] = [PK, LIST_OF, LIST_AT, STATUS, FLOW, ENDED, LABELS, PARENT];

/// The place in the index moves only when it comes earlier or by more than this.
const GRAIN_MS: i64 = 60_000;

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Root {
    pub(super) id: ExecutionId,
    pub(super) version: u64,
    /// The number of the last record.
    pub(super) seq: u64,
    /// The number of the last record before the save that wrote this.
    pub(super) from: u64,
    pub(super) by: String,
    pub(super) status: ExecutionStatus,
    pub(super) ended: Option<Timestamp>,
    pub(super) due: Option<Timestamp>,
    /// Where the index has the due time, in milliseconds: never after it.
    pub(super) look_at: Option<i64>,
    pub(super) settled: Vec<String>,
    pub(super) image: Image,
    pub(super) fixed: Item,
}

impl Root {
    /// Of a new execution.
    pub(super) fn new(new: &NewExecution, by: String) -> Result<Self, PortError> {
        let head = &new.head;
        lifetime::check_numbers(0, &head.id, &new.records)?;
        let mut fixed = Item::from([
            (LIST_OF.into(), text(keys::list_of(&head.organization, &head.id))),
            (LIST_AT.into(), text(keys::list_at(head.created_at, &head.id))),
            (PROJECT.into(), text(head.project.as_str())),
            (FLOW.into(), text(&head.flow)),
        ]);
        if let Some(parent) = &head.parent {
            fixed.insert(PARENT.into(), text(parent.execution.as_str()));
        }
        if !new.labels.is_empty() {
            fixed.insert(LABELS.into(), text(json(&new.labels)?));
        }
        let part = |(id, part): (&PartId, &Part)| Ok((*id, Kept { at: 1, content: Content::Here(json(part)?.into()) }));
        let image = Image {
            head: json(head)?.into(),
            parts: new.parts.iter().map(part).collect::<Result<_, PortError>>()?,
            tail: Stretch::of(&new.records)?.into_iter().collect(),
            last_at: new.records.last().map(|record| record.at),
            outside: false,
        };
        let due = lifetime::first_due(head, new.due);
        Ok(Self {
            id: head.id.clone(),
            version: 1,
            seq: new.records.len() as u64,
            from: 0,
            by,
            status: head.status,
            ended: lifetime::ended_at(head),
            due,
            look_at: due.map(|due| due.as_millisecond()),
            settled: Vec::new(),
            image,
            fixed,
        })
    }

    /// What a save makes of it; all that is new is in the image.
    pub(super) fn moved_on(&self, save: &Save, by: String) -> Result<Self, PortError> {
        lifetime::check_numbers(self.seq, &self.id, &save.records)?;
        let mut next = Self { version: self.version + 1, from: self.seq, by, ..self.clone() };
        next.seq += save.records.len() as u64;
        next.status = save.head.status;
        next.ended = lifetime::ended_at(&save.head);
        next.be_due(lifetime::next_due(&save.head, save.due));
        next.image.head = json(&save.head)?.into();
        for (id, part) in &save.parts {
            let kept = Kept { at: next.version, content: Content::Here(json(part)?.into()) };
            next.image.parts.insert(*id, kept);
        }
        next.image.tail.extend(Stretch::of(&save.records)?);
        next.image.last_at = save.records.last().map(|record| record.at).or(next.image.last_at);
        for key in &save.settled {
            let fence = keys::fence(&key.fence);
            if !next.settled.contains(&fence) {
                next.settled.push(fence);
            }
        }
        Ok(next)
    }

    /// Ended, with a closing record. The head may be one that cannot be read: that is why.
    pub(super) fn set_aside(&self, closing: What, now: Timestamp, by: String) -> Result<Self, PortError> {
        let mut next = Self { version: self.version + 1, from: self.seq, seq: self.seq + 1, by, ..self.clone() };
        let at = self.image.last_at.map_or(now, |last| last.max(now));
        let record = Record { execution: self.id.clone(), seq: next.seq, at, what: closing };
        if let Ok(mut head) = self.head() {
            lifetime::set_aside(&mut head, next.seq, at);
            next.image.head = json(&head)?.into();
        }
        next.image.tail.extend(Stretch::of(&[record.into()])?);
        next.image.last_at = Some(at);
        next.status = ExecutionStatus::Errored;
        next.ended = Some(at);
        next.be_due(None);
        Ok(next)
    }

    fn be_due(&mut self, due: Option<Timestamp>) {
        self.due = due;
        let wanted = due.map(|due| due.as_millisecond());
        let near = |place: &i64| wanted.is_some_and(|wanted| *place <= wanted && wanted - place <= GRAIN_MS);
        self.look_at = self.look_at.filter(near).or(wanted);
    }

    pub(super) fn head(&self) -> Result<Head, PortError> {
        from_json("head of an execution", &self.image.head)
    }

    /// Whose it is.
    pub(super) fn organization(&self) -> Result<OrganizationId, PortError> {
        organization(&self.fixed)
    }

    /// As an item; the image is here, or in a blob.
    pub(super) fn item(&self, image: Result<Vec<u8>, &BlobRef>) -> Item {
        let mut item = item(self.id.as_str(), ROOT);
        item.extend(self.fixed.clone());
        item.insert(VERSION.into(), number(self.version));
        item.insert(SEQ.into(), number(self.seq));
        item.insert(FROM.into(), number(self.from));
        item.insert(BY.into(), text(&self.by));
        item.insert(STATUS.into(), text(self.status.word()));
        match image {
            Ok(image) => item.insert(IMAGE.into(), bytes(image)),
            Err(blob) => item.insert(IMAGE_AT.into(), text(blob.to_string())),
        };
        if let Some(ended) = self.ended {
            item.insert(ENDED.into(), instant(ended));
        }
        if !self.settled.is_empty() {
            item.insert(SETTLED.into(), text(self.settled.join(" ")));
        }
        let top = !self.fixed.contains_key(PARENT);
        let time = match (self.due, self.look_at, self.ended) {
            (Some(due), Some(look_at), _) => {
                item.insert(DUE.into(), instant(due));
                Some((keys::due_of(&self.id), look_at))
            }
            (_, _, Some(ended)) if top => Some((keys::ended_of(&self.id), ended.as_millisecond())),
            _ => None,
        };
        if let Some((of, at)) = time {
            item.insert(TIME_OF.into(), text(of));
            item.insert(TIME_AT.into(), text(keys::time_at(at)));
        }
        item
    }

    /// The root of an item, without its image.
    pub(super) fn without_image(mut item: Item) -> Result<Self, PortError> {
        let due = item.instant(DUE);
        Ok(Self {
            id: item.parsed(PK)?,
            version: item.needed_number(VERSION)?,
            seq: item.needed_number(SEQ)?,
            from: item.number(FROM).unwrap_or_default(),
            by: item.text(BY).unwrap_or_default().to_owned(),
            status: status(&item)?,
            ended: item.instant(ENDED),
            due,
            look_at: due.and_then(|_| item.text(TIME_AT)?.parse().ok()),
            settled: settled(&item),
            image: Image::default(),
            fixed: FIXED.iter().filter_map(|name| item.remove_entry(*name)).collect(),
        })
    }
}

/// The packed image of a root's item, or where it lies.
pub(super) fn image_of(item: &Item) -> Result<Result<&[u8], BlobRef>, PortError> {
    match item.bytes(IMAGE) {
        Some(image) => Ok(Ok(image)),
        None => Ok(Err(item.parsed(IMAGE_AT)?)),
    }
}

/// The settled claims of a root's item.
pub(super) fn settled(item: &Item) -> Vec<String> {
    item.text(SETTLED).unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect()
}

fn organization(item: &Item) -> Result<OrganizationId, PortError> {
    let partition = item.needed_text(LIST_OF)?;
    let id = partition.rsplit_once('#').map_or(partition, |(id, _)| id);
    id.parse().map_err(|error| PortError::bug("read whose an execution is").because(error))
}

fn status(item: &Item) -> Result<ExecutionStatus, PortError> {
    const ALL: [ExecutionStatus; 7] = [
        ExecutionStatus::Queued,
        ExecutionStatus::Running,
        ExecutionStatus::Passed,
        ExecutionStatus::Failed,
        ExecutionStatus::Errored,
        ExecutionStatus::Cancelled,
        ExecutionStatus::TimedOut,
    ];
    let word = item.needed_text(STATUS)?;
    let known = ALL.into_iter().find(|status| status.word() == word);
    known.ok_or_else(|| PortError::bug(format!("read the stored status `{word}`")))
}

/// What a list shows of a root's item, of which the attributes of [`SUMMARY`] are there.
pub(super) fn summary(item: &Item) -> Result<ExecutionSummary, PortError> {
    let created_at = keys::created_at(item.needed_text(LIST_AT)?);
    Ok(ExecutionSummary {
        id: item.parsed(PK)?,
        flow: item.needed_text(FLOW)?.to_owned(),
        status: status(item)?,
        created_at: created_at.ok_or_else(|| PortError::bug("read when an execution was created"))?,
        ended_at: item.instant(ENDED),
        parent: item.text(PARENT).map(|_| item.parsed(PARENT)).transpose()?,
        labels: labels(item)?,
    })
}

/// Whose the execution of a root's item is.
pub(super) fn whose(item: &Item) -> Result<(OrganizationId, ExecutionId), PortError> {
    Ok((organization(item)?, item.parsed(PK)?))
}

/// The labels of a root's item, or of its place in a list.
pub(super) fn labels(item: &Item) -> Result<BTreeMap<String, String>, PortError> {
    item.text(LABELS).map_or_else(|| Ok(BTreeMap::new()), |labels| from_json("labels of an execution", labels))
}

/// What a place in a list says besides: project, flow, whether it is a sub-flow.
pub(super) fn listed(item: &Item) -> (Option<&str>, Option<&str>, bool) {
    (item.text(PROJECT), item.text(FLOW), item.text(PARENT).is_some())
}

/// The place of an item of the list's index.
pub(super) fn place(item: &Item) -> Result<&str, PortError> {
    item.needed_text(LIST_AT)
}
