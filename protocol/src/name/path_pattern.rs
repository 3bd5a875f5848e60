//! Which paths a rule speaks of: one, or all below one.

use std::{fmt, str::FromStr, sync::Arc};

use super::{InvalidName, as_string::as_string};

/// An exact path, or with `/*` at its end all paths below it; any other `*` is a character like all others (P-12).
///
/// `/charge/*` matches `/charge/` and `/charge/7`, but neither `/charge` nor `/charges`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathPattern(Arc<str>);

const LONGEST: usize = 4096;

impl PathPattern {
    /// Parses `/exact` or `/below/*`.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let invalid = |rule| Err(InvalidName::new("path", text, rule));
        if !text.starts_with('/') {
            return invalid("it begins with /");
        }
        if text.len() > LONGEST {
            return invalid("it has more than 4096 characters");
        }
        if text
            .bytes()
            .any(|b| b.is_ascii_control() || b == b' ' || b == b'?' || b == b'#')
        {
            return invalid("it has no query, fragment, space or control character");
        }
        if is_ambiguous(text) {
            return invalid(
                "it has no //, \\, segment . or .., %2f, %5c, %00 or other escape that nothing needs: requests with such a path are never served",
            );
        }
        Ok(Self(text.into()))
    }

    /// Shows it as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether `path`, which has no query, is one of them.
    pub fn matches(&self, path: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(below) if below.ends_with('/') => path.starts_with(below),
            _ => *self.0 == *path,
        }
    }
}

/// Tells whether two readers could take `path` for different ones (P-13).
pub(crate) fn is_ambiguous(path: &str) -> bool {
    let segments = path.strip_prefix('/').unwrap_or(path);
    let last = segments.rsplit('/').next().unwrap_or_default();
    let inner = &segments[..segments.len() - last.len()];
    let is_dots = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
    !path.starts_with('/')
        || path
            .bytes()
            .any(|b| b.is_ascii_control() || b == b'\\' || b == b'#')
        || inner.starts_with('/')
        || inner.contains("//")
        || segments.split('/').any(is_dots)
        || has_ambiguous_escape(path.as_bytes())
}

/// An escaped slash, backslash or control byte, an escape of a character that needs none (`%61`), or a `%` that begins no escape.
fn has_ambiguous_escape(path: &[u8]) -> bool {
    path.iter()
        .enumerate()
        .filter(|&(_, &b)| b == b'%')
        .any(|(at, _)| {
            let Some(digits) = path
                .get(at + 1..at + 3)
                .filter(|d| d.iter().all(u8::is_ascii_hexdigit))
            else {
                return true;
            };
            let value = std::str::from_utf8(digits)
                .ok()
                .and_then(|digits| u8::from_str_radix(digits, 16).ok());
            value.is_none_or(|b| {
                matches!(b, b'/' | b'\\' | b'-' | b'.' | b'_' | b'~')
                    || b.is_ascii_control()
                    || b.is_ascii_alphanumeric()
            })
        })
}

impl FromStr for PathPattern {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::parse(text)
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

as_string!(PathPattern);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn p_12_a_pattern_ends_at_a_segment_boundary() {
        let below = PathPattern::parse("/charge/*").unwrap();
        assert!(
            below.matches("/charge/7") && below.matches("/charge/") && below.matches("/charge/7/8")
        );
        for other in [
            "/charge",
            "/charges",
            "/charges/7",
            "/x/charge/7",
            "charge/7",
            "/Charge/7",
            "",
        ] {
            assert!(!below.matches(other), "{other}");
        }
        let all = PathPattern::parse("/*").unwrap();
        assert!(all.matches("/") && all.matches("/a/b") && !all.matches("*"));
    }

    #[test]
    fn p_12_dots_stars_and_regex_characters_are_literal() {
        for (pattern, other) in [
            ("/a.b", "/axb"),
            ("/a*", "/ab"),
            ("/*/b", "/a/b"),
            ("/a+", "/aa"),
            ("/(a|b)", "/a"),
            ("/a$", "/a"),
        ] {
            let parsed = PathPattern::parse(pattern).unwrap();
            assert!(
                parsed.matches(pattern) && !parsed.matches(other),
                "{pattern}"
            );
        }
    }

    #[test]
    fn p_13_a_pattern_that_no_served_request_can_match_is_refused() {
        for text in [
            "",
            "a",
            "*",
            "/a//b",
            "//",
            "/a/../b",
            "/.",
            "/a/..;x/b",
            "/a%2fb",
            "/a%2Fb",
            "/a%5Cb",
            "/a%00",
            "/%61dmin",
            "/a%7E",
            "/a%2d",
            "/a%0d",
            "/%2e%2e/",
            "/a%",
            "/a%zz",
            "/a?b",
            "/a#b",
            "/a b",
            "/a\n",
            "/a\\b",
        ] {
            assert!(PathPattern::parse(text).is_err(), "{text}");
        }
        for text in [
            "/",
            "/a/",
            "/a.b/..c",
            "/a%20b",
            "/helloworld.Greeter/SayHello",
            "/a;b/*",
        ] {
            assert!(PathPattern::parse(text).is_ok(), "{text}");
        }
    }
}
