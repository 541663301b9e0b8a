//! Simulates executions from a seed, as many as wanted; exit code 1 when an invariant does not hold.

#![expect(clippy::print_stdout, reason = "a command for people")]

use std::process::ExitCode;
use std::time::Duration;

use assay_tests::simulator::{Setup, campaign, flow_texts_of, setup_of, shrink, simulate};
use clap::Parser;
use tokio::time::Instant;

/// The real engine, admission and delivery over simulated ports, in virtual time.
#[derive(Parser)]
struct Arguments {
    /// The first seed; each simulation takes the next one.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Executions to simulate, sub-flows included.
    #[arg(long, default_value_t = 10_000)]
    count: u64,
    /// Main steps of a flow, at most.
    #[arg(long, default_value_t = 60)]
    most_steps: u64,
    /// Stop after so many seconds, whatever was done by then.
    #[arg(long)]
    seconds: Option<u64>,
    /// Only this seed, with its flow and all that does not hold.
    #[arg(long)]
    only: bool,
    /// With --only: so many executions.
    #[arg(long)]
    executions: Option<u64>,
    /// With --only: nothing goes wrong.
    #[arg(long)]
    no_faults: bool,
    /// Print what was hit.
    #[arg(long)]
    hits: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.only { one(&arguments) } else { many(&arguments) }
}

fn one(arguments: &Arguments) -> ExitCode {
    let drawn = setup_of(arguments.seed, arguments.most_steps);
    let executions = arguments.executions.unwrap_or(drawn.executions);
    let setup = Setup { executions, faults: drawn.faults && !arguments.no_faults, ..drawn };
    for (path, text) in flow_texts_of(setup) {
        println!("# {path}\n{text}");
    }
    let outcome = simulate(setup);
    outcome.violations.iter().for_each(|violation| println!("{violation}"));
    println!(
        "{} executions, {} violations, trace {:016x}",
        outcome.executions,
        outcome.violations.len(),
        outcome.trace
    );
    ExitCode::from(u8::from(!outcome.violations.is_empty()))
}

fn many(arguments: &Arguments) -> ExitCode {
    let began = Instant::now();
    let most = arguments.seconds.map(Duration::from_secs);
    let go_on = || most.is_none_or(|most| began.elapsed() < most);
    let report = campaign(arguments.seed, arguments.count, |seed| setup_of(seed, arguments.most_steps), go_on);
    if arguments.hits {
        println!("{}", report.hits);
    }
    for (seed, (setup, violations)) in &report.failures {
        println!("seed {seed}: {} violations, first: {}", violations.len(), violations[0]);
        if *seed == *report.failures.keys().next().unwrap_or(seed) {
            let small = shrink(*setup);
            println!(
                "  smallest: scripts/simulate --only --seed {} --executions {} --most-steps {}{}",
                small.seed,
                small.executions,
                small.most_steps,
                if small.faults { "" } else { " --no-faults" }
            );
        }
    }
    match report.hits.coverage() {
        Ok(coverage) => println!("{coverage}"),
        Err(wrong) => println!("the list of cells out of reach: {wrong}"),
    }
    println!(
        "{} executions in {:.1} s, {} failing seeds; {} kinds of faults",
        report.executions,
        began.elapsed().as_secs_f64(),
        report.failures.len(),
        report.hits.faults.len()
    );
    ExitCode::from(u8::from(!report.failures.is_empty()))
}
