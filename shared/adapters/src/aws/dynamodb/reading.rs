//! Loading executions and their records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assay_app::ports::{Loaded, PortError};
use assay_engine::execution::{Part, PartId};
use assay_engine::id::ExecutionId;
use assay_engine::record::Record;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::image::{Content, Image, Kept, Stretch};
use super::item::{Attributes as _, Item, from_json};
use super::keys::{self, ROOT, SK};
use super::pack::unpack;
use super::root::{Root, image_of};
use super::store::DynamoExecutionStore;
use super::table::{AT_ONCE, Ask, Sort};

/// Loads begun anew because the execution moved on in between.
const TRIES: u32 = 16;

impl DynamoExecutionStore {
    /// The root of an execution, as it is now.
    pub(super) async fn root(&self, id: &ExecutionId) -> Result<Option<Root>, PortError> {
        let item = self.table.get("load an execution", (id.to_string(), ROOT.into()), &[]).await?;
        match item {
            Some(item) => self.whole(item).await.map(Some),
            None => Ok(None),
        }
    }

    /// The root of an item.
    pub(super) async fn whole(&self, item: Item) -> Result<Root, PortError> {
        let image = match image_of(&item)? {
            Ok(image) => Image::unpacked(image)?,
            Err(blob) => Image::unpacked(&self.table.blob(item.needed_text(keys::PK)?, &blob).await?)?,
        };
        Ok(Root { image, ..Root::without_image(item)? })
    }

    /// The root of an execution, also when what it holds cannot be read; then it holds nothing.
    pub(super) async fn salvaged(&self, id: &ExecutionId) -> Result<Option<Root>, PortError> {
        let item = self.table.get("load an execution", (id.to_string(), ROOT.into()), &[]).await?;
        let Some(item) = item else { return Ok(None) };
        let bare = Root::without_image(item.clone())?;
        match self.whole(item).await {
            Err(error) if error.class != assay_app::ports::PortErrorClass::Bug => Err(error),
            Err(_) => Ok(Some(Root { image: Image { outside: true, ..Image::default() }, ..bare })),
            Ok(root) => Ok(Some(root)),
        }
    }

    pub(super) async fn load_parts(&self, id: &ExecutionId, wanted: &[PartId]) -> Result<Option<Loaded>, PortError> {
        for _ in 0..TRIES {
            let Some(root) = self.root(id).await? else { return Ok(None) };
            let mut kept: BTreeMap<PartId, Kept> = BTreeMap::new();
            let mut elsewhere = BTreeSet::new();
            for part in wanted {
                match root.image.parts.get(part) {
                    Some(here) => drop(kept.insert(*part, here.clone())),
                    None => drop(elsewhere.insert(*part)),
                }
            }
            if root.image.outside && !elsewhere.is_empty() {
                let keys = elsewhere.iter().map(|part| (id.to_string(), keys::part(*part))).collect();
                let items = self.table.get_all("load parts of an execution", keys, &[]).await?;
                if !take_in(&root, items, &mut kept)? {
                    continue;
                }
            }
            elsewhere.retain(|part| !kept.contains_key(part));
            return self.loaded(root, kept, elsewhere).await.map(Some);
        }
        Err(moving(id))
    }

    pub(super) async fn load_every_part(&self, id: &ExecutionId) -> Result<Option<Loaded>, PortError> {
        for _ in 0..TRIES {
            let Some(root) = self.root(id).await? else { return Ok(None) };
            let mut kept = BTreeMap::new();
            if root.image.outside {
                let ask = Ask {
                    index: None,
                    partition: id.to_string(),
                    sort: Sort::BeginsWith(keys::PARTS),
                    forward: true,
                    limit: None,
                    only: &[],
                };
                let items = self.table.ask_all("load the parts of an execution", &ask).await?;
                if !take_in(&root, items, &mut kept)? {
                    continue;
                }
            }
            kept.extend(root.image.parts.clone());
            return self.loaded(root, kept, BTreeSet::new()).await.map(Some);
        }
        Err(moving(id))
    }

