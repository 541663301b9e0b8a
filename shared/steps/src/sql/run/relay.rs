//! The relay between sqlx and a server: lets messages through that are not too long, and drives itself beside the work.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::fault;
use super::frames::Frames;
use super::wire::{Watch, Wire};
use crate::contract::StepError;
use crate::http::Size;

/// Why the relay let no more through.
#[derive(Debug)]
pub(super) enum Broken {
    /// More than may come in, or the announcement of it.
    TooLarge,
    /// No message of the protocol.
    Protocol(String),
    /// The server wants to copy from or to the client.
    Copy,
    /// The server asks for a file of the client.
    LocalFile,
    /// TLS is insisted on and not offered.
    NoTls,
    /// TLS broke off before it began.
    Handshake(io::Error),
    /// The connection broke.
    Io(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// How many bytes may still come in.
#[derive(Debug)]
pub(super) struct Gauge(AtomicU64);

impl Gauge {
    pub(super) fn new(bytes: u64) -> Self {
        Self(AtomicU64::new(bytes))
    }

    pub(super) fn allow(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn left(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts what came in.
    pub(super) fn take(&self, bytes: usize) -> Result<(), Broken> {
        match self.left().checked_sub(bytes as u64) {
            Some(left) => {
                self.allow(left);
                Ok(())
            }
            None => Err(Broken::TooLarge),
        }
    }
}

type Moving = Pin<Box<dyn Future<Output = Result<(), Broken>> + Send>>;

/// A relay at work or at rest. Nothing moves unless [`Relay::drive`] is awaited.
pub(super) struct Relay {
    future: Moving,
    ended: bool,
    /// Why the connection broke, when it did.
    reason: Option<io::Error>,
    pub(super) gauge: Arc<Gauge>,
    watch: Watch,
}

impl Relay {
    pub(super) fn new(
        future: impl Future<Output = Result<(), Broken>> + Send + 'static,
        gauge: Arc<Gauge>,
        watch: Watch,
    ) -> Self {
        Self { future: Box::pin(future), ended: false, reason: None, gauge, watch }
    }

    /// Whether the connection rests as it was left: open and silent.
    pub(super) fn is_quiet(&self) -> bool {
        !self.ended && self.watch.is_quiet()
    }

    /// Awaits work that bytes must move for. Why the relay stopped is told rather than what became of the work then.
    pub(super) async fn drive<T>(
        &mut self,
        host: &str,
        most: Size,
        work: impl Future<Output = Result<T, StepError>>,
    ) -> Result<T, StepError> {
        let mut work = pin!(work);
        poll_fn(|cx| {
            if !self.ended
                && let Poll::Ready(end) = self.future.as_mut().poll(cx)
            {
                self.ended = true;
                match end {
                    Ok(()) => {}
                    // What had come before may be the answer: the work ends by itself, as nothing more comes.
                    Err(Broken::Io(error)) => self.reason = Some(error),
                    Err(broken) => return Poll::Ready(Err(fault::broken(host, most, &broken))),
                }
            }
            work.as_mut().poll(cx).map_err(|error| match &self.reason {
                Some(reason) if error.code == "sql.closed" => fault::broken_off(host, reason),
                _ => error,
            })
        })
        .await
    }
}

/// How much is read at a time.
const CHUNK: usize = 32 << 10;

/// Lets messages through in both directions until one side closes.
pub(super) async fn pump(
    mut wire: Wire,
    mut unix: UnixStream,
    mut frames: Frames,
    gauge: Arc<Gauge>,
) -> Result<(), Broken> {
    let mut outgoing = BytesMut::new();
    let mut incoming = BytesMut::new();
    loop {
        outgoing.reserve(CHUNK);
        incoming.reserve(CHUNK);
        tokio::select! {
            read = unix.read_buf(&mut outgoing) => {
                if read? == 0 {
                    let _ = wire.shutdown().await;
                    return Ok(());
                }
                let ready = frames.outgoing(&mut outgoing);
                wire.write_all(&ready).await?;
                wire.flush().await?;
            }
            read = wire.read_buf(&mut incoming) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                gauge.take(read)?;
                let ready = frames.incoming(&mut incoming, gauge.left())?;
                unix.write_all(&ready).await?;
            }
        }
    }
}
