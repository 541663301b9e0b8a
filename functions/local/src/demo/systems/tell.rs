//! Telling one system everything, in order, however often it is away.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::announcement::Announcement;
use crate::demo::store::Store;

/// How often the shop looks for news.
const ROUND: Duration = Duration::from_millis(10);
/// The pause after a system did not listen.
const PAUSE: Duration = Duration::from_millis(200);

/// A system that hears of orders.
#[async_trait]
pub(super) trait System: Send {
    /// Its name in the log.
    fn name(&self) -> &'static str;
    /// Hears one announcement, at least once.
    async fn hear(&mut self, announcement: &Announcement) -> anyhow::Result<()>;
}

/// Tells a system what happens, for ever. What it did not take is told again, and nothing later before that.
pub(super) async fn tell(store: Arc<Store>, mut system: Box<dyn System>) {
    let mut rounds = tokio::time::interval(ROUND);
    let mut told = 0;
    loop {
        rounds.tick().await;
        let news = match store.announcements(told) {
            Ok(news) => news,
            Err(error) => {
                tracing::warn!(%error, "the shop cannot read its announcements");
                continue;
            }
        };
        for announcement in news {
            while let Err(error) = system.hear(&announcement).await {
                tracing::warn!(
                    error = format!("{error:#}"),
                    system = system.name(),
                    "did not hear the shop; it is told again"
                );
                tokio::time::sleep(PAUSE).await;
            }
            told = announcement.sequence;
        }
    }
}
