//! One direction of a link: what becomes of a packet, decided without socket or clock.
//!
//! A packet joins the queue (or finds it full), leaves it when the rate allows, and then either vanishes or arrives after the delay.
//! A lost packet has used its share of the rate, as one that was spoilt on the air.

use std::time::Duration;

use serde_json::{Value, json};

use super::conditions::Conditions;
use super::dice::Dice;

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives at this time.
    Arrives(Duration),
    /// It is lost on the way.
    Lost,
    /// The queue was full.
    Overflowed,
}

/// What happened to packets so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets that came in.
    pub packets: u64,
    /// Their bytes, IP headers included.
    pub bytes: u64,
    /// Packets lost on the way.
    pub lost: u64,
    /// Packets dropped before a full queue.
    pub overflowed: u64,
    /// The most bytes that were queued.
    pub deepest: u64,
    /// The latest delivery behind its time, in microseconds: how far the emulator itself fell behind.
    pub late_micros: u64,
}

impl Counters {
    /// As the emulator tells them.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "packets": self.packets, "bytes": self.bytes, "lost": self.lost, "overflowed": self.overflowed,
            "deepest": self.deepest, "late_micros": self.late_micros,
        })
    }

    /// As the suite reads them; what is missing is 0.
    #[must_use]
    pub fn from_json(value: &Value) -> Self {
        let number = |name: &str| value[name].as_u64().unwrap_or(0);
        Self {
            packets: number("packets"),
            bytes: number("bytes"),
            lost: number("lost"),
            overflowed: number("overflowed"),
            deepest: number("deepest"),
            late_micros: number("late_micros"),
        }
    }
}

/// One direction.
#[derive(Debug, Clone)]
pub struct Wire {
    conditions: Conditions,
    dice: Dice,
    /// When the last packet in the queue will have left it.
    free_at: Duration,
    last_arrival: Duration,
    counters: Counters,
}

impl Wire {
    /// An idle wire.
    #[must_use]
    pub const fn new(conditions: Conditions, seed: u64) -> Self {
        Self {
            conditions,
            dice: Dice::new(seed),
            free_at: Duration::ZERO,
            last_arrival: Duration::ZERO,
            counters: Counters {
                packets: 0,
                bytes: 0,
                lost: 0,
                overflowed: 0,
                deepest: 0,
                late_micros: 0,
            },
        }
    }

    /// Decides about a packet of so many bytes that comes in at `now`, counted from any fixed moment.
    pub fn take(&mut self, now: Duration, bytes: usize) -> Fate {
        let bytes = bytes as u64;
        self.counters.packets += 1;
        self.counters.bytes += bytes;
        let mut leaves = now;
        if self.conditions.rate > 0 {
            let queued = self.queued(now) + bytes;
            if queued > self.conditions.queue_bytes() {
                self.counters.overflowed += 1;
                return Fate::Overflowed;
            }
            self.counters.deepest = self.counters.deepest.max(queued);
            leaves = self.free_at.max(now) + transmission(bytes, self.conditions.rate);
            self.free_at = leaves;
        }
        if self.conditions.loss > 0.0 && self.dice.happens(self.conditions.loss) {
            self.counters.lost += 1;
            return Fate::Lost;
        }
        // after a change to a shorter delay nobody overtakes
        self.last_arrival = self
            .last_arrival
            .max(leaves + self.conditions.round_trip / 2);
        Fate::Arrives(self.last_arrival)
    }

    /// Bytes that still wait at `now`.
    #[must_use]
    pub fn queued(&self, now: Duration) -> u64 {
        let wait = self.free_at.saturating_sub(now).as_nanos();
        let bytes = wait * u128::from(self.conditions.rate) / 8_000_000_000;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// Other conditions from here on.
    pub const fn change(&mut self, conditions: Conditions) {
        self.conditions = conditions;
    }

    /// Notes that a packet was delivered so much behind its time.
    pub fn delivered_late(&mut self, by: Duration) {
        let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.counters.late_micros = self.counters.late_micros.max(micros);
    }

    /// What happened since the last call.
    pub fn take_counters(&mut self) -> Counters {
        std::mem::take(&mut self.counters)
    }
}

/// How long so many bytes occupy a line of this rate.
fn transmission(bytes: u64, rate: u64) -> Duration {
    let nanos = u128::from(bytes) * 8_000_000_000 / u128::from(rate);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
