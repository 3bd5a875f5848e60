//! What errors look like.

use super::*;

#[test]
fn a_failure_says_what_why_evidence_and_what_to_try() {
    let failure = Failure::new("peer east")
        .because("the invitation has expired")
        .with("it was good until 2026-11-21 10:15:00 UTC")
        .hint("weft peer invite west   (on east, for a fresh one)");
    insta::assert_snapshot!(failure.render(false), @r"
    peer east: the invitation has expired
      it was good until 2026-11-21 10:15:00 UTC
    Try: weft peer invite west   (on east, for a fresh one)
    ");
}

#[test]
fn evidence_of_many_lines_is_indented_throughout() {
    let failure = Failure::new("shop.yaml")
        .with("shop.yaml:3:5: spec.prot: unknown field\nshop.yaml:9:1: no kind");
    insta::assert_snapshot!(failure.render(false), @r"
    shop.yaml
      shop.yaml:3:5: spec.prot: unknown field
      shop.yaml:9:1: no kind
    ");
}

#[test]
fn a_chain_of_causes_says_each_thing_once() {
    #[derive(Debug, thiserror::Error)]
    #[error("outer: inner")]
    struct Outer(#[source] Inner);
    #[derive(Debug, thiserror::Error)]
    #[error("inner")]
    struct Inner(#[source] Innermost);
    #[derive(Debug, thiserror::Error)]
    #[error("innermost")]
    struct Innermost;
    assert_eq!(chain(&Outer(Inner(Innermost))), "outer: inner: innermost");
}

#[test]
fn exit_codes_are_those_of_the_manual() {
    let codes = [
        Exit::Failed,
        Exit::Usage,
        Exit::Warning,
        Exit::TimedOut,
        Exit::Interrupted,
    ]
    .map(Exit::number);
    assert_eq!(codes, [1, 2, 3, 4, 130]);
}
