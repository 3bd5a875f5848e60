//! Whom limits count as one: a /24 of IPv4 or a /56 of IPv6, since addresses inside one cost an attacker nothing.

use std::net::IpAddr;

/// The network part of a source address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourcePrefix {
    /// A /24.
    V4([u8; 3]),
    /// A /56.
    V6([u8; 7]),
}

impl SourcePrefix {
    /// Cuts the address; one that is mapped from IPv4 counts as IPv4.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Self::V4([a, b, c])
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, ..] = address.octets();
                Self::V6([a, b, c, d, e, f, g])
            }
        }
    }
}
