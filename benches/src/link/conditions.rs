//! What a link is like, and the one line of text that says so to its emulator.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A link's conditions, the same in both directions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conditions {
    /// There and back; half of it each way.
    pub round_trip: Duration,
    /// The share of packets that vanish on the way.
    pub loss: f64,
    /// Bits a second in each direction, IP headers included; 0 is without limit.
    pub rate: u64,
    /// The queue before the rate limit, in bandwidth-delay products; what doesn't fit is dropped at its tail.
    pub queue: f64,
}

impl Default for Conditions {
    /// A continent: 60 ms, 100 Mbit/s, a queue of one bandwidth-delay product.
    fn default() -> Self {
        Self {
            round_trip: Duration::from_millis(60),
            loss: 0.0,
            rate: 100_000_000,
            queue: 1.0,
        }
    }
}

impl Conditions {
    /// The same with so much loss.
    #[must_use]
    pub const fn loss(mut self, loss: f64) -> Self {
        self.loss = loss;
        self
    }

    /// The bytes that the queue holds.
    #[must_use]
    pub fn queue_bytes(&self) -> u64 {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "no link has a queue of exabytes"
        )]
        let bytes = (self.rate as f64 / 8.0 * self.round_trip.as_secs_f64() * self.queue) as u64;
        bytes
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (round_trip, loss) = (self.round_trip.as_micros(), self.loss);
        let (rate, queue) = (self.rate, self.queue);
        write!(
            formatter,
            "round_trip_us={round_trip} loss={loss} rate_bps={rate} queue_bdp={queue}"
        )
    }
}

impl FromStr for Conditions {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let mut read = Self::default();
        for word in line.split_whitespace() {
            let wrong = || format!("{word:?} is no condition of a link");
            let (name, value) = word.split_once('=').ok_or_else(wrong)?;
            let number: f64 = value.parse().map_err(|_| wrong())?;
            if !number.is_finite() || number < 0.0 {
                return Err(wrong());
            }
            let whole = value.parse::<u64>().map_err(|_| wrong());
            match name {
                "round_trip_us" => read.round_trip = Duration::from_micros(whole?),
                "loss" if number < 1.0 => read.loss = number,
                "rate_bps" => read.rate = whole?,
                "queue_bdp" => read.queue = number,
                _ => return Err(wrong()),
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn the_line_says_all() {
        let odd = Conditions {
            round_trip: Duration::from_micros(61_001),
            loss: 0.003,
            rate: 7_000_001,
            queue: 0.5,
        };
        assert_eq!(odd.to_string().parse::<Conditions>().unwrap(), odd);
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for line in [
            "loss=1",
            "loss=-1",
            "loss=NaN",
            "rate_bps=x",
            "colour=1",
            "loss",
        ] {
            assert!(line.parse::<Conditions>().is_err(), "{line}");
        }
    }

    #[test]
    fn one_bandwidth_delay_product_in_bytes() {
        assert_eq!(Conditions::default().queue_bytes(), 750_000);
    }
}
