//! How long a turn may go on: for as long as it likes where a place costs nothing, for a short while in a function.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::contract::Turn;

/// How long the first turn of a wait lasts in a function: most of what is waited for comes soon.
const FIRST: Duration = Duration::from_secs(10);
/// How long each later turn lasts there: long enough to look.
const LATER: Duration = Duration::from_secs(2);
/// The pauses between turns there: a quarter of the time that it has waited, but neither shorter nor longer than these.
const SHORTEST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(15);

/// What a place allows a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Turns {
    /// It may wait: nobody pays for it.
    #[default]
    Held,
    /// It must be over by then, and gives its place back instead of waiting.
    Handed {
        /// When whatever it has not come to is given up.
        ends: Instant,
    },
}

impl Turns {
    /// The turn of an attempt that has waited for so long.
    pub(super) fn turn(self, first: bool, waited: SignedDuration) -> Turn {
        match self {
            Self::Held => Turn::default(),
            Self::Handed { ends } => {
                let left = ends.saturating_duration_since(Instant::now());
                let rest = (waited.unsigned_abs() / 4).clamp(SHORTEST_REST, LONGEST_REST);
                Turn { look: if first { FIRST } else { LATER }.min(left / 2), rest }
            }
        }
    }

    /// When the place is gone, if that is before the attempt's own deadline.
    pub(super) fn ends_before(self, deadline: Instant) -> Option<Instant> {
        match self {
            Self::Handed { ends } if ends < deadline => Some(ends),
            _ => None,
        }
    }
}

/// How long an attempt has waited, of which the deadline and the whole time are known.
pub(super) fn waited(now: Timestamp, deadline: Timestamp, timeout_ms: u64) -> SignedDuration {
    let whole = SignedDuration::from_millis(i64::try_from(timeout_ms).unwrap_or(i64::MAX));
    let left = deadline.duration_since(now);
    whole.checked_sub(left).unwrap_or(SignedDuration::ZERO).max(SignedDuration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wait_of_twenty_minutes_holds_a_function_for_a_small_part_of_it() {
        let (mut waited, mut held, mut turns) = (Duration::ZERO, Duration::ZERO, 0);
        while waited < Duration::from_secs(20 * 60) {
            let handed = Turns::Handed { ends: Instant::now() + Duration::from_secs(100) };
            let turn = handed.turn(turns == 0, SignedDuration::try_from(waited).unwrap());
            held += turn.look;
            waited += turn.look + turn.rest;
            turns += 1;
        }
        assert!(held < Duration::from_secs(200), "{held:?}");
        assert!(turns < 100, "{turns}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_never_looks_for_longer_than_its_place_is_there() {
        let handed = Turns::Handed { ends: Instant::now() + Duration::from_secs(3) };
        assert!(handed.turn(true, SignedDuration::ZERO).look < Duration::from_secs(3));
        assert_eq!(Turns::Held.ends_before(Instant::now()), None);
    }
}
