//! `assay finish`

use assay_host::{Durability, Environment};

use super::resume::{Resuming, go_on};
use super::store::open;
use crate::args::{FinishArgs, OutputArgs};
use crate::error::CommandError;
use crate::load::secrets;
use crate::out::Out;
use crate::project::Project;

pub(super) async fn finish(args: FinishArgs, environment: &Environment, out: &mut Out) -> Result<u8, CommandError> {
    let secrets = secrets(&args.secrets.secrets, environment)?;
    out.mask(secrets.values());
    let opened = open(&args.store, environment).await?;
    let id = opened.find(&args.execution).await?;
    opened.embedded.executions().finish(&id, &environment.user).await?;
    let Some(home) = &opened.home else {
        out.print(&format!("{id} cleans up; {} runs it\n", opened.place()));
        return Ok(0);
    };
    let top = opened.top(&id).await?;
    if let Some(process) = opened.runner_of(&top)? {
        out.print(&format!("{id} cleans up; process {process} runs it\n"));
        return Ok(0);
    }
    out.note(&format!("no process runs {id}: it is cleaned up here\n"));
    let output = OutputArgs { json: false, plain: false, reports: Vec::new() };
    let (project, durability, give_up) = (Project::nearest()?, Durability::Normal, false);
    let resuming =
        Resuming { only: Some(top), secrets, environment, project, give_up, jobs: 1, output: &output, durability };
    Box::pin(go_on(home, resuming, out)).await
}
