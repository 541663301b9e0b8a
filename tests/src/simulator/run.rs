//! One simulation: some processes, some executions, and whatever the seed lets go wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assay_adapters::memory::{MemoryBlobStore, MemoryExecutionStore, MemoryNotifier};
use assay_app::delivery::{Dispatcher, DispatcherOptions, Watchdog, Worker, WorkerOptions};
use assay_app::plans::Plans;
use assay_app::platform::{Charge, Platform, Ports};
use assay_app::ports::{
    Delivery, ExecutionFilter, ExecutionStore as _, Message, NewExecution, QueueName, WorkQueue as _,
};
use assay_engine::bundle::Bundle;
use assay_engine::execution::{Acceptance, Event, Execution};
use assay_engine::id::ExecutionId;
use assay_engine::plan::Plan;
use jiff::{SignedDuration, Timestamp};

use super::cells::met;
use super::check;
use super::flow::{Shape, flow_texts};
use super::hits::{Fault, Hits};
use super::queue::SimQueue;
use super::runner::{SimRunner, Targets};
use super::setup::{Outcome, Setup};
use super::store::{Shared, SimStore, now_or_never};
use super::types::SimCompiler;
use super::world::{Executor, ProcessClock, ProcessId, World};

/// Things go wrong for this long; then everything must drain.
const FAULTS_FOR: SignedDuration = SignedDuration::from_mins(12);
/// In this long, whatever the timeouts of the flows allow.
const DRAIN: SignedDuration = SignedDuration::from_hours(9);
/// How long every third execution keeps its `finally` back.
const KEEP: Duration = Duration::from_secs(40);
/// Polls after which a simulation is taken for one that never ends.
const MOST_POLLS: u64 = 150_000;
/// Messages after which a simulation is taken for one that only grows.
const MOST_MESSAGES: usize = 2_000;

struct Process {
    clock: Arc<ProcessClock>,
    dispatcher: Arc<Dispatcher>,
    worker: Arc<Worker>,
    watchdog: Arc<Watchdog>,
}

struct Simulation {
    setup: Setup,
    world: Arc<World>,
    hits: Arc<Hits>,
    queue: Arc<SimQueue>,
    shared: Arc<Shared>,
    targets: Arc<Targets>,
    plans: Arc<Plans>,
    processes: Vec<Process>,
    born: u64,
    executor: Executor,
    started: Vec<(ExecutionId, Arc<Plan>)>,
    next_round: Timestamp,
}

/// Runs a simulation.
pub fn simulate(setup: Setup) -> Outcome {
    let mut simulation = Simulation::new(setup);
    if !setup.faults {
        simulation.world.end_faults();
    }
    simulation.start_executions();
    let drained = simulation.run();
    simulation.outcome(drained)
}

impl Simulation {
    fn new(setup: Setup) -> Self {
        let world = World::new(setup.seed);
        let hits = Arc::new(Hits::default());
        let queue = SimQueue::new(world.clone(), hits.clone(), setup.late);
        let shared = Arc::new(Shared {
            inner: MemoryExecutionStore::new(ProcessClock::new(world.clone())),
            world: world.clone(),
            hits: hits.clone(),
            bug: setup.bug,
            violations: Mutex::default(),
            limits: Mutex::default(),
            told: Mutex::default(),
        });
        queue.owed_to(shared.clone());
        let plans = Arc::new(Plans::new(Arc::new(SimCompiler::default())));
        let next_round = world.now();
        let mut simulation = Self {
            setup,
            world,
            hits,
            queue,
            shared,
            targets: Arc::default(),
            plans,
            processes: Vec::new(),
            born: 0,
            executor: Executor::default(),
            started: Vec::new(),
            next_round,
        };
        for process in 0..2 {
            let born = simulation.bear(process);
            simulation.processes.push(born);
        }
        simulation
    }

    fn bear(&mut self, process: ProcessId) -> Process {
        self.born += 1;
        let clock = ProcessClock::new(self.world.clone());
        let store = Arc::new(SimStore { shared: self.shared.clone(), process });
        let ports = Ports {
            store: store.clone(),
            queue: self.queue.clone(),
            notifier: Arc::new(MemoryNotifier::default()),
            blobs: Arc::new(MemoryBlobStore::default()),
            clock: clock.clone(),
        };
        let platform = Arc::new(Platform::new(ports, self.plans.clone(), Charge::everything(), check::QUOTA));
        let runner = Arc::new(SimRunner {
            world: self.world.clone(),
            hits: self.hits.clone(),
            targets: self.targets.clone(),
            seed: self.setup.seed,
            process,
            shared: self.shared.clone(),
        });
        let name = format!("process-{}", self.born);
        let queue = self.queue.clone();
        let worker = Worker::new(store, queue, runner, clock.clone(), name, WorkerOptions::default());
        Process {
            clock,
            dispatcher: Arc::new(Dispatcher::new(platform.clone(), DispatcherOptions::default())),
            worker: Arc::new(worker),
            watchdog: Arc::new(Watchdog::new(platform, Duration::from_secs(5))),
        }
    }

