//! The packets of MySQL and MariaDB (MySQL internals, "Client/Server Protocol"), and where in an answer each one stands.

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::sql::run::relay::Broken;

/// The longest payload of one packet; a longer one goes on in the next.
const FULL: usize = 0xff_ff_ff;
/// How many columns an answer may announce: the server's own limit is the same.
const MOST_COLUMNS: u64 = 4096;
/// A status flag: another answer follows.
const MORE_RESULTS: u16 = 0x0008;

const COM_QUIT: u8 = 0x01;
const COM_STMT_PREPARE: u8 = 0x16;
const COM_STMT_CLOSE: u8 = 0x19;

/// What the next packet of the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Nothing that announces anything.
    Plain,
    /// The head of an answer.
    Head,
    /// So many columns.
    Columns(u64),
    /// The end of the columns, from a server that still marks it.
    ColumnsEnd,
    /// A row, or the end of them.
    Row,
}

/// Looks at packets.
pub(in crate::sql::run) struct Packets {
    next: Next,
    /// The packet before was full, so that this one goes on with it.
    goes_on: bool,
    /// Whether columns end without a mark of their own.
    unmarked: bool,
}

/// The number and payload of the first whole packet, and its length with its head.
pub(in crate::sql::run) fn packet(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (head, rest) = bytes.split_at_checked(4)?;
    let length = usize::from(head[0]) | usize::from(head[1]) << 8 | usize::from(head[2]) << 16;
    rest.get(..length).map(|payload| (head[3], payload, length + 4))
}

/// A whole packet with this number.
pub(in crate::sql::run) fn framed(number: u8, payload: &[u8]) -> Bytes {
    let mut packet = BytesMut::with_capacity(payload.len() + 4);
    packet.put_uint_le(payload.len() as u64, 3);
    packet.put_u8(number);
    packet.put_slice(payload);
    packet.freeze()
}

impl Packets {
    /// After the login; `unmarked` as both sides have agreed there.
    pub(in crate::sql::run) fn new(unmarked: bool) -> Self {
        Self { next: Next::Plain, goes_on: false, unmarked }
    }

    /// Takes the whole packets; a command says what its answer will be.
    pub(super) fn outgoing(&mut self, buffer: &mut BytesMut) -> Bytes {
        let mut end = 0;
        while let Some((number, payload, length)) = packet(&buffer[end..]) {
            if let (0, Some(&command)) = (number, payload.first()) {
                match command {
                    COM_QUIT | COM_STMT_CLOSE => {}
                    COM_STMT_PREPARE => self.next = Next::Plain,
                    _ => self.next = Next::Head,
                }
            }
            end += length;
        }
        buffer.split_to(end).freeze()
    }

    pub(super) fn incoming(&mut self, buffer: &mut BytesMut, left: u64) -> Result<Bytes, Broken> {
        let mut end = 0;
        while let Some((_, payload, length)) = packet(&buffer[end..]) {
            if !self.goes_on {
                self.next = self.after(payload)?;
            }
            self.goes_on = payload.len() == FULL;
            end += length;
        }
        let announced = buffer[end..]
            .get(..3)
            .map_or(0, |head| u64::from(head[0]) | u64::from(head[1]) << 8 | u64::from(head[2]) << 16);
        if announced > left + (buffer.len() - end) as u64 {
            return Err(Broken::TooLarge);
        }
        Ok(buffer.split_to(end).freeze())
    }

