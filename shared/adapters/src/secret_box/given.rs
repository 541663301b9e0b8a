//! Secrets that came with the command.

use std::collections::BTreeMap;
use std::fmt;

use assay_app::ports::{PortError, SecretSource};
use assay_engine::id::{ExecutionId, OrganizationId};
use async_trait::async_trait;

/// Values by name, in memory only, for every execution of this process. It never shows them.
#[derive(Default)]
pub struct GivenSecrets {
    values: BTreeMap<String, String>,
}

impl GivenSecrets {
    /// These values.
    #[must_use]
    pub fn new(values: BTreeMap<String, String>) -> Self {
        Self { values }
    }
}

impl fmt::Debug for GivenSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

#[async_trait]
impl SecretSource for GivenSecrets {
    async fn reveal(
        &self,
        _organization: &OrganizationId,
        _execution: &ExecutionId,
        names: &[String],
    ) -> Result<BTreeMap<String, String>, PortError> {
        let known = names.iter().filter_map(|name| self.values.get_key_value(name));
        Ok(known.map(|(name, value)| (name.clone(), value.clone())).collect())
    }
}
