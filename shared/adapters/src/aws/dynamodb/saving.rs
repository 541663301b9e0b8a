//! Creating, saving, setting aside: each is one conditional write of the root.
//!
//! Room is made before it. What leaves the root was committed by an earlier save, so that writing it elsewhere tells nobody
//! anything new, whether the save goes through or not; a part says of which version it is, so that an older one never
//! replaces a newer one. What is new and large is written under a name of its own, which only the new root tells.

use std::sync::Arc;

use assay_app::ports::{NewExecution, PortError, Save, Saved};
use assay_engine::execution::PartId;
use assay_engine::id::{ExecutionId, OrganizationId};
use assay_engine::record::What;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;

use super::blobs::LARGEST;
use super::image::{Content, Stretch};
use super::item::{Attributes as _, Item, bytes, item, number};
use super::keys;
use super::pack::pack;
use super::root::{BY, Root, VERSION};
use super::store::DynamoExecutionStore;
use super::table::{AT_ONCE, Only, Put};

/// Below this a root is left as it is, in packed bytes.
const ROOMY: usize = 2_000;
/// Committed records leave the root when they have this many bytes, unpacked: some kilobyte packed.
const LONG_TAIL: usize = 8_000;
/// Parts that lately nobody has changed leave the root when it has more than this, in packed bytes.
const FULL: usize = 8_000;
/// Until it has about this.
const HALF_FULL: usize = 4_000;
/// A text of this many bytes may lie in items of its own.
const LARGE: usize = 8_000;
/// It does when it still has this many packed.
const LARGE_PACKED: usize = 2_000;
/// Settled claims leave the root when there are more.
const MANY_SETTLED: usize = 100;
/// Tries to set an execution aside while others change it.
const TRIES: u32 = 8;

impl DynamoExecutionStore {
    pub(super) async fn create_execution(&self, new: NewExecution) -> Result<bool, PortError> {
        let mut root = Root::new(&new, self.next_name())?;
        self.note_organization(&new.head.organization).await?;
        self.put_large_apart(&mut root).await?;
        let image = root.image.packed()?;
        match self.put_root("create an execution", &root, image, Only::Absent).await? {
            Put::Done => {}
            Put::Refused(there) => {
                // an answer can get lost, and then the call is repeated
                let ours = there.is_some_and(|there| there.text(BY) == Some(&root.by));
                return Ok(ours);
            }
        }
        self.roots.keep(Arc::new(root));
        Ok(true)
    }

    pub(super) async fn save_execution(&self, save: Save) -> Result<Saved, PortError> {
        let id = &save.head.id;
        let base = match self.roots.at(id, save.expected) {
            Some(base) => base,
            None => match self.root(id).await?.filter(|root| root.version == save.expected) {
                Some(root) => Arc::new(root),
                None => return Ok(Saved::Conflict),
            },
        };
        let mut next = base.moved_on(&save, self.next_name())?;
        self.roots.forget(id);
        self.put_large_apart(&mut next).await?;
        let image = self.make_room(&base, &mut next).await?;
        match self.put_root("save an execution", &next, image, Only::At(VERSION, base.version)).await? {
            Put::Done => {}
            Put::Refused(there) if is_ours(there.as_ref(), &next) => {}
            Put::Refused(_) => return Ok(Saved::Conflict),
        }
        let version = next.version;
        if save.due.is_some() || next.ended.is_none() {
            self.roots.keep(Arc::new(next));
        }
        Ok(Saved::Version(version))
    }

    pub(super) async fn end_unreadable(
        &self,
        id: &ExecutionId,
        closing: What,
        now: Timestamp,
    ) -> Result<Option<OrganizationId>, PortError> {
        for _ in 0..TRIES {
            let Some(root) = self.salvaged(id).await?.filter(|root| root.ended.is_none()) else { return Ok(None) };
            let next = root.set_aside(closing.clone(), now, self.next_name())?;
            self.roots.forget(id);
            let image = next.image.packed()?;
            match self.put_root("set an execution aside", &next, image, Only::At(VERSION, root.version)).await? {
                Put::Done => return next.organization().map(Some),
                Put::Refused(there) if is_ours(there.as_ref(), &next) => return next.organization().map(Some),
                Put::Refused(_) => {}
            }
        }
        Err(PortError::retry(format!("set {id} aside: others change it")))
    }

    async fn put_root(&self, doing: &str, root: &Root, image: Vec<u8>, only: Only<'_>) -> Result<Put, PortError> {
        if image.len() <= LARGEST {
            return self.table.put(doing, root.item(Ok(image)), only).await;
        }
        let name = format!("{}.image", root.by);
        let blob = self.table.put_blob(root.id.as_str(), name, &image).await?;
        self.table.put(doing, root.item(Err(&blob)), only).await
    }

