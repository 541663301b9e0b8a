//! The step itself: a session, the work, the output.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use assay_egress::Egress;
use async_trait::async_trait;
use futures_util::FutureExt as _;
use serde_json::{Value as Json, json};
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, timeout};

use super::answer::{Answer, Limits};
use super::pool::Route;
use super::session::{Bound, Session, Work};
use super::tls::Trust;
use super::{fault, sqlite};
use crate::contract::{Output, StepContext, StepError, StepErrorClass as Class, StepOutcome, StepRunner};
use crate::http::Size;
use crate::probe;
use crate::sql::address::{Address, Server};
use crate::sql::config::{MOST_BYTES, MOST_ROWS, MOST_STATEMENTS};
use crate::sql::{Sql, SqlConfig, words};

/// How long telling the server to stop may take.
const CANCEL: Duration = Duration::from_secs(2);

#[async_trait]
impl StepRunner for Sql {
    async fn run(&self, config: SqlConfig, cx: &StepContext) -> Result<StepOutcome, StepError> {
        let statements = statements(&config)?;
        let limits = Limits { rows: config.max_rows.min(MOST_ROWS), bytes: Size(config.max_bytes.0.min(MOST_BYTES.0)) };
        let work = Work { statements: &statements, transaction: config.query.is_none(), limits };
        let answer = match Address::read(&config.url).map_err(|why| fault::request(format!("`url`: {why}")))? {
            Address::Server(server) => Box::pin(self.at_server(named(server, &config), &config, work, cx)).await?,
            Address::File { path, create, read_only } => {
                if !cx.egress.policy().is_open() {
                    let message = "a server opens no SQLite file: use a database server";
                    return Err(StepError::new(Class::Permanent, "sql.egress", message));
                }
                let file = sqlite::File { path: &path, create, read_only };
                Box::pin(sqlite::carry(file, work, cx)).await?
            }
        };
        let note = note(&answer);
        let fields = answer.fields();
        Ok(StepOutcome::Done(Output { fields, sent: Some(sent(&config)), note, expectations: Vec::new() }))
    }

    async fn probe(&self, resource: &Json, cx: &StepContext) -> Result<Option<String>, StepError> {
        let url = resource.get("url").and_then(Json::as_str).unwrap_or_default();
        let function = if url.starts_with("sqlite:") { "sqlite_version()" } else { "version()" };
        let query = json!({"query": format!("select {function} as version")});
        let (output, took) = probe::ask(self, resource, query, cx).await?;
        let version = output.fields.get("rows").and_then(|rows| rows.get(0)?.get("version")?.as_str());
        Ok(Some(format!("answers in {}, {}", probe::millis(took), version.unwrap_or("version unknown"))))
    }
}

/// The server, and who connects as the step says apart from the URL.
fn named(mut server: Server, config: &SqlConfig) -> Server {
    if let Some(username) = &config.username {
        server.username.clone_from(username);
    }
    if let Some(password) = &config.password {
        server.password.clone_from(password);
    }
    server
}

fn statements(config: &SqlConfig) -> Result<Vec<Bound<'_>>, StepError> {
    match (&config.query, config.statements.as_slice()) {
        (Some(query), []) => Ok(vec![Bound { query, params: &config.params }]),
        (None, []) => Err(fault::request("there is neither `query` nor `statements`")),
        (None, statements) if statements.len() <= MOST_STATEMENTS => {
            Ok(statements.iter().map(|each| Bound { query: each.query(), params: each.params() }).collect())
        }
        (None, statements) => {
            Err(fault::request(format!("{} statements are too many: 1,000 at most", statements.len())))
        }
        (Some(_), _) => Err(fault::request("there are both `query` and `statements`")),
    }
}

/// What the step is for, once it is read.
struct Target<'a> {
    route: &'a Route,
    trust: &'a Trust,
    host: &'a str,
    start: Instant,
}

