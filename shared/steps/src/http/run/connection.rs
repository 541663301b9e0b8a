//! An HTTP connection and the future that drives it, side by side.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::handshake::TlsFacts;
use super::phase::{Phase, PhaseMark};
use super::wire::{Idle, Seen, Watch, Wire};
use crate::http::Version;

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Room for the head of an answer under HTTP/2; HTTP/1 has hyper's own limits (100 headers, about 400 KiB).
const HEAD: u32 = 256 << 10;

/// What is sent as body; it knows when the last of it was taken.
pub(super) struct Payload {
    rest: Bytes,
    mark: Arc<PhaseMark>,
}

impl Payload {
    pub(super) fn new(bytes: Bytes, mark: &Arc<PhaseMark>) -> Self {
        mark.set(if bytes.is_empty() { Phase::Waiting } else { Phase::Sending });
        Self { rest: bytes, mark: Arc::clone(mark) }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        const CHUNK: usize = 64 << 10;
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(CHUNK);
        let chunk = self.rest.split_to(length);
        if self.rest.is_empty() {
            self.mark.set(Phase::Waiting);
        }
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

/// An open connection. Nothing moves on it unless [`Connection::drive`] is awaited.
pub(super) struct Connection {
    sender: Sender,
    driver: Driver,
    watch: Watch,
    /// What has come in.
    pub(super) seen: Arc<Seen>,
    /// Where it leads.
    pub(super) remote: SocketAddr,
    /// What the handshake showed.
    pub(super) tls: Option<TlsFacts>,
    /// When it was last put to rest.
    pub(super) rested: Instant,
}

enum Sender {
    One(http1::SendRequest<Payload>),
    Two(http2::SendRequest<Payload>),
}

/// The connection's own future.
struct Driver {
    future: Boxed,
    spawned: Spawned,
    done: bool,
}

/// What a connection would spawn is kept beside it and polled with it.
#[derive(Clone, Default)]
struct Spawned(Arc<Mutex<Vec<Boxed>>>);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Spawned {
    fn execute(&self, future: F) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::pin(future));
    }
}

impl Driver {
    fn poll(&mut self, cx: &mut Context<'_>) {
        if !self.done && self.future.as_mut().poll(cx).is_ready() {
            self.done = true;
        }
    }
}

/// Drives the connection and all that it spawned; ends when the connection ends.
async fn drive_all(connection: impl Future<Output = ()> + Send, spawned: Spawned) {
    let mut connection = pin!(connection);
    let mut running = FuturesUnordered::new();
    poll_fn(|cx| {
        loop {
            let ended = connection.as_mut().poll(cx).is_ready();
            let mut new = std::mem::take(&mut *spawned.0.lock().unwrap_or_else(PoisonError::into_inner));
            let any = !new.is_empty();
            running.extend(new.drain(..));
            while let Poll::Ready(Some(())) = running.poll_next_unpin(cx) {}
            if ended {
                return Poll::Ready(());
            }
            if !any {
                return Poll::Pending;
            }
        }
    })
    .await;
}

/// Why a request was not answered.
pub(super) struct SendFault {
    pub(super) error: hyper::Error,
    /// Nothing of the request has left.
    pub(super) unsent: bool,
}

impl Connection {
    /// Starts HTTP on a stream.
    pub(super) async fn start(
        wire: Wire,
        version: Version,
        watch: Watch,
        seen: Arc<Seen>,
        remote: SocketAddr,
        tls: Option<TlsFacts>,
    ) -> hyper::Result<Self> {
        let io = TokioIo::new(wire);
        let spawned = Spawned::default();
        let (sender, future): (Sender, Boxed) = match version {
            Version::One => {
                let (sender, connection) = http1::Builder::new().handshake(io).await?;
                // Whatever ends the connection is told to the request that waits for it.
                (Sender::One(sender), Box::pin(async move { drop(connection.await) }))
            }
            Version::Two => {
                let (sender, connection) = http2::Builder::new(spawned.clone())
                    .max_header_list_size(HEAD)
                    .initial_stream_window_size(1 << 20)
                    .initial_connection_window_size(2 << 20)
                    .handshake(io)
                    .await?;
                let connection = async move { drop(connection.await) };
                (Sender::Two(sender), Box::pin(drive_all(connection, spawned.clone())))
            }
        };
        let driver = Driver { future, spawned, done: false };
        Ok(Self { sender, driver, watch, seen, remote, tls, rested: Instant::now() })
    }

    /// Whether this is HTTP/2.
    pub(super) fn is_two(&self) -> bool {
        matches!(self.sender, Sender::Two(_))
    }

    /// Awaits something that the connection must move for.
    pub(super) async fn drive<F: Future>(&mut self, future: F) -> F::Output {
        let driver = &mut self.driver;
        let mut future = pin!(future);
        poll_fn(|cx| {
            driver.poll(cx);
            future.as_mut().poll(cx)
        })
        .await
    }

    /// Sends a request and awaits the head of its answer.
    pub(super) async fn send(&mut self, request: Request<Payload>) -> Result<Response<Incoming>, SendFault> {
        self.seen.begin();
        let driver = &mut self.driver;
        macro_rules! answer {
            ($sender:expr) => {{
                let mut future = pin!($sender.try_send_request(request));
                poll_fn(|cx| {
                    driver.poll(cx);
                    future.as_mut().poll(cx)
                })
                .await
                .map_err(|mut fault| SendFault { unsent: fault.take_message().is_some(), error: fault.into_error() })
            }};
        }
        match &mut self.sender {
            Sender::One(sender) => answer!(sender),
            Sender::Two(sender) => answer!(sender),
        }
    }

    /// After an answer was read to its end: whether another request may follow.
    pub(super) async fn settle(&mut self) -> bool {
        poll_fn(|cx| {
            self.driver.poll(cx);
            if !self.is_ready() {
                self.driver.poll(cx);
            }
            Poll::Ready(self.is_ready())
        })
        .await
    }

    /// Before it is used again: whether it is still open and has stayed silent.
    pub(super) async fn wake(&mut self) -> bool {
        match self.watch.idle() {
            Idle::Closed => return false,
            // Nobody speaks first in HTTP/1. Below TLS and in HTTP/2 it may be housekeeping, which the driver reads.
            Idle::Bytes if self.tls.is_none() && !self.is_two() => return false,
            Idle::Bytes | Idle::Quiet => {}
        }
        self.settle().await
    }

    fn is_ready(&self) -> bool {
        !self.driver.done
            && match &self.sender {
                Sender::One(sender) => sender.is_ready(),
                Sender::Two(sender) => sender.is_ready(),
            }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // What was spawned holds the connection, and the connection the list: let go of both.
        self.driver.spawned.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
