//! From a parsed command line to an exit code.

use assay_engine::status::worst_exit_code;
use assay_host::Environment;
use tokio::runtime::{Builder, Runtime};

use super::{
    completions, control, demo, doctor, eval, explain, finish, list, report, rerun, resources, resume, run, schema,
    show, steps, validate,
};
use crate::args::Command;
use crate::error::CommandError;
use crate::out::Out;
use crate::project::Project;

/// The exit code when the output was lost: nobody can find out from it.
const LOST: u8 = 3;

/// Does what was typed; answers the exit code.
pub(crate) fn dispatch(command: Command, environment: &Environment) -> u8 {
    let mut out = Out::new(environment);
    let code = match act(command, environment, &mut out) {
        Ok(code) => code,
        Err(error) => {
            out.error(&error.text());
            error.exit_code()
        }
    };
    // Whoever waits for the output would take half of it for the whole.
    worst_exit_code([code].into_iter().chain(out.lost().then_some(LOST)))
}

fn act(command: Command, environment: &Environment, out: &mut Out) -> Result<u8, CommandError> {
    if let Some(filter) = &environment.log {
        assay_host::start_log(filter, crate::out::masked).map_err(|error| CommandError::wrong(format!("{error:#}")))?;
    }
    match command {
        Command::Validate(args) => validate::validate(&args, environment, out),
        Command::New(args) => crate::new::begin(args, environment, out),
        Command::Schema(args) => schema::schema(&args, out),
        Command::Explain(args) => explain::explain(&args, out),
        Command::Steps(args) => steps::steps(&args, out),
        Command::Completions { shell } => completions::completions(shell, out),
        Command::Run(args) if args.watch => runtime()?.block_on(crate::watch::watch(*args, environment, out)),
        Command::Run(args) => runtime()?.block_on(run::run(*args, Project::nearest()?, environment, out)),
        Command::Rerun(args) => runtime()?.block_on(rerun::rerun(*args, Project::nearest()?, environment, out)),
        Command::Finish(args) => runtime()?.block_on(finish::finish(args, environment, out)),
        Command::Eval(args) => runtime()?.block_on(eval::eval(args, environment, out)),
        Command::Resources(args) => runtime()?.block_on(resources::resources(args, environment, out)),
        Command::Resume(args) => runtime()?.block_on(resume::resume(args, environment, out)),
        Command::Executions(args) => runtime()?.block_on(list::executions(args, environment, out)),
        Command::Prune(args) => runtime()?.block_on(list::prune(args, environment, out)),
        Command::Show(args) => runtime()?.block_on(show::show(args, environment, out)),
        Command::Report(args) => runtime()?.block_on(report::report(args, environment, out)),
        Command::Events(args) => runtime()?.block_on(show::events(args, environment, out)),
        Command::Cancel(args) => runtime()?.block_on(control::cancel(args, environment, out)),
        Command::Signal(args) => runtime()?.block_on(control::signal(args, environment, out)),
        Command::Doctor(args) => runtime()?.block_on(doctor::doctor(args, environment, out)),
        Command::Demo(args) => runtime()?.block_on(demo::demo(args, environment, out)),
    }
}

fn runtime() -> Result<Runtime, CommandError> {
    // Steps wait far more than they compute: two threads serve hundreds of them, and start at once.
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| CommandError::fault("start the runtime", error))
}
