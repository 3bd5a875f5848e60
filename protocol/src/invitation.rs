//! How a cluster or a host is let in: one line of text that holds where to go, whom to expect there, and a secret for once (P-18).
//!
//! ```text
//! weft-invitation-v1.BASE64URL(payload | first 4 bytes of SHA-256(payload))      a cluster, at its peer
//! weft-token-v1.BASE64URL(payload | first 4 bytes of SHA-256(payload))           a host, at its controller
//! ```
//! The checksum finds what copying lost; it proves nothing. Both carry the digest of the root to expect, so nothing is trusted on
//! first use. Expiry is the caller's to check, who has a clock: `expired(now)`.

mod armor;
mod host_role;
mod invitation_error;
mod join_token;
mod payload;
mod peer_invitation;
mod phrase;
mod secret;

pub use host_role::{HostRole, InvalidHostRole};
pub use invitation_error::InvitationError;
pub use join_token::JoinToken;
pub use peer_invitation::Invitation;
pub use phrase::phrase;
pub use secret::Secret;

#[cfg(test)]
mod tests;
