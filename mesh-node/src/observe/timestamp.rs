//! The time of a log line, RFC 3339 in UTC with microseconds. A second is written out once, not once a line.

use std::cell::RefCell;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

/// An instant as log lines say it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timestamp(SystemTime);

impl Timestamp {
    pub(super) fn now() -> Self {
        Self(SystemTime::now())
    }
}

thread_local! {
    /// The last second that was written out, and how.
    static WRITTEN: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        WRITTEN.with_borrow_mut(|(second, text)| {
            if *second != since.as_secs() || text.is_empty() {
                *second = since.as_secs();
                let at = OffsetDateTime::from(UNIX_EPOCH + std::time::Duration::from_secs(*second));
                let (date, time) = (at.date(), at.time());
                *text = format!(
                    "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
                    date.year(),
                    u8::from(date.month()),
                    date.day(),
                    time.hour(),
                    time.minute(),
                    time.second()
                );
            }
            write!(f, "{text}.{:06}Z", since.subsec_micros())
        })
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use time::format_description::well_known::Rfc3339;

    #[test]
    fn it_reads_as_the_instant_that_it_was_made_of() {
        for micros in [
            0,
            1,
            999_999,
            1_000_000,
            951_782_399_999_999,
            1_795_262_400_000_001,
        ] {
            let instant = UNIX_EPOCH + Duration::from_micros(micros);
            let read = OffsetDateTime::parse(&Timestamp(instant).to_string(), &Rfc3339);
            assert_eq!(read.ok(), Some(OffsetDateTime::from(instant)), "{micros}");
        }
    }
}
