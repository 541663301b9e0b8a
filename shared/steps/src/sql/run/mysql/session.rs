//! A session with MySQL or MariaDB.

use std::path::Path;

use futures_util::TryStreamExt as _;
use serde_json::Value as Json;
use sqlx::mysql::{
    MySqlArguments, MySqlColumn, MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlQueryResult, MySqlRow,
    MySqlSslMode,
};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Decode, Either, Executor as _, MySql, Row as _, SqlSafeStr as _,
    Statement as _, Type, TypeInfo as _, ValueRef as _,
};

use super::param;
use super::value::{binary, printed};
use crate::contract::StepError;
use crate::sql::address::Server;
use crate::sql::run::answer::{Answer, Limits};
use crate::sql::run::fault;
use crate::sql::run::session::{Bound, Work, numbered, same_count};

/// A session, and whose it is.
pub(in crate::sql::run) struct Connected {
    client: MySqlConnection,
    is_mariadb: bool,
}

/// "This command is not supported in the prepared statement protocol yet".
const NOT_PREPARED: u16 = 1295;

/// Opens a session over the relay's socket.
pub(in crate::sql::run) async fn open(
    server: &Server,
    socket: &Path,
    host: &str,
) -> Result<(Box<Connected>, i64), StepError> {
    let fails = |error: sqlx::Error| fault::sqlx(host, &error);
    let mut options = MySqlConnectOptions::new()
        .host("localhost")
        .socket(socket)
        .username(&server.username)
        .ssl_mode(MySqlSslMode::Disabled)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .disable_statement_logging();
    if !server.password.is_empty() {
        options = options.password(&server.password);
    }
    if let Some(database) = &server.database {
        options = options.database(database);
    }
    let mut client = options.connect().await.map_err(fails)?;
    let row = client.fetch_one(sqlx::raw_sql("select connection_id(), version()")).await.map_err(fails)?;
    let id = bytes(&row, 0, host)?.and_then(|id| std::str::from_utf8(id).ok()?.parse().ok()).unwrap_or(0);
    let version = bytes(&row, 1, host)?.map(String::from_utf8_lossy).unwrap_or_default().to_ascii_lowercase();
    Ok((Box::new(Connected { client, is_mariadb: version.contains("mariadb") }), id))
}

/// Carries out what needs no answer.
pub(in crate::sql::run) async fn command(connected: &mut Connected, host: &str, text: String) -> Result<(), StepError> {
    let done = connected.client.execute(sqlx::raw_sql(AssertSqlSafe(text))).await;
    done.map(drop).map_err(|error| fault::sqlx(host, &error))
}

/// Does the work; `seconds` is how long a statement may take, when the server must be told.
pub(in crate::sql::run) async fn carry(
    connected: &mut Connected,
    host: &str,
    work: Work<'_>,
    seconds: Option<u64>,
) -> Result<Answer, StepError> {
    if let Some(seconds) = seconds {
        let limit = if connected.is_mariadb {
            format!("set max_statement_time = {}", seconds.min(31_536_000))
        } else {
            format!("set max_execution_time = {}", seconds.saturating_mul(1000).min(u32::MAX.into()))
        };
        command(connected, host, limit).await?;
    }
    if work.transaction {
        command(connected, host, "start transaction".into()).await?;
    }
    let mut answer = Answer::default();
    for (index, statement) in work.statements.iter().enumerate() {
        match execute(connected, host, *statement, work.limits).await {
            Ok(next) => answer = next,
            Err(error) => {
                if work.transaction && error.code == "sql.query" {
                    let _ = command(connected, host, "rollback".into()).await;
                }
                return Err(numbered(index, work, error));
            }
        }
    }
    if work.transaction {
        command(connected, host, "commit".into()).await?;
    }
    Ok(answer)
}

