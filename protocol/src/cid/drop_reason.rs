//! Why a datagram went no further, as the `reason` label of a gateway's and a node's drop counter.

/// A reason to drop a datagram in silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DropReason {
    /// Its first byte says that it isn't QUIC, or it has no bytes.
    NotQuic,
    /// It ends inside its header.
    Truncated,
    /// Version 0: a Version Negotiation packet, which nobody sends to a server.
    VersionNegotiation,
    /// Its destination ID has neither length of ours.
    IdLength,
    /// It carries a route token and is shorter than a client's first datagram may be.
    ShortInitial,
    /// Its ID names a generation of which there is no key.
    UnknownGeneration,
    /// Its token's selector isn't allowed.
    UnknownSelector,
    /// Its token's selector was allowed until earlier.
    ExpiredSelector,
    /// Its ID wasn't made with the key that it names.
    Forged,
    /// Its token's selector leads to another handle only.
    HandleNotAllowed,
    /// Its ID is good, but nobody here has that handle.
    UnknownHandle,
    /// Its source and selector started too many connections lately.
    RateLimited,
    /// Its source or selector has as many flows as one may.
    Quota,
    /// It came out of this gateway's own inner side.
    Loop,
    /// It is longer than the way on carries.
    TooBig,
    /// The socket was full, or refused it.
    Unsendable,
}

impl DropReason {
    /// Lists all reasons, so that each counter exists from the start.
    pub const ALL: [Self; 16] = [
        Self::NotQuic,
        Self::Truncated,
        Self::VersionNegotiation,
        Self::IdLength,
        Self::ShortInitial,
        Self::UnknownGeneration,
        Self::UnknownSelector,
        Self::ExpiredSelector,
        Self::Forged,
        Self::HandleNotAllowed,
        Self::UnknownHandle,
        Self::RateLimited,
        Self::Quota,
        Self::Loop,
        Self::TooBig,
        Self::Unsendable,
    ];

    /// Returns the label's value.
    pub const fn label(self) -> &'static str {
        match self {
            Self::NotQuic => "not_quic",
            Self::Truncated => "truncated",
            Self::VersionNegotiation => "version_negotiation",
            Self::IdLength => "id_length",
            Self::ShortInitial => "short_initial",
            Self::UnknownGeneration => "unknown_generation",
            Self::UnknownSelector => "unknown_selector",
            Self::ExpiredSelector => "expired_selector",
            Self::Forged => "forged",
            Self::HandleNotAllowed => "handle_not_allowed",
            Self::UnknownHandle => "unknown_handle",
            Self::RateLimited => "rate_limited",
            Self::Quota => "quota",
            Self::Loop => "loop",
            Self::TooBig => "too_big",
            Self::Unsendable => "unsendable",
        }
    }
}
