//! Checking a cluster: asking what it tells of itself.

use std::time::Duration;

use rdkafka::client::Client;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use serde::Deserialize;
use serde_json::Value as Json;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::cluster::{Asking, PATIENCE};
use super::ear::Ear;
use super::fault;
use super::reins::Reins;
use super::target::Target;
use crate::contract::{StepContext, StepError, StepErrorClass as Class};
use crate::kafka::{Brokers, Sasl};
use crate::tls::Tls;

/// How long the cluster's id is waited for: it came with the brokers, unless the cluster has none.
const ID_PATIENCE: Duration = Duration::from_millis(500);

/// A resource of a cluster.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cluster {
    brokers: Brokers,
    #[serde(default)]
    sasl: Option<Sasl>,
    #[serde(default)]
    tls: Option<Tls>,
}

/// Connects with a client of its own, and tells what a person wants to know.
pub(super) async fn probe(resource: &Json, cx: &StepContext) -> Result<String, StepError> {
    let cluster = Cluster::deserialize(resource).map_err(|error| {
        StepError::new(Class::Permanent, "step.config", format!("the resource does not fit: {error}"))
    })?;
    let secured = cluster.tls.is_some();
    let target = Target::read(cluster.brokers, cluster.sasl, cluster.tls.as_ref(), cx.files.as_ref()).await?;
    let bootstrap = target.bootstrap(&cx.egress).await?;
    let (reins, egress, runtime) = (Reins::new(cx), cx.egress.clone(), Handle::current());
    let held = reins.clone();
    let work = move |tell: tokio::sync::oneshot::Sender<_>| {
        let ear = Ear::default();
        let looker: BaseConsumer<Ear> = match target.config(&bootstrap).create_with_context(ear.clone()) {
            Ok(looker) => looker,
            Err(error) => return drop(tell.send(Err(fault::client(&error)))),
        };
        let (egress, runtime) = (&*egress, &runtime);
        let asking = Asking { topic: "", egress, runtime, reins: &held, ear: &ear, looker: Some(&looker) };
        let facts = facts(&asking, looker.client(), secured);
        // Whoever waits goes on while the client closes.
        drop(tell.send(facts));
    };
    reins.told(work).await
}

fn facts(asking: &Asking<'_>, client: &Client<Ear>, secured: bool) -> Result<String, StepError> {
    let start = Instant::now();
    let metadata = asking.cluster(client, start + PATIENCE)?;
    let took = start.elapsed();
    let of = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (brokers, topics) = (metadata.brokers().len(), metadata.topics().len());
    let mut facts = format!("answers in {} ms, {}, {}", took.as_millis(), of(brokers, "broker"), of(topics, "topic"));
    if let Some(id) = client.fetch_cluster_id(ID_PATIENCE).filter(|id| !id.is_empty()) {
        facts.push_str(&format!(", cluster {id}"));
    }
    if secured {
        facts.push_str(", TLS");
    }
    Ok(facts)
}
