//! Durations as people write them: `500ms`, `2s`, `1m`, `1h`.

use std::time::Duration;

/// A text that is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a duration is written as a whole number and ms, s, m or h, such as 500ms or 30s")]
pub struct InvalidDuration;

const UNITS: [(&str, u64); 4] = [("ms", 1), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];

/// Parses `500ms`, `2s`, `1m`, `1h`.
pub fn parse_duration(text: &str) -> Result<Duration, InvalidDuration> {
    let (digits, millis) = UNITS
        .iter()
        .find_map(|&(unit, millis)| Some((text.strip_suffix(unit)?, millis)))
        .ok_or(InvalidDuration)?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(InvalidDuration);
    }
    let count: u64 = digits.parse().map_err(|_| InvalidDuration)?;
    count
        .checked_mul(millis)
        .map(Duration::from_millis)
        .ok_or(InvalidDuration)
}

/// Prints in the largest unit that has no remainder.
pub fn format_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    let largest_first = [("h", 3_600_000_u128), ("m", 60_000), ("s", 1_000)];
    let fits = largest_first
        .into_iter()
        .find(|&(_, size)| millis > 0 && millis.is_multiple_of(size));
    let (unit, size) = fits.unwrap_or(("ms", 1));
    format!("{}{unit}", millis / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_is_read_and_printed() {
        for (text, millis) in [
            ("0ms", 0),
            ("1ms", 1),
            ("500ms", 500),
            ("2s", 2_000),
            ("90s", 90_000),
            ("1m", 60_000),
            ("3h", 10_800_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)));
            assert_eq!(format_duration(Duration::from_millis(millis)), text);
        }
        assert_eq!(
            parse_duration("120s").map(format_duration),
            Ok("2m".to_owned())
        );
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "s",
            "5",
            "5 s",
            "-5s",
            "+5s",
            "1.5s",
            "5d",
            "1h30m",
            "18446744073709551615h",
            "99999999999999999999s",
        ] {
            assert_eq!(parse_duration(text), Err(InvalidDuration), "{text}");
        }
    }
}
