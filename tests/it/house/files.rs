//! What each source file looks like from outside.

use super::tree;

/// Past this a file nearly always holds two ideas (guide, section 2).
const LONGEST: usize = 600;

/// Files that may be longer, each with its reason. Keep it short.
const EXCUSED: [(&str, &str); 0] = [];

/// Names that say nothing show that a thing isn't understood yet.
const EMPTY_NAMES: [&str; 9] = [
    "util", "utils", "common", "helper", "helpers", "misc", "manager", "base", "info",
];

#[test]
fn every_file_opens_by_saying_what_lives_in_it() {
    let silent: Vec<String> = tree::rust()
        .into_iter()
        .filter(|file| {
            let lines = file.text.lines();
            let first = lines.map(str::trim).find(|line| !line.is_empty());
            let opening = first.unwrap_or_default();
            !opening.starts_with("//!") || opening.trim_start_matches("//!").trim().is_empty()
        })
        .map(|file| file.path)
        .collect();
    assert!(
        silent.is_empty(),
        "open these with a line of `//!` that says what lives there: {silent:#?}"
    );
}

#[test]
fn no_file_is_too_long_to_hold_in_the_head() {
    for file in tree::rust() {
        let lines = file.text.lines().count();
        let excused = EXCUSED.iter().any(|(path, _)| *path == file.path);
        assert!(
            lines <= LONGEST || excused,
            "{} has {lines} lines: find the second noun in it and give that a file",
            file.path
        );
    }
}

#[test]
fn no_name_is_empty() {
    for file in tree::rust() {
        let names = file.path.trim_end_matches(".rs").split('/');
        for name in names {
            assert!(
                !EMPTY_NAMES.contains(&name),
                "{}: `{name}` says nothing; name it after the noun that lives there",
                file.path
            );
        }
    }
}

#[test]
fn modules_stand_beside_their_folders() {
    for file in tree::rust() {
        assert!(
            !file.path.ends_with("/mod.rs"),
            "{}: write foo.rs beside foo/, so that tabs and searches show real names",
            file.path
        );
    }
}
