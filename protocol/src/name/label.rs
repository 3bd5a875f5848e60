//! A DNS label: what namespaces, services, service accounts, nodes and clusters are called.

use std::{fmt, str::FromStr, sync::Arc};

use super::{InvalidName, as_string::as_string};

/// 1 to 63 of `[a-z0-9-]`, neither beginning nor ending with `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(Arc<str>);

const LONGEST: usize = 63;

impl Label {
    /// Parses a label.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        match broken_rule(text) {
            None => Ok(Self(text.into())),
            Some(rule) => Err(InvalidName::new("name", text, rule)),
        }
    }

    /// Shows it as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The first rule of a DNS label that `text` breaks.
pub(super) fn broken_rule(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    if text.len() > LONGEST {
        return Some("it has more than 63 characters");
    }
    if !text
        .bytes()
        .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    {
        return Some("only a-z, 0-9 and - are allowed");
    }
    if text.starts_with('-') || text.ends_with('-') {
        return Some("it begins or ends with -");
    }
    None
}

impl FromStr for Label {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::parse(text)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for Label {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

as_string!(Label);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dns_labels_and_nothing_else_are_labels() {
        let longest = "a".repeat(63);
        for good in ["a", "0", "shop", "a-b", "a--b", "1st", longest.as_str()] {
            assert_eq!(
                Label::parse(good).map(|l| l.to_string()),
                Ok(good.to_owned())
            );
        }
        let too_long = "a".repeat(64);
        for bad in [
            "",
            "-a",
            "a-",
            "A",
            "a.b",
            "a_b",
            "a/b",
            "a b",
            "ä",
            "*",
            "a\0",
            too_long.as_str(),
        ] {
            assert!(Label::parse(bad).is_err(), "{bad:?}");
        }
    }
}