impl Sql {
    async fn at_server(
        &self,
        server: Server,
        config: &SqlConfig,
        work: Work<'_>,
        cx: &StepContext,
    ) -> Result<Answer, StepError> {
        let start = Instant::now();
        let host = format!("{}:{}", server.host, server.port);
        let trust = Trust::read(&self.client.settings, config.tls.as_ref(), server.tls, cx.files.as_ref()).await?;
        let route = Route { owner: cx.egress.owner().clone(), server, tls: trust.id() };
        let target = Target { route: &route, trust: &trust, host: &host, start };
        let opening = async {
            let place = self.client.pool.place(&route).await?;
            Ok((place, self.session(&target, cx, true).await?))
        };
        let (_place, mut session) = within(cx, &host, "connecting", start, opening).await?;
        let leaves_nothing = work.statements.iter().all(|each| words::leaves_nothing(each.query));
        let mut result = self.carry(&mut session, work, cx, &target).await;
        if result.as_ref().is_err_and(|error| error.message.contains("cached plan must not change result type")) {
            // A table has changed under a statement that this session had prepared; nothing was done yet.
            session = within(cx, &host, "connecting", start, self.session(&target, cx, false)).await?;
            result = self.carry(&mut session, work, cx, &target).await;
        }
        if result.is_ok() && leaves_nothing {
            self.client.pool.put(route, cx.execution_started_at, session);
        }
        result
    }

    async fn carry(
        &self,
        session: &mut Session,
        work: Work<'_>,
        cx: &StepContext,
        target: &Target<'_>,
    ) -> Result<Answer, StepError> {
        let left = cx.deadline.saturating_duration_since(Instant::now());
        let result = within(cx, target.host, "waiting for the answer", target.start, session.carry(work, left)).await;
        if result.as_ref().is_err_and(|error| error.class == Class::Stopped) {
            // Best effort: the server also ends it when its time is over.
            let until = Instant::now() + CANCEL;
            let cancelling = async {
                let mut other = Box::pin(Session::open(&cx.egress, &target.route.server, target.trust, until)).await?;
                other.cancel(session.id).await
            };
            let _ = timeout(CANCEL, cancelling).await;
        }
        result
    }

    /// A session that rests, if it may, else a new one.
    async fn session(&self, target: &Target<'_>, cx: &StepContext, kept: bool) -> Result<Session, StepError> {
        let server = &target.route.server;
        if kept && let Some(session) = self.client.pool.take(target.route, cx.execution_started_at) {
            judge(&cx.egress, server, &session)?;
            return Ok(session);
        }
        Box::pin(Session::open(&cx.egress, server, target.trust, cx.deadline + Duration::from_secs(60))).await
    }
}

/// Whether a session that is kept may still be used.
fn judge(egress: &Egress, server: &Server, session: &Session) -> Result<(), StepError> {
    egress
        .judge(&server.host, server.port, &[session.address])
        .map_err(|denied| StepError::new(Class::Permanent, "sql.egress", format!("not allowed: {denied}")))
}

/// Awaits work until it is stopped or out of time. What sqlx makes of a lying server may be a panic: that is an answer too.
pub(super) async fn within<T>(
    cx: &StepContext,
    host: &str,
    doing: &str,
    start: Instant,
    work: impl Future<Output = Result<T, StepError>>,
) -> Result<T, StepError> {
    let work = AssertUnwindSafe(work).catch_unwind();
    // A target that never pauses uses up what a turn of the runtime allows; the clock must be looked at all the same.
    tokio::select! {
        biased;
        done = work => done.unwrap_or_else(|_| Err(fault::protocol(host, "the answer cannot be understood"))),
        () = unconstrained(cx.stop.cancelled()) => {
            Err(StepError::new(Class::Stopped, "step.stopped", format!("stopped on request while {doing}")))
        }
        () = unconstrained(tokio::time::sleep_until(cx.deadline)) => Err(fault::timeout(host, doing, start.elapsed())),
    }
}

fn note(answer: &Answer) -> Option<String> {
    match (answer.columns.is_empty(), answer.rows.is_empty(), answer.affected) {
        (false, true, _) => Some("no row came back".into()),
        (true, _, 0) => Some("no row was changed".into()),
        _ => None,
    }
}

/// What was sent, for evidence.
fn sent(config: &SqlConfig) -> Json {
    let one = |query: &str, params: &[Json]| match params {
        [] => json!({"query": query}),
        params => json!({"query": query, "params": params}),
    };
    match &config.query {
        Some(query) => one(query, &config.params),
        None => {
            let all: Vec<Json> = config.statements.iter().map(|each| one(each.query(), each.params())).collect();
            json!({"statements": all})
        }
    }
}
