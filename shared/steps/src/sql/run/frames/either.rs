//! One of the two protocols.

use bytes::{Bytes, BytesMut};

use super::mysql::Packets;
use super::postgres::Messages;
use crate::sql::run::relay::Broken;

/// What looks at messages.
pub(in crate::sql::run) enum Frames {
    Postgres(Messages),
    MySql(Packets),
}

impl Frames {
    /// Takes the messages that are whole from what sqlx has written: what the server is sent.
    pub(in crate::sql::run) fn outgoing(&mut self, buffer: &mut BytesMut) -> Bytes {
        match self {
            Self::Postgres(_) => Messages::outgoing(buffer),
            Self::MySql(packets) => packets.outgoing(buffer),
        }
    }

    /// Takes from what the server has written what sqlx may see. `left` is how much may still come.
    pub(in crate::sql::run) fn incoming(&mut self, buffer: &mut BytesMut, left: u64) -> Result<Bytes, Broken> {
        match self {
            Self::Postgres(messages) => messages.incoming(buffer, left),
            Self::MySql(packets) => packets.incoming(buffer, left),
        }
    }
}
