//! Where executions are: in this process, or on a stack.

use std::sync::Arc;

use assay_app::platform::Platform;
use assay_app::usecases::Executions;
use assay_engine::expr::Programs;
use assay_host::{Embedded, Environment, Notes, Remote, RemoteError, RemoteOptions};

use crate::args::StoreArgs;
use crate::error::CommandError;

/// The stack unless one is named.
const STACK: &str = "dev";

/// Where executions are.
pub(crate) trait Site: Sync {
    /// The ports.
    fn platform(&self) -> &Arc<Platform>;
    /// What can be done with executions.
    fn executions(&self) -> &Arc<Executions>;
    /// What steps say of themselves.
    fn notes(&self) -> &Arc<Notes>;
}

impl Site for Embedded {
    fn platform(&self) -> &Arc<Platform> {
        self.platform()
    }
    fn executions(&self) -> &Arc<Executions> {
        self.executions()
    }
    fn notes(&self) -> &Arc<Notes> {
        self.notes()
    }
}

impl Site for Remote {
    fn platform(&self) -> &Arc<Platform> {
        self.platform()
    }
    fn executions(&self) -> &Arc<Executions> {
        self.executions()
    }
    fn notes(&self) -> &Arc<Notes> {
        self.notes()
    }
}

/// Finds the stack that was asked for.
pub(crate) async fn connect(
    args: &StoreArgs,
    environment: &Environment,
    programs: Arc<Programs>,
) -> Result<Remote, CommandError> {
    let named = || environment.variable("ASSAY_STACK").filter(|name| !name.is_empty()).map(str::to_owned);
    let stack = args.stack.clone().or_else(named).unwrap_or_else(|| STACK.to_owned());
    let options = RemoteOptions { stack, profile: args.profile.clone(), region: args.region.clone() };
    Remote::open(&options, programs).await.map_err(|error| match error {
        RemoteError::NoStack(why) => CommandError::wrong(why),
        RemoteError::Unusable(why) => CommandError::fault("reach AWS", why),
    })
}
