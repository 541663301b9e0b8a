//! As much of a Redis client as these tests need.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A connection as the user who may everything.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    pub(crate) fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        let mut client = Self(BufReader::new(stream));
        assert_eq!(client.ask("AUTH rootpw"), "+OK");
        client
    }

    /// Sends a command and gives the first line of the answer (the second, for a text).
    pub(crate) fn ask(&mut self, command: &str) -> String {
        self.send(command);
        let line = self.line();
        if line.starts_with('$') && line != "$-1" { self.line() } else { line }
    }

    pub(crate) fn send(&mut self, command: &str) {
        self.0.get_mut().write_all(format!("{command}\r\n").as_bytes()).unwrap();
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Whether nothing comes within a tenth of a second.
    pub(crate) fn is_silent(&mut self) -> bool {
        self.0.get_mut().set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let kind = self.0.fill_buf().map(<[u8]>::len).map_err(|error| error.kind());
        self.0.get_mut().set_read_timeout(None).unwrap();
        matches!(kind, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }
}
