//! What a tunnel may carry, as TLS negotiates it.

/// An application protocol of Weft's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alpn {
    /// HTTP between nodes.
    Weft1,
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
            Self::Control => b"weft-control/1",
            Self::Enrol => b"weft-enrol/1",
        }
    }

    pub(crate) fn from_id(id: &[u8]) -> Option<Self> {
        [Self::Weft1, Self::Control, Self::Enrol]
            .into_iter()
            .find(|alpn| alpn.id() == id)
    }
}
