//! The connection of a wait: what is asked over it, and what it means when there is none.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::client::Dial;
use super::entry::Entry;
use super::fault;
use super::reader::{Broken, Budget};
use super::record::{Info, Place, run_of};
use super::reply::Reply;
use super::session::Session;
use crate::contract::{StepError, StepErrorClass as Class};
use crate::redis::command::Command;

/// How long an answer may take beyond what the command itself waits.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a server or a stream says of itself, without entries.
const FACTS: u64 = 64 << 10;

/// The most entries that are asked for at once.
const BATCH: usize = 500;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server is away; it may come back.
    Away(StepError),
    /// Asking again would change nothing.
    Fatal(StepError),
}

impl From<Trouble> for StepError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Away(error) | Trouble::Fatal(error) => error,
        }
    }
}

fn away_or_fatal(error: StepError) -> Trouble {
    match error.class {
        Class::Connect | Class::Retry | Class::Timeout => Trouble::Away(error),
        _ => Trouble::Fatal(error),
    }
}

/// A wait's side of the connection. What it asks changes nothing, so it may be asked twice.
pub(super) struct Wait<'a> {
    pub(super) dial: Dial<'a>,
    pub(super) max_bytes: u64,
    session: Option<Session>,
    batch: usize,
    /// Whether a connection was lost.
    pub(super) interrupted: bool,
}

impl<'a> Wait<'a> {
    pub(super) fn new(dial: Dial<'a>, max_bytes: u64) -> Self {
        let session = dial.resting(&dial.route());
        Self { dial, max_bytes, session, batch: BATCH, interrupted: false }
    }

    /// Leaves the connection to the next one.
    pub(super) fn rest(&mut self) {
        if let Some(session) = self.session.take().filter(Session::is_usable) {
            self.dial.client.pool.put(self.dial.route(), session);
        }
    }

    /// Where a wait for this stream begins now.
    pub(super) async fn begin(&mut self, stream: &str) -> Result<Place, Trouble> {
        // The run first: after a restart in between, the stream is doubted rather than trusted.
        let run = self.run().await?;
        let info = self.info(stream).await?;
        let Info { last, added } = info;
        Ok(Place { stream: stream.to_owned(), at: last, read: 0, added, run, interrupted: false })
    }

    /// What the stream says of itself.
    pub(super) async fn info(&mut self, stream: &str) -> Result<Info, Trouble> {
        // It shows the first and the last entry whole.
        let bytes = self.max_bytes.saturating_mul(2).saturating_add(FACTS);
        let reply = self.ask(Command::new(&["XINFO", "STREAM", stream]), PATIENCE, bytes).await?;
        match reply {
            Ok(Reply::Error(message)) if message.starts_with("ERR no such key") => Ok(Info::none()),
            Ok(Reply::Error(message)) => Err(self.refused("XINFO STREAM", &message)),
            Ok(reply) => Info::read(reply).ok_or_else(|| self.odd("XINFO STREAM")),
            Err(broken) => Err(Trouble::Fatal(fault::broken(self.dial.target, broken, "XINFO STREAM"))),
        }
    }

    /// Which run of which server this is; none when the user may not know.
    pub(super) async fn run(&mut self) -> Result<Option<String>, Trouble> {
        let reply = self.ask(Command::new(&["INFO", "server"]), PATIENCE, FACTS).await?;
        match reply {
            Ok(Reply::Error(message)) if message.starts_with("LOADING") => Err(self.refused("INFO", &message)),
            Ok(reply) => Ok(run_of(&reply)),
            Err(broken) => Err(Trouble::Fatal(fault::broken(self.dial.target, broken, "INFO"))),
        }
    }

    /// The next entries, waiting for them up to `block` if it is given. Entries too large to come together come alone.
    pub(super) async fn read(&mut self, place: &Place, block: Option<Duration>) -> Result<Vec<Entry>, Trouble> {
        loop {
            let (count, at) = (self.batch.to_string(), place.at.to_string());
            let mut parts = vec!["XREAD", "COUNT", &count];
            let milliseconds = block.map(|block| block.as_millis().max(1).to_string());
            if let Some(milliseconds) = &milliseconds {
                parts.extend(["BLOCK", milliseconds]);
            }
            parts.extend(["STREAMS", &place.stream, &at]);
            let patience = block.unwrap_or_default() + PATIENCE;
            match self.ask(Command::new(&parts), patience, self.max_bytes).await? {
                Ok(Reply::Error(message)) => return Err(self.refused("XREAD", &message)),
                Ok(reply) => {
                    self.batch = (self.batch * 2).min(BATCH);
                    return Entry::read_all(&place.stream, reply).ok_or_else(|| self.odd("XREAD"));
                }
                Err(Broken::TooLarge) if self.batch > 1 => self.batch = 1,
                Err(broken) => return Err(Trouble::Fatal(fault::broken(self.dial.target, broken, "XREAD"))),
            }
        }
    }

    fn refused(&self, what: &str, message: &str) -> Trouble {
        away_or_fatal(fault::refused(self.dial.target, what, message))
    }

    fn odd(&self, what: &str) -> Trouble {
        let broken = Broken::Protocol("another shape than a stream has".into());
        Trouble::Fatal(fault::broken(self.dial.target, broken, what))
    }

    /// Asks once, on a new connection if there is none, and once more on a new one if the one at hand turns out to be
    /// dead. `Ok(Err)`: what came cannot be read.
    async fn ask(
        &mut self,
        command: Command,
        patience: Duration,
        bytes: u64,
    ) -> Result<Result<Reply, Broken>, Trouble> {
        let name = command.name();
        let commands = [command];
        loop {
            let reused = self.session.is_some();
            let mut session = match self.session.take() {
                Some(session) => session,
                None => self.open().await?,
            };
            self.dial.doing.set(format!("waiting for the reply to {name}"));
            let mut budget = Budget::new(bytes);
            let start = Instant::now();
            let answered = timeout(patience, session.ask(&commands, &mut budget, |_| {})).await;
            let error = match answered {
                Ok(Ok(replies)) => {
                    self.session = Some(session);
                    return Ok(Ok(replies.into_iter().next().unwrap_or(Reply::Null)));
                }
                Ok(Err(broken @ (Broken::TooLarge | Broken::Protocol(_)))) => return Ok(Err(broken)),
                Ok(Err(broken)) => fault::broken(self.dial.target, broken, &name),
                Err(_) => fault::timeout(&self.dial.target.place(), &self.dial.doing.get(), start.elapsed()),
            };
            self.interrupted = true;
            if !reused {
                return Err(away_or_fatal(error));
            }
        }
    }

    async fn open(&mut self) -> Result<Session, Trouble> {
        let start = Instant::now();
        self.dial.until = start + 2 * PATIENCE;
        match timeout(PATIENCE, self.dial.open()).await {
            Ok(opened) => opened.map_err(away_or_fatal),
            Err(_) => {
                let (place, doing) = (self.dial.target.place(), self.dial.doing.get());
                Err(Trouble::Away(fault::timeout(&place, &doing, start.elapsed())))
            }
        }
    }
}
