//! Claims: each is judged by the rules that every store shares, on what this process knows of it, and put under the
//! condition that it still is so; who was wrong gets to see what is there, and judges again.
//!
//! A save settles claims in the root of its execution, which costs no write of their own; they are settled in place when
//! the root has no room for them. So whoever claims, renews or completes asks the root, too.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use assay_app::ports::{Claim, ClaimKey, Owner, PortError, Renewal};
use assay_engine::execution::Event;
use assay_engine::id::ExecutionId;
use assay_engine::job::Job;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;

use super::blobs::{BlobRef, LARGEST};
use super::item::{Attributes as _, Item, bytes, from_json, instant, item, json, number, text};
use super::keys::{self, ROOT, SK};
use super::pack::{pack, unpack};
use super::root::{ENDED, SETTLED, settled};
use super::store::DynamoExecutionStore;
use super::table::{AT_ONCE, Ask, Only, Put, Sort};
use crate::claim::{Stage, StoredClaim, View};
use crate::lifetime::later;

/// A claim that nobody has touched for this long may be cleared away: no message lives half as long.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// Judgements of one claim while others change it.
const TRIES: u32 = 16;
/// Claims that this process remembers.
const KNOWN: usize = 1_000;
/// The number that every write of a claim raises.
const REVISION: &str = "rev";

/// A claim as it was seen, with its revision.
#[derive(Debug, Clone, Default)]
struct Seen {
    claim: Option<StoredClaim>,
    revision: u64,
}

/// What is thought of a claim before it is judged.
enum Guess {
    /// It is as it was seen last.
    Seen(Seen),
    /// Nothing: it is read first.
    Nothing,
}

/// Claims that this process holds, as it has written them: completing one needs no reading.
#[derive(Default)]
pub(super) struct KnownClaims(Mutex<HashMap<ClaimKey, Seen>>);

impl KnownClaims {
    fn known(&self) -> MutexGuard<'_, HashMap<ClaimKey, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn guess(&self, key: &ClaimKey) -> Guess {
        self.known().get(key).cloned().map_or(Guess::Nothing, Guess::Seen)
    }

    fn note(&self, key: &ClaimKey, seen: &Seen) {
        let mut known = self.known();
        if seen.claim.as_ref().is_none_or(|claim| claim.stage != Stage::Held) {
            known.remove(key);
            return;
        }
        if known.len() >= KNOWN
            && let Some(any) = known.keys().next().cloned()
        {
            known.remove(&any);
        }
        known.insert(key.clone(), seen.clone());
    }
}

/// What the root of an execution says to whoever claims.
struct Standing {
    ended: bool,
    settled: bool,
}

impl DynamoExecutionStore {
    /// None: there is no such execution.
    async fn standing(&self, key: &ClaimKey) -> Result<Option<Standing>, PortError> {
        let place = (key.execution.to_string(), ROOT.to_owned());
        // the version is there always: an item without any of these would look like none
        let root = self.table.get("look at an execution", place, &[super::root::VERSION, ENDED, SETTLED]).await?;
        let fence = keys::fence(&key.fence);
        Ok(root.map(|root| Standing { ended: root.contains_key(ENDED), settled: settled(&root).contains(&fence) }))
    }

    pub(super) async fn claim_attempt(
        &self,
        key: &ClaimKey,
        owner: &Owner,
        lease: Duration,
    ) -> Result<Claim, PortError> {
        match self.standing(key).await? {
            None | Some(Standing { ended: true, .. }) => return Ok(Claim::Held),
            Some(Standing { settled: true, .. }) => return Ok(Claim::Done(None)),
            Some(_) => {}
        }
        let now = self.clock.now();
        let claim = |stored| StoredClaim::claim(stored, owner, later(now, lease), &at(now));
        self.judge("claim an attempt", key, Guess::Seen(Seen::default()), claim).await
    }

    pub(super) async fn renew_claim(
        &self,
        key: &ClaimKey,
        owner: &Owner,
        lease: Duration,
    ) -> Result<Renewal, PortError> {
        let now = self.clock.now();
        let renew = |stored: Option<StoredClaim>| {
            let Some(mut claim) = stored else { return (Renewal::NotYours, None) };
            let renewal = claim.renew(owner, later(now, lease), &at(now));
            let changed = (renewal != Renewal::NotYours).then_some(claim);
            (renewal, changed)
        };
        let renewed = self.judge("renew a claim", key, self.known_claims.guess(key), renew);
        let (standing, renewal) = tokio::try_join!(self.standing(key), renewed)?;
        let open = standing.is_some_and(|standing| !standing.settled);
        Ok(if open { renewal } else { Renewal::NotYours })
    }

