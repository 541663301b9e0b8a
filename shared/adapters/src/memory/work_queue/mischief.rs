//! What a queue may do to its users and real ones seldom do: seeded, so that a failing test fails again.

use std::collections::VecDeque;
use std::time::Duration;

use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::state::Item;

const COPIED: f64 = 0.15;
const LATE: f64 = 0.3;
const LATEST: Duration = Duration::from_millis(800);

/// Doubles, delays, reorders, delivers what was acknowledged.
pub(super) struct Mischief {
    random: ChaCha8Rng,
}

impl Mischief {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed) }
    }

    fn pause(&mut self) -> Duration {
        Duration::from_millis(self.random.random_range(0..LATEST.as_millis() as u64))
    }

    pub(super) fn lateness(&mut self) -> Duration {
        if self.random.random_bool(LATE) { self.pause() } else { Duration::ZERO }
    }

    pub(super) fn copy_of_sent(&mut self, item: &Item) -> Option<Item> {
        let pause = self.pause();
        self.random.random_bool(COPIED).then(|| Item { due: item.due + pause, copy: true, ..item.clone() })
    }

    /// The acknowledgement got lost.
    pub(super) fn copy_of_acknowledged(&mut self, item: &Item) -> Option<Item> {
        let again = !item.copy && self.random.random_bool(COPIED);
        let due = tokio::time::Instant::now() + self.pause();
        again.then(|| Item { due, copy: true, ..item.clone() })
    }

    /// A batch that is not full.
    pub(super) fn fewer(&mut self, limit: usize) -> usize {
        if limit > 1 { self.random.random_range(1..=limit) } else { limit }
    }

    /// Any of them is the first.
    pub(super) fn first<T>(&mut self, queue: &mut VecDeque<T>) {
        if queue.len() > 1 {
            let chosen = self.random.random_range(0..queue.len());
            queue.swap(0, chosen);
        }
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        items.shuffle(&mut self.random);
    }
}
