//! Servers that do whatever a test wants, and know just enough of the protocol for it.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What a server says to HELLO.
pub(crate) const WELCOME: &[u8] = b"%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n";

/// A listener on an ephemeral port and how many connections it has seen.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Target {
    /// Serves each connection with `serve`, which is told its number.
    pub(crate) async fn new<F, S>(serve: S) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
        S: Fn(TcpStream, usize) -> F + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, number));
            }
        });
        Self { address, connections }
    }

    /// Welcomes, and answers each command with these bytes.
    pub(crate) async fn answers(bytes: &'static [u8]) -> Self {
        Self::new(move |stream, _| serve(stream, bytes)).await
    }

    /// Welcomes, answers the first command with these bytes, and closes.
    pub(crate) async fn ends_with(bytes: &'static [u8]) -> Self {
        Self::new(move |stream, _| async move {
            let mut stream = BufReader::new(stream);
            read_command(&mut stream).await;
            let _ = stream.write_all(WELCOME).await;
            read_command(&mut stream).await;
            let _ = stream.write_all(bytes).await;
            let _ = stream.shutdown().await;
            drain(&mut stream).await;
        })
        .await
    }

    /// Answers everything, HELLO too, with these bytes.
    pub(crate) async fn greets_with(bytes: &'static [u8]) -> Self {
        Self::new(move |stream, _| async move {
            let mut stream = BufReader::new(stream);
            while read_command(&mut stream).await.is_some() {
                let _ = stream.write_all(bytes).await;
            }
        })
        .await
    }

    /// Welcomes, takes a command, and repeats these bytes without end.
    pub(crate) async fn never_ends(first: &'static [u8], then: &'static [u8]) -> Self {
        Self::new(move |stream, _| async move {
            let mut stream = BufReader::new(stream);
            read_command(&mut stream).await;
            let _ = stream.write_all(WELCOME).await;
            read_command(&mut stream).await;
            let _ = stream.write_all(first).await;
            let many = then.repeat(4096);
            while stream.write_all(&many).await.is_ok() {}
        })
        .await
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Welcomes, and answers each command with these bytes.
pub(crate) async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) {
    let mut stream = BufReader::new(stream);
    while let Some(command) = read_command(&mut stream).await {
        let answer = if command[0] == "HELLO" { WELCOME } else { bytes };
        let _ = stream.write_all(answer).await;
    }
}

/// Reads one command; none at the end of the connection.
pub(crate) async fn read_command<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<Vec<String>> {
    let count = read_number(stream, b'*').await?;
    let mut parts = Vec::new();
    for _ in 0..count {
        let mut part = vec![0; read_number(stream, b'$').await? + 2];
        stream.read_exact(&mut part).await.ok()?;
        part.truncate(part.len() - 2);
        parts.push(String::from_utf8_lossy(&part).into_owned());
    }
    Some(parts)
}

async fn read_number<S: AsyncRead + Unpin>(stream: &mut BufReader<S>, kind: u8) -> Option<usize> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line).await.ok()?;
    std::str::from_utf8(line.strip_prefix(&[kind])?).ok()?.trim().parse().ok()
}

/// Reads whatever comes until the other side closes.
pub(crate) async fn drain(stream: &mut (impl AsyncRead + Unpin)) {
    let mut bytes = [0; 4096];
    while stream.read(&mut bytes).await.is_ok_and(|count| count > 0) {}
}
