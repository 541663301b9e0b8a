//! From the guard's connection to a Unix socket that sqlx can open.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener, UnixStream};

use super::frames::{Frames, Messages, Packets, framed, packet};
use super::relay::{Broken, Gauge, Relay, pump};
use super::tls::Trust;
use super::wire::{Watch, Wire};
use crate::sql::address::{Dialect, Server, TlsMode};

/// How much a server may say until it is ready.
pub(super) const GREETING: u64 = 1 << 20;

/// The port in the name of a Postgres socket; any will do.
pub(super) const SOCKET_PORT: u16 = 5432;

/// A folder of this process alone, with one socket in it; gone when it is dropped.
struct Door(PathBuf);

impl Drop for Door {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

static DOORS: AtomicU32 = AtomicU32::new(0);

fn door() -> io::Result<Door> {
    let parent = std::env::temp_dir();
    loop {
        let number = DOORS.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("assay-sql-{}-{number}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            done => return done.map(|()| Door(path)),
        }
    }
}

/// A relay on this connection, and what sqlx opens: a folder for Postgres, a socket for MySQL.
pub(super) fn relay(server: &Server, trust: Trust, tcp: TcpStream) -> io::Result<(Relay, PathBuf)> {
    let watch = Watch::of(&tcp)?;
    let gauge = Arc::new(Gauge::new(GREETING));
    let door = door()?;
    let name = format!(".s.PGSQL.{SOCKET_PORT}");
    let listener = UnixListener::bind(door.0.join(&name))?;
    let folder = door.0.clone();
    let counted = Arc::clone(&gauge);
    let (dialect, host, password) = (server.dialect, server.host.clone(), server.password.clone());
    let moving = async move {
        let opened = async {
            let (unix, _) = listener.accept().await?;
            drop((listener, door));
            Ok::<_, Broken>(unix)
        };
        match dialect {
            Dialect::Postgres => {
                let wire = ask_for_tls(tcp, &trust, &host).await?;
                pump(wire, opened.await?, Frames::Postgres(Messages::default()), counted).await
            }
            Dialect::MySql => {
                let mut unix = opened.await?;
                let (wire, unmarked) = log_in(tcp, &mut unix, &trust, &host, &password).await?;
                pump(wire, unix, Frames::MySql(Packets::new(unmarked)), counted).await
            }
        }
    };
    let path = match server.dialect {
        Dialect::Postgres => folder,
        Dialect::MySql => folder.join(Path::new(&name)),
    };
    Ok((Relay::new(moving, gauge, watch), path))
}

/// Asks a Postgres server for TLS (PostgreSQL documentation, "SSL Session Encryption").
async fn ask_for_tls(mut tcp: TcpStream, trust: &Trust, host: &str) -> Result<Wire, Broken> {
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    if trust.mode == TlsMode::Off {
        return Ok(Wire::Plain(tcp));
    }
    tcp.write_all(&SSL_REQUEST).await?;
    let mut answer = [0];
    tcp.read_exact(&mut answer).await?;
    match answer[0] {
        b'S' => {
            let tls = trust.handshake(host, tcp).await.map_err(Broken::Handshake)?;
            Ok(Wire::Tls(tls))
        }
        b'N' if trust.is_optional() => Ok(Wire::Plain(tcp)),
        b'N' => Err(Broken::NoTls),
        _ => Err(Broken::Protocol("what answered is no Postgres server".into())),
    }
}

const CLIENT_SSL: u32 = 1 << 11;
const CLIENT_DEPRECATE_EOF: u32 = 1 << 24;

/// Takes sqlx through the login of MySQL, where TLS begins in the middle of it: sqlx is told that there is none, and each
/// packet of its login is numbered one lower than the server's once TLS has taken a number for itself.
async fn log_in(
    mut tcp: TcpStream,
    unix: &mut UnixStream,
    trust: &Trust,
    host: &str,
    password: &str,
) -> Result<(Wire, bool), Broken> {
    let mut buffer = BytesMut::new();
    let (number, mut greeting) = next_packet(&mut tcp, &mut buffer).await?;
    if greeting.first() == Some(&0xff) {
        unix.write_all(&framed(number, &greeting)).await?;
        return Ok((Wire::Plain(tcp), true));
    }
    let offered = hide_tls(&mut greeting).ok_or_else(not_mysql)?;
    let wants = trust.mode != TlsMode::Off;
    if wants && !offered && !trust.is_optional() {
        return Err(Broken::NoTls);
    }
    unix.write_all(&framed(number, &greeting)).await?;
    let mut asked = BytesMut::new();
    let (number, mut response) = next_packet(unix, &mut asked).await?;
    let capabilities = response.get(..4).map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    let capabilities = capabilities.filter(|_| response.len() >= 32).ok_or_else(not_mysql)?;
    let mut wire = Wire::Plain(tcp);
    let shift = u8::from(wants && offered);
    if shift == 1 {
        response[..4].copy_from_slice(&(capabilities | CLIENT_SSL).to_le_bytes());
        let Wire::Plain(mut tcp) = wire else { return Err(not_mysql()) };
        tcp.write_all(&framed(number, &response[..32])).await?;
        let tls = trust.handshake(host, tcp).await.map_err(Broken::Handshake)?;
        wire = Wire::Tls(tls);
        buffer.clear();
    }
    wire.write_all(&framed(number.wrapping_add(shift), &response)).await?;
    wire.flush().await?;
    authenticate(&mut wire, unix, shift, password, (&mut buffer, &mut asked)).await?;
    Ok((wire, capabilities & CLIENT_DEPRECATE_EOF != 0))
}

/// Question and answer until the server says yes or no.
async fn authenticate(
    wire: &mut Wire,
    unix: &mut UnixStream,
    shift: u8,
    password: &str,
    (said, asked): (&mut BytesMut, &mut BytesMut),
) -> Result<(), Broken> {
    loop {
        let (number, payload) = next_packet(wire, said).await?;
        // Full authentication of `caching_sha2_password`: under TLS the password itself is the answer, and sqlx, which
        // knows of no TLS, would ask for a key instead.
        if shift == 1 && payload[..] == [1, 4] {
            let answer = [password.as_bytes(), b"\0"].concat();
            wire.write_all(&framed(number.wrapping_add(1), &answer)).await?;
            wire.flush().await?;
            continue;
        }
        unix.write_all(&framed(number.wrapping_sub(shift), &payload)).await?;
        match payload[..] {
            [] | [0 | 0xff, ..] => return Ok(()),
            [1, 3] => {}
            _ => {
                let (number, answer) = next_packet(unix, asked).await?;
                wire.write_all(&framed(number.wrapping_add(shift), &answer)).await?;
                wire.flush().await?;
            }
        }
    }
}

/// The next whole packet of a login, none of which is long.
async fn next_packet(from: &mut (impl AsyncReadExt + Unpin), buffer: &mut BytesMut) -> Result<(u8, BytesMut), Broken> {
    const LONGEST: usize = 64 << 10;
    loop {
        if let Some((number, payload, length)) = packet(buffer) {
            let payload = BytesMut::from(payload);
            let _ = buffer.split_to(length);
            return Ok((number, payload));
        }
        let length = buffer
            .get(..3)
            .map_or(0, |head| usize::from(head[0]) | usize::from(head[1]) << 8 | usize::from(head[2]) << 16);
        if length > LONGEST {
            return Err(not_mysql());
        }
        buffer.reserve(4 << 10);
        if from.read_buf(buffer).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}

fn not_mysql() -> Broken {
    Broken::Protocol("what answered is no MySQL or MariaDB server".into())
}

/// Takes the offer of TLS out of a greeting (version 10): whether there was one; none when it is no greeting.
fn hide_tls(greeting: &mut BytesMut) -> Option<bool> {
    let (&version, rest) = greeting.split_first()?;
    let name = rest.iter().position(|byte| *byte == 0).filter(|_| version == 10)?;
    // The version's name, a connection id, the first part of a nonce, a filler; then the lower half of the capabilities.
    let at = 1 + name + 1 + 4 + 8 + 1;
    let low = greeting.get_mut(at..at + 2)?;
    let offered = u16::from_le_bytes([low[0], low[1]]) & CLIENT_SSL as u16 != 0;
    low[1] &= !((CLIENT_SSL >> 8) as u8);
    Some(offered)
}
