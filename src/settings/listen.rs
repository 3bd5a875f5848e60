//! Where to listen, and what to tell others.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use protocol::name::{HostPort, Label};

use super::Check;

/// A text that is no listening address.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address to listen on (write 0.0.0.0:4433, [::]:4433 or a port alone)")]
pub(crate) struct NotAnAddress(String);

/// Parses `ADDRESS:PORT`, or `PORT` for all addresses. Port 0 takes a free one.
pub(crate) fn parse(text: &str) -> Result<SocketAddr, NotAnAddress> {
    if let Ok(port) = text.parse() {
        return Ok(all(port));
    }
    text.parse()
        .map_err(|_| NotAnAddress(text.chars().take(60).collect()))
}

/// A port on all addresses of this machine.
pub(crate) const fn all(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)
}

/// The metrics server's address; `off` for none.
pub(crate) fn parse_metrics(text: &str) -> Result<Option<SocketAddr>, NotAnAddress> {
    if text == "off" {
        return Ok(None);
    }
    if let Ok(port) = text.parse() {
        return Ok(Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)));
    }
    parse(text).map(Some)
}

/// An address to listen on whose port is settled, so that it can be told to others before the socket is opened for good.
pub(crate) fn settled(
    check: &mut Check,
    flag: &str,
    raw: Option<&str>,
    default_port: u16,
) -> SocketAddr {
    let address = check
        .optional(flag, raw, parse)
        .unwrap_or(all(default_port));
    match settle_port(address) {
        Ok(address) => address,
        Err(error) => {
            check.problem(flag, format!("{address}: {error}"));
            address
        }
    }
}

/// Takes a free port where 0 was asked for.
fn settle_port(address: SocketAddr) -> std::io::Result<SocketAddr> {
    if address.port() != 0 {
        return Ok(address);
    }
    let port = UdpSocket::bind(address)?.local_addr()?.port();
    Ok(SocketAddr::new(address.ip(), port))
}

/// The address that other hosts of the cluster reach this one at: the one it listens on if that is one address, else the one
/// that leads out of this machine (asked of the routing table; nothing is sent).
pub(crate) fn reachable(listen: SocketAddr) -> HostPort {
    let ip = if listen.ip().is_unspecified() {
        outgoing_ip().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
    } else {
        listen.ip()
    };
    HostPort::from(SocketAddr::new(ip, listen.port()))
}

/// 192.0.2.1 is reserved for documentation (RFC 5737): a route to it is the default route.
fn outgoing_ip() -> Option<IpAddr> {
    let socket = UdpSocket::bind(all(0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    socket
        .local_addr()
        .ok()
        .map(|address| address.ip())
        .filter(|ip| !ip.is_unspecified())
}

/// This machine's name, made a label: what a node is called where nothing else is said.
pub(crate) fn host_label() -> Label {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    label_from(&name)
}

/// Makes a label out of any text, without changing one that is.
pub(crate) fn label_from(text: &str) -> Label {
    let first = text
        .trim()
        .split('.')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let kept: String = first
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(63)
        .collect();
    Label::parse(kept.trim_matches('-')).unwrap_or_else(|_| fallback())
}

fn fallback() -> Label {
    Label::parse("host").unwrap_or_else(|_| unreachable!("\"host\" is a label"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_means_every_address() {
        assert_eq!(parse("4433"), Ok(all(4433)));
        assert_eq!(
            parse("127.0.0.1:0").map(|a| a.to_string()),
            Ok("127.0.0.1:0".to_owned())
        );
        assert_eq!(parse_metrics("9000"), Ok("127.0.0.1:9000".parse().ok()));
        assert_eq!(parse_metrics("off"), Ok(None));
        for text in ["", "localhost:1", "70000", "1.2.3.4", ":4433", "1.2.3.4:x"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn any_host_name_becomes_a_label() {
        for (name, label) in [
            ("Web_1.example.com", "web-1"),
            ("-x-", "x"),
            ("", "host"),
            ("…", "host"),
            ("vm", "vm"),
        ] {
            assert_eq!(label_from(name).as_str(), label);
        }
    }

    #[test]
    fn a_single_address_is_told_as_it_is() {
        assert_eq!(
            reachable("127.0.0.7:12".parse().expect("an address")).to_string(),
            "127.0.0.7:12"
        );
    }
}
