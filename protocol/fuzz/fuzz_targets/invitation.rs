//! Invitations and join tokens: what parses prints as something that parses to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::invitation::{Invitation, JoinToken};

fuzz_target!(|line: &str| {
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
});
