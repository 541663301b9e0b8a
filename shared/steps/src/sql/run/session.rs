//! A session with a server: opened through the relay, given its time, used for one step after the other.

use std::net::IpAddr;
use std::time::Duration;

use assay_egress::Egress;
use serde_json::Value as Json;
use sqlx::postgres::PgConnection;
use tokio::time::Instant;

use super::answer::{Answer, Limits};
use super::dial::{GREETING, relay};
use super::relay::Relay;
use super::tls::Trust;
use super::{fault, mysql, postgres};
use crate::contract::StepError;
use crate::http::Size;
use crate::sql::address::{Dialect, Server};

/// What comes beside the values for each statement, and sixteen times for the rest: names, types, tags.
const BESIDE: u64 = 4 << 10;

/// One statement and the values of its placeholders.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound<'a> {
    pub(super) query: &'a str,
    pub(super) params: &'a [Json],
}

/// What is to be done, and how much may come of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work<'a> {
    pub(super) statements: &'a [Bound<'a>],
    pub(super) transaction: bool,
    pub(super) limits: Limits,
}

/// sqlx's side of a session.
pub(super) enum Speaker {
    Postgres(Box<PgConnection>),
    MySql(Box<mysql::Connected>),
}

/// An open session.
pub(super) struct Session {
    pub(super) client: Speaker,
    relay: Relay,
    pub(super) address: IpAddr,
    /// The server's own number for it.
    pub(super) id: i64,
    /// What the server has been told a statement may take.
    seconds: u64,
    host: String,
}

impl Session {
    /// Opens a session: to an address that the guard has judged, within what it may take.
    pub(super) async fn open(
        egress: &Egress,
        server: &Server,
        trust: &Trust,
        until: Instant,
    ) -> Result<Self, StepError> {
        let connected =
            egress.connect(&server.host, server.port, until).await.map_err(|error| fault::egress(&error))?;
        let (mut relay, path) = relay(server, trust.clone(), connected.stream)
            .map_err(|error| StepError::bug(format!("make a socket for the relay: {error}")))?;
        let host = format!("{}:{}", server.host, server.port);
        let opened = async {
            match server.dialect {
                Dialect::Postgres => {
                    postgres::open(server, &path, &host).await.map(|(client, id)| (Speaker::Postgres(client), id))
                }
                Dialect::MySql => {
                    mysql::open(server, &path, &host).await.map(|(client, id)| (Speaker::MySql(client), id))
                }
            }
        };
        let (client, id) = relay.drive(&host, Size(GREETING), opened).await?;
        Ok(Self { client, relay, address: connected.address.ip(), id, seconds: 0, host })
    }

    /// Whether it rests as it was left.
    pub(super) fn is_quiet(&self) -> bool {
        self.relay.is_quiet()
    }

    /// Does the work. `left` is the time for it, which the server is told too: should nobody be there to stop it, it ends.
    pub(super) async fn carry(&mut self, work: Work<'_>, left: Duration) -> Result<Answer, StepError> {
        let Self { client, relay, host, seconds, .. } = self;
        relay.gauge.allow(work.limits.bytes.0 + BESIDE * (16 + work.statements.len() as u64));
        let needed = left.as_secs() + 1;
        let tell = Some(needed).filter(|needed| *needed != *seconds);
        *seconds = needed;
        let most = work.limits.bytes;
        match client {
            Speaker::Postgres(client) => relay.drive(host, most, postgres::carry(client, host, work, tell)).await,
            Speaker::MySql(client) => relay.drive(host, most, mysql::carry(client, host, work, tell)).await,
        }
    }

    /// Tells the server to stop what another session of the same user is doing.
    pub(super) async fn cancel(&mut self, id: i64) -> Result<(), StepError> {
        let Self { client, relay, host, .. } = self;
        relay.gauge.allow(GREETING);
        match client {
            Speaker::Postgres(client) => {
                relay
                    .drive(
                        host,
                        Size(GREETING),
                        postgres::command(client, host, format!("select pg_cancel_backend({id})")),
                    )
                    .await
            }
            Speaker::MySql(client) => {
                relay.drive(host, Size(GREETING), mysql::command(client, host, format!("kill query {id}"))).await
            }
        }
    }
}

/// What an error says of one of several statements.
pub(super) fn numbered(index: usize, work: Work<'_>, error: StepError) -> StepError {
    if work.transaction {
        return StepError { message: format!("statement {}: {}", index + 1, error.message), ..error };
    }
    error
}

/// Placeholders and values must be as many.
pub(super) fn same_count(host: &str, placeholders: usize, values: usize) -> Result<(), StepError> {
    if placeholders == values {
        return Ok(());
    }
    Err(fault::params(format!(
        "{host}: the statement has {placeholders} placeholders, and `params` has {values} values"
    )))
}