    fn start_executions(&mut self) {
        for number in 0..self.setup.executions {
            let shape = shape_of(&self.setup, number);
            let mut bundle = Bundle::of_text("flow.yaml", "");
            for (path, text) in flow_texts(shape) {
                bundle.files.insert(path, Arc::from(text.as_bytes()));
            }
            let plan = match self.plans.compile(&bundle, "flow.yaml") {
                Ok(plan) => plan,
                Err(fault) => {
                    self.shared.violated(format!("a drawn flow does not compile: {fault}"));
                    continue;
                }
            };
            self.start(number, &bundle, plan);
        }
    }

    fn start(&mut self, number: u64, bundle: &Bundle, plan: Arc<Plan>) {
        let id = ExecutionId::derived(&[&self.setup.seed.to_string(), &number.to_string()]);
        let now = self.world.now();
        let asked = Acceptance {
            id: id.clone(),
            organization: check::organization(),
            project: check::project(),
            parent: None,
            depth: 0,
            seed: self.setup.seed,
            mask: <_>::default(),
            inputs: BTreeMap::new(),
            labels: BTreeMap::new(),
            rerun: None,
            attempt: 1,
            carried: None,
            only: None,
            // Drawn from what is there: another draw would make other simulations of all seeds.
            keep: (self.setup.seed + number).is_multiple_of(3).then_some(KEEP),
            file: None,
            now,
        };
        let (execution, change) = match Execution::accept(&plan, asked) {
            Ok(accepted) => accepted,
            Err(refusal) => return self.shared.violated(format!("a drawn flow is refused: {refusal}")),
        };
        let new = NewExecution {
            head: execution.head().clone(),
            parts: change.parts,
            records: change.records.into_iter().map(Arc::new).collect(),
            due: Some(now),
            labels: BTreeMap::new(),
        };
        let store = &self.shared.inner;
        let _ = now_or_never(store.put_flow_version(&bundle.id(), bundle));
        let _ = now_or_never(store.create(new));
        self.note_limits(&id, &plan);
        self.started.push((id.clone(), plan));
        let _ = now_or_never(self.queue.send(&QueueName::Dispatcher, Message::Look { execution: id }, Duration::ZERO));
    }

    fn note_limits(&self, id: &ExecutionId, plan: &Plan) {
        let limits = plan
            .steps
            .iter()
            .enumerate()
            .filter_map(|(index, step)| Some(((id.clone(), index as u32), step.foreach.as_ref()?.max_parallel?)));
        self.shared.limits.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(limits);
    }

    /// Whether everything came to its end in time.
    fn run(&mut self) -> bool {
        let began = self.world.now();
        for _ in 0..MOST_POLLS {
            let now = self.world.now();
            if self.world.faults_on() && now.duration_since(began) > FAULTS_FOR {
                self.world.end_faults();
            }
            if now.duration_since(began) > FAULTS_FOR + DRAIN || self.queue.len() > MOST_MESSAGES {
                return false;
            }
            self.deaths();
            self.deliver();
            self.rounds();
            if self.executor.step(&self.world) {
                continue;
            }
            if self.all_ended() {
                return true;
            }
            self.pass_time();
        }
        false
    }

    fn deaths(&mut self) {
        for process in self.world.take_crashed() {
            self.executor.kill(process);
            self.processes[process] = self.bear(process);
        }
    }

    /// What people and machines do to it meanwhile.
    fn interfere(&mut self) {
        if self.started.is_empty() || !self.world.faults_on() {
            return;
        }
        let process = self.world.below(self.processes.len() as u64) as usize;
        if self.world.chance(6) {
            self.hits.fault(Fault::PausedLongerThanLease);
            let until = self.world.now() + SignedDuration::from_secs(35 + self.world.below(40) as i64);
            self.executor.pause(process, until);
            self.world.stand_still(process, until);
        }
        if self.world.chance(6) {
            self.hits.fault(Fault::ClockJumped);
            let off = self.world.below(8_000) as i64 - 4_000;
            self.processes[process].clock.jump(SignedDuration::from_millis(off));
        }
        if self.world.chance(10) {
            self.hits.fault(Fault::DiedAnywhere);
            self.world.crash(process);
        }
        let which = self.world.below(self.started.len() as u64) as usize;
        let execution = self.started[which].0.clone();
        let event = match self.world.below(1_000) {
            0..3 => Event::CancelRequested { by: "somebody".into(), forced: self.world.chance(300) },
            3..30 => Event::SignalReceived {
                id: format!("signal-{}", self.world.below(40)),
                name: if self.world.chance(500) { "go".into() } else { "stop".into() },
                payload: serde_json::json!({"n": 1}),
                by: "somebody".into(),
            },
            30..36 => Event::FinishRequested { by: "somebody".into(), left_to: None },
            _ => return,
        };
        let message = Message::Event { execution, event: Box::new(event) };
        let _ = now_or_never(self.queue.send(&QueueName::Dispatcher, message, Duration::ZERO));
    }

