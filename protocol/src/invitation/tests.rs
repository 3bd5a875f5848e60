//! Lines that are copied well, badly, and by mistake.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::cid::{Capability, Generation, Handle, Selector};

fn capability() -> Capability {
    Capability::new(
        Generation::FIRST,
        Selector::from_random(7),
        [0xcd; 16],
        1_000,
    )
}

fn invitation() -> Invitation {
    Invitation {
        cluster: "east".parse().unwrap(),
        trust_domain: "east.example".parse().unwrap(),
        gateways: vec![
            "gw.east.example:4433".parse().unwrap(),
            "[2001:db8::1]:4433".parse().unwrap(),
        ],
        capability: capability(),
        controller_handle: Handle::try_from(77).unwrap(),
        root_digest: [3; 32],
        secret: Secret::new([0xab; 32]),
        peer: "west".parse().unwrap(),
        expires_at: 1_000,
    }
}

fn token() -> JoinToken {
    JoinToken {
        controller: "10.0.0.1:4435".parse().unwrap(),
        trust_domain: "east.example".parse().unwrap(),
        cluster: "east".parse().unwrap(),
        root_digest: [3; 32],
        secret: Secret::new([0xab; 32]),
        capability: capability(),
        controller_handle: Handle::try_from(77).unwrap(),
        role: HostRole::Gateway,
        expires_at: 1_000,
    }
}

#[test]
fn lines_print_what_they_parse() {
    let line = invitation().to_string();
    assert!(line.starts_with("weft-invitation-v1.") && !line.contains(char::is_whitespace));
    assert_eq!(Invitation::parse(&line), Ok(invitation()));
    assert_eq!(
        Invitation::parse(&format!("  {line}\r\n")),
        Ok(invitation())
    );
    let (start, end) = line.split_at(60);
    assert_eq!(
        Invitation::parse(&format!("{start}\n  {end}\n")),
        Ok(invitation()),
        "wrapped by a terminal"
    );
    let line = token().to_string();
    assert!(line.starts_with("weft-token-v1."));
    assert_eq!(JoinToken::parse(&line), Ok(token()));
}

#[test]
fn errors_say_what_the_line_is_instead() {
    let invitation_error = |line: &str| Invitation::parse(line).unwrap_err().to_string();
    assert_eq!(
        invitation_error("hello"),
        "not an invitation: it does not begin with weft-invitation-v1."
    );
    assert_eq!(
        invitation_error(""),
        "not an invitation: it does not begin with weft-invitation-v1."
    );
    assert_eq!(
        invitation_error(&token().to_string()),
        "not an invitation, but a join token"
    );
    assert_eq!(
        JoinToken::parse(&invitation().to_string())
            .unwrap_err()
            .to_string(),
        "not a join token, but an invitation"
    );
    assert_eq!(
        invitation_error("weft-invitation-v2.abc"),
        "made by a newer Weft, as version 2; this one reads version 1"
    );
    assert_eq!(
        invitation_error("weft-invitation-v1."),
        "truncated: checksum differs"
    );
    assert_eq!(
        invitation_error("weft-invitation-v1.ab$"),
        "damaged: it holds characters that none has"
    );
}

#[test]
fn p_18_no_part_of_a_line_that_was_cut_or_changed_is_believed() {
    let line = invitation().to_string();
    for end in "weft-invitation-v1.".len()..line.len() {
        assert_eq!(
            Invitation::parse(&line[..end]),
            Err(InvitationError::Truncated)
        );
    }
    for at in "weft-invitation-v1.".len()..line.len() {
        let other = if line.as_bytes()[at] == b'A' {
            "B"
        } else {
            "A"
        };
        let changed = format!("{}{other}{}", &line[..at], &line[at + 1..]);
        assert_eq!(Invitation::parse(&changed), Err(InvitationError::Truncated));
    }
}

#[test]
fn whole_lines_with_values_that_cant_be_are_refused() {
    let mut none = invitation();
    none.gateways.clear();
    assert_eq!(
        Invitation::parse(&none.to_string())
            .unwrap_err()
            .to_string(),
        "gateways: there is none"
    );
    let line = armor::INVITATION.close(&[0xff; 9]);
    assert!(matches!(
        Invitation::parse(&line),
        Err(InvitationError::Invalid(_))
    ));
    let line = armor::JOIN_TOKEN.close(&[]);
    assert_eq!(
        JoinToken::parse(&line).unwrap_err().to_string(),
        "controller: there is not exactly one"
    );
}

#[test]
fn p_18_secrets_are_not_in_debug_output() {
    for debug in [format!("{:?}", invitation()), format!("{:?}", token())] {
        assert!(debug.contains("east.example") && debug.contains("Secret(..)"));
        for secret in ["171", "abab", "205", "cdcd", "q6ur", "weft-"] {
            assert!(!debug.contains(secret), "{secret} in {debug}");
        }
    }
}

#[test]
fn p_18_a_line_expires_at_its_second() {
    assert!(
        !invitation().expired(999) && invitation().expired(1_000) && invitation().expired(u64::MAX)
    );
    assert!(!token().expired(999) && token().expired(1_000));
}

#[test]
fn phrases_are_four_words_and_differ_with_each_of_their_bits() {
    let mut digest = [0; 32];
    assert_eq!(phrase(&digest), "babab-babab-babab-babab");
    digest[..4].copy_from_slice(&[127, 0, 0, 1]);
    assert!(phrase(&digest).starts_with("lusab-babad-"));
    let phrases: std::collections::BTreeSet<String> = (0..64)
        .map(|bit| {
            let mut digest = [0; 32];
            digest[bit / 8] = 1 << (bit % 8);
            phrase(&digest)
        })
        .collect();
    assert_eq!(phrases.len(), 64);
}

proptest! {
    #[test]
    fn no_line_makes_the_parser_panic(text in "\\PC{0,60}", rest in "[A-Za-z0-9_-]{0,200}") {
        drop(Invitation::parse(&text));
        drop(Invitation::parse(&format!("weft-invitation-v1.{rest}")));
        drop(JoinToken::parse(&format!("weft-token-v1.{rest}")));
    }

    #[test]
    fn no_payload_makes_the_parser_panic(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(Invitation::parse(&armor::INVITATION.close(&payload)));
        drop(JoinToken::parse(&armor::JOIN_TOKEN.close(&payload)));
    }
}
