//! Which context is meant.

use super::*;

fn known(names: &[&str]) -> BTreeMap<String, Context> {
    names
        .iter()
        .map(|name| {
            (
                (*name).to_owned(),
                Context::new(
                    (*name).to_owned(),
                    PathBuf::from("/s"),
                    None,
                    PathBuf::from("/d"),
                ),
            )
        })
        .collect()
}

#[test]
fn the_only_context_needs_no_name() {
    assert_eq!(
        pick(known(&["west"]), None).map(|c| c.name).ok().as_deref(),
        Some("west")
    );
    assert_eq!(
        pick(known(&["east", "west"]), Some("west"))
            .map(|c| c.name)
            .ok()
            .as_deref(),
        Some("west")
    );
}

#[test]
fn several_contexts_ask_for_a_name() {
    let failure = pick(known(&["east", "west"]), None).expect_err("two are ambiguous");
    insta::assert_snapshot!(failure.render(false), @r"
    several clusters are known on this machine: east, west
    Try: weft --context east …   (or set WEFT_CONTEXT)
    ");
}

#[test]
fn no_context_says_how_to_get_one() {
    let failure = pick(known(&[]), None).expect_err("there is none");
    insta::assert_snapshot!(failure.render(false), @r"
    no cluster is known on this machine: no context was written yet
    Try: weft up --cluster west --trust-domain west.example
    Try: weft --data-dir DIR …   (for a controller that is there)
    ");
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    let failure = pick(known(&["east"]), Some("north")).expect_err("north is unknown");
    insta::assert_snapshot!(failure.render(false), @r"
    there is no context called north: known are: east
    Try: weft --data-dir DIR …
    ");
}

#[test]
fn a_data_directory_without_a_controller_is_said_to_be_so() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    assert!(in_data_dir(dir.path()).is_err());
    std::fs::write(dir.path().join("weft.sock"), b"").expect("a file");
    assert_eq!(
        in_data_dir(dir.path()).map(|c| c.socket).ok(),
        Some(dir.path().join("weft.sock"))
    );
}
