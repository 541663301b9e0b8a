//! Servers that speak the beginning of a protocol, and then do as a test says.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A listener that hands each connection to a script.
pub(crate) struct Liar {
    pub(crate) port: u16,
    connections: Arc<AtomicUsize>,
}

impl Liar {
    pub(crate) async fn new<F, Fut>(script: F) -> Self
    where
        F: Fn(TcpStream) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(script(stream));
            }
        });
        Self { port, connections }
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn postgres(&self) -> String {
        format!("postgres://a:b@127.0.0.1:{}/d", self.port)
    }

    pub(crate) fn mysql(&self) -> String {
        format!("mysql://a@127.0.0.1:{}/d", self.port)
    }
}

/// A message of Postgres.
pub(crate) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[kind][..], &length.to_be_bytes(), body].concat()
}

fn row(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap();
    message(b'D', &[&[0, 1][..], &length.to_be_bytes(), text.as_bytes()].concat())
}

/// One column `v` of type text.
fn columns() -> Vec<u8> {
    message(b'T', &[&[0, 1][..], b"v\0", &[0; 6], &[0, 0, 0, 25], &[255, 255], &[255; 4], &[0, 0]].concat())
}

fn ready() -> Vec<u8> {
    message(b'Z', b"I")
}

/// Reads messages until one of this kind has come; false at the end of the connection.
async fn until(stream: &mut TcpStream, kind: u8) -> bool {
    loop {
        let mut head = [0; 5];
        if stream.read_exact(&mut head).await.is_err() {
            return false;
        }
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let mut body = vec![0; length - 4];
        if stream.read_exact(&mut body).await.is_err() {
            return false;
        }
        if head[0] == kind {
            return true;
        }
    }
}

/// Refuses TLS, then reads who comes.
pub(crate) async fn postgres_startup(stream: &mut TcpStream) {
    let mut request = [0; 8];
    let _ = stream.read_exact(&mut request).await;
    let _ = stream.write_all(b"N").await;
    let mut length = [0; 4];
    let _ = stream.read_exact(&mut length).await;
    let mut rest = vec![0; (u32::from_be_bytes(length) as usize).saturating_sub(4)];
    let _ = stream.read_exact(&mut rest).await;
}

/// Serves everything of one step up to the execution of its statement, and begins the answer: `BindComplete`.
pub(crate) async fn postgres_until_answer(stream: &mut TcpStream) {
    postgres_startup(stream).await;
    let _ = stream.write_all(&[message(b'R', &[0; 4]), ready()].concat()).await;
    until(stream, b'Q').await;
    let set = message(b'C', b"SET\0");
    let answer = [set.clone(), set.clone(), columns(), row("1"), message(b'C', b"SELECT 1\0"), ready()];
    let _ = stream.write_all(&answer.concat()).await;
    until(stream, b'Q').await;
    let _ = stream.write_all(&[set, ready()].concat()).await;
    until(stream, b'S').await;
    let described = [message(b'1', b""), message(b't', &[0, 0]), columns(), ready()];
    let _ = stream.write_all(&described.concat()).await;
    until(stream, b'S').await;
    let _ = stream.write_all(&message(b'2', b"")).await;
}

/// Rows as long as anybody reads.
pub(crate) async fn rows_without_end(mut stream: TcpStream) {
    postgres_until_answer(&mut stream).await;
    let many = row("x").repeat(1000);
    while stream.write_all(&many).await.is_ok() {}
}

/// A packet of MySQL.
pub(crate) fn packet(number: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
    [&length[..3], &[number], payload].concat()
}

/// The payload of the next packet; none at the end of the connection.
pub(crate) async fn command(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    numbered(stream).await.map(|(_, payload)| payload)
}

/// The number and the payload of the next packet.
pub(crate) async fn numbered(stream: &mut (impl AsyncRead + Unpin)) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.ok()?;
    let mut payload = vec![0; u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize];
    stream.read_exact(&mut payload).await.ok()?;
    Some((head[3], payload))
}

/// An `OK` packet.
pub(crate) fn ok(number: u8) -> Vec<u8> {
    packet(number, &[0, 0, 0, 2, 0, 0, 0])
}

/// A definition of a text column.
fn column(number: u8, name: &str) -> Vec<u8> {
    let named = [&[u8::try_from(name.len()).unwrap()][..], name.as_bytes()].concat();
    let fixed = [0x0c, 45, 0, 255, 0, 0, 0, 0xfd, 0, 0, 0, 0, 0];
    packet(number, &[b"\x03def\0\0\0", &named[..], b"\0", &fixed].concat())
}

/// What a server of MySQL says first: protocol 4.1, plugins, results without marks behind their columns.
pub(crate) fn greeting(tls: bool, plugin: &str) -> Vec<u8> {
    let capabilities = (0x0108_a20b_u32 | if tls { 0x0800 } else { 0 }).to_le_bytes();
    let parts = [
        &b"\x0a10.11.0-MariaDB\0\x01\0\0\0abcdefgh\0"[..],
        &capabilities[..2],
        &[45, 2, 0],
        &capabilities[2..],
        &[21],
        &[0; 10],
        b"ijklmnopqrst\0",
        plugin.as_bytes(),
        b"\0",
    ];
    packet(0, &parts.concat())
}

/// Serves everything of one step up to the execution of its statement.
pub(crate) async fn mysql_until_answer(stream: &mut TcpStream) {
    let _ = stream.write_all(&greeting(false, "mysql_native_password")).await;
    command(stream).await;
    let _ = stream.write_all(&ok(2)).await;
    mysql_from_login(stream).await;
}

/// The same from where the client is let in.
pub(crate) async fn mysql_from_login(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    while let Some(text) = command(stream).await {
        match text.first() {
            Some(3) if text[1..].starts_with(b"select connection_id()") => {
                let end = packet(5, &[0xfe, 0, 0, 2, 0, 0, 0]);
                let row = packet(4, b"\x017\x0710.11.0");
                let answer = [packet(1, &[2]), column(2, "id"), column(3, "version"), row, end];
                let _ = stream.write_all(&answer.concat()).await;
            }
            Some(0x16) => {
                let prepared = [packet(1, &[0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]), column(2, "v")];
                let _ = stream.write_all(&prepared.concat()).await;
            }
            Some(0x17) => return,
            _ => {
                let _ = stream.write_all(&ok(1)).await;
            }
        }
    }
}
