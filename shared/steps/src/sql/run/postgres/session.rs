//! A session with Postgres.

use std::path::Path;

use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgRow, PgSslMode};
use sqlx::{
    Arguments as _, AssertSqlSafe, Column as _, ConnectOptions as _, Either, Executor as _, Row as _, SqlSafeStr as _,
    Statement as _, TypeInfo as _, ValueRef as _,
};

use super::param::Param;
use super::value::value;
use crate::contract::StepError;
use crate::sql::address::Server;
use crate::sql::run::answer::{Answer, Limits};
use crate::sql::run::dial::SOCKET_PORT;
use crate::sql::run::fault;
use crate::sql::run::session::{Bound, Work, numbered, same_count};

/// How values are printed; and the server's number for this session.
const SETUP: &str = "set intervalstyle = 'iso_8601'; set bytea_output = 'hex'; select pg_backend_pid()::text";

/// Opens a session over the relay's socket.
pub(in crate::sql::run) async fn open(
    server: &Server,
    folder: &Path,
    host: &str,
) -> Result<(Box<PgConnection>, i64), StepError> {
    let fails = |error: sqlx::Error| fault::sqlx(host, &error);
    let database = server.database.as_ref().unwrap_or(&server.username);
    // What the process has in its environment is said again here, so that nothing of it reaches a target.
    let options = PgConnectOptions::new_without_pgpass()
        .host("localhost")
        .port(SOCKET_PORT)
        .socket(folder)
        .username(&server.username)
        .password(&server.password)
        .database(database)
        .application_name("assay")
        .ssl_mode(PgSslMode::Disable)
        .extra_float_digits(3)
        .disable_statement_logging();
    let mut client = Box::new(options.connect().await.map_err(fails)?);
    let row = (&mut *client).fetch_one(sqlx::raw_sql(SETUP)).await.map_err(fails)?;
    let id = text(&row, 0, host)?.and_then(|text| text.parse().ok()).unwrap_or(0);
    Ok((client, id))
}

/// Carries out what needs no answer.
pub(in crate::sql::run) async fn command(client: &mut PgConnection, host: &str, text: String) -> Result<(), StepError> {
    client.execute(sqlx::raw_sql(AssertSqlSafe(text))).await.map(drop).map_err(|error| fault::sqlx(host, &error))
}

/// Does the work; `seconds` is how long a statement may take, when the server must be told.
pub(in crate::sql::run) async fn carry(
    client: &mut PgConnection,
    host: &str,
    work: Work<'_>,
    seconds: Option<u64>,
) -> Result<Answer, StepError> {
    let mut before = String::new();
    if let Some(seconds) = seconds {
        // Past what the setting can hold, there is no limit.
        let milliseconds = seconds.checked_mul(1000).and_then(|each| i32::try_from(each).ok()).unwrap_or(0);
        before = format!("set statement_timeout = {milliseconds};");
    }
    if work.transaction {
        before.push_str("begin");
    }
    if !before.is_empty() {
        command(client, host, before).await?;
    }
    let mut answer = Answer::default();
    for (index, statement) in work.statements.iter().enumerate() {
        match execute(client, host, *statement, work.limits).await {
            Ok(next) => answer = next,
            Err(error) => {
                if work.transaction && error.code == "sql.query" {
                    let _ = command(client, host, "rollback".into()).await;
                }
                return Err(numbered(index, work, error));
            }
        }
    }
    if work.transaction {
        command(client, host, "commit".into()).await?;
    }
    Ok(answer)
}

async fn execute(client: &mut PgConnection, host: &str, bound: Bound<'_>, limits: Limits) -> Result<Answer, StepError> {
    let fails = |error: sqlx::Error| fault::sqlx(host, &error);
    let statement = client.prepare(AssertSqlSafe(bound.query.to_owned()).into_sql_str()).await.map_err(fails)?;
    let types = match statement.parameters() {
        Some(Either::Left(types)) => types,
        _ => &[],
    };
    same_count(host, types.len(), bound.params.len())?;
    let mut arguments = PgArguments::default();
    for (index, (kind, param)) in types.iter().zip(bound.params).enumerate() {
        let param = Param::of(param, kind).map_err(|why| fault::params(format!("{host}: ${}: {why}", index + 1)))?;
        arguments.add(param).map_err(|error| fault::params(format!("{host}: ${}: {error}", index + 1)))?;
    }
    let mut answer = Answer::default();
    answer.describe(
        statement.columns().iter().map(|column| (column.name().to_owned(), column.type_info().name().to_lowercase())),
    );
    let kinds: Vec<_> = statement.columns().iter().map(|column| column.type_info().clone()).collect();
    let query = sqlx::query_with(AssertSqlSafe(bound.query.to_owned()), arguments);
    let mut stream = client.fetch_many(query);
    while let Some(next) = stream.try_next().await.map_err(fails)? {
        match next {
            Either::Left(done) => answer.affected += done.rows_affected(),
            Either::Right(row) => answer.add(host, limits, |index| {
                let kind =
                    kinds.get(index).ok_or_else(|| fault::protocol(host, "a row has other columns than announced"))?;
                Ok(text(&row, index, host)?.map_or(serde_json::Value::Null, |text| value(text, kind)))
            })?,
        }
    }
    Ok(answer)
}

/// The text of a value; none for NULL.
fn text<'r>(row: &'r PgRow, index: usize, host: &str) -> Result<Option<&'r str>, StepError> {
    let raw = row.try_get_raw(index).map_err(|error| fault::sqlx(host, &error))?;
    if raw.is_null() {
        return Ok(None);
    }
    let bytes = raw.as_bytes().map_err(|error| fault::protocol(host, &error.to_string()))?;
    std::str::from_utf8(bytes).map(Some).map_err(|_| fault::protocol(host, "a value is not UTF-8"))
}
