//! What a tunnel may carry, as TLS negotiates it.

/// What runs on a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alpn {
    /// HTTP, TCP and UDP between nodes.
    Weft1,
    /// Standard HTTP/3: for whoever has an SVID, and between nodes that are told to speak it.
    H3,
    /// gRPC between processes that know each other.
    Control,
    /// gRPC of who has no SVID yet.
    Enrol,
}

impl Alpn {
    /// The identifier on the wire.
    #[must_use]
    pub const fn id(self) -> &'static [u8] {
        match self {
            Self::Weft1 => b"weft/1",
            Self::H3 => b"h3",
            Self::Control => b"weft-control/1",
            Self::Enrol => b"weft-enrol/1",
        }
    }

    /// The word in metrics: the identifier on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Weft1 => "weft/1",
            Self::H3 => "h3",
            Self::Control => "weft-control/1",
            Self::Enrol => "weft-enrol/1",
        }
    }

    pub(crate) fn from_id(id: &[u8]) -> Option<Self> {
        [Self::Weft1, Self::H3, Self::Control, Self::Enrol]
            .into_iter()
            .find(|alpn| alpn.id() == id)
    }
}
