//! What a job masks although it does not name it: a target may answer with what another step sent.

use std::collections::BTreeSet;

use super::draft::{At, Draft, Draw, Missing};
use super::parts::Values;
use crate::job::{Captured, Mask};
use crate::plan::Section;

/// Sealed text that a job carries for this, in bytes: the shortest values go first, since tokens are short.
const MOST_SEALED: usize = 64 * 1024;
/// A `foreach` step with more instances has its secret captures masked only where they are named.
const MOST_INSTANCES: u32 = 100;

impl Draft<'_> {
    /// What everything that this step does or starts must mask.
    pub(super) fn mask(&self, step: usize) -> Draw<Mask> {
        let above = if self.head.parent.is_some() { self.start()?.mask.clone() } else { Mask::default() };
        let secrets: BTreeSet<String> = above.secrets.into_iter().chain(self.plan.masked.iter().cloned()).collect();
        let mut sealed: Vec<String> = above.sealed;
        sealed.extend(self.sealed_before(step)?);
        sealed.sort_unstable_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
        sealed.dedup();
        let mut bytes = 0;
        sealed.retain(|text| {
            bytes += text.len();
            bytes <= MOST_SEALED
        });
        Ok(Mask { secrets: secrets.into_iter().collect(), sealed })
    }

    /// The sealed captures of the steps before this one that capture secrets.
    fn sealed_before(&self, step: usize) -> Draw<Vec<String>> {
        let own = self.plan_step(step);
        let (mut sealed, mut missing) = (Vec::new(), BTreeSet::new());
        for &leaver in &self.plan.secret_leavers {
            let before = own.transitive.binary_search(&leaver).is_ok()
                || (leaver < self.plan.main_steps && own.section == Section::Finally);
            if !before {
                continue;
            }
            match self.sealed_of(leaver) {
                Ok(found) => sealed.extend(found),
                Err(Missing(parts)) => missing.extend(parts),
            }
        }
        if missing.is_empty() { Ok(sealed) } else { Err(Missing(missing)) }
    }

    fn sealed_of(&self, step: usize) -> Draw<Vec<String>> {
        if self.plan_step(step).foreach.is_none() {
            return Ok(sealed_in(self.values(At::step(step))?));
        }
        let Some(expansion) = self.foreach(step)?.filter(|expansion| expansion.count <= MOST_INSTANCES) else {
            return Ok(Vec::new());
        };
        let (mut sealed, mut missing) = (Vec::new(), BTreeSet::new());
        for index in 0..expansion.next {
            match self.values(At { step, instance: Some(index) }) {
                Ok(values) => sealed.extend(sealed_in(values)),
                Err(Missing(parts)) => missing.extend(parts),
            }
        }
        if missing.is_empty() { Ok(sealed) } else { Err(Missing(missing)) }
    }
}

fn sealed_in(values: &Values) -> Vec<String> {
    let sealed = |value: &Captured| match value {
        Captured::Sealed(text) => Some(text.clone()),
        Captured::Clear(_) | Captured::Deferred(_) => None,
    };
    values.captures.values().filter_map(sealed).collect()
}
