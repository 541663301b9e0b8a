//! What went wrong, as a stable code and a sentence that says what, where, and what to do.

use std::io;
use std::time::Duration;

use assay_egress::EgressError;
use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::postgres::{PgDatabaseError, PgErrorPosition};

use super::relay::Broken;
use crate::contract::{StepError, StepErrorClass as Class};
use crate::http::Size;
use crate::tls::what_is_wrong;

/// The step itself is wrong, which only shows once its templates are rendered.
pub(super) fn request(message: impl Into<String>) -> StepError {
    StepError::new(Class::Permanent, "sql.request", message)
}

/// A parameter that the statement cannot take.
pub(super) fn params(message: impl Into<String>) -> StepError {
    StepError::new(Class::Permanent, "sql.params", message)
}

/// Out of time.
pub(super) fn timeout(host: &str, doing: &str, elapsed: Duration) -> StepError {
    StepError::new(
        Class::Timeout,
        "sql.timeout",
        format!("{host}: out of time after {} ms while {doing}", elapsed.as_millis()),
    )
}

/// More rows than there may be.
pub(super) fn too_many_rows(host: &str, most: u64) -> StepError {
    let message =
        format!("{host}: more than {most} rows: ask for fewer (`limit`), count in the database, or raise `maxRows`");
    StepError::new(Class::Permanent, "sql.tooManyRows", message)
}

/// A larger answer than there may be.
pub(super) fn too_large(host: &str, most: Size) -> StepError {
    let message =
        format!("{host}: the answer is larger than {most}: ask for fewer rows or columns, or raise `maxBytes`");
    StepError::new(Class::Permanent, "sql.tooLarge", message)
}

/// The server does not keep to its own protocol.
pub(super) fn protocol(host: &str, how: &str) -> StepError {
    StepError::new(Class::Permanent, "sql.protocol", format!("{host}: {how}"))
}

/// The guard did not connect.
pub(super) fn egress(error: &EgressError) -> StepError {
    let (class, code, message) = match error {
        EgressError::NotAllowed(denied) => (Class::Permanent, "sql.egress", format!("not allowed: {denied}")),
        EgressError::BadHost(_) => (Class::Permanent, "sql.request", error.to_string()),
        EgressError::Resolve { source, .. } => {
            (Class::Connect, "sql.dns", format!("cannot {error}: {source}; check the name and where it is known"))
        }
        EgressError::NoAddress(_) => (Class::Connect, "sql.dns", error.to_string()),
        EgressError::Refused { .. } => {
            (Class::Connect, "sql.refused", format!("{error}: no database listens there, or a firewall refuses"))
        }
        EgressError::Timeout { .. } => (Class::Timeout, "sql.timeout", error.to_string()),
        EgressError::Unreachable { source, .. } => {
            (Class::Connect, "sql.unreachable", format!("cannot {error}: {source}"))
        }
    };
    StepError::new(class, code, message)
}

/// The relay let no more through.
pub(super) fn broken(host: &str, most: Size, broken: &Broken) -> StepError {
    match broken {
        Broken::TooLarge => too_large(host, most),
        Broken::Protocol(how) => protocol(host, how),
        Broken::Copy => StepError::new(
            Class::Permanent,
            "sql.query",
            format!("{host}: `copy` from or to the client is not done here: use insert or select"),
        ),
        Broken::LocalFile => {
            protocol(host, "the server asked for a file of this machine (LOCAL INFILE), which it never gets")
        }
        Broken::NoTls => StepError::new(
            Class::Permanent,
            "sql.tls",
            format!("{host}: the server does not offer TLS: leave `tls` and `sslmode` away, or turn it on there"),
        ),
        Broken::Handshake(error) => handshake(host, error),
        Broken::Io(error) => broken_off(host, error),
    }
}

fn handshake(host: &str, error: &io::Error) -> StepError {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let hint = what_is_wrong(error).unwrap_or(match tls {
        Some(rustls::Error::AlertReceived(_)) => "the server refused the handshake: it may want a client certificate",
        Some(_) => "the server does not speak TLS as it should",
        None => "the server broke off the handshake",
    });
    let class = if tls.is_some() { Class::Permanent } else { Class::Retry };
    StepError::new(class, "sql.tls", format!("{host}: TLS handshake failed: {hint} ({error})"))
}

/// The connection broke before the answer ended.
pub(super) fn broken_off(host: &str, error: &io::Error) -> StepError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => closed(host, "the server closed the connection"),
        _ => closed(host, &format!("the connection broke off: {error}")),
    }
}