    /// What follows this packet.
    fn after(&self, payload: &[u8]) -> Result<Next, Broken> {
        let Some(&first) = payload.first() else {
            return Err(Broken::Protocol("the server sent an empty packet".into()));
        };
        if first == 0xff {
            return Ok(Next::Plain);
        }
        let ends = |status: Option<u16>| match status {
            Some(status) if status & MORE_RESULTS != 0 => Ok(Next::Head),
            Some(_) => Ok(Next::Plain),
            None => Err(Broken::Protocol("the server's answer ends in the middle".into())),
        };
        match self.next {
            Next::Plain => Ok(Next::Plain),
            Next::Head if first == 0xfb => Err(Broken::LocalFile),
            Next::Head if first == 0 => ends(status_of_ok(payload)),
            Next::Head => match length_encoded(payload) {
                Some((count @ 1..=MOST_COLUMNS, _)) => Ok(Next::Columns(count)),
                _ => Err(Broken::Protocol("the server announces more columns than there can be".into())),
            },
            Next::Columns(1) if self.unmarked => Ok(Next::Row),
            Next::Columns(1) => Ok(Next::ColumnsEnd),
            Next::Columns(count) => Ok(Next::Columns(count - 1)),
            Next::ColumnsEnd => Ok(Next::Row),
            Next::Row if first == 0xfe && payload.len() < 9 && !self.unmarked => {
                ends(payload.get(3..5).map(|status| u16::from_le_bytes([status[0], status[1]])))
            }
            Next::Row if first == 0xfe => ends(status_of_ok(payload)),
            Next::Row => Ok(Next::Row),
        }
    }
}

/// The status of an `OK` packet: two numbers come before it.
fn status_of_ok(payload: &[u8]) -> Option<u16> {
    let (_, rest) = length_encoded(payload.get(1..)?)?;
    let (_, rest) = length_encoded(rest)?;
    rest.get(..2).map(|status| u16::from_le_bytes([status[0], status[1]]))
}

/// A length-encoded number, and what follows it.
fn length_encoded(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let size = match first {
        0xfc => 2,
        0xfd => 3,
        0xfe => 8,
        0xfb | 0xff => return None,
        small => return Some((small.into(), rest)),
    };
    let (number, rest) = rest.split_at_checked(size)?;
    Some((number.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(packets: &mut Packets) {
        let mut query = BytesMut::from(&framed(0, b"\x03select 1")[..]);
        assert!(!packets.outgoing(&mut query).is_empty());
    }

    fn see(packets: &mut Packets, payload: &[u8]) -> Result<Bytes, Broken> {
        packets.incoming(&mut BytesMut::from(&framed(1, payload)[..]), 1 << 20)
    }

    #[test]
    fn a_server_never_gets_a_file() {
        let mut packets = Packets::new(true);
        ask(&mut packets);
        assert!(matches!(see(&mut packets, b"\xfb/etc/passwd"), Err(Broken::LocalFile)));
    }

    #[test]
    fn more_columns_than_there_can_be_are_refused_in_every_answer() {
        let huge = b"\xfe\xff\xff\xff\xff\xff\xff\xff\x0f";
        let mut packets = Packets::new(true);
        ask(&mut packets);
        assert!(matches!(see(&mut packets, huge), Err(Broken::Protocol(_))));
        // Behind an OK that says that more follows, and behind rows.
        ask(&mut packets);
        see(&mut packets, b"\0\0\0\x08\0\0\0").unwrap();
        assert!(matches!(see(&mut packets, huge), Err(Broken::Protocol(_))));
        ask(&mut packets);
        for part in [&b"\x01"[..], b"column", b"\x01a", b"\x01b", b"\xfe\0\0\x08\0\0\0"] {
            see(&mut packets, part).unwrap();
        }
        assert!(matches!(see(&mut packets, huge), Err(Broken::Protocol(_))));
    }

    #[test]
    fn a_value_that_looks_like_an_announcement_is_a_row() {
        let mut packets = Packets::new(true);
        ask(&mut packets);
        for part in [&b"\x01"[..], b"column", b"\xfb", b"\xfd\xff\xff\xff", b"\xfe\0\0\0\0\0\0", b"anything"] {
            see(&mut packets, part).unwrap();
        }
    }

    #[test]
    fn a_packet_longer_than_what_may_come_is_refused_at_its_head() {
        let mut packets = Packets::new(true);
        ask(&mut packets);
        let mut head = BytesMut::from(&b"\xff\xff\xff\x01"[..]);
        assert!(matches!(packets.incoming(&mut head, 1 << 20), Err(Broken::TooLarge)));
    }
}
