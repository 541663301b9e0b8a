//! Waiting for records: recording where to begin, and the turns of a wait.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::consumer::BaseConsumer;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::cluster::{Asking, PATIENCE};
use super::ear::Ear;
use super::fault;
use super::hunt::{Hunt, Hunted};
use super::kept::Kept;
use super::probe::probe;
use super::reins::Reins;
use super::target::Target;
use crate::contract::{Prepared, StepContext, StepError, StepErrorClass as Class, StepOutcome, StepRunner};
use crate::expect::{Asked, Rules};
use crate::kafka::{ExpectConfig, KafkaExpect};

/// A client that asks about positions, and what it says.
pub(in crate::kafka) struct Looker {
    client: BaseConsumer<Ear>,
    ear: Ear,
}

/// The clients of a process that ask about positions.
#[derive(Default)]
pub(in crate::kafka) struct Lookers(Arc<Kept<Looker>>);

/// Where to begin: the next offset of each partition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Position {
    pub(super) topic: String,
    pub(super) offsets: BTreeMap<i32, i64>,
}

/// What is carried from turn to turn.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    pub(super) position: Position,
    pub(super) watch: Json,
    /// Whether offsets were missing in what was read.
    pub(super) gaps: bool,
}

#[async_trait]
impl StepRunner for KafkaExpect {
    async fn prepare(&self, config: ExpectConfig, cx: &StepContext) -> Result<Prepared, StepError> {
        let position = self.position(&config, cx).await?;
        let mut state = serde_json::to_value(position).map_err(|error| StepError::bug(error.to_string()))?;
        state["recordedAt"] = json!(cx.clock.now());
        Ok(Prepared { state, undo: None })
    }

    async fn probe(&self, resource: &Json, cx: &StepContext) -> Result<Option<String>, StepError> {
        probe(resource, cx).await.map(Some)
    }

    async fn run(&self, config: ExpectConfig, cx: &StepContext) -> Result<StepOutcome, StepError> {
        let read = |json: &Json| serde_json::from_value::<Checkpoint>(json.clone());
        let checkpoint = cx.checkpoint.as_ref().map(read).transpose();
        let checkpoint = checkpoint.map_err(|error| StepError::bug(format!("read the checkpoint: {error}")))?;
        let position = match (&checkpoint, &cx.prepared) {
            (Some(checkpoint), _) => checkpoint.position.clone(),
            (None, Some(prepared)) => Position::deserialize(prepared)
                .map_err(|error| StepError::bug(format!("read the recorded position: {error}")))?,
            (None, None) => self.position(&config, cx).await?,
        };
        if position.topic != config.topic {
            let message = format!("the position was recorded for `{}`, not `{}`", position.topic, config.topic);
            return Err(fault::request(message));
        }
        let rules = rules(&config, cx).await?;
        let target = target(&config, cx).await?;
        let bootstrap = target.bootstrap(&cx.egress).await?;
        let reins = Reins::new(cx);
        let hunt = Hunt {
            rules,
            position,
            decode: config.decode,
            from: cx.window_from,
            look: cx.turn.look,
            checkpoint: checkpoint.map(|checkpoint| (checkpoint.watch, checkpoint.gaps)),
            egress: cx.egress.clone(),
            clock: cx.clock.clone(),
            runtime: Handle::current(),
            reins: reins.clone(),
        };
        let sent = json!({"brokers": target.name(), "topic": config.topic, "from": hunt.position.offsets, "match": config.matches});
        let asked_again = target.config(&bootstrap);
        match reins.told(move |tell| hunt.go(&target, &bootstrap, tell)).await? {
            Hunted::Done(mut output, gaps) => {
                let passed = output.expectations.iter().all(|expectation| expectation.passed);
                if gaps && passed && config.count.waits_for_quiet() && is_compacted(asked_again, &config.topic).await {
                    return Err(fault::truncated(format!(
                        "offsets are missing in `{}`, which is compacted: records that matched may have been among them, so \
                         `{}` cannot be told; ask for `>= n`",
                        config.topic, config.count
                    )));
                }
                output.sent = Some(sent);
                Ok(StepOutcome::Done(*output))
            }
            Hunted::Continue(checkpoint, due) => {
                let checkpoint = serde_json::to_value(checkpoint).map_err(|error| StepError::bug(error.to_string()))?;
                Ok(StepOutcome::Continue { checkpoint, after: due.min(cx.turn.rest) })
            }
        }
    }
}

