//! What a service's app speaks.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// How the node talks to the app.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http,
    /// HTTP/2 with prior knowledge.
    Http2,
    /// gRPC: HTTP/2 with trailers.
    Grpc,
}

/// A protocol that there isn't.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not one of http, http2, grpc")]
pub struct InvalidProtocol(String);

impl Protocol {
    /// Shows it as text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Http2 => "http2",
            Self::Grpc => "grpc",
        }
    }
}

impl FromStr for Protocol {
    type Err = InvalidProtocol;
    fn from_str(text: &str) -> Result<Self, InvalidProtocol> {
        let all = [Self::Http, Self::Http2, Self::Grpc];
        all.into_iter()
            .find(|p| p.as_str() == text)
            .ok_or_else(|| InvalidProtocol(text.chars().take(50).collect()))
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
