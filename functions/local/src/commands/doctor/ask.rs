//! The checks, one after the other.

use assay_host::Environment;

use super::finding::{Finding, State};
use super::{machine, project, store};
use crate::args::DoctorArgs;
use crate::error::CommandError;
use crate::out::Out;

/// Looks at everything and says what is wrong.
pub(in crate::commands) async fn doctor(
    args: DoctorArgs,
    environment: &Environment,
    out: &mut Out,
) -> Result<u8, CommandError> {
    let mut found = vec![machine::version()];
    found.extend(project::files());
    found.extend(store::store(&args.store, environment).await);
    found.extend(project::resources(&args, environment, out).await?);
    found.push(machine::clock());
    found.push(machine::terminal(environment));
    found.extend(machine::proxies(environment));
    found.push(machine::roots());
    found.extend(machine::aws(environment));
    Ok(tell(&found, args.json, out))
}

fn tell(found: &[Finding], as_json: bool, out: &Out) -> u8 {
    let width = found.iter().map(|one| one.check.len()).max().unwrap_or(0);
    for one in found {
        out.print(&if as_json { one.json() } else { one.text(width, out.paint()) });
    }
    let count = |state: State| found.iter().filter(|one| one.state == state).count();
    let (failed, warnings) = (count(State::Failed), count(State::Warning));
    if !as_json {
        out.print(&match (failed, warnings) {
            (0, 0) => "\nnothing is in the way: try `assay demo`, or `assay new`\n".to_owned(),
            (0, 1) => "\n1 warning, nothing that stops flows\n".to_owned(),
            (0, warnings) => format!("\n{warnings} warnings, nothing that stops flows\n"),
            (1, _) => "\n1 check failed\n".to_owned(),
            (failed, _) => format!("\n{failed} checks failed\n"),
        });
    }
    if failed == 0 { 0 } else { 3 }
}
