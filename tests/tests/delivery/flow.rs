//! Plans built by hand: delivery is tested without the language.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use assay_app::plans::{Compiler, FlowFault};
use assay_engine::bundle::Bundle;
use assay_engine::expr::{JsonTemplate, Template};
use assay_engine::id::FlowVersionId;
use assay_engine::plan::{
    Concurrency, Condition, OnConflict, OnLost, Plan, Priority, Retry, RetryOn, Section, Step, StepKind,
};
use assay_engine::types::{FlowKind, OutputField, Problem, StepSpec};
use serde_json::{Value as Json, json};

/// A step type that does what the test says.
pub(crate) struct Scripted;

static SCRIPTED: Scripted = Scripted;
static NO_SCHEMA: Json = Json::Null;

impl StepSpec for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }
    fn summary(&self) -> &'static str {
        "does what the test says"
    }
    fn schema(&self) -> &Json {
        &NO_SCHEMA
    }
    fn outputs(&self) -> &'static [OutputField] {
        &[]
    }
    fn check(&self, _with: &Json) -> Vec<Problem> {
        Vec::new()
    }
    fn repeatable(&self, with: &Json) -> bool {
        with["repeatable"] == json!(true)
    }
}

/// A flow to build.
#[derive(Clone)]
pub(crate) struct Flow {
    pub(crate) main: Vec<StepOf>,
    pub(crate) finally: Vec<StepOf>,
    pub(crate) group: Option<(&'static str, OnConflict)>,
    pub(crate) timeout: Duration,
}

/// A step of it.
#[derive(Clone)]
pub(crate) struct StepOf {
    id: &'static str,
    with: Json,
    needs: Vec<&'static str>,
    child: Option<(&'static str, Flow)>,
    delay: bool,
    wait: bool,
    attempts: u32,
    interval: Duration,
    on_lost: OnLost,
}

pub(crate) fn step(id: &'static str) -> StepOf {
    StepOf {
        id,
        with: json!({}),
        needs: Vec::new(),
        child: None,
        delay: false,
        wait: false,
        attempts: 1,
        interval: Duration::from_millis(200),
        on_lost: OnLost::Judge,
    }
}

pub(crate) fn delay(id: &'static str, time: &str) -> StepOf {
    StepOf { with: json!({"for": time}), delay: true, ..step(id) }
}

pub(crate) fn wait(id: &'static str, signal: &str) -> StepOf {
    StepOf { with: json!({"signal": signal}), wait: true, ..step(id) }
}

pub(crate) fn child(id: &'static str, path: &'static str, flow: Flow) -> StepOf {
    StepOf { with: json!({"inputs": {}}), child: Some((path, flow)), ..step(id) }
}

impl StepOf {
    pub(crate) fn needs(mut self, needs: &[&'static str]) -> Self {
        self.needs = needs.to_vec();
        self
    }
    pub(crate) fn repeatable(mut self) -> Self {
        self.with = json!({"repeatable": true});
        self
    }
    pub(crate) fn retried(mut self, attempts: u32, interval: Duration) -> Self {
        self.attempts = attempts;
        self.interval = interval;
        self
    }
}

pub(crate) fn flow(main: Vec<StepOf>) -> Flow {
    Flow { main, finally: Vec::new(), group: None, timeout: Duration::from_secs(3600) }
}

impl Flow {
    pub(crate) fn finally(mut self, steps: Vec<StepOf>) -> Self {
        self.finally = steps;
        self
    }
    pub(crate) fn group(mut self, name: &'static str, on_conflict: OnConflict) -> Self {
        self.group = Some((name, on_conflict));
        self
    }

    pub(crate) fn plan(&self, version: &FlowVersionId, path: &str) -> Plan {
        let all: Vec<&StepOf> = self.main.iter().chain(&self.finally).collect();
        let steps = all.iter().enumerate().map(|(index, one)| self.step(version, &all, index, one)).collect();
        Plan {
            version: version.clone(),
            main_path: path.to_owned(),
            name: path.to_owned(),
            description: None,
            labels: BTreeMap::new(),
            kind: FlowKind::Api,
            inputs: Vec::new(),
            secrets: Vec::new(),
            masked: Vec::new(),
            secret_leavers: Vec::new(),
            secret_references: BTreeMap::new(),
            resources: Vec::new(),
            vars: Vec::new(),
            timeout: self.timeout,
            queue_timeout: None,
            finally_timeout: Duration::from_secs(300),
            concurrency: self.group.map(|(name, on_conflict)| Concurrency {
                group: Template::compile(name).unwrap(),
                max: 1,
                on_conflict,
            }),
            priority: Priority::P1,
            steps,
            main_steps: self.main.len(),
            environment: None,
            env: Arc::default(),
            schemas: Arc::default(),
        }
    }

    fn step(&self, version: &FlowVersionId, all: &[&StepOf], index: usize, one: &StepOf) -> Step {
        let find = |id: &str| all.iter().position(|other| other.id == id).unwrap();
        let needs: Vec<usize> = one.needs.iter().map(|id| find(id)).collect();
        let mut transitive = needs.clone();
        let mut next = 0;
        while next < transitive.len() {
            transitive.extend(all[transitive[next]].needs.iter().map(|id| find(id)));
            next += 1;
        }
        transitive.sort_unstable();
        transitive.dedup();
        let dependents = (0..all.len()).filter(|other| all[*other].needs.contains(&one.id)).collect();
        let kind = match &one.child {
            Some((path, flow)) => StepKind::Flow { path: (*path).to_owned(), plan: Arc::new(flow.plan(version, path)) },
            None if one.delay => StepKind::Delay,
            None if one.wait => StepKind::Wait { within: None },
            None => StepKind::Job { spec: &SCRIPTED },
        };
        let retry = Retry {
            max_attempts: one.attempts,
            interval: one.interval,
            backoff: 1.0,
            max_interval: None,
            jitter: false,
            on: vec![RetryOn::Error, RetryOn::Timeout, RetryOn::Failed],
        };
        Step {
            id: Arc::from(one.id),
            name: None,
            line: 0,
            section: if index < self.main.len() { Section::Main } else { Section::Finally },
            kind,
            needs,
            dependents,
            transitive,
            condition: Condition::default(),
            foreach: None,
            with: JsonTemplate::compile(&one.with).unwrap(),
            retry,
            looks: None,
            timeout: Duration::from_secs(600),
            assertions: Vec::new(),
            captures: Vec::new(),
            hidden: Vec::new(),
            continue_on_error: false,
            arm_before: None,
            arms: Vec::new(),
            runs_on: None,
            on_lost: one.on_lost,
            rerun_always: false,
            scope: Vec::new(),
            secrets: Vec::new(),
            files: BTreeMap::new(),
            definition_hash: String::new(),
        }
    }
}

/// Compiles every bundle to the one flow.
pub(crate) struct OneFlow(pub(crate) Flow);

impl Compiler for OneFlow {
    fn compile(&self, version: &FlowVersionId, _bundle: &Bundle, main: &str) -> Result<Arc<Plan>, FlowFault> {
        Ok(Arc::new(self.0.plan(version, main)))
    }
}

/// Compiles nothing any more.
pub(crate) struct NoFlow;

impl Compiler for NoFlow {
    fn compile(&self, _version: &FlowVersionId, _bundle: &Bundle, _main: &str) -> Result<Arc<Plan>, FlowFault> {
        Err(FlowFault { problems: vec!["this release does not know the flow".to_owned()] })
    }
}
