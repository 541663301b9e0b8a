//! Each format says what the records say, as the table of `docs/reports.md` has it.

mod ctrf;
mod fixtures;
mod html;
mod junit;
mod lines;

use super::{Kind, Report, write};
use fixtures::{attempts, every_status, execution, failed_assertion, hostile, nested, report, result, step};