    /// Writes what is new and large, and leaves only where it lies.
    async fn put_large_apart(&self, next: &mut Root) -> Result<(), PortError> {
        let (version, from) = (next.version, next.from);
        let parts = next.image.parts.values_mut().filter(|part| part.at == version).map(|part| &mut part.content);
        let tail =
            next.image.tail.iter_mut().filter(|stretch| stretch.first > from).map(|stretch| &mut stretch.content);
        let mut large = Vec::new();
        for content in parts.chain(tail) {
            if let Content::Here(text) = content
                && text.len() >= LARGE
            {
                let packed = pack(text.as_bytes())?;
                if packed.len() >= LARGE_PACKED {
                    large.push((content, packed));
                }
            }
        }
        let (id, by) = (&next.id, &next.by);
        let mut puts = Vec::new();
        for (number, (content, packed)) in large.into_iter().enumerate() {
            puts.push(async move {
                let name = format!("{by}.{number}");
                *content = Content::Blob(self.table.put_blob(id.as_str(), name, &packed).await?);
                Ok::<(), PortError>(())
            });
        }
        stream::iter(puts).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Moves what was committed before out of a root that has become large. What is left, packed.
    async fn make_room(&self, base: &Root, next: &mut Root) -> Result<Vec<u8>, PortError> {
        if next.settled.len() > MANY_SETTLED {
            let settled = next.settled.drain(..base.settled.len()).collect::<Vec<_>>();
            self.settle_in_place(&next.id, &settled).await?;
        }
        let mut packed = next.image.packed()?;
        if packed.len() <= ROOMY {
            return Ok(packed);
        }
        let committed = next.image.tail.iter().take_while(|stretch| stretch.last <= base.seq).count();
        let tail: usize = next.image.tail.iter().take(committed).map(|stretch| stretch.content.size()).sum();
        if committed > 0 && (tail >= LONG_TAIL || packed.len() > FULL) {
            let spilled: Vec<_> = next.image.tail.drain(..committed).collect();
            self.spill(&next.id, &spilled).await?;
            packed = next.image.packed()?;
        }
        if packed.len() > FULL {
            // what the texts that leave take unpacked, if all texts shrink alike
            let size = next.image.size();
            let cold = coldest(next, size - size * HALF_FULL / packed.len());
            self.evict(next, &cold).await?;
            packed = next.image.packed()?;
        }
        Ok(packed)
    }

    async fn spill(&self, id: &ExecutionId, stretches: &[Stretch]) -> Result<(), PortError> {
        let (Some(first), Some(last)) = (stretches.first(), stretches.last()) else { return Ok(()) };
        let mut item = item(id.as_str(), keys::records(first.first, last.last));
        item.insert("image".into(), bytes(Stretch::packed(stretches)?));
        // whoever writes under this key writes the same records
        let _: Put = self.table.put("write the records of an execution", item, Only::Always).await?;
        Ok(())
    }

    async fn evict(&self, next: &mut Root, cold: &[PartId]) -> Result<(), PortError> {
        let mut puts = Vec::new();
        for part in cold {
            let Some(kept) = next.image.parts.remove(part) else { continue };
            let mut item = item(next.id.as_str(), keys::part(*part));
            item.insert("image".into(), bytes(kept.packed(*part)?));
            item.insert("at".into(), number(kept.at));
            // refused: it is there already, of this version or a later one
            puts.push(async move {
                let put = self.table.put("write a part of an execution", item, Only::Newer("at", kept.at)).await;
                put.map(|_: Put| ())
            });
            next.image.outside = true;
        }
        stream::iter(puts).buffer_unordered(AT_ONCE).try_collect().await
    }
}

/// Whether what is there is what we have written: the answer to it was lost, and the call was repeated.
fn is_ours(there: Option<&Item>, next: &Root) -> bool {
    there.is_some_and(|there| there.number(VERSION) == Some(next.version) && there.text(BY) == Some(&next.by))
}

/// The parts that were longest left alone, as many as have these bytes together; the start goes last, since everybody
/// asks for it.
fn coldest(next: &Root, wanted: usize) -> Vec<PartId> {
    let parts = next.image.parts.iter().filter(|(_, part)| part.at < next.version);
    let mut parts: Vec<_> = parts.map(|(id, part)| (*id == PartId::Start, part.at, *id, part.content.size())).collect();
    parts.sort_unstable();
    let mut size = 0;
    let enough = |(_, _, id, bytes): &(bool, u64, PartId, usize)| {
        let go_on = size < wanted;
        size += bytes;
        go_on.then_some(*id)
    };
    parts.iter().map_while(enough).collect()
}
