//! Which systems the shop tells, as the resources of an environment name them.

use std::sync::Arc;

use anyhow::Context as _;
use serde_json::{Map, Value as Json};
use tokio::task::JoinSet;

use super::cache::Cache;
use super::ledger::Ledger;
use super::lie::Lie;
use super::logs::Logs;
use super::tell::{System, tell};
use super::topic::Topic;
use crate::demo::store::Store;

/// The systems around one shop.
#[derive(Default)]
pub(crate) struct Systems {
    /// The environment's resources by name, values rendered.
    pub(crate) resources: Map<String, Json>,
    /// What the shop gets wrong.
    pub(crate) lie: Option<Lie>,
}

impl Systems {
    /// Connects to each system that has a resource: `ledger`, `announcements`, `cache`, `logs`. Others are not told.
    pub(in crate::demo) async fn start(&self, store: &Arc<Store>, parts: &mut JoinSet<()>) -> anyhow::Result<()> {
        let mut told: Vec<Box<dyn System>> = Vec::new();
        if let Some(ledger) = self.resources.get("ledger") {
            told.push(Box::new(
                Ledger::open(text(ledger, "ledger", "url")?, field(ledger, "password"), self.lie).await?,
            ));
        }
        if let Some(topic) = self.resources.get("announcements") {
            told.push(Box::new(Topic::open(&topic["brokers"], self.lie).await?));
        }
        if let Some(cache) = self.resources.get("cache") {
            let (user, password) = (field(cache, "username"), field(cache, "password"));
            told.push(Box::new(Cache::open(text(cache, "cache", "url")?, user, password, self.lie)?));
        }
        if let Some(logs) = self.resources.get("logs") {
            told.push(Box::new(Logs::open(text(logs, "logs", "url")?, field(logs, "tenant"), self.lie)?));
        }
        for system in told {
            parts.spawn(tell(Arc::clone(store), system));
        }
        Ok(())
    }
}

fn field<'a>(resource: &'a Json, name: &str) -> Option<&'a str> {
    resource.get(name).and_then(Json::as_str)
}

fn text<'a>(resource: &'a Json, resource_name: &str, name: &str) -> anyhow::Result<&'a str> {
    field(resource, name).with_context(|| format!("the resource `{resource_name}` has no `{name}`"))
}