    pub(super) async fn complete_claim(
        &self,
        key: &ClaimKey,
        owner: &Owner,
        report: &Event,
    ) -> Result<bool, PortError> {
        let now = self.clock.now();
        let complete = |stored: Option<StoredClaim>| {
            let Some(mut claim) = stored else { return (false, None) };
            let before = claim.stage;
            let kept = claim.complete(owner, report, &at(now));
            let changed = (kept && before != claim.stage).then_some(claim);
            (kept, changed)
        };
        let completed = self.judge("keep the result of an attempt", key, self.known_claims.guess(key), complete);
        let (standing, kept) = tokio::try_join!(self.standing(key), completed)?;
        Ok(kept && standing.is_some_and(|standing| !standing.settled))
    }

    pub(super) async fn leave_stop(&self, key: &ClaimKey) -> Result<(), PortError> {
        if self.standing(key).await?.is_none_or(|standing| standing.ended || standing.settled) {
            return Ok(());
        }
        self.judge("ask an attempt to stop", key, Guess::Nothing, |stored| ((), StoredClaim::stop(stored))).await
    }

    pub(super) async fn leave_job(&self, key: &ClaimKey, job: &Job) -> Result<(), PortError> {
        let proceed = |stored: Option<StoredClaim>| {
            let changed = stored.and_then(|mut claim| claim.proceed(job).then_some(claim));
            ((), changed)
        };
        self.judge("let a collector go on", key, Guess::Nothing, proceed).await
    }

