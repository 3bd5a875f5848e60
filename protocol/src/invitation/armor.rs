//! The line around a payload: prefix, version, checksum, base64url.

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64URL_NOPAD;
use zeroize::Zeroizing;

use super::InvitationError;

/// One of the two kinds of line.
pub(super) struct Armor {
    /// What it is called, with its article.
    pub(super) what: &'static str,
    /// How it begins, up to and with the version's dot.
    pub(super) prefix: &'static str,
    /// The same without the number of the version.
    stem: &'static str,
}

pub(super) const INVITATION: Armor = Armor {
    what: "an invitation",
    prefix: "weft-invitation-v1.",
    stem: "weft-invitation-v",
};
pub(super) const JOIN_TOKEN: Armor = Armor {
    what: "a join token",
    prefix: "weft-token-v1.",
    stem: "weft-token-v",
};

const CHECKSUM: usize = 4;

impl Armor {
    /// Makes the line.
    pub(super) fn close(&self, payload: &[u8]) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(payload.len() + CHECKSUM));
        bytes.extend_from_slice(payload);
        bytes.extend_from_slice(&checksum(payload));
        let mut line = Zeroizing::new(String::with_capacity(
            self.prefix.len() + BASE64URL_NOPAD.encode_len(bytes.len()),
        ));
        line.push_str(self.prefix);
        BASE64URL_NOPAD.encode_append(&bytes, &mut line);
        line
    }

    /// Takes the payload out of the line. Blanks and line ends, as terminals and mail add them, don't matter.
    pub(super) fn open(&self, line: &str) -> Result<Zeroizing<Vec<u8>>, InvitationError> {
        let line: Zeroizing<String> = Zeroizing::new(line.split_whitespace().collect());
        let text = line
            .strip_prefix(self.prefix)
            .ok_or_else(|| self.why_not(&line))?;
        let text = text.as_bytes();
        if !text
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        {
            return Err(InvitationError::Damaged);
        }
        let mut bytes = Zeroizing::new(
            BASE64URL_NOPAD
                .decode(text)
                .map_err(|_| InvitationError::Truncated)?,
        );
        let payload = bytes
            .len()
            .checked_sub(CHECKSUM)
            .ok_or(InvitationError::Truncated)?;
        if bytes[payload..] != checksum(&bytes[..payload]) {
            return Err(InvitationError::Truncated);
        }
        bytes.truncate(payload);
        Ok(bytes)
    }

    fn why_not(&self, line: &str) -> InvitationError {
        let version = line
            .strip_prefix(self.stem)
            .and_then(|rest| rest.split('.').next()?.parse().ok());
        if let Some(version) = version.filter(|&version| version > 1) {
            return InvitationError::Newer(version);
        }
        match [INVITATION, JOIN_TOKEN]
            .iter()
            .find(|other| line.starts_with(other.stem) && other.stem != self.stem)
        {
            Some(other) => InvitationError::Confused {
                expected: self.what,
                found: other.what,
            },
            None => InvitationError::Other {
                expected: self.what,
                prefix: self.prefix,
            },
        }
    }
}

fn checksum(payload: &[u8]) -> [u8; CHECKSUM] {
    let mut checksum = [0; CHECKSUM];
    checksum.copy_from_slice(&digest(&SHA256, payload).as_ref()[..CHECKSUM]);
    checksum
}
