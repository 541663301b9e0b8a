//! What an address is: public, private, loopback, or never to be reached from a server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of place an address is, from the registries of special-purpose addresses (RFC 6890 and its updates).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// On the open internet.
    Public,
    /// Private, shared or otherwise not routed in public: open only by a grant.
    Private,
    /// The machine itself.
    Loopback,
    /// Link-local, among it the metadata services of the clouds and the task metadata of containers.
    LinkLocal,
    /// A metadata service outside the link-local ranges.
    Metadata,
    /// No destination: unspecified, multicast, broadcast, reserved.
    Reserved,
}

/// Metadata services that live in ranges which are otherwise private or even public.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200), // Alibaba Cloud
    Ipv4Addr::new(168, 63, 129, 16),   // Azure's wire server
    Ipv4Addr::new(192, 0, 0, 192),     // Oracle Cloud
];

/// The class of an address. An IPv6 address that carries an IPv4 address has the class of that one, because that is
/// where its packets go.
#[must_use]
pub fn class_of(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(v4) => class_of_v4(v4),
        IpAddr::V6(v6) => match embedded_v4(v6) {
            // ISATAP (RFC 5214) may sit below any prefix, so both must be harmless.
            Embedded::None => match v6.segments() {
                [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => class_of_v6(v6).max(class_of_v4(pair(high, low))),
                _ => class_of_v6(v6),
            },
            Embedded::One(v4) => class_of_v4(v4),
            Embedded::Two(a, b) => class_of_v4(a).max(class_of_v4(b)),
        },
    }
}

/// The IPv4 addresses that an IPv6 address carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Embedded {
    /// It carries none.
    None,
    /// It carries one.
    One(Ipv4Addr),
    /// It carries two: a Teredo address names its server and its client.
    Two(Ipv4Addr, Ipv4Addr),
}

/// Finds the IPv4 address within mapped (`::ffff:a.b.c.d`), translated (`::ffff:0:a.b.c.d`), compatible (`::a.b.c.d`),
/// NAT64 (`64:ff9b::/96`, RFC 6052), 6to4 (`2002::/16`, RFC 3056) and Teredo (`2001::/32`, RFC 4380) addresses.
#[must_use]
pub fn embedded_v4(address: Ipv6Addr) -> Embedded {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Embedded::None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Embedded::One(pair(high, low)),
        [0x2002, high, low, ..] => Embedded::One(pair(high, low)),
        [0x2001, 0, high, low, _, _, h, l] => Embedded::Two(pair(high, low), pair(!h, !l)),
        _ => Embedded::None,
    }
}

fn pair(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

fn class_of_v4(address: Ipv4Addr) -> Class {
    if METADATA_V4.contains(&address) {
        return Class::Metadata;
    }
    match address.octets() {
        [127, ..] => Class::Loopback,
        [169, 254, ..] => Class::LinkLocal,
        [0, ..] | [224..=255, ..] => Class::Reserved,
        [10, ..]
        | [100, 64..=127, ..]
        | [172, 16..=31, ..]
        | [192, 168, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Class::Private,
        _ => Class::Public,
    }
}

fn class_of_v6(address: Ipv6Addr) -> Class {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Class::Loopback,
        // AWS: instance metadata, task and pod credentials, DNS and time live in fd00:ec2::/32; Google Cloud: fd20:ce::254.
        [0xfd00, 0xec2, ..] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => Class::Metadata,
        [0xfe80..=0xfebf, ..] => Class::LinkLocal,
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Class::Private,
        // NAT64 of a site's own choice (RFC 8215): where it leads only the site knows.
        [0x64, 0xff9b, 1, ..] => Class::Private,
        // Within 2000::/3: protocol assignments 2001::/23 without Teredo, and what is for documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Class::Private,
        [0x2000..=0x3fff, ..] => Class::Public,
        _ => Class::Reserved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(text: &str) -> Class {
        class_of(text.parse().unwrap())
    }

    #[test]
    fn every_special_range_has_its_class() {
        for (text, expected) in [
            ("8.8.8.8", Class::Public),
            ("172.15.0.1", Class::Public),
            ("172.32.0.1", Class::Public),
            ("100.63.255.255", Class::Public),
            ("10.1.2.3", Class::Private),
            ("172.16.0.1", Class::Private),
            ("172.31.255.255", Class::Private),
            ("192.168.0.1", Class::Private),
            ("100.64.0.1", Class::Private),
            ("198.19.0.1", Class::Private),
            ("127.0.0.1", Class::Loopback),
            ("127.255.255.254", Class::Loopback),
            ("169.254.169.254", Class::LinkLocal),
            ("169.254.170.2", Class::LinkLocal),
            ("168.63.129.16", Class::Metadata),
            ("100.100.100.200", Class::Metadata),
            ("0.0.0.0", Class::Reserved),
            ("0.1.2.3", Class::Reserved),
            ("224.0.0.1", Class::Reserved),
            ("255.255.255.255", Class::Reserved),
            ("::", Class::Reserved),
            ("::1", Class::Loopback),
            ("2606:4700::1111", Class::Public),
            ("2001:db8::1", Class::Private),
            ("fd12::1", Class::Private),
            ("fd00:ec2::254", Class::Metadata),
            ("fd20:ce::254", Class::Metadata),
            ("fe80::1", Class::LinkLocal),
            ("febf::1", Class::LinkLocal),
            ("fec0::1", Class::Private),
            ("ff02::1", Class::Reserved),
            ("4000::1", Class::Reserved),
            ("64:ff9b:1::1", Class::Private),
        ] {
            assert_eq!(class(text), expected, "{text}");
        }
    }

    #[test]
    fn a_carried_ipv4_address_decides() {
        for (text, expected) in [
            ("::ffff:127.0.0.1", Class::Loopback),
            ("::ffff:8.8.8.8", Class::Public),
            ("::ffff:0:10.0.0.1", Class::Private),
            ("::127.0.0.1", Class::Loopback),
            ("::169.254.169.254", Class::LinkLocal),
            ("64:ff9b::a9fe:a9fe", Class::LinkLocal),
            ("64:ff9b::808:808", Class::Public),
            ("2002:7f00:1::", Class::Loopback),
            ("2002:808:808::1", Class::Public),
            ("2001:0:808:808::80ff:fffe", Class::Loopback),
            ("2001:0:a00:1::f7f7:f7f7", Class::Private),
            ("2606:4700::5efe:a00:1", Class::Private),
            ("fd12::5efe:808:808", Class::Private),
            ("fe80::200:5efe:808:808", Class::LinkLocal),
        ] {
            assert_eq!(class(text), expected, "{text}");
        }
    }
}
