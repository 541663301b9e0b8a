//! Networks and ports as operators write them: `10.20.0.0/16:5432,8000-8100`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::address::{Embedded, embedded_v4};

/// Why a text names no network or ports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Not an address with an optional prefix length.
    #[error("`{0}` is no network: write an address with a prefix length, as in 10.20.0.0/16 or fd00:1234::/32")]
    Network(String),
    /// Not a list of ports.
    #[error("`{0}` is no list of ports: write ports and ranges, as in 443,8000-8100")]
    Ports(String),
}

/// A range of addresses (CIDR).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    base: IpAddr,
    prefix: u8,
}

impl Network {
    /// All addresses that share the first `prefix` bits with `base`; none when `prefix` is longer than the address.
    #[must_use]
    pub fn new(base: IpAddr, prefix: u8) -> Option<Self> {
        let bits = if base.is_ipv4() { 32 } else { 128 };
        (prefix <= bits).then_some(Self { base, prefix })
    }

    /// One address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self { base: address, prefix: if address.is_ipv4() { 32 } else { 128 } }
    }

    /// Whether the address is in it. An IPv6 address that carries one IPv4 address is that address here.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, plain(address)) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                base.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                base.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

/// The address that packets to this one go to in the end.
pub(crate) fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => match embedded_v4(v6) {
            Embedded::One(v4) => IpAddr::V4(v4),
            _ => address,
        },
        IpAddr::V4(_) => address,
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError::Network(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let base: IpAddr = address.parse().map_err(|_| wrong())?;
        match prefix {
            Some(prefix) => Self::new(base, prefix).ok_or_else(wrong),
            None => Ok(Self::of(base)),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

/// A set of ports.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ports(Vec<RangeInclusive<u16>>);

impl Ports {
    /// Every port.
    #[must_use]
    pub fn all() -> Self {
        Self(vec![0..=u16::MAX])
    }

    /// One port.
    #[must_use]
    pub fn of(port: u16) -> Self {
        Self(vec![port..=port])
    }

    /// Whether the port is among them.
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        self.0.iter().any(|range| range.contains(&port))
    }
}

impl FromStr for Ports {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError::Ports(text.to_owned());
        text.split(',')
            .map(|part| {
                let (from, to) = part.trim().split_once('-').unwrap_or((part.trim(), part.trim()));
                let (from, to): (u16, u16) = (from.parse().map_err(|_| wrong())?, to.parse().map_err(|_| wrong())?);
                if from > to { Err(wrong()) } else { Ok(from..=to) }
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// Where a grant reaches: a network, and ports in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reach {
    /// The addresses.
    pub network: Network,
    /// The ports.
    pub ports: Ports,
}

impl Reach {
    /// Whether this address and port lie within.
    #[must_use]
    pub fn contains(&self, address: IpAddr, port: u16) -> bool {
        self.network.contains(address) && self.ports.contains(port)
    }

    /// The machine itself, on these ports.
    #[must_use]
    pub fn loopback(ports: &Ports) -> [Self; 2] {
        [
            Self { network: Network { base: Ipv4Addr::LOCALHOST.into(), prefix: 8 }, ports: ports.clone() },
            Self { network: Network::of(Ipv6Addr::LOCALHOST.into()), ports: ports.clone() },
        ]
    }
}

impl FromStr for Reach {
    type Err = NetworkError;

    /// `10.20.0.0/16`, `10.20.0.0/16:5432,8000-8100`, `[fd00::/8]:443`.
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (network, ports) = if let Some(rest) = text.strip_prefix('[') {
            let (network, rest) = rest.split_once(']').ok_or_else(|| NetworkError::Network(text.to_owned()))?;
            (network, rest.strip_prefix(':'))
        } else if text.matches(':').count() == 1 {
            text.split_once(':').map_or((text, None), |(network, ports)| (network, Some(ports)))
        } else {
            (text, None)
        };
        let ports = ports.map_or_else(|| Ok(Ports::all()), str::parse)?;
        Ok(Self { network: network.parse()?, ports })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reaches_read_as_operators_write_them() {
        let reach: Reach = "10.20.0.0/16:5432,8000-8100".parse().unwrap();
        assert!(reach.contains("10.20.255.1".parse().unwrap(), 8050));
        assert!(reach.contains("::ffff:10.20.0.1".parse().unwrap(), 5432));
        assert!(!reach.contains("10.21.0.1".parse().unwrap(), 5432));
        assert!(!reach.contains("10.20.0.1".parse().unwrap(), 5433));
        let reach: Reach = "[fd00::/8]:443".parse().unwrap();
        assert!(reach.contains("fd12::1".parse().unwrap(), 443));
        assert!(!reach.contains("fd12::1".parse().unwrap(), 80));
        let reach: Reach = "fd00::/8".parse().unwrap();
        assert!(reach.contains("fd12::1".parse().unwrap(), 80));
        let everywhere: Reach = "0.0.0.0/0".parse().unwrap();
        assert!(everywhere.contains("1.2.3.4".parse().unwrap(), 1));
    }

    #[test]
    fn what_is_no_reach_is_refused() {
        for bad in ["", "10.0.0.0/33", "10.0.0", "host:80", "10.0.0.0/8:", "10.0.0.0/8:9-1", "[fd00::/8", "fd00::/129"]
        {
            assert!(bad.parse::<Reach>().is_err(), "{bad}");
        }
    }
}
