//! Taking executions out.

use assay_app::ports::PortError;
use assay_engine::id::ExecutionId;

use super::item::Attributes as _;
use super::keys::{PK, ROOT, SK};
use super::store::DynamoExecutionStore;
use super::table::{Ask, Key, Sort, Table};

impl DynamoExecutionStore {
    /// The root goes after what hangs on it, so that what a broken removal has left is found and removed again; claims go
    /// last, because a job that comes late is refused by the root's absence.
    pub(super) async fn remove_executions(&self, ids: &[ExecutionId]) -> Result<(), PortError> {
        for id in ids {
            self.roots.forget(id);
            let doing = "remove an execution";
            let mut around = keys_of(&self.table, doing, id).await?;
            around.retain(|(_, sort)| sort != ROOT);
            self.table.remove_all(doing, around).await?;
            self.table.remove_all(doing, vec![(id.to_string(), ROOT.to_owned())]).await?;
            self.claims.remove_all(doing, keys_of(&self.claims, doing, id).await?).await?;
        }
        Ok(())
    }
}

/// The keys of everything in an execution's partition.
async fn keys_of(table: &Table, doing: &str, id: &ExecutionId) -> Result<Vec<Key>, PortError> {
    let ask =
        Ask { index: None, partition: id.to_string(), sort: Sort::Any, forward: true, limit: None, only: &[PK, SK] };
    let items = table.ask_all(doing, &ask).await?;
    items.iter().map(|item| Ok((id.to_string(), item.needed_text(SK)?.to_owned()))).collect()
}
