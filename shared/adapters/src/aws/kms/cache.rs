//! Data keys at hand: few, for a while, for so many values.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::data_key::DataKey;

/// Keys kept at once.
const MOST: usize = 1_000;
const AGE: Duration = Duration::from_secs(300);

struct Kept {
    key: Arc<DataKey>,
    until: Instant,
    uses: u32,
}

/// Keys by whatever tells them apart.
pub(super) struct Cache<K> {
    kept: Mutex<HashMap<K, Kept>>,
    /// Uses of one key.
    most_uses: u32,
}

impl<K: Eq + Hash + Clone> Cache<K> {
    pub(super) fn new(most_uses: u32) -> Self {
        Self { kept: Mutex::default(), most_uses }
    }

    pub(super) fn get(&self, of: &K) -> Option<Arc<DataKey>> {
        let mut kept = self.kept();
        let found = kept.get_mut(of)?;
        if found.until <= Instant::now() || found.uses >= self.most_uses {
            kept.remove(of);
            return None;
        }
        found.uses += 1;
        Some(found.key.clone())
    }

    pub(super) fn put(&self, of: K, key: Arc<DataKey>) {
        let mut kept = self.kept();
        let now = Instant::now();
        if kept.len() >= MOST {
            kept.retain(|_, one| one.until > now);
        }
        if kept.len() >= MOST
            && let Some(oldest) = kept.iter().min_by_key(|(_, one)| one.until).map(|(of, _)| of.clone())
        {
            kept.remove(&oldest);
        }
        kept.insert(of, Kept { key, until: now + AGE, uses: 1 });
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<K, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Arc<DataKey> {
        Arc::new(DataKey::new([1; 32], vec![2]))
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_kept_for_a_while_and_for_so_many_uses() {
        let cache = Cache::new(3);
        cache.put("a", key());
        assert!(cache.get(&"a").is_some() && cache.get(&"a").is_some());
        assert!(cache.get(&"a").is_none());
        cache.put("a", key());
        tokio::time::advance(AGE - Duration::from_millis(1)).await;
        assert!(cache.get(&"a").is_some());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(cache.get(&"a").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_key_makes_room() {
        let cache = Cache::new(u32::MAX);
        for number in 0..=MOST {
            cache.put(number, key());
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert!(cache.get(&0).is_none());
        assert!(cache.get(&1).is_some() && cache.get(&MOST).is_some());
    }
}
