//! Virtual time and an executor: one thread, no real clock, every choice drawn from the seed.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use assay_app::ports::Clock;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// A simulated process, by number.
pub(super) type ProcessId = usize;

/// Everything that is drawn, counted or timed.
pub(super) struct World {
    state: Mutex<State>,
}

struct State {
    now: Timestamp,
    rng: ChaCha8Rng,
    sleepers: BTreeMap<(Timestamp, u64), Waker>,
    next: u64,
    crashed: Vec<ProcessId>,
    faults_on: bool,
    still: BTreeMap<ProcessId, Timestamp>,
}

impl World {
    /// A world in which this seed decides.
    pub(super) fn new(seed: u64) -> Arc<Self> {
        let now = Timestamp::from_second(1_800_000_000).unwrap_or(Timestamp::UNIX_EPOCH);
        let rng = ChaCha8Rng::seed_from_u64(seed);
        let state = State {
            now,
            rng,
            sleepers: BTreeMap::new(),
            next: 0,
            crashed: Vec::new(),
            faults_on: true,
            still: BTreeMap::new(),
        };
        Arc::new(Self { state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True time.
    pub(super) fn now(&self) -> Timestamp {
        self.state().now
    }

    /// A number below `bound`.
    pub(super) fn below(&self, bound: u64) -> u64 {
        self.state().rng.random_range(0..bound.max(1))
    }

    /// True with this probability, in thousandths.
    pub(super) fn chance(&self, thousandths: u64) -> bool {
        self.below(1000) < thousandths
    }

    /// True with this probability, as long as faults are on.
    pub(super) fn fault(&self, thousandths: u64) -> bool {
        let on = self.state().faults_on;
        on && self.chance(thousandths)
    }

    /// From now on nothing goes wrong any more.
    pub(super) fn end_faults(&self) {
        self.state().faults_on = false;
    }

    /// Whether things still go wrong.
    pub(super) fn faults_on(&self) -> bool {
        self.state().faults_on
    }

    /// The process dies before it does anything else.
    pub(super) fn crash(&self, process: ProcessId) {
        self.state().crashed.push(process);
    }

    /// The processes that have died since the last time this was asked.
    pub(super) fn take_crashed(&self) -> Vec<ProcessId> {
        std::mem::take(&mut self.state().crashed)
    }

    /// The process does nothing until then.
    pub(super) fn stand_still(&self, process: ProcessId, until: Timestamp) {
        self.state().still.insert(process, until);
    }

    /// Whether the process stood still within the last two minutes.
    pub(super) fn stood_still(&self, process: ProcessId) -> bool {
        let state = self.state();
        state.still.get(&process).is_some_and(|until| state.now.duration_since(*until) < SignedDuration::from_secs(120))
    }

    /// When the next sleeper wakes.
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        self.state().sleepers.keys().next().map(|(at, _)| *at)
    }

    /// Lets time pass and wakes whoever waited for it.
    pub(super) fn advance_to(&self, at: Timestamp) {
        let woken: Vec<Waker> = {
            let mut state = self.state();
            state.now = state.now.max(at);
            let after = (state.now + SignedDuration::from_nanos(1), 0);
            let later = state.sleepers.split_off(&after);
            std::mem::replace(&mut state.sleepers, later).into_values().collect()
        };
        woken.into_iter().for_each(Waker::wake);
    }

    /// Comes back after this long.
    pub(super) fn sleep(self: &Arc<Self>, duration: Duration) -> Sleep {
        let length = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        let until = self.now().checked_add(length).unwrap_or(Timestamp::MAX);
        Sleep { world: self.clone(), until }
    }
}

/// A pause in virtual time.
pub(super) struct Sleep {
    world: Arc<World>,
    until: Timestamp,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.world.state();
        if state.now >= self.until {
            return Poll::Ready(());
        }
        state.next += 1;
        let key = (self.until, state.next);
        state.sleepers.insert(key, cx.waker().clone());
        Poll::Pending
    }
}

/// The clock of one process: it may be off.
pub(super) struct ProcessClock {
    world: Arc<World>,
    off: Mutex<SignedDuration>,
}

impl ProcessClock {
    /// A clock that is right.
    pub(super) fn new(world: Arc<World>) -> Arc<Self> {
        Arc::new(Self { world, off: Mutex::new(SignedDuration::ZERO) })
    }

    /// It jumps: from now on it is this far off.
    pub(super) fn jump(&self, off: SignedDuration) {
        *self.off.lock().unwrap_or_else(PoisonError::into_inner) = off;
    }
}

#[async_trait]
impl Clock for ProcessClock {
    fn now(&self) -> Timestamp {
        let off = *self.off.lock().unwrap_or_else(PoisonError::into_inner);
        self.world.now().checked_add(off).unwrap_or(Timestamp::MAX)
    }

    async fn sleep(&self, duration: Duration) {
        self.world.sleep(duration).await;
    }
}

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Running {
    process: ProcessId,
    future: Job,
    woken: Arc<Flag>,
}

/// The futures of all processes.
#[derive(Default)]
pub(super) struct Executor {
    running: Vec<Running>,
    paused: BTreeMap<ProcessId, Timestamp>,
}

impl Executor {
    /// Adds a future to a process.
    pub(super) fn spawn(&mut self, process: ProcessId, future: impl Future<Output = ()> + Send + 'static) {
        let woken = Arc::new(Flag(AtomicBool::new(true)));
        self.running.push(Running { process, future: Box::pin(future), woken });
    }

    /// The process is gone, with everything it had begun.
    pub(super) fn kill(&mut self, process: ProcessId) {
        self.running.retain(|one| one.process != process);
        self.paused.remove(&process);
    }

    /// The process does nothing until then.
    pub(super) fn pause(&mut self, process: ProcessId, until: Timestamp) {
        self.paused.insert(process, until);
    }

    /// How many futures a process has.
    pub(super) fn busy(&self, process: ProcessId) -> usize {
        self.running.iter().filter(|one| one.process == process).count()
    }

    /// When the next paused process goes on.
    pub(super) fn next_resume(&self) -> Option<Timestamp> {
        self.paused.values().min().copied()
    }

    /// Polls one woken future, drawn by the world; false: there was none.
    pub(super) fn step(&mut self, world: &World) -> bool {
        let now = world.now();
        self.paused.retain(|_, until| *until > now);
        let awake: Vec<usize> = (0..self.running.len())
            .filter(|index| {
                let one = &self.running[*index];
                one.woken.0.load(Ordering::Relaxed) && !self.paused.contains_key(&one.process)
            })
            .collect();
        if awake.is_empty() {
            return false;
        }
        let chosen = awake[world.below(awake.len() as u64) as usize];
        let one = &mut self.running[chosen];
        one.woken.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(one.woken.clone());
        if one.future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            drop(self.running.swap_remove(chosen));
        }
        true
    }
}
