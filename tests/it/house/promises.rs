//! A promise without a test that can fail is not a promise.

use std::collections::BTreeSet;

use super::tree;

/// P-1 to P-18 of SECURITY-AND-FAULTS.
const LAST: u32 = 18;

/// Promises that no test names yet. This list only gets shorter.
const NOT_YET: [u32; 0] = [];

#[test]
fn every_promise_is_named_by_a_test() {
    let named = named_by_tests();
    let missing: Vec<u32> = (1..=LAST)
        .filter(|promise| !named.contains(promise) && !NOT_YET.contains(promise))
        .collect();
    assert!(
        missing.is_empty(),
        "no test names these promises: {missing:?}. Write one that can fail, and name P-n in it"
    );
}

#[test]
fn list_of_promises_not_yet_kept_gets_shorter() {
    let named = named_by_tests();
    let kept: Vec<&u32> = NOT_YET
        .iter()
        .filter(|promise| named.contains(promise))
        .collect();
    assert!(
        kept.is_empty(),
        "a test names these by now: {kept:?}. Take them off NOT_YET in tests/it/house/promises.rs"
    );
}

/// Every `P-n` in the text of a test, or `p_n` in its name.
fn named_by_tests() -> BTreeSet<u32> {
    let mut named = BTreeSet::new();
    for file in tree::rust() {
        if file.path.starts_with("tests/it/house") {
            continue;
        }
        for piece in file.tests().split("P-").skip(1) {
            let digits: String = piece.chars().take_while(char::is_ascii_digit).collect();
            named.extend(digits.parse::<u32>().ok());
        }
    }
    named
}
