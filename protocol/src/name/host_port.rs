//! Where something is reached: a host and a port.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use super::{InvalidName, as_string::as_string};

/// `host:port`, where the host is a DNS name, an IPv4 address, or an IPv6 address (in brackets when printed).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPort {
    /// A DNS name or an address, without brackets.
    pub host: String,
    /// Never 0.
    pub port: u16,
}

impl HostPort {
    /// Parses `name:port`, `1.2.3.4:port` or `[2001:db8::1]:port`.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let invalid = |rule| InvalidName::new("host and port", text, rule);
        let (host, port) = text
            .rsplit_once(':')
            .ok_or_else(|| invalid("it is written host:port"))?;
        let port =
            parse_port(port).ok_or_else(|| invalid("the port is a number from 1 to 65535"))?;
        let host = parse_host(host)
            .ok_or_else(|| invalid("the host is a DNS name or an address ([…] around IPv6)"))?;
        Ok(Self { host, port })
    }

    /// Tells the address when the host is one, and not a name that DNS must resolve.
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        let ip: IpAddr = self.host.parse().ok()?;
        Some(SocketAddr::new(ip, self.port))
    }
}

fn parse_port(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|&port| digits && port > 0)
}

fn parse_host(text: &str) -> Option<String> {
    if let Some(inside) = text.strip_prefix('[') {
        let ip: Ipv6Addr = inside.strip_suffix(']')?.parse().ok()?;
        return Some(ip.to_string());
    }
    if let Ok(ip) = text.parse::<Ipv4Addr>() {
        return Some(ip.to_string());
    }
    is_dns_name(text).then(|| text.to_ascii_lowercase())
}

fn is_dns_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last_is_number = || {
        text.rsplit('.')
            .next()
            .is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()))
    };
    text.len() <= 253 && text.split('.').all(is_label) && !last_is_number()
}

impl From<SocketAddr> for HostPort {
    fn from(address: SocketAddr) -> Self {
        Self {
            host: address.ip().to_string(),
            port: address.port(),
        }
    }
}

impl FromStr for HostPort {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::parse(text)
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

as_string!(HostPort);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn names_and_addresses_print_what_they_parsed() {
        for text in [
            "gw.west.example:4433",
            "localhost:1",
            "127.0.0.1:65535",
            "[2001:db8::1]:4433",
        ] {
            assert_eq!(HostPort::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            HostPort::parse("[::1]:5").unwrap().socket_addr(),
            Some("[::1]:5".parse().unwrap())
        );
        assert_eq!(HostPort::parse("a.example:5").unwrap().socket_addr(), None);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "a",
            "a:",
            ":1",
            "a:0",
            "a:65536",
            "a:+1",
            "a:1:2",
            "::1:4433",
            "[::1]",
            "[a]:1",
            "a b:1",
            "1.2.3:4",
            "1.2.3.4.5:6",
            "a..b:1",
            "-a:1",
            "u@a:1",
            "http://a:1",
            "a/b:1",
        ] {
            assert!(HostPort::parse(text).is_err(), "{text}");
        }
    }
}
