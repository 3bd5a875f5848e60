//! What a service's app speaks.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// How the node talks to the app, and how a caller's node reads what its app sends there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1.
    Http,
    /// HTTP/2 with prior knowledge.
    Http2,
    /// gRPC: HTTP/2 with trailers.
    Grpc,
    /// Bytes over TCP; the server may speak first.
    Tcp,
    /// Packets over UDP.
    Udp,
    /// Not declared: the caller's node looks at the first bytes of each connection and sends it on as what it is, HTTP or TCP.
    #[default]
    Auto,
}

/// A protocol that there isn't.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not one of http, http2, grpc, tcp, udp, auto")]
pub struct InvalidProtocol(String);

impl Protocol {
    const ALL: [Self; 6] = [
        Self::Http,
        Self::Http2,
        Self::Grpc,
        Self::Tcp,
        Self::Udp,
        Self::Auto,
    ];

    /// Shows it as text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Http2 => "http2",
            Self::Grpc => "grpc",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Auto => "auto",
        }
    }

    /// Whether requests can be sent to it.
    pub fn takes_requests(self) -> bool {
        matches!(self, Self::Http | Self::Http2 | Self::Grpc | Self::Auto)
    }

    /// Whether a TCP connection can be passed to it as bytes. One that is declared to speak HTTP gets requests only: raw bytes could
    /// hold fields that claim an identity (P-14).
    pub fn takes_connections(self) -> bool {
        matches!(self, Self::Tcp | Self::Auto)
    }

    /// Whether endpoints that speak `other` can stand beside those that speak this. What isn't declared agrees with all that runs on
    /// TCP.
    pub fn agrees_with(self, other: Self) -> bool {
        match (self, other) {
            (Self::Auto, other) | (other, Self::Auto) => other != Self::Udp,
            (one, other) => one == other,
        }
    }
}

impl FromStr for Protocol {
    type Err = InvalidProtocol;
    fn from_str(text: &str) -> Result<Self, InvalidProtocol> {
        Self::ALL
            .into_iter()
            .find(|p| p.as_str() == text)
            .ok_or_else(|| InvalidProtocol(text.chars().take(50).collect()))
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_declared_agrees_with_all_that_runs_on_tcp() {
        for protocol in Protocol::ALL {
            assert_eq!(
                Protocol::Auto.agrees_with(protocol),
                protocol != Protocol::Udp
            );
            assert_eq!(
                protocol.agrees_with(Protocol::Auto),
                protocol != Protocol::Udp
            );
            assert!(protocol == Protocol::Auto || protocol.agrees_with(protocol));
        }
        assert!(!Protocol::Http.agrees_with(Protocol::Grpc));
    }
}