    async fn loaded(
        &self,
        root: Root,
        kept: BTreeMap<PartId, Kept>,
        absent: BTreeSet<PartId>,
    ) -> Result<Loaded, PortError> {
        let read = |(id, part): (PartId, Kept)| {
            let root = &root;
            async move {
                let text = self.content(&root.id, &part.content).await?;
                Ok::<_, PortError>((id, from_json::<Part>("part of an execution", &text)?))
            }
        };
        let reads: Vec<_> = kept.into_iter().map(read).collect();
        let parts = stream::iter(reads).buffer_unordered(AT_ONCE).try_collect().await?;
        let (head, version) = (root.head()?, root.version);
        self.roots.keep(Arc::new(root));
        Ok(Loaded { head, version, parts, absent })
    }

    async fn content(&self, id: &ExecutionId, content: &Content) -> Result<Arc<str>, PortError> {
        match content {
            Content::Here(text) => Ok(Arc::clone(text)),
            Content::Blob(blob) => {
                let text = String::from_utf8(unpack(&self.table.blob(id.as_str(), blob).await?)?);
                text.map(Into::into).map_err(|error| PortError::bug("read a large value").because(error))
            }
        }
    }

    pub(super) async fn read_records(
        &self,
        id: &ExecutionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Record>, PortError> {
        let Some(root) = self.root(id).await?.filter(|root| after < root.seq) else { return Ok(Vec::new()) };
        let tail = root.image.tail.first().map_or(root.seq + 1, |stretch| stretch.first);
        let mut found = Found { next: after + 1, limit, records: Vec::new() };
        if found.next < tail {
            let ask = Ask {
                index: None,
                partition: id.to_string(),
                sort: Sort::Between(keys::records_after(after), keys::records_after(u64::MAX)),
                forward: true,
                limit: None,
                only: &[],
            };
            let mut from = None;
            while found.wants(tail) {
                let answer = self.table.ask("read records", &ask, from).await?;
                for item in answer.items {
                    let image = item.bytes("image").ok_or_else(|| PortError::bug("read stored records"))?;
                    for stretch in Stretch::unpacked(image)? {
                        self.take_records(id, &stretch, tail, &mut found).await?;
                    }
                }
                from = answer.next;
                if from.is_none() {
                    break;
                }
            }
        }
        for stretch in &root.image.tail {
            self.take_records(id, stretch, u64::MAX, &mut found).await?;
        }
        Ok(found.records)
    }

    /// The records of a stretch that are wanted next.
    async fn take_records(
        &self,
        id: &ExecutionId,
        stretch: &Stretch,
        before: u64,
        found: &mut Found,
    ) -> Result<(), PortError> {
        if stretch.last < found.next || stretch.first > found.next || !found.wants(before) {
            return Ok(());
        }
        let text = self.content(id, &stretch.content).await?;
        let skipped = usize::try_from(found.next - stretch.first).unwrap_or(usize::MAX);
        for record in Stretch::records(&text).skip(skipped) {
            if !found.wants(before) {
                break;
            }
            found.records.push(record?);
            found.next += 1;
        }
        Ok(())
    }

    /// The records of a root that the save which wrote it has added.
    pub(super) async fn added(&self, root: &Root) -> Result<Vec<Record>, PortError> {
        let mut found = Found { next: root.from + 1, limit: usize::MAX, records: Vec::new() };
        for stretch in &root.image.tail {
            self.take_records(&root.id, stretch, u64::MAX, &mut found).await?;
        }
        Ok(found.records)
    }
}

/// Records on their way.
struct Found {
    next: u64,
    limit: usize,
    records: Vec<Record>,
}

impl Found {
    fn wants(&self, before: u64) -> bool {
        self.records.len() < self.limit && self.next < before
    }
}

/// Takes in parts that lie in items of their own; false: one is newer than the root.
fn take_in(root: &Root, items: Vec<Item>, kept: &mut BTreeMap<PartId, Kept>) -> Result<bool, PortError> {
    for item in items {
        let part = keys::part_of(item.needed_text(SK)?)?;
        if root.image.parts.contains_key(&part) {
            continue;
        }
        let image = item.bytes("image").ok_or_else(|| PortError::bug("read a stored part"))?;
        let (_, stored) = Kept::unpacked(image)?;
        if stored.at > root.version {
            return Ok(false);
        }
        kept.insert(part, stored);
    }
    Ok(true)
}

fn moving(id: &ExecutionId) -> PortError {
    PortError::retry(format!("load {id}: it moved on each time"))
}
