//! The version-independent QUIC header (RFC 8999), no more: what a router may rely on in every version there will be.

/// A packet's form and destination connection ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Which of the two headers it is.
    pub form: Form,
    /// The destination connection ID.
    pub destination: &'a [u8],
}

/// The header's form: the first bit of the first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Carries a version and both IDs with their lengths.
    Long {
        /// The version; 0 marks Version Negotiation.
        version: u32,
    },
    /// Carries a destination ID whose length only its maker knows.
    Short,
}

/// Tells that a datagram ends inside its first packet's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a datagram of {length} bytes ends inside its header")]
pub struct TruncatedError {
    /// Its length.
    pub length: usize,
}

impl<'a> Header<'a> {
    /// Parses the first packet's header in a datagram; short headers have IDs of `short_len` bytes.
    pub fn parse(datagram: &'a [u8], short_len: usize) -> Result<Self, TruncatedError> {
        Self::read(datagram, short_len).ok_or(TruncatedError {
            length: datagram.len(),
        })
    }

    fn read(datagram: &'a [u8], short_len: usize) -> Option<Self> {
        let (&first, rest) = datagram.split_first()?;
        if first & 0x80 == 0 {
            return Some(Self {
                form: Form::Short,
                destination: rest.get(..short_len)?,
            });
        }
        let (version, rest) = rest.split_first_chunk()?;
        let (destination, rest) = split_id(rest)?;
        let (_source, _rest) = split_id(rest)?;
        Some(Self {
            form: Form::Long {
                version: u32::from_be_bytes(*version),
            },
            destination,
        })
    }
}

/// Splits off an ID behind its length.
fn split_id(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(length))
}

#[cfg(test)]
mod tests;
