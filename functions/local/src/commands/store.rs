//! What commands share that look at a store.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use assay_app::ports::{ExecutionFilter, ExecutionStore};
use assay_engine::expr::Programs;
use assay_engine::id::ExecutionId;
use assay_host::{Access, Durability, Embedded, EmbeddedOptions, Environment, State};

use crate::args::StoreArgs;
use crate::error::CommandError;
use crate::home::{Home, folder, living};
use crate::remote::{Site, connect};

/// A store that is there.
pub(super) struct Opened {
    /// Its folder; none: it is on a stack.
    pub(super) home: Option<Home>,
    /// What can be done with it; nothing moves here.
    pub(super) embedded: Box<dyn Site>,
    /// What people call it.
    place: String,
}

/// Jobs carried out at once, whatever the flows allow themselves.
const PARALLEL: usize = 256;

/// Opens state; nothing moves before its loops are started.
pub(super) fn embedded(
    folder: Option<&Path>,
    durability: Durability,
    secrets: BTreeMap<String, String>,
    programs: Arc<Programs>,
) -> Result<Embedded, CommandError> {
    let folder = folder.map(|folder| State::Folder { path: folder.to_owned(), durability, access: Access::Write });
    opened(folder.unwrap_or(State::Memory), secrets, programs)
}

fn opened(state: State, secrets: BTreeMap<String, String>, programs: Arc<Programs>) -> Result<Embedded, CommandError> {
    Embedded::open(EmbeddedOptions { state, secrets, parallel: PARALLEL }, programs)
        .map_err(|error| CommandError::fault("start", <Box<dyn std::error::Error + Send + Sync>>::from(error)))
}

/// Opens the store, which must be there. One that may not be written can be looked at.
pub(super) async fn open(args: &StoreArgs, environment: &Environment) -> Result<Opened, CommandError> {
    if args.on.is_some() {
        let remote = connect(args, environment, Arc::default()).await?;
        let place = remote.place().to_owned();
        return Ok(Opened { home: None, embedded: Box::new(remote), place });
    }
    let home = Home::open(folder(args.store.as_deref(), environment)?)?;
    let path = home.folder().to_owned();
    let state = State::Folder { path, durability: Durability::Normal, access: Access::Look };
    let embedded = opened(state, BTreeMap::new(), Arc::default())?;
    let place = home.folder().display().to_string();
    Ok(Opened { home: Some(home), embedded: Box::new(embedded), place })
}

impl Opened {
    /// Its executions.
    pub(super) fn store(&self) -> &dyn ExecutionStore {
        self.embedded.platform().store.as_ref()
    }

    /// The execution that is meant by an id or by `latest`.
    pub(super) async fn find(&self, word: &str) -> Result<ExecutionId, CommandError> {
        if word == "latest" {
            let page = self.store().list(&ExecutionFilter { limit: 1, ..ExecutionFilter::default() }).await?;
            let newest = page.executions.into_iter().next();
            return newest
                .map(|summary| summary.id)
                .ok_or_else(|| CommandError::wrong(format!("there is no execution in {}", self.place())));
        }
        let id: ExecutionId = word.parse().map_err(|error| CommandError::wrong(format!("{error}")))?;
        match self.store().load(&id, &[]).await? {
            Some(_) => Ok(id),
            None => Err(CommandError::wrong(format!("there is no execution {id} in {}", self.place()))),
        }
    }

    /// The execution at the top of the tree that this one belongs to.
    pub(super) async fn top(&self, id: &ExecutionId) -> Result<ExecutionId, CommandError> {
        let mut top = id.clone();
        while let Some(loaded) = self.store().load(&top, &[]).await?
            && let Some(parent) = loaded.head.parent
        {
            top = parent.execution;
        }
        Ok(top)
    }

    /// The process that runs an execution of the top, if one lives.
    pub(super) fn runner_of(&self, top: &ExecutionId) -> Result<Option<u32>, CommandError> {
        let Some(home) = &self.home else { return Ok(None) };
        let promised = living(home)?;
        let mine = |kept: &&crate::home::Kept| kept.entries.iter().any(|entry| entry.execution == *top);
        Ok(promised.iter().find(mine).map(|kept| kept.process))
    }

    /// What people call it.
    pub(super) fn place(&self) -> &str {
        &self.place
    }
}