impl KafkaExpect {
    /// The end of the topic now.
    async fn position(&self, config: &ExpectConfig, cx: &StepContext) -> Result<Position, StepError> {
        let target = target(config, cx).await?;
        let bootstrap = target.bootstrap(&cx.egress).await?;
        let id = target.id(cx.egress.owner(), &bootstrap);
        let reins = Reins::new(cx);
        let (kept, egress, runtime) = (self.lookers.0.clone(), cx.egress.clone(), Handle::current());
        let (topic, held) = (config.topic.clone(), reins.clone());
        reins
            .run(move || {
                let looker = kept.get(id, || {
                    let mut config = target.config(&bootstrap);
                    config.set("isolation.level", "read_committed");
                    let ear = Ear::default();
                    let client = config.create_with_context(ear.clone()).map_err(|error| fault::client(&error))?;
                    Ok(Looker { client, ear })
                })?;
                let asking = Asking {
                    topic: &topic,
                    egress: &egress,
                    runtime: &runtime,
                    reins: &held,
                    ear: &looker.ear,
                    looker: Some(&looker.client),
                };
                match asking.ends(&looker.client, Instant::now() + PATIENCE) {
                    Ok(offsets) => {
                        looker.ear.forget();
                        Ok(Position { topic, offsets })
                    }
                    Err(error) => {
                        kept.forget(&looker);
                        Err(error)
                    }
                }
            })
            .await
    }
}

/// Whether the topic's records may be replaced by later ones. A cluster that does not permit the question answers no.
async fn is_compacted(config: ClientConfig, topic: &str) -> bool {
    let Ok(admin) = config.create_with_context::<_, AdminClient<Ear>>(Ear::default()) else { return false };
    let options = AdminOptions::new().request_timeout(Some(PATIENCE));
    let Ok(described) = admin.describe_configs([&ResourceSpecifier::Topic(topic)], &options).await else {
        return false;
    };
    let policy = described.iter().flatten().find_map(|one| one.get("cleanup.policy")?.value.clone());
    policy.is_some_and(|policy| policy.contains("compact"))
}

async fn target(config: &ExpectConfig, cx: &StepContext) -> Result<Target, StepError> {
    Target::read(config.brokers.clone(), config.sasl.clone(), config.tls.as_ref(), cx.files.as_ref()).await
}

/// The compiled expressions, with the schemas that they name.
async fn rules(config: &ExpectConfig, cx: &StepContext) -> Result<Rules, StepError> {
    let asked = Asked {
        matches: config.matches.as_deref(),
        count: config.count,
        within: config.within.0,
        settle: config.settle.map(|settle| settle.0),
        ordered_by: config.ordered_by.as_deref(),
        distinct_by: config.distinct_by.as_deref(),
        collect: config.collect,
    };
    let rules = Rules::compile(&asked, &cx.scope, cx.seed).map_err(|error| error.into_step_error("kafka.tooLarge"))?;
    let mut schemas = BTreeMap::new();
    for name in rules.schema_files() {
        let bytes = cx.files.read(&name).await?;
        let schema = serde_json::from_slice(&bytes).map_err(|error| {
            StepError::new(Class::Permanent, "step.schema", format!("the schema {name} is not JSON: {error}"))
        })?;
        schemas.insert(name, schema);
    }
    Ok(rules.with_schemas(schemas))
}
