//! Timestamps and the parts of timestamps and durations.

use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp, Zoned};
use std::sync::LazyLock;

use super::super::error::{Fault, shortened};
use super::super::evaluation::Evaluation;
use super::super::time;
use super::super::value::Value;
use super::registry::{Function, Outcome, arg, global, method, string, wrong};

pub(super) const FUNCTIONS: &[Function] = &[
    global("timestamp", (1, 1), to_timestamp),
    method("getFullYear", (1, 2), |_, args| of_time(args, |t| i64::from(t.year()))),
    method("getMonth", (1, 2), |_, args| of_time(args, |t| i64::from(t.month()) - 1)),
    method("getDayOfYear", (1, 2), |_, args| of_time(args, |t| i64::from(t.day_of_year()) - 1)),
    method("getDayOfMonth", (1, 2), |_, args| of_time(args, |t| i64::from(t.day()) - 1)),
    method("getDate", (1, 2), |_, args| of_time(args, |t| i64::from(t.day()))),
    method("getDayOfWeek", (1, 2), |_, args| of_time(args, |t| i64::from(t.weekday().to_sunday_zero_offset()))),
    method("getHours", (1, 2), |_, args| of_both(args, |t| t.hour().into(), |d| d.as_hours())),
    method("getMinutes", (1, 2), |_, args| of_both(args, |t| t.minute().into(), |d| d.as_mins())),
    method("getSeconds", (1, 2), |_, args| of_both(args, |t| t.second().into(), |d| d.as_secs())),
    method("getMilliseconds", (1, 2), |_, args| {
        of_both(args, |t| t.millisecond().into(), |d| d.subsec_millis().into())
    }),
];

fn to_timestamp(_: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let made = match arg(args, 0)? {
        Value::Timestamp(time) => Ok(*time),
        Value::Int(second) => Timestamp::from_second(*second).map_err(|_| Fault::Overflow),
        Value::String(text) => {
            let bad = || {
                let shown = shortened(text, 60);
                Fault::Argument(format!("`{shown}` is not a time such as 2026-01-31T12:00:00Z"))
            };
            if text.len() > 100 { Err(bad()) } else { text.parse().map_err(|_| bad()) }
        }
        other => Err(wrong(other, "a string such as 2026-01-31T12:00:00Z, or seconds")),
    };
    time::timestamp(made?)
}

/// The time zones, bundled, so that no machine's own list matters.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The zone of the second argument: a name such as `Europe/Berlin`, or an offset such as `+02:00`; UTC without one.
fn zone(args: &[Value]) -> Result<TimeZone, Fault> {
    if args.len() < 2 {
        return Ok(TimeZone::UTC);
    }
    let name = string(args, 1)?;
    let unknown = || {
        let shown = shortened(name, 60);
        Fault::Argument(format!("`{shown}` is not a time zone such as Europe/Berlin or +02:00"))
    };
    if let Some((hours, minutes)) = name.split_once(':') {
        let (negative, hours) = match hours.strip_prefix('-') {
            Some(hours) => (true, hours),
            None => (false, hours.strip_prefix('+').unwrap_or(hours)),
        };
        let digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(hours) || !digits(minutes) {
            return Err(unknown());
        }
        let hours: i32 = hours.parse().map_err(|_| unknown())?;
        let minutes: i32 = minutes.parse().map_err(|_| unknown())?;
        if hours > 23 || minutes > 59 {
            return Err(unknown());
        }
        let seconds = (hours * 60 + minutes) * 60;
        let offset = Offset::from_seconds(if negative { -seconds } else { seconds });
        return offset.map(TimeZone::fixed).map_err(|_| unknown());
    }
    if name.len() > 60 {
        return Err(unknown());
    }
    ZONES.get(name).map_err(|_| unknown())
}

fn of_time(args: &[Value], part: fn(&Zoned) -> i64) -> Outcome {
    match arg(args, 0)? {
        Value::Timestamp(time) => Ok(Value::Int(part(&time.to_zoned(zone(args)?)))),
        other => Err(wrong(other, "a timestamp")),
    }
}

fn of_both(args: &[Value], of_zoned: fn(&Zoned) -> i64, of_span: fn(&SignedDuration) -> i64) -> Outcome {
    match arg(args, 0)? {
        Value::Duration(span) if args.len() == 1 => Ok(Value::Int(of_span(span))),
        Value::Timestamp(_) => of_time(args, of_zoned),
        other => Err(wrong(other, "a timestamp or a duration")),
    }
}