    pub(super) async fn settle_all(&self, keys: &[ClaimKey]) -> Result<(), PortError> {
        let settles: Vec<_> = keys.iter().map(|key| self.settle(&key.execution, keys::fence(&key.fence))).collect();
        stream::iter(settles).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Settles claims that the root has no room for.
    pub(super) async fn settle_in_place(&self, id: &ExecutionId, fences: &[String]) -> Result<(), PortError> {
        let settles: Vec<_> = fences.iter().map(|fence| self.settle(id, fence.clone())).collect();
        stream::iter(settles).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn settle(&self, id: &ExecutionId, fence: String) -> Result<(), PortError> {
        // above every revision that somebody may have seen: what they put is refused
        let seen = Seen { claim: Some(StoredClaim::settled()), revision: u64::from(u32::MAX) };
        let item = self.claim_item(id.as_str(), &fence, &seen).await?;
        let _: Put = self.claims.put("settle a claim", item, Only::Always).await?;
        Ok(())
    }

    /// Judges a claim, and keeps what has changed.
    async fn judge<T>(
        &self,
        doing: &str,
        key: &ClaimKey,
        guess: Guess,
        judge: impl Fn(Option<StoredClaim>) -> (T, Option<StoredClaim>),
    ) -> Result<T, PortError> {
        let (mut seen, mut certain) = match guess {
            Guess::Seen(seen) => (seen, false),
            Guess::Nothing => (self.seen(doing, key).await?, true),
        };
        let fence = keys::fence(&key.fence);
        for _ in 0..TRIES {
            let (answer, changed) = judge(seen.claim.clone());
            let Some(claim) = changed else {
                if certain {
                    self.known_claims.note(key, &seen);
                    return Ok(answer);
                }
                (seen, certain) = (self.seen(doing, key).await?, true);
                continue;
            };
            let next = Seen { claim: Some(claim), revision: seen.revision + 1 };
            let item = self.claim_item(key.execution.as_str(), &fence, &next).await?;
            let only = if seen.claim.is_none() { Only::Absent } else { Only::At(REVISION, seen.revision) };
            match self.claims.put(doing, item, only).await? {
                Put::Done => {
                    self.known_claims.note(key, &next);
                    return Ok(answer);
                }
                Put::Refused(there) => (seen, certain) = (self.read_claim(there).await?, true),
            }
        }
        Err(PortError::retry(format!("{doing}: others change it")))
    }

    async fn seen(&self, doing: &str, key: &ClaimKey) -> Result<Seen, PortError> {
        let place = (key.execution.to_string(), keys::fence(&key.fence));
        self.read_claim(self.claims.get(doing, place, &[]).await?).await
    }

    async fn claim_item(&self, execution: &str, fence: &str, seen: &Seen) -> Result<Item, PortError> {
        let mut item = item(execution, fence);
        let claim = seen.claim.clone().unwrap_or_else(StoredClaim::settled);
        item.insert("stage".into(), text(word(claim.stage)));
        item.insert(REVISION.into(), number(seen.revision));
        item.insert("expires".into(), number(later(self.clock.now(), KEPT).as_second()));
        if let Some(owner) = &claim.owner {
            item.insert("process".into(), text(&owner.process));
            item.insert("delivery".into(), text(&owner.delivery));
            item.insert("until".into(), instant(claim.lease_until));
        }
        if claim.stop {
            item.insert("stop".into(), number(1));
        }
        if let Some(report) = &claim.report {
            self.put_text(&mut item, "report", json(report)?).await?;
        }
        if let Some(job) = &claim.job {
            self.put_text(&mut item, "job", json(job)?).await?;
        }
        Ok(item)
    }

    /// Packs a text into the claim, or into items of its own.
    async fn put_text(&self, item: &mut Item, name: &str, all: String) -> Result<(), PortError> {
        let packed = pack(all.as_bytes())?;
        if packed.len() <= LARGEST / 2 {
            item.insert(name.into(), bytes(packed));
            return Ok(());
        }
        let partition = item.needed_text(keys::PK)?.to_owned();
        let blob = self.claims.put_blob(&partition, self.next_name(), &packed).await?;
        item.insert(format!("{name}At"), text(blob.to_string()));
        Ok(())
    }

    async fn text_of(&self, item: &Item, name: &str) -> Result<Option<String>, PortError> {
        let packed = match (item.bytes(name), item.text(&format!("{name}At"))) {
            (Some(packed), _) => packed.to_vec(),
            (None, Some(at)) => self.claims.blob(item.needed_text(keys::PK)?, &at.parse::<BlobRef>()?).await?,
            (None, None) => return Ok(None),
        };
        let text = String::from_utf8(unpack(&packed)?);
        text.map(Some).map_err(|error| PortError::bug("read a stored claim").because(error))
    }

    async fn read_claim(&self, item: Option<Item>) -> Result<Seen, PortError> {
        let Some(item) = item else { return Ok(Seen::default()) };
        let owner = match (item.text("process"), item.text("delivery")) {
            (Some(process), Some(delivery)) => Some(Owner { process: process.into(), delivery: delivery.into() }),
            _ => None,
        };
        let report = self.text_of(&item, "report").await?;
        let job = self.text_of(&item, "job").await?;
        let claim = StoredClaim {
            stage: stage(item.needed_text("stage")?)?,
            owner,
            lease_until: item.instant("until").unwrap_or(Timestamp::MIN),
            stop: item.contains_key("stop"),
            report: report.map(|report| from_json("report of a claim", &report)).transpose()?,
            job: job.map(|job| from_json("job of a claim", &job)).transpose()?,
        };
        Ok(Seen { claim: Some(claim), revision: item.needed_number(REVISION)? })
    }

    pub(super) async fn lost_claims(
        &self,
        now: Timestamp,
        of: Option<&[ExecutionId]>,
        limit: usize,
    ) -> Result<Vec<(ClaimKey, Option<Event>)>, PortError> {
        let ids = match of {
            Some(ids) => ids.to_vec(),
            None => self.unfinished().await?,
        };
        let looks: Vec<_> = ids.iter().map(|id| self.lost_claims_of(id, now)).collect();
        let mut found: Vec<_> = stream::iter(looks).buffer_unordered(AT_ONCE).try_concat().await?;
        found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        found.truncate(limit);
        Ok(found.into_iter().map(|(_, key, report)| (key, report)).collect())
    }

    async fn lost_claims_of(
        &self,
        id: &ExecutionId,
        now: Timestamp,
    ) -> Result<Vec<(Timestamp, ClaimKey, Option<Event>)>, PortError> {
        let ask =
            Ask { index: None, partition: id.to_string(), sort: Sort::Any, forward: true, limit: None, only: &[] };
        let items = self.claims.ask_all("look for lost claims", &ask).await?;
        let mut over = Vec::new();
        for item in items.into_iter().filter(|item| item.contains_key("stage")) {
            let fence = item.needed_text(SK)?.to_owned();
            let open = matches!(stage(item.needed_text("stage")?)?, Stage::Held | Stage::Done);
            if open && item.instant("until").is_none_or(|until| until <= now) {
                over.push((fence, item));
            }
        }
        if over.is_empty() {
            return Ok(Vec::new());
        }
        let place = (id.to_string(), ROOT.to_owned());
        let root = self.table.get("look at an execution", place, &[super::root::VERSION, ENDED, SETTLED]).await?;
        let Some(root) = root.filter(|root| !root.contains_key(ENDED)) else { return Ok(Vec::new()) };
        let settled = settled(&root);
        let mut found = Vec::new();
        for (fence, item) in over.into_iter().filter(|(fence, _)| !settled.contains(fence)) {
            let Some(claim) = self.read_claim(Some(item)).await?.claim.filter(|claim| claim.over(&at(now))) else {
                continue;
            };
            let key = ClaimKey { execution: id.clone(), fence: keys::fence_of(&fence)? };
            found.push((claim.lease_until, key, claim.report.map(|report| *report)));
        }
        Ok(found)
    }
}

/// How a lease is seen at this instant: nothing knows of a process whether it lives.
fn at(now: Timestamp) -> View<'static> {
    View { now, lives: &|_| true }
}

fn word(stage: Stage) -> &'static str {
    match stage {
        Stage::Awaited => "awaited",
        Stage::Held => "held",
        Stage::Done => "done",
        Stage::Settled => "settled",
    }
}

fn stage(word: &str) -> Result<Stage, PortError> {
    match word {
        "awaited" => Ok(Stage::Awaited),
        "held" => Ok(Stage::Held),
        "done" => Ok(Stage::Done),
        "settled" => Ok(Stage::Settled),
        _ => Err(PortError::bug(format!("read the stored stage `{word}` of a claim"))),
    }
}
