//! The two tables as values: what `template.yaml` declares, and what development and tests create.

use assay_app::ports::PortError;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, StreamSpecification, StreamViewType, TableStatus, TimeToLiveSpecification,
};

use super::error::answered;

/// Looks at a new table before it counts as stuck; emulators need one.
const LOOKS: u32 = 600;
/// Between two looks.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// A table. All key attributes are strings (`S`); all tables are billed on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableSchema {
    /// Its key.
    pub key: KeySchema,
    /// Its global secondary indexes.
    pub indexes: &'static [IndexSchema],
    /// It has a stream of the new images (`NEW_IMAGE`), from which records are pushed.
    pub stream: bool,
    /// The attribute of its time to live (`N`, seconds since 1970), which only clears away: nothing relies on it.
    pub expires: Option<&'static str>,
}

/// A partition key, perhaps with a sort key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySchema {
    /// The partition (`HASH`) key.
    pub partition: &'static str,
    /// The sort (`RANGE`) key.
    pub sort: Option<&'static str>,
}

/// A global secondary index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexSchema {
    /// Its name.
    pub name: &'static str,
    /// Its key.
    pub key: KeySchema,
    /// What it holds besides the keys (`INCLUDE`); empty: nothing (`KEYS_ONLY`).
    pub holds: &'static [&'static str],
}

/// Executions with their parts and records, flow versions, admission states.
pub const TABLE: TableSchema = TableSchema {
    key: KeySchema { partition: "pk", sort: Some("sk") },
    indexes: &[LIST, TIME, PARENT],
    stream: true,
    expires: None,
};

/// Claims: what step functions may write.
pub const CLAIMS: TableSchema = TableSchema {
    key: KeySchema { partition: "pk", sort: Some("sk") },
    indexes: &[],
    stream: false,
    expires: Some("expires"),
};

/// Executions of an organization by creation. What it holds never changes, so that a save does not write it again.
pub(super) const LIST: IndexSchema = IndexSchema {
    name: "list",
    key: KeySchema { partition: "listOf", sort: Some("listAt") },
    holds: &["project", "flow", "parent", "labels"],
};

/// When somebody must look at an unfinished execution, and when an ended one ended.
pub(super) const TIME: IndexSchema =
    IndexSchema { name: "time", key: KeySchema { partition: "timeOf", sort: Some("timeAt") }, holds: &[] };

/// The sub-flows of an execution.
pub(super) const PARENT: IndexSchema =
    IndexSchema { name: "parent", key: KeySchema { partition: "parent", sort: Some("pk") }, holds: &[] };

impl KeySchema {
    fn attributes(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.partition).chain(self.sort)
    }

    fn elements(&self) -> Result<Vec<KeySchemaElement>, BuildError> {
        let element = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
        let sort = self.sort.map(|sort| element(sort, KeyType::Range));
        std::iter::once(element(self.partition, KeyType::Hash)).chain(sort).collect()
    }
}

impl IndexSchema {
    fn declared(&self) -> Result<GlobalSecondaryIndex, BuildError> {
        let projection = match self.holds {
            [] => Projection::builder().projection_type(ProjectionType::KeysOnly),
            holds => {
                let holds = holds.iter().map(ToString::to_string).collect();
                Projection::builder().projection_type(ProjectionType::Include).set_non_key_attributes(Some(holds))
            }
        };
        let index = GlobalSecondaryIndex::builder().index_name(self.name).projection(projection.build());
        index.set_key_schema(Some(self.key.elements()?)).build()
    }
}

impl TableSchema {
    /// Every key attribute once, sorted: what a declaration of the table defines.
    #[must_use]
    pub fn attributes(&self) -> Vec<&'static str> {
        let keys = std::iter::once(&self.key).chain(self.indexes.iter().map(|index| &index.key));
        let mut names: Vec<_> = keys.flat_map(KeySchema::attributes).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Creates the table under this name, for development and tests, and waits until it can be used. Not changed when
    /// it is there already.
    ///
    /// # Errors
    /// When the service does not do it.
    pub async fn create(&self, client: &Client, name: &str) -> Result<(), PortError> {
        self.order(client, name).await?;
        for _ in 0..LOOKS {
            let seen = answered("look at a new table", client.describe_table().table_name(name).send().await)?;
            if seen.table.and_then(|table| table.table_status) == Some(TableStatus::Active) {
                return self.let_expire(client, name).await;
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(PortError::retry(format!("create the table {name}: it does not become active")))
    }

    async fn order(&self, client: &Client, name: &str) -> Result<(), PortError> {
        let fault = |error: BuildError| PortError::bug("declare a table").because(error);
        let defined = |name: &&str| {
            AttributeDefinition::builder().attribute_name(*name).attribute_type(ScalarAttributeType::S).build()
        };
        let attributes = self.attributes().iter().map(defined).collect::<Result<Vec<_>, _>>().map_err(fault)?;
        let indexes = self.indexes.iter().map(IndexSchema::declared).collect::<Result<Vec<_>, _>>().map_err(fault)?;
        let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::NewImage);
        let stream = stream.build().map_err(fault)?;
        let created = client
            .create_table()
            .table_name(name)
            .billing_mode(BillingMode::PayPerRequest)
            .set_key_schema(Some(self.key.elements().map_err(fault)?))
            .set_attribute_definitions(Some(attributes))
            .set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes))
            .set_stream_specification(self.stream.then_some(stream))
            .send()
            .await;
        match created {
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception()) => Ok(()),
            created => answered("create a table", created).map(drop),
        }
    }

    async fn let_expire(&self, client: &Client, name: &str) -> Result<(), PortError> {
        let Some(attribute) = self.expires else { return Ok(()) };
        let known =
            answered("look at a table's time to live", client.describe_time_to_live().table_name(name).send().await)?;
        if known.time_to_live_description.and_then(|known| known.attribute_name).is_some() {
            return Ok(());
        }
        let wanted = TimeToLiveSpecification::builder().enabled(true).attribute_name(attribute).build();
        let wanted = wanted.map_err(|error| PortError::bug("declare a time to live").because(error))?;
        let set = client.update_time_to_live().table_name(name).time_to_live_specification(wanted).send().await;
        answered("set a table's time to live", set).map(drop)
    }
}
