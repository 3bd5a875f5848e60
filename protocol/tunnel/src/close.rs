//! Why a tunnel ends. Reasons stay empty on the wire; the code is all that the other side learns.

/// The application error code of a close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// Nothing more to do.
    Done,
    /// The other end may not be here: unknown identity, revoked, or not allowed.
    Refused,
    /// An SVID of either end has expired.
    Expired,
    /// This process stops.
    Draining,
    /// Unused for long.
    Idle,
    /// The other end broke the protocol.
    Protocol,
}

impl CloseCode {
    const ALL: [Self; 6] = [
        Self::Done,
        Self::Refused,
        Self::Expired,
        Self::Draining,
        Self::Idle,
        Self::Protocol,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Expired => 2,
            Self::Draining => 3,
            Self::Idle => 4,
            Self::Protocol => 5,
        }
    }

    fn from_number(number: u64) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|code| u64::from(code.number()) == number)
    }

    /// The word in logs and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Draining => "draining",
            Self::Idle => "idle",
            Self::Protocol => "protocol",
        }
    }
}

/// How a tunnel ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloseReason {
    /// This side closed it.
    Here,
    /// The other side closed it.
    There(Option<CloseCode>),
    /// Nothing was heard for the idle time-out.
    TimedOut,
    /// The other side has forgotten the connection (stateless reset): it restarted.
    Reset,
    /// QUIC or TLS failed.
    Transport(String),
}

impl CloseReason {
    pub(crate) fn of(error: &quinn::ConnectionError) -> Self {
        use quinn::ConnectionError as E;
        match error {
            E::LocallyClosed => Self::Here,
            E::ApplicationClosed(close) => {
                Self::There(CloseCode::from_number(close.error_code.into_inner()))
            }
            E::TimedOut => Self::TimedOut,
            E::Reset => Self::Reset,
            E::VersionMismatch
            | E::TransportError(_)
            | E::ConnectionClosed(_)
            | E::CidsExhausted => Self::Transport(error.to_string()),
        }
    }

    /// The word in logs and metrics.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::There(Some(code)) => code.word(),
            Self::There(None) => "there",
            Self::TimedOut => "timed_out",
            Self::Reset => "reset",
            Self::Transport(_) => "transport",
        }
    }
}

impl std::fmt::Display for CloseReason {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Here => out.write_str("closed by this side"),
            Self::There(Some(code)) => write!(out, "closed by the other side: {}", code.word()),
            Self::There(None) => out.write_str("closed by the other side"),
            Self::TimedOut => out.write_str("nothing heard within the idle time-out"),
            Self::Reset => out.write_str("the other side has forgotten the connection"),
            Self::Transport(why) => write!(out, "QUIC failed: {why}"),
        }
    }
}