    fn deliver(&mut self) {
        for process in 0..self.processes.len() {
            if self.executor.busy(process) >= 12 {
                continue;
            }
            let events = self.queue.draw(&QueueName::Dispatcher);
            if !events.is_empty() {
                self.note_cells(&events);
                let dispatcher = self.processes[process].dispatcher.clone();
                self.executor.spawn(process, async move { dispatcher.handle(events).await });
            }
            for job in self.queue.draw(&QueueName::AllSteps) {
                let worker = self.processes[process].worker.clone();
                self.executor.spawn(process, async move { worker.deal_with_and_settle(job).await });
            }
        }
    }

    fn note_cells(&self, deliveries: &[Delivery]) {
        for delivery in deliveries {
            let Message::Event { execution, event } = &delivery.message else { continue };
            let loaded = now_or_never(self.shared.inner.load_whole(execution)).ok().flatten();
            let Some(loaded) = loaded else { continue };
            let plan = now_or_never(self.plans.get(&self.shared.inner, &loaded.head.flow_version, &loaded.head.main));
            let Ok(plan) = plan else { continue };
            met(&loaded.head, &loaded.parts, &plan, event).into_iter().for_each(|cell| self.hits.cell(cell));
        }
    }

    fn rounds(&mut self) {
        let now = self.world.now();
        if now < self.next_round {
            return;
        }
        self.next_round = now + SignedDuration::from_secs(5);
        for process in 0..self.processes.len() {
            let watchdog = self.processes[process].watchdog.clone();
            self.executor.spawn(process, async move {
                let _ = watchdog.round().await;
            });
        }
    }

    fn pass_time(&mut self) {
        self.interfere();
        let next =
            [self.world.next_wake(), self.queue.next_visible(), self.executor.next_resume(), Some(self.next_round)];
        let now = self.world.now();
        let least = now + SignedDuration::from_millis(1);
        let at = next.into_iter().flatten().min().unwrap_or(least).max(least);
        self.world.advance_to(at);
    }

    /// Whether every execution has ended, sub-flows included, and nobody is busy.
    fn all_ended(&self) -> bool {
        if (0..self.processes.len()).any(|one| self.executor.busy(one) > 0) {
            return false;
        }
        let filter = ExecutionFilter { children: true, limit: 10_000, ..ExecutionFilter::default() };
        let page = now_or_never(self.shared.inner.list(&filter)).unwrap_or_default();
        page.executions.iter().all(|one| {
            let loaded = now_or_never(self.shared.inner.load(&one.id, &[])).ok().flatten();
            loaded.is_none_or(|loaded| loaded.head.status.ended() && loaded.head.unsent.is_empty())
        })
    }

    fn outcome(self, drained: bool) -> Outcome {
        let mut violations =
            std::mem::take(&mut *self.shared.violations.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        if !drained {
            violations.push("it does not drain: executions are left, or it never comes to rest".into());
        }
        let acts = self.targets.acts();
        let mut hasher = DefaultHasher::new();
        format!("{acts:?}").hash(&mut hasher);
        let mut executions = 0;
        let mut seen = BTreeSet::new();
        let mut left: Vec<(ExecutionId, Arc<Plan>)> = self.started.clone();
        while let Some((id, plan)) = left.pop() {
            if !seen.insert(id.clone()) {
                continue;
            }
            executions += 1;
            let found = check::execution(&self.shared, &id, &plan, &acts);
            found.trace.hash(&mut hasher);
            violations.extend(found.violations);
            left.extend(found.children);
        }
        violations.extend(check::acts(&acts));
        Outcome { violations, hits: self.hits.taken(), trace: hasher.finish(), executions }
    }
}

/// The flow of one of its executions.
pub(super) fn shape_of(setup: &Setup, number: u64) -> Shape {
    Shape { seed: setup.seed.wrapping_mul(31).wrapping_add(number), most_steps: setup.most_steps }
}
