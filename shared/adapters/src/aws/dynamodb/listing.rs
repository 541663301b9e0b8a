//! Lists, what is due, and what may go: indexes say where to look, the roots say what is so.

use std::collections::{HashMap, HashSet, VecDeque};

use assay_app::ports::{Due, ExecutionFilter, ExecutionSummary, Page, PortError};
use assay_engine::id::{ExecutionId, OrganizationId};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;

use super::item::{Attributes as _, Item};
use super::keys::{self, PK, ROOT};
use super::root::{DUE, ENDED, SUMMARY, VERSION, labels, listed, place, summary, whose};
use super::store::DynamoExecutionStore;
use super::table::{AT_ONCE, Ask, Sort};
use super::tables::{LIST, PARENT, TIME};
use crate::list_cursor;

/// Entries of an index read at once.
const ENTRIES: usize = 250;

/// A partition of a list, read from the newest on.
struct Reading {
    partition: String,
    entries: VecDeque<Item>,
    from: Option<Item>,
    over: bool,
}

impl DynamoExecutionStore {
    pub(super) async fn list_executions(&self, filter: &ExecutionFilter) -> Result<Page, PortError> {
        let after = filter.after.as_deref().map(list_cursor::read).transpose()?;
        let after = after.map(|(at, id)| keys::list_at(at, &id));
        let organizations = match &filter.organization {
            Some(organization) => vec![organization.clone()],
            None => self.organizations().await?,
        };
        let partitions = organizations
            .iter()
            .flat_map(|one| (0..keys::LISTS).map(|number| keys::list_partition(one, number)).collect::<Vec<_>>());
        let reading = |partition| Reading { partition, entries: VecDeque::new(), from: None, over: false };
        let mut readings: Vec<_> = partitions.map(reading).collect();
        // one more, to know whether the list goes on
        let wanted = list_cursor::page_size(filter.limit) + 1;
        let mut found: Vec<ExecutionSummary> = Vec::new();
        while found.len() < wanted {
            let candidates = self.newest(&mut readings, after.as_deref(), filter, wanted - found.len()).await?;
            if candidates.is_empty() {
                break;
            }
            found.extend(self.summaries(&candidates, filter).await?);
        }
        found.truncate(wanted);
        Ok(list_cursor::page(found, filter.limit))
    }

    /// The newest entries that no state of an execution can make unfit, at most this many.
    async fn newest(
        &self,
        readings: &mut [Reading],
        after: Option<&str>,
        filter: &ExecutionFilter,
        wanted: usize,
    ) -> Result<Vec<ExecutionId>, PortError> {
        let mut found = Vec::new();
        while found.len() < wanted {
            let empty = readings.iter_mut().filter(|reading| reading.entries.is_empty() && !reading.over);
            let reads: Vec<_> = empty.map(|reading| self.read_on(reading, after)).collect();
            stream::iter(reads).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
            let front =
                |reading: &Reading| reading.entries.front().and_then(|entry| place(entry).ok().map(str::to_owned));
            let Some(newest) = readings.iter_mut().max_by_key(|reading| front(reading)) else { break };
            let Some(entry) = newest.entries.pop_front() else {
                if readings.iter().all(|reading| reading.over) {
                    break;
                }
                continue;
            };
            if fits(&entry, filter)? {
                found.push(entry.parsed(PK)?);
            }
        }
        Ok(found)
    }

    async fn read_on(&self, reading: &mut Reading, after: Option<&str>) -> Result<(), PortError> {
        let ask = Ask {
            index: Some(&LIST),
            partition: reading.partition.clone(),
            sort: after.map_or(Sort::Any, |after| Sort::Before(after.to_owned())),
            forward: false,
            limit: Some(ENTRIES),
            only: &[],
        };
        let answer = self.table.ask("list executions", &ask, reading.from.take()).await?;
        reading.entries.extend(answer.items);
        reading.over = answer.next.is_none();
        reading.from = answer.next;
        Ok(())
    }

    /// Of these executions, those that are in the wanted states, in the order of the ids.
    async fn summaries(
        &self,
        ids: &[ExecutionId],
        filter: &ExecutionFilter,
    ) -> Result<Vec<ExecutionSummary>, PortError> {
        let roots = self.roots_of("list executions", ids, &SUMMARY).await?;
        let mut known = HashMap::new();
        for root in roots {
            let shown = summary(&root)?;
            known.insert(shown.id.clone(), shown);
        }
        let shown = ids.iter().filter_map(|id| known.remove(id));
        Ok(shown.filter(|one| filter.status.is_empty() || filter.status.contains(&one.status)).collect())
    }

    /// These attributes of the roots of those that are there.
    pub(super) async fn roots_of(
        &self,
        doing: &str,
        ids: &[ExecutionId],
        only: &[&str],
    ) -> Result<Vec<Item>, PortError> {
        let distinct: HashSet<_> = ids.iter().collect();
        let keys = distinct.into_iter().map(|id| (id.to_string(), ROOT.to_owned())).collect();
        self.table.get_all(doing, keys, only).await
    }

