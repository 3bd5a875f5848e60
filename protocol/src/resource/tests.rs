//! Manifests as people write them, right and wrong.
#![allow(clippy::unwrap_used, reason = "tests")]

mod problems;
mod round_trip;
mod valid;

use super::*;
use crate::name::Label;

fn parse_as_shop(text: &str) -> Result<Vec<Resource>, Problems> {
    parse(text, "shop.yaml", &Label::parse("shop").unwrap())
}

fn one(text: &str) -> Resource {
    let mut resources = parse_as_shop(text).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(resources.len(), 1);
    resources.remove(0)
}
