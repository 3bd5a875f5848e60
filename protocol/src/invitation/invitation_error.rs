//! Why a line is no invitation or join token.

use crate::wire::InvalidMessage;

/// What is wrong with the line; never the line itself, which is a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvitationError {
    /// Something else altogether.
    #[error("not {expected}: it does not begin with {prefix}")]
    Other {
        /// `an invitation` or `a join token`.
        expected: &'static str,
        /// How one begins.
        prefix: &'static str,
    },
    /// The other of the two.
    #[error("not {expected}, but {found}")]
    Confused {
        /// What was asked for.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// Of a later version.
    #[error("made by a newer Weft, as version {0}; this one reads version 1")]
    Newer(u32),
    /// A character that isn't base64url: something was pasted along or replaced.
    #[error("damaged: it holds characters that none has")]
    Damaged,
    /// Its end or a part of it is missing, or a character is another.
    #[error("truncated: checksum differs")]
    Truncated,
    /// Whole, but with a value that can't be.
    #[error(transparent)]
    Invalid(#[from] InvalidMessage),
}
