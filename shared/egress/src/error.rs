//! Why the guard did not connect.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::address::Class;

/// What the guard refused, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The host as it was asked for.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The address that was judged; none when the name alone is refused.
    pub address: Option<IpAddr>,
    /// Why.
    pub why: Why,
}

/// Why an address or a name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// An address of this class is not open here.
    Class(Class),
    /// One of the platform's own addresses or ports.
    Own,
    /// The name of a metadata service.
    MetadataName,
    /// Outside what the project allows itself.
    Narrowed,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, address, why } = self;
        write!(f, "{host}:{port}")?;
        if let Some(address) = address
            && address.to_string() != *host
        {
            write!(f, " ({address})")?;
        }
        f.write_str(match why {
            Why::Class(Class::Private) => " is in a private range: an operator can grant it to the organization",
            Why::Class(Class::Loopback) => " is the machine itself, which steps on a server may not reach",
            Why::Class(Class::LinkLocal) => " is link-local (metadata services live there) and never allowed",
            Why::Class(Class::Metadata) | Why::MetadataName => " is a metadata service and never allowed",
            Why::Class(Class::Public | Class::Reserved) => " is no address that a step may connect to",
            Why::Own => " belongs to the platform itself and is never allowed",
            Why::Narrowed => " is outside the addresses that the project allows",
        })
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// The guard refused.
    #[error("{0}")]
    NotAllowed(Denied),
    /// Not a host name and not an address.
    #[error("`{0}` is neither a host name nor an address")]
    BadHost(String),
    /// The name could not be resolved.
    #[error("resolve {host}")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        #[source]
        source: io::Error,
    },
    /// The name has no address.
    #[error("{0} has no address")]
    NoAddress(String),
    /// Nobody listens there.
    #[error("{address} refused the connection")]
    Refused {
        /// The last address tried.
        address: SocketAddr,
    },
    /// Out of time, while resolving or while connecting.
    #[error("{host} did not answer in time")]
    Timeout {
        /// The host.
        host: String,
        /// The last address tried; none while resolving.
        address: Option<SocketAddr>,
    },
    /// No way there, or the connection broke while it was made.
    #[error("connect to {address}")]
    Unreachable {
        /// The last address tried.
        address: SocketAddr,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}