    pub(super) async fn what_is_due(
        &self,
        now: Timestamp,
        of: Option<&[ExecutionId]>,
        limit: usize,
    ) -> Result<Vec<Due>, PortError> {
        let doing = "look for what is due";
        let ids = match of {
            Some(ids) => ids.to_vec(),
            None => {
                let up_to = || Sort::Between(keys::time_at(0), keys::time_at(now.as_millisecond()));
                self.at_time(doing, keys::due_partition, &up_to).await?.into_iter().map(|(_, id)| id).collect()
            }
        };
        let mut found = Vec::new();
        for some in ids.chunks(limit.max(ENTRIES)) {
            for root in self.roots_of(doing, some, &[PK, DUE]).await? {
                if let Some(at) = root.instant(DUE).filter(|at| *at <= now) {
                    found.push(Due { execution: root.parsed(PK)?, at });
                }
            }
            if of.is_none() && found.len() >= limit {
                break;
            }
        }
        found.sort_by(|a, b| (a.at, &a.execution).cmp(&(b.at, &b.execution)));
        found.truncate(limit);
        Ok(found)
    }

    /// Every execution that has a due time: the unfinished ones, and those whose end was not told.
    pub(super) async fn unfinished(&self) -> Result<Vec<ExecutionId>, PortError> {
        let all = self.at_time("look for unfinished executions", keys::due_partition, &|| Sort::Any).await?;
        Ok(all.into_iter().map(|(_, id)| id).collect())
    }

    /// The executions of all partitions of a kind of the index of times, with the milliseconds, soonest first.
    async fn at_time(
        &self,
        doing: &str,
        partition: fn(u32) -> String,
        sort: &(dyn Fn() -> Sort + Sync),
    ) -> Result<Vec<(i64, ExecutionId)>, PortError> {
        let look = |number| async move {
            let partition = partition(number);
            let ask = Ask { index: Some(&TIME), partition, sort: sort(), forward: true, limit: None, only: &[] };
            self.table.ask_all(doing, &ask).await
        };
        let looks: Vec<_> = (0..keys::SHARDS).map(look).collect();
        let items: Vec<Item> = stream::iter(looks).buffer_unordered(AT_ONCE).try_concat().await?;
        let place = |item: &Item| Ok((item.parsed("timeAt")?, item.parsed(PK)?));
        let mut places = items.iter().map(place).collect::<Result<Vec<_>, PortError>>()?;
        places.sort();
        Ok(places)
    }

    pub(super) async fn old_executions(
        &self,
        ended_before: Timestamp,
        keep: usize,
        limit: usize,
    ) -> Result<Vec<(OrganizationId, ExecutionId)>, PortError> {
        let doing = "look for old executions";
        let ended = self.at_time(doing, keys::ended_partition, &|| Sort::Any).await?;
        let before = ended_before.as_millisecond();
        let old = ended.iter().take(ended.len().saturating_sub(keep)).take_while(|(at, _)| *at <= before);
        let (mut found, mut families) = (Vec::new(), 0);
        for (_, id) in old {
            if families == limit {
                break;
            }
            let root = self.roots_of(doing, std::slice::from_ref(id), &SUMMARY).await?;
            let Some(root) = root.first().filter(|root| root.instant(ENDED).is_some_and(|at| at < ended_before)) else {
                continue;
            };
            if let Some(children) = self.ended_children(id).await? {
                found.push(whose(root)?);
                found.extend(children);
                families += 1;
            }
        }
        Ok(found)
    }

    /// The sub-flows of an execution, all levels; none: one has not ended.
    async fn ended_children(&self, top: &ExecutionId) -> Result<Option<Vec<(OrganizationId, ExecutionId)>>, PortError> {
        let (mut found, mut above) = (Vec::new(), VecDeque::from([top.clone()]));
        while let Some(parent) = above.pop_front() {
            let partition = parent.to_string();
            let ask = Ask { index: Some(&PARENT), partition, sort: Sort::Any, forward: true, limit: None, only: &[] };
            let children = self.table.ask_all("look for sub-flows", &ask).await?;
            let children: Vec<ExecutionId> = children.iter().map(|item| item.parsed(PK)).collect::<Result<_, _>>()?;
            for root in self.roots_of("look for sub-flows", &children, &[PK, VERSION, ENDED, "listOf"]).await? {
                if root.instant(ENDED).is_none() {
                    return Ok(None);
                }
                let child = whose(&root)?;
                above.push_back(child.1.clone());
                found.push(child);
            }
        }
        Ok(Some(found))
    }
}

/// Whether an entry of the list is what the filter asks for, as far as that never changes.
fn fits(entry: &Item, filter: &ExecutionFilter) -> Result<bool, PortError> {
    let (project, flow, child) = listed(entry);
    let plain = filter.project.as_ref().is_none_or(|wanted| project == Some(wanted.as_str()))
        && filter.flow.as_ref().is_none_or(|wanted| flow == Some(wanted))
        && (filter.children || !child);
    if !plain || filter.labels.is_empty() {
        return Ok(plain);
    }
    let labels = labels(entry)?;
    Ok(filter.labels.iter().all(|(name, value)| labels.get(name) == Some(value)))
}