async fn execute(connected: &mut Connected, host: &str, bound: Bound<'_>, limits: Limits) -> Result<Answer, StepError> {
    let client = &mut connected.client;
    let statement = match client.prepare(AssertSqlSafe(bound.query.to_owned()).into_sql_str()).await {
        Ok(statement) => statement,
        Err(error) if is_not_prepared(&error) && bound.params.is_empty() => {
            let query = sqlx::raw_sql(AssertSqlSafe(bound.query.to_owned()));
            return collect(client.fetch_many(query), host, limits, Answer::default(), printed).await;
        }
        Err(error) => return Err(fault::sqlx(host, &error)),
    };
    let placeholders = match statement.parameters() {
        Some(Either::Right(count)) => count,
        Some(Either::Left(types)) => types.len(),
        None => 0,
    };
    same_count(host, placeholders, bound.params.len())?;
    let mut arguments = MySqlArguments::default();
    for (index, value) in bound.params.iter().enumerate() {
        param::add(&mut arguments, value)
            .map_err(|error| fault::params(format!("{host}: parameter {}: {error}", index + 1)))?;
    }
    let mut answer = Answer::default();
    answer.describe(statement.columns().iter().map(described));
    let query = sqlx::query_with(AssertSqlSafe(bound.query.to_owned()), arguments);
    collect(client.fetch_many(query), host, limits, answer, binary).await
}

/// The name of a column's type. A text whose order is that of its bytes is flagged like bytes; its collation tells.
fn kind_of(column: &MySqlColumn) -> &str {
    let kind = column.type_info();
    let is_text = <str as Type<MySql>>::compatible(kind);
    match kind.name() {
        // This is how MySQL keeps a boolean; the value is a number like any other.
        "BOOLEAN" => "TINYINT",
        "TINYBLOB" if is_text => "TINYTEXT",
        "BLOB" if is_text => "TEXT",
        "MEDIUMBLOB" if is_text => "MEDIUMTEXT",
        "LONGBLOB" if is_text => "LONGTEXT",
        "BINARY" if is_text => "CHAR",
        "VARBINARY" if is_text => "VARCHAR",
        name => name,
    }
}

/// The name and the type of a column, as the output has them.
fn described(column: &MySqlColumn) -> (String, String) {
    (column.name().to_owned(), kind_of(column).to_lowercase())
}

fn is_not_prepared(error: &sqlx::Error) -> bool {
    let database = error.as_database_error().and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>());
    database.is_some_and(|error| error.number() == NOT_PREPARED)
}

/// Takes rows and counts. Types are those of the rows: what a statement announces before its values are known may differ.
async fn collect(
    mut stream: impl futures_util::Stream<Item = Result<Either<MySqlQueryResult, MySqlRow>, sqlx::Error>> + Unpin,
    host: &str,
    limits: Limits,
    mut answer: Answer,
    read: fn(&[u8], &str) -> Json,
) -> Result<Answer, StepError> {
    let mut first = true;
    while let Some(next) = stream.try_next().await.map_err(|error| fault::sqlx(host, &error))? {
        match next {
            Either::Left(done) => {
                answer.affected += done.rows_affected();
                first = true;
            }
            Either::Right(row) => {
                if std::mem::take(&mut first) {
                    // A procedure may answer several times: the last answer counts.
                    answer = Answer::default();
                    answer.describe(row.columns().iter().map(described));
                }
                answer.add(host, limits, |index| {
                    let Some(bytes) = bytes(&row, index, host)? else { return Ok(Json::Null) };
                    Ok(read(bytes, kind_of(&row.columns()[index])))
                })?;
            }
        }
    }
    Ok(answer)
}

/// The bytes of a value; none for NULL.
fn bytes<'r>(row: &'r MySqlRow, index: usize, host: &str) -> Result<Option<&'r [u8]>, StepError> {
    let raw = row.try_get_raw(index).map_err(|error| fault::sqlx(host, &error))?;
    if raw.is_null() {
        return Ok(None);
    }
    <&[u8] as Decode<MySql>>::decode(raw).map(Some).map_err(|error| fault::protocol(host, &error.to_string()))
}
