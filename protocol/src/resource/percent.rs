//! Shares in whole percent.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// 0 % to 100 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Percent(u8);

/// A text or number that is no share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a share is written 0% to 100%, in whole percent")]
pub struct InvalidPercent;

impl Percent {
    /// All of it.
    pub const HUNDRED: Self = Self(100);
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Checks that it isn't more than 100.
    pub fn new(percent: u32) -> Result<Self, InvalidPercent> {
        u8::try_from(percent)
            .ok()
            .filter(|&p| p <= 100)
            .map(Self)
            .ok_or(InvalidPercent)
    }

    pub(super) const fn literal(percent: u8) -> Self {
        assert!(percent <= 100, "a share is at most 100 %");
        Self(percent)
    }

    /// Tells the number before the sign.
    pub fn number(self) -> u32 {
        u32::from(self.0)
    }

    /// Tells it as a fraction of 1.
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

impl TryFrom<u32> for Percent {
    type Error = InvalidPercent;
    fn try_from(percent: u32) -> Result<Self, InvalidPercent> {
        Self::new(percent)
    }
}

impl From<Percent> for u32 {
    fn from(percent: Percent) -> Self {
        percent.number()
    }
}

impl FromStr for Percent {
    type Err = InvalidPercent;
    fn from_str(text: &str) -> Result<Self, InvalidPercent> {
        let digits = text.strip_suffix('%').ok_or(InvalidPercent)?;
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidPercent);
        }
        Self::new(digits.parse().map_err(|_| InvalidPercent)?)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_percents_and_nothing_else() {
        for text in ["0%", "40%", "100%"] {
            assert_eq!(
                text.parse().map(|p: Percent| p.to_string()),
                Ok(text.to_owned())
            );
        }
        for text in [
            "",
            "%",
            "40",
            "101%",
            "-1%",
            "+1%",
            "1.5%",
            "40 %",
            "40%%",
            "4294967297%",
        ] {
            assert_eq!(text.parse::<Percent>(), Err(InvalidPercent), "{text}");
        }
    }
}
