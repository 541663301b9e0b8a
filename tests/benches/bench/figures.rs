//! How figures are taken and printed.

use std::time::Instant;

/// The clock of the benches.
#[expect(clippy::disallowed_methods, reason = "a bench measures real time, outside any runtime")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The value that so many of a hundred do not pass.
pub(crate) fn quantile(mut values: Vec<f64>, percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() * percent / 100).min(values.len() - 1)]
}

/// The mean of all but the slowest twentieth, which the machine made and not the code.
pub(crate) fn trimmed_mean(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.truncate((values.len() * 19).div_ceil(20));
    values.iter().sum::<f64>() / values.len() as f64
}

/// Prints the head of a bench.
pub(crate) fn begin(title: &str) {
    println!("\n{title}");
    println!("  {:<34} {:>12} {:>20} {:>7}", "", "ours", "beside", "ratio");
}

/// Prints one figure with what it is measured against, and the ratio.
pub(crate) fn figure(what: &str, ours: f64, unit: &str, beside: Option<(&str, f64)>) {
    let ours_text = format!("{ours:.3} {unit}");
    match beside {
        Some((name, value)) => {
            let beside = format!("{name} {value:.3}");
            println!("  {what:<34} {ours_text:>12} {beside:>20} {:>7.2}", ours / value);
        }
        None => println!("  {what:<34} {ours_text:>12}"),
    }
}
