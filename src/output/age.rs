//! Times as people read them: `41ms`, `27s`, `3d`.

use std::time::Duration;

/// The largest unit that says enough, rounded down.
pub(crate) fn short(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 if duration.as_millis() > 0 => format!("{}ms", duration.as_millis()),
        0 if duration.as_micros() > 0 => format!("{}us", duration.as_micros()),
        0..=119 => format!("{seconds}s"),
        120..=7_199 => format!("{}m", seconds / 60),
        7_200..=172_799 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// How long ago a unix time was.
pub(crate) fn since(unix: u64, now_unix: u64) -> String {
    if unix == 0 {
        return "-".to_owned();
    }
    format!(
        "{} ago",
        short(Duration::from_secs(now_unix.saturating_sub(unix)))
    )
}

/// How long until a unix time, with a mark of alarm when it is closer than `alarm`.
pub(crate) fn until(unix: u64, now_unix: u64, alarm: Duration) -> String {
    if unix == 0 {
        return "-".to_owned();
    }
    let Some(left) = unix
        .checked_sub(now_unix)
        .map(Duration::from_secs)
        .filter(|left| !left.is_zero())
    else {
        return "EXPIRED!".to_owned();
    };
    let mark = if left < alarm { "!" } else { "" };
    format!("{}{mark}", short(left))
}

/// Seconds since 1970, by this machine's clock.
pub(crate) fn now_unix() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
