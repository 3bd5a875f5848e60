//! Invitations and join tokens: what parses prints as something that parses to the same.

use protocol::invitation::{Invitation, JoinToken};

/// A line.
pub(crate) fn check(input: &[u8]) {
    let Ok(line) = std::str::from_utf8(input) else {
        return;
    };
    if let Ok(invitation) = Invitation::parse(line) {
        let printed = invitation.to_string();
        let again = Invitation::parse(&printed).expect("what was printed parses");
        assert_eq!(again.to_string(), printed);
    }
    if let Ok(token) = JoinToken::parse(line) {
        let printed = token.to_string();
        let again = JoinToken::parse(&printed).expect("what was printed parses");
        assert_eq!(again.to_string(), printed);
    }
}
