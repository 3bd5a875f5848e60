//! What answers look like.

use super::*;

fn answer() -> Answer {
    Answer {
        kind: "ThingList",
        items: vec![json!({"name": "a", "parts": ["x", 1], "none": [], "says": "no"})],
        names: vec!["thing/a".to_owned()],
        table: table::columns(
            &["NAME", "STATE"],
            &[
                vec!["a".to_owned(), "READY".to_owned()],
                vec!["longer".to_owned(), "STALE".to_owned()],
            ],
        ),
        wide: None,
    }
}

#[test]
fn json_is_versioned() {
    insta::assert_snapshot!(answer().render(Format::Json), @r#"
    {
      "apiVersion": "weft.dev/v1alpha1",
      "items": [
        {
          "name": "a",
          "none": [],
          "parts": [
            "x",
            1
          ],
          "says": "no"
        }
      ],
      "kind": "ThingList"
    }
    "#);
}

#[test]
fn yaml_says_the_same() {
    insta::assert_snapshot!(answer().render(Format::Yaml), @r#"
    apiVersion: weft.dev/v1alpha1
    items:
    - name: a
      none: []
      parts:
      - x
      - 1
      says: "no"
    kind: ThingList
    "#);
}

#[test]
fn tables_have_no_borders_and_no_trailing_spaces() {
    insta::assert_snapshot!(answer().render(Format::Table), @r"
    NAME    STATE
    a       READY
    longer  STALE
    ");
    assert!(
        answer()
            .render(Format::Table)
            .lines()
            .all(|line| line == line.trim_end())
    );
}

#[test]
fn names_stand_alone() {
    assert_eq!(answer().render(Format::Name), "thing/a\n");
}

#[test]
fn times_are_short() {
    use std::time::Duration;
    let cases = [
        (0, "0s"),
        (27_000, "27s"),
        (41, "41ms"),
        (130_000, "2m"),
        (8 * 3_600_000, "8h"),
        (3 * 86_400_000, "3d"),
    ];
    for (millis, expected) in cases {
        assert_eq!(age::short(Duration::from_millis(millis)), expected);
    }
    assert_eq!(age::until(100, 200, Duration::ZERO), "EXPIRED!");
    assert_eq!(
        age::until(186_500, 100, Duration::from_secs(60 * 86_400)),
        "2d!"
    );
    assert_eq!(age::since(0, 5), "-");
}
