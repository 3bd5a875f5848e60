//! Durations as people type them: `500ms`, `30s`, `15m`, `1h`, `7d`.

use std::time::Duration;

/// A text that is no duration.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration (write 500ms, 30s, 15m, 1h or 7d)")]
pub(crate) struct NotADuration(String);

/// Parses a whole number with its unit.
pub(crate) fn parse(text: &str) -> Result<Duration, NotADuration> {
    let refuse = || NotADuration(text.chars().take(40).collect());
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .ok_or_else(refuse)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| refuse())?;
    let millis_each = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(refuse()),
    };
    number
        .checked_mul(millis_each)
        .filter(|millis| *millis > 0)
        .map(Duration::from_millis)
        .ok_or_else(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_make_a_duration() {
        for (text, millis) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("15m", 900_000),
            ("1h", 3_600_000),
            ("7d", 604_800_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "30",
            "s",
            "0s",
            "-1s",
            "+1s",
            "1.5s",
            "1 s",
            "1w",
            "1S",
            "99999999999999999999s",
            "18446744073709551615d",
            "١s",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
