//! One line of the load: who is called, how, how often, and what has to come of it.

use std::fmt;

/// How the application's bytes reach its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Door {
    /// `HTTP_PROXY`, absolute form.
    Proxy(u16),
    /// An explicit listener of that service.
    Listener(u16),
}

impl Door {
    /// The port on 127.0.0.1.
    pub(in super::super) fn port(self) -> u16 {
        match self {
            Self::Proxy(port) | Self::Listener(port) => port,
        }
    }
}

/// What kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    /// HTTP GET.
    Get,
    /// HTTP POST with a body.
    Post,
    /// gRPC, unary.
    Charge,
    /// gRPC, server streaming.
    Statement,
    /// gRPC, client streaming.
    Deposit,
    /// gRPC, bidirectional.
    Converse,
}

impl Kind {
    /// The kinds of gRPC calls whose bodies stream.
    pub(in super::super) const STREAMING: [Self; 3] =
        [Self::Statement, Self::Deposit, Self::Converse];

    /// Whether it is a gRPC call.
    pub(in super::super) fn is_grpc(self) -> bool {
        !matches!(self, Self::Get | Self::Post)
    }
}

/// What has to come of a flow's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Expect {
    /// Each is served.
    Served,
    /// Each is refused.
    Refused,
    /// Each is served until the tally is `cut`; from then on the step's own expectation says what.
    Either,
}

/// One line of the load.
#[derive(Debug, Clone)]
pub(in super::super) struct Flow {
    /// The name that is called.
    pub(in super::super) host: &'static str,
    /// How it reaches the node.
    pub(in super::super) door: Door,
    /// What kind of call.
    pub(in super::super) kind: Kind,
    /// How many calls begin in a second.
    pub(in super::super) per_second: u32,
    /// What has to come of them.
    pub(in super::super) expect: Expect,
    /// Whether east's application calls (the load); else it is west's.
    pub(in super::super) from_east: bool,
}

impl Flow {
    /// A flow of east's application that has to be served.
    pub(in super::super) fn new(
        host: &'static str,
        door: Door,
        kind: Kind,
        per_second: u32,
    ) -> Self {
        Self {
            host,
            door,
            kind,
            per_second,
            expect: Expect::Served,
            from_east: true,
        }
    }

    /// The same with another expectation.
    pub(in super::super) fn expecting(self, expect: Expect) -> Self {
        Self { expect, ..self }
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.kind, self.host)
    }
}
