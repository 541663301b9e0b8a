//! Flow versions, and the ones that were used last; organizations and their admission states.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use assay_app::ports::{AdmissionState, PortError};
use assay_engine::bundle::Bundle;
use assay_engine::id::{FlowVersionId, OrganizationId};

use super::blobs::LARGEST;
use super::item::{Attributes as _, Item, bytes, from_json, item, json, number, text};
use super::keys::{PK, SK};
use super::pack::{pack, unpack};
use super::root::{BY, VERSION};
use super::store::DynamoExecutionStore;
use super::table::{Ask, Only, Put, Sort};

/// Flow versions that are kept at hand: every job of an execution asks for the same one.
const REMEMBERED: usize = 32;
/// Flow versions that are known to be there.
const KNOWN: usize = 4096;
/// The partition of all organizations.
const ORGANIZATIONS: &str = "organizations";

/// What this process knows of flow versions.
#[derive(Default)]
pub(super) struct FlowVersions {
    used: Mutex<VecDeque<(FlowVersionId, Arc<Bundle>)>>,
    put: Mutex<HashSet<FlowVersionId>>,
}

impl FlowVersions {
    fn get(&self, id: &FlowVersionId) -> Option<Arc<Bundle>> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.iter().find(|(known, _)| known == id).map(|(_, bundle)| Arc::clone(bundle))
    }

    fn use_it(&self, id: &FlowVersionId, bundle: &Arc<Bundle>) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.iter().all(|(known, _)| known != id) {
            used.push_front((id.clone(), Arc::clone(bundle)));
            used.truncate(REMEMBERED);
        }
    }

    fn is_there(&self, id: &FlowVersionId) -> bool {
        self.put.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    fn note(&self, id: &FlowVersionId) {
        let mut put = self.put.lock().unwrap_or_else(PoisonError::into_inner);
        if put.len() >= KNOWN {
            put.clear();
        }
        put.insert(id.clone());
    }
}

impl DynamoExecutionStore {
    pub(super) async fn keep_flow_version(&self, id: &FlowVersionId, bundle: &Bundle) -> Result<(), PortError> {
        if self.flow_versions.is_there(id) {
            return Ok(());
        }
        let place = (id.to_string(), ORIGINAL.to_owned());
        if self.table.get("look for a flow version", place, &[PK]).await?.is_none() {
            let packed = pack(json(bundle)?.as_bytes())?;
            let mut item = item(id.as_str(), ORIGINAL);
            self.put_packed(&mut item, packed).await?;
            // refused: somebody else has put it in meanwhile
            let _: Put = self.table.put("keep a flow version", item, Only::Absent).await?;
        }
        self.flow_versions.note(id);
        Ok(())
    }

    pub(super) async fn kept_flow_version(&self, id: &FlowVersionId) -> Result<Option<Arc<Bundle>>, PortError> {
        if let Some(bundle) = self.flow_versions.get(id) {
            return Ok(Some(bundle));
        }
        let place = (id.to_string(), ORIGINAL.to_owned());
        let Some(item) = self.table.get("load a flow version", place, &[]).await? else { return Ok(None) };
        let bundle = Arc::new(from_json("flow version", &self.packed_text(&item).await?)?);
        self.flow_versions.use_it(id, &bundle);
        Ok(Some(bundle))
    }

    /// Puts packed bytes into an item, or beside it.
    async fn put_packed(&self, item: &mut Item, packed: Vec<u8>) -> Result<(), PortError> {
        if packed.len() <= LARGEST {
            item.insert("image".into(), bytes(packed));
            return Ok(());
        }
        let partition = item.needed_text(PK)?.to_owned();
        let blob = self.table.put_blob(&partition, self.next_name(), &packed).await?;
        item.insert("imageAt".into(), text(blob.to_string()));
        Ok(())
    }

    async fn packed_text(&self, item: &Item) -> Result<String, PortError> {
        let packed = match item.bytes("image") {
            Some(packed) => unpack(packed)?,
            None => unpack(&self.table.blob(item.needed_text(PK)?, &item.parsed("imageAt")?).await?)?,
        };
        String::from_utf8(packed).map_err(|error| PortError::bug("read what is stored").because(error))
    }

    /// Notes that there is such an organization, once in the life of a process: whoever asks for all needs to know.
    pub(super) async fn note_organization(&self, organization: &OrganizationId) -> Result<(), PortError> {
        if self.is_noted(organization) {
            return Ok(());
        }
        let item = item(ORGANIZATIONS, organization.as_str());
        let _: Put = self.table.put("note an organization", item, Only::Always).await?;
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).insert(organization.clone());
        Ok(())
    }

    /// Every organization that ever had an execution.
    pub(super) async fn organizations(&self) -> Result<Vec<OrganizationId>, PortError> {
        let partition = ORGANIZATIONS.to_owned();
        let ask = Ask { index: None, partition, sort: Sort::Any, forward: true, limit: None, only: &[] };
        let items = self.table.ask_all("list organizations", &ask).await?;
        items.iter().map(|item| item.parsed(SK)).collect()
    }

    pub(super) async fn admission_state(
        &self,
        organization: &OrganizationId,
    ) -> Result<(AdmissionState, u64), PortError> {
        let place = (organization.to_string(), ADMISSION.to_owned());
        let Some(item) = self.table.get("load the admission state", place, &[]).await? else {
            return Ok((AdmissionState::default(), 0));
        };
        Ok((from_json("admission state", &self.packed_text(&item).await?)?, item.needed_number(VERSION)?))
    }

    pub(super) async fn save_admission_state(
        &self,
        organization: &OrganizationId,
        state: &AdmissionState,
        expected: u64,
    ) -> Result<bool, PortError> {
        let by = self.next_name();
        let mut item = item(organization.as_str(), ADMISSION);
        item.insert(VERSION.into(), number(expected.saturating_add(1)));
        item.insert(BY.into(), text(&by));
        self.put_packed(&mut item, pack(json(state)?.as_bytes())?).await?;
        let only = if expected == 0 { Only::Absent } else { Only::At(VERSION, expected) };
        match self.table.put("save the admission state", item, only).await? {
            Put::Done => Ok(true),
            // an answer can get lost, and then the call is repeated
            Put::Refused(there) => Ok(there.is_some_and(|there| there.text(BY) == Some(&by))),
        }
    }
}

/// The sort key of a flow version.
const ORIGINAL: &str = "version";
/// The sort key of an admission state.
const ADMISSION: &str = "admission";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_used_last_are_remembered() {
        let known = FlowVersions::default();
        let id = |number: usize| FlowVersionId::derived(&[&number.to_string()]);
        let bundle = Arc::new(Bundle::of_text("flow.yaml", "steps: []"));
        (0..=REMEMBERED).for_each(|number| known.use_it(&id(number), &bundle));
        assert!(known.get(&id(0)).is_none());
        assert!(known.get(&id(REMEMBERED)).is_some());
    }
}
