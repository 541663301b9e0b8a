//! The shop's life: a folder of its own, a free port on loopback, and an end when it is dropped.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::outbox::settle;
use super::routes::routes;
use super::store::Store;
use super::systems::Systems;

/// How long a payment and a shipment take.
const MOMENT: Duration = Duration::from_millis(300);
/// How often the outbox is looked through.
const ROUND: Duration = Duration::from_millis(20);

/// A running shop; it ends when it is dropped.
pub(crate) struct Shop {
    /// `http://127.0.0.1:PORT`.
    pub(crate) base_url: String,
    _parts: JoinSet<()>,
    _folder: TempDir,
}

/// Starts the shop on this port of loopback (0: a free one), with a database file in a new temporary folder, and connects
/// it to the systems around it.
///
/// # Errors
/// When there is no place for the database, no free port, or a system that cannot be reached.
pub(crate) async fn start(port: u16, systems: &Systems) -> anyhow::Result<Shop> {
    let folder = tempfile::Builder::new().prefix("assay-shop-").tempdir().context("make a folder for the shop")?;
    let store = Arc::new(Store::open(&folder.path().join("shop.db"), MOMENT).context("open the shop's database")?);
    let listener = TcpListener::bind(("127.0.0.1", port));
    let listener = listener.await.with_context(|| format!("listen on port {port} of loopback"))?;
    let base_url = format!("http://{}", listener.local_addr().context("learn the shop's address")?);

    let mut parts = JoinSet::new();
    systems.start(&store, &mut parts).await?;
    let lie = systems.lie;
    parts.spawn(settle(Arc::clone(&store), ROUND));
    parts.spawn(async move {
        if let Err(error) = axum::serve(listener, routes(store, lie)).await {
            tracing::error!(%error, "the shop stopped");
        }
    });
    Ok(Shop { base_url, _parts: parts, _folder: folder })
}
