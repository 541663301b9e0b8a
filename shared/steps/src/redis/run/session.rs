//! A connection to Redis that has signed in.

use std::net::SocketAddr;
use std::pin::pin;

use tokio::io::{AsyncWriteExt, BufReader};

use super::reader::{Broken, Budget, read_reply};
use super::reply::Reply;
use super::stream::Stream;
use crate::redis::command::Command;

/// An open connection.
pub(super) struct Session {
    stream: Stream,
    /// Where it leads.
    pub(super) remote: SocketAddr,
    /// Nothing is left on it of what was asked before.
    clean: bool,
}

impl Session {
    pub(super) fn new(stream: Stream, remote: SocketAddr) -> Self {
        Self { stream, remote, clean: true }
    }

    /// Whether it may be asked something: nobody has sent or closed anything meanwhile.
    pub(super) fn is_usable(&self) -> bool {
        self.clean && self.stream.is_quiet()
    }

    /// Sends these commands together and reads a reply for each. `on_reply` is told before each reply which one is waited
    /// for. After an error the connection is of no more use.
    pub(super) async fn ask(
        &mut self,
        commands: &[Command],
        budget: &mut Budget,
        on_reply: impl Fn(usize),
    ) -> Result<Vec<Reply>, Broken> {
        let mut bytes = Vec::new();
        for command in commands {
            command.encode(&mut bytes);
        }
        self.clean = false;
        let (from, mut to) = tokio::io::split(&mut self.stream);
        let mut from = BufReader::with_capacity(16 << 10, from);
        let reads = async {
            let mut replies = Vec::with_capacity(commands.len());
            for index in 0..commands.len() {
                on_reply(index);
                replies.push(read_reply(&mut from, budget).await?);
            }
            // What nobody asked for ends the connection's use.
            Ok((replies, from.buffer().is_empty()))
        };
        let writes = async {
            to.write_all(&bytes).await?;
            to.flush().await
        };
        let (mut reads, mut writes) = (pin!(reads), pin!(writes));
        // A server that closes early may have said why: what it sent counts more than what it did not take.
        let mut written = None;
        let replies = loop {
            tokio::select! {
                biased;
                replies = &mut reads => break replies,
                done = &mut writes, if written.is_none() => written = Some(done),
            }
        };
        let (replies, clean) = match (replies, written) {
            (Err(Broken::Closed { within: false }), Some(Err(error))) => Err(Broken::Io(error)),
            (replies, _) => replies,
        }?;
        self.clean = clean;
        Ok(replies)
    }
}
