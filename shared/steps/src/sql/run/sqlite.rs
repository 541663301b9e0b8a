//! SQLite files, on the user's own machine only: a connection for each step, on a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::TryStreamExt as _;
use serde_json::Value as Json;
use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{
    Arguments as _, AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Decode, Either, Executor as _,
    Row as _, SqlSafeStr as _, Sqlite, Statement as _, TypeInfo as _, ValueRef as _,
};
use tokio::time::Instant;

use super::answer::{Answer, Limits};
use super::fault;
use super::runner::within;
use super::session::{Bound, Work, numbered, same_count};
use crate::contract::{StepContext, StepError};

/// Which file, and how it is opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) path: &'a str,
    pub(super) create: bool,
    pub(super) read_only: bool,
}

/// How many steps of SQLite's machine pass between two looks at whether it must stop.
const STEPS: i32 = 10_000;

/// Stops what SQLite does when the step is left.
struct Leaving(Arc<AtomicBool>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does the work.
pub(super) async fn carry(file: File<'_>, work: Work<'_>, cx: &StepContext) -> Result<Answer, StepError> {
    let start = Instant::now();
    let name = format!("sqlite:{}", file.path);
    let left = cx.deadline.saturating_duration_since(start);
    let acting = async {
        let mut client = open(file, left).await.map_err(|error| fault::sqlx(&name, &error))?;
        let leave = Arc::new(AtomicBool::new(false));
        let _leaving = Leaving(Arc::clone(&leave));
        {
            let mut handle = client.lock_handle().await.map_err(|error| fault::sqlx(&name, &error))?;
            handle.set_progress_handler(STEPS, move || !leave.load(Ordering::Relaxed));
        }
        let answer = all(&mut client, &name, work).await;
        let _ = client.close().await;
        answer
    };
    within(cx, &name, "waiting for the answer", start, acting).await
}

async fn open(file: File<'_>, left: Duration) -> Result<SqliteConnection, sqlx::Error> {
    let mut options = SqliteConnectOptions::new();
    options = match file.path {
        ":memory:" => options.in_memory(true),
        path => options.filename(path).create_if_missing(file.create).read_only(file.read_only),
    };
    options.busy_timeout(left.min(Duration::from_secs(5))).disable_statement_logging().connect().await
}

async fn all(client: &mut SqliteConnection, name: &str, work: Work<'_>) -> Result<Answer, StepError> {
    let fails = |error: sqlx::Error| fault::sqlx(name, &error);
    if work.transaction {
        client.execute("begin").await.map_err(fails)?;
    }
    let mut answer = Answer::default();
    for (index, statement) in work.statements.iter().enumerate() {
        // What is not committed when the connection closes is rolled back.
        answer = execute(client, name, *statement, work.limits).await.map_err(|error| numbered(index, work, error))?;
    }
    if work.transaction {
        client.execute("commit").await.map_err(fails)?;
    }
    Ok(answer)
}

async fn execute(
    client: &mut SqliteConnection,
    name: &str,
    bound: Bound<'_>,
    limits: Limits,
) -> Result<Answer, StepError> {
    let fails = |error: sqlx::Error| fault::sqlx(name, &error);
    let statement = client.prepare(AssertSqlSafe(bound.query.to_owned()).into_sql_str()).await.map_err(fails)?;
    let placeholders = match statement.parameters() {
        Some(Either::Right(count)) => count,
        _ => 0,
    };
    same_count(name, placeholders, bound.params.len())?;
    let mut arguments = SqliteArguments::default();
    for value in bound.params {
        add(&mut arguments, value).map_err(|error| fault::params(format!("{name}: {error}")))?;
    }
    let mut answer = Answer::default();
    answer.describe(
        statement.columns().iter().map(|column| (column.name().to_owned(), column.type_info().name().to_lowercase())),
    );
    let columns = answer.columns.len();
    let query = sqlx::query_with(AssertSqlSafe(bound.query.to_owned()), arguments);
    let mut size = 0;
    let mut stream = client.fetch_many(query);
    while let Some(next) = stream.try_next().await.map_err(fails)? {
        match next {
            Either::Left(done) => answer.affected += done.rows_affected(),
            Either::Right(row) if row.columns().len() != columns => {
                return Err(fault::request(format!(
                    "{name}: there is more than one statement: write them as `statements`"
                )));
            }
            Either::Right(row) => answer.add(name, limits, |index| {
                let value = value(&row, index).map_err(|error| fault::protocol(name, &error.to_string()))?;
                size += value.as_str().map_or(8, str::len) as u64;
                if size > limits.bytes.0 {
                    return Err(fault::too_large(name, limits.bytes));
                }
                Ok(value)
            })?,
        }
    }
    Ok(answer)
}

/// Adds the value of the next placeholder. Lists and objects are JSON text, booleans 1 and 0.
fn add(arguments: &mut SqliteArguments, value: &Json) -> Result<(), BoxDynError> {
    match value {
        Json::Null => arguments.add(None::<String>),
        Json::Bool(boolean) => arguments.add(*boolean),
        Json::String(text) => arguments.add(text.clone()),
        Json::Array(_) | Json::Object(_) => arguments.add(value.to_string()),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => arguments.add(integer),
            (None, Some(float)) if number.is_f64() => arguments.add(float),
            _ => arguments.add(number.to_string()),
        },
    }
}

/// A value by the type it has itself: in SQLite a column has no type that its values must have.
fn value(row: &SqliteRow, index: usize) -> Result<Json, BoxDynError> {
    let raw = row.try_get_raw(index)?;
    if raw.is_null() {
        return Ok(Json::Null);
    }
    let kind = raw.type_info().name().to_owned();
    match kind.as_str() {
        "INTEGER" | "BOOLEAN" => <i64 as Decode<Sqlite>>::decode(raw).map(Json::from),
        "REAL" => <f64 as Decode<Sqlite>>::decode(raw).map(|float| super::answer::float(&float.to_string())),
        "BLOB" => <&[u8] as Decode<Sqlite>>::decode(raw).map(|bytes| STANDARD.encode(bytes).into()),
        _ => <&str as Decode<Sqlite>>::decode(raw).map(Json::from),
    }
}