/// The connection ended before the answer did.
pub(super) fn closed(host: &str, how: &str) -> StepError {
    StepError::new(Class::Retry, "sql.closed", format!("{host}: {how}; a statement under way may have acted"))
}

/// What sqlx says.
pub(super) fn sqlx(host: &str, error: &sqlx::Error) -> StepError {
    match error {
        sqlx::Error::Database(error) => database(host, error.as_ref()),
        sqlx::Error::Io(error) => broken_off(host, error),
        sqlx::Error::Encode(error) => params(format!("{host}: {error}")),
        // The only one that is left: without TLS the password would have to be hidden with RSA.
        sqlx::Error::Configuration(_) => auth(
            host,
            "to log in with MySQL's `caching_sha2_password` needs TLS: give `tls`, or write `?ssl-mode=required` in the URL",
        ),
        sqlx::Error::WorkerCrashed => StepError::bug("the thread of a SQLite file ended"),
        sqlx::Error::Protocol(how) if how.contains("auth") => {
            auth(host, &format!("the way to log in that the server asks for is not known here: {how}"))
        }
        other => protocol(host, &format!("the answer cannot be understood: {other}")),
    }
}

fn auth(host: &str, message: &str) -> StepError {
    StepError::new(Class::Permanent, "sql.auth", format!("{host}: {message}"))
}

fn database(host: &str, error: &dyn DatabaseError) -> StepError {
    if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
        return postgres(host, error);
    }
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        return mysql(host, error);
    }
    let code = error.code().unwrap_or_default();
    // The low byte of SQLite's extended codes: busy and locked.
    let primary = code.parse::<u32>().unwrap_or(0) & 0xff;
    let (class, which) = match primary {
        5 | 6 => (Class::Retry, "sql.conflict"),
        9 => (Class::Timeout, "sql.timeout"),
        14 | 26 => (Class::Permanent, "sql.database"),
        _ => (Class::Permanent, "sql.query"),
    };
    StepError::new(class, which, format!("{host}: {} (SQLite code {code})", error.message()))
}

fn postgres(host: &str, error: &PgDatabaseError) -> StepError {
    let code = error.code();
    let (class, which) = of_state(code);
    let mut message = format!("{host}: {} (SQLSTATE {code}", error.message());
    if let Some(PgErrorPosition::Original(position)) = error.position() {
        message.push_str(&format!(" at character {position}"));
    }
    message.push(')');
    for more in [error.detail(), error.hint()].into_iter().flatten() {
        message.push_str("; ");
        message.push_str(more);
    }
    if code == "42601" && error.message().contains("multiple commands") {
        message.push_str("; write them as `statements`");
    }
    StepError::new(class, which, message)
}

/// What a SQLSTATE means for another attempt (PostgreSQL documentation, appendix A).
fn of_state(code: &str) -> (Class, &'static str) {
    match code {
        "57014" => (Class::Timeout, "sql.timeout"),
        "40001" | "40P01" | "55P03" => (Class::Retry, "sql.conflict"),
        "57P03" | "53300" | "57P05" => (Class::Connect, "sql.unavailable"),
        "57P01" | "57P02" => (Class::Retry, "sql.closed"),
        "3D000" => (Class::Permanent, "sql.database"),
        _ if code.starts_with("28") => (Class::Permanent, "sql.auth"),
        _ if code.starts_with("08") => (Class::Retry, "sql.closed"),
        _ if code.starts_with("53") => (Class::Retry, "sql.unavailable"),
        _ => (Class::Permanent, "sql.query"),
    }
}

fn mysql(host: &str, error: &MySqlDatabaseError) -> StepError {
    let (number, state) = (error.number(), error.code().unwrap_or("HY000"));
    let (class, which) = match number {
        1205 | 1213 => (Class::Retry, "sql.conflict"),
        1969 | 3024 | 1317 => (Class::Timeout, "sql.timeout"),
        1040 | 1129 | 1203 | 1226 => (Class::Connect, "sql.unavailable"),
        1044 | 1045 | 1698 | 1130 | 1524 | 3118 | 4151 => (Class::Permanent, "sql.auth"),
        1053 | 1927 => (Class::Retry, "sql.closed"),
        1049 => (Class::Permanent, "sql.database"),
        _ => (Class::Permanent, "sql.query"),
    };
    StepError::new(class, which, format!("{host}: {} (error {number}, SQLSTATE {state})", error.message()))
}
