//! The parts put together behind quinn's trait.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quinn_proto::RttEstimator;
use quinn_proto::congestion::{Controller, ControllerFactory};

use super::aggregation::Aggregation;
use super::caution::{Caution, Verdict};
use super::delivery::Delivery;
use super::headroom::Headroom;
use super::phase::{Phase, Phases, Told};
use super::plateau::Plateau;
use super::policer::Policer;
use super::rate::{Most, Rate, percent};
use super::rival::Rival;
use super::round::Round;
use super::round_trip::{RoundTrip, queued};

/// The least window, in packets: fewer wait for the other end's delayed acknowledgement.
pub(super) const LEAST_PACKETS: u64 = 4;
/// Beyond the model, in packets: acknowledgements come for ten at a time.
const SPARE_PACKETS: u64 = 10;
/// No window is larger; the send window is smaller anyhow.
pub(super) const MOST: u64 = 64 << 20;
/// Shorter round trips are counted as this long: on a LAN waking up takes longer than the way.
const SHORTEST: Duration = Duration::from_millis(1);
/// After so long without a short round trip one is looked for.
const LOOK_AFTER: Duration = Duration::from_secs(8);

/// Makes a controller for each path.
#[derive(Debug)]
pub(super) struct Factory {
    pub(super) initial_window: u64,
    /// Paths so far; keeps their tries out of step.
    pub(super) made: AtomicU64,
}

impl ControllerFactory for Factory {
    fn build(self: Arc<Self>, now: Instant, current_mtu: u16) -> Box<dyn Controller> {
        let seed = self.made.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        Box::new(ByDelivery::new(
            now,
            self.initial_window,
            current_mtu.into(),
            seed,
        ))
    }
}

/// The controller of one path.
#[derive(Debug, Clone)]
pub(super) struct ByDelivery {
    initial: u64,
    mtu: u64,
    seed: u64,
    window: u64,
    in_flight: u64,
    /// Of the acknowledgements that come together: the newest packet's leaving, and their bytes.
    batch: Option<(Instant, u64)>,
    round: Round,
    rates: Most<10>,
    delivery: Delivery,
    round_trip: RoundTrip,
    aggregation: Aggregation,
    caution: Caution,
    policer: Policer,
    rival: Rival,
    plateau: Plateau,
    headroom: Headroom,
    phases: Phases,
}

impl ByDelivery {
    pub(super) fn new(now: Instant, initial: u64, mtu: u64, seed: u64) -> Self {
        let mtu = mtu.max(1);
        Self {
            initial,
            mtu,
            seed,
            window: initial.clamp(LEAST_PACKETS * mtu, MOST),
            in_flight: 0,
            batch: None,
            round: Round::new(0, now),
            rates: Most::default(),
            delivery: Delivery::new(now),
            round_trip: RoundTrip::new(now),
            aggregation: Aggregation::new(now),
            caution: Caution::new(),
            policer: Policer::default(),
            rival: Rival::new(),
            plateau: Plateau::default(),
            headroom: Headroom::new(),
            phases: Phases::new(seed),
        }
    }

    fn least(&self) -> Duration {
        self.round_trip.get().unwrap_or(SHORTEST)
    }

    /// What the path holds.
    fn product(&self) -> u64 {
        Rate(self.rates.get()).over(self.least().max(SHORTEST))
    }

    #[cfg(test)]
    pub(super) fn snapshots(&self) -> usize {
        self.delivery.kept()
    }

    /// One packet of those that are acknowledged together.
    pub(super) fn gather(&mut self, sent: Instant, bytes: u64) {
        let (newest, sum) = self.batch.unwrap_or((sent, 0));
        self.batch = Some((newest.max(sent), sum.saturating_add(bytes)));
    }

    fn acknowledged(&mut self, now: Instant, sent: Instant, bytes: u64, app_limited: bool) {
        let round_trip = now.saturating_duration_since(sent);
        self.round_trip.observe(now, round_trip);
        self.round.observe(round_trip);
        self.round.acked = self.round.acked.saturating_add(bytes);
        self.round.app_limited |= app_limited;
        if app_limited {
            self.delivery.app_limited(self.in_flight);
        }
        let sample = self.delivery.acknowledged(now, sent, bytes, self.least());
        if let Some(sample) = sample {
            self.round.rate = self.round.rate.max(sample.rate);
            if !sample.app_limited || sample.rate.0 > self.rates.get() {
                self.rates.note(self.round.number, sample.rate.0);
            }
        }
        let rate = Rate(self.rates.get());
        self.aggregation
            .acknowledged(now, self.round.number, bytes, rate);
        if sent >= self.round.began {
            self.end_round(now);
        }
        self.steer(bytes);
    }

    fn end_round(&mut self, now: Instant) {
        let next = Round::new(self.round.number.saturating_add(1), now);
        let over = std::mem::replace(&mut self.round, next);
        self.round.peak = self.in_flight;
        if let Some(seen) = over.least
            && self.plateau.round(seen, self.window)
            && queued(seen, self.least(), 110)
        {
            self.round_trip.lengthened(now, seen);
        }
        let least = self.least();
        let took = now.saturating_duration_since(over.began);
        let verdict = self
            .caution
            .round(over.acked, over.lost, over.marked, self.mtu);
        if verdict == Verdict::Bad {
            // What was delivered while too much was sent is what the path gives us.
            self.rates.forget_before(2);
        }
        self.policer.round(&over, verdict, took, least);
        self.rival.round(now, &over, least, self.window, self.mtu);
        self.headroom.round(&over, verdict, least);
        let looking = matches!(self.phases.phase(), Phase::Look { .. });
        self.phases.round(Told {
            rate: Rate(self.rates.get()),
            window_limited: over.window_limited(self.window),
            standing: over.least.is_some_and(|seen| queued(seen, least, 108)),
            queued: over.least.is_some_and(|seen| queued(seen, least, 120)),
            verdict,
            lossy: over.lost > percent(over.acked.saturating_add(over.lost), 5) + 2 * self.mtu,
            stale: self.round_trip.unconfirmed(now) >= LOOK_AFTER,
            drained: self.in_flight <= self.product(),
        });
        if looking && !matches!(self.phases.phase(), Phase::Look { .. }) {
            self.round_trip.confirm(now);
        }
    }

    /// Sets the window.
    fn steer(&mut self, acked: u64) {
        let product = self.product();
        let spare = SPARE_PACKETS * self.mtu;
        let mut window = if self.phases.starting() {
            let most = percent(product, self.phases.gain()).max(self.initial);
            self.window.saturating_add(acked).min(most.max(self.window))
        } else {
            let gain = self.phases.gain() * self.caution.share() / 100;
            let bunched = self.aggregation.extra().min(product / 8);
            percent(product, gain).saturating_add(bunched.max(spare))
        };
        if let Some(beside) = self.rival.window() {
            window = window.max(beside);
        }
        window = window.max(self.headroom.window());
        if let Some(rate) = self.policer.rate() {
            window = window.min(rate.over(self.least().max(SHORTEST)).max(spare));
        }
        self.set(window);
    }

    fn set(&mut self, window: u64) {
        self.window = window.clamp(LEAST_PACKETS * self.mtu, MOST.max(LEAST_PACKETS * self.mtu));
    }
}

impl Controller for ByDelivery {
    fn on_sent(&mut self, now: Instant, bytes: u64, _last_packet_number: u64) {
        self.delivery.sent(now, self.in_flight == 0, self.least());
        self.in_flight = self.in_flight.saturating_add(bytes);
        self.round.peak = self.round.peak.max(self.in_flight);
    }

    fn on_ack(
        &mut self,
        _now: Instant,
        sent: Instant,
        bytes: u64,
        _app_limited: bool,
        _rtt: &RttEstimator,
    ) {
        self.gather(sent, bytes);
    }

    fn on_end_acks(
        &mut self,
        now: Instant,
        in_flight: u64,
        app_limited: bool,
        _largest_packet_num_acked: Option<u64>,
    ) {
        self.in_flight = in_flight;
        if let Some((sent, bytes)) = self.batch.take() {
            self.acknowledged(now, sent, bytes, app_limited);
        }
    }

    fn on_congestion_event(
        &mut self,
        now: Instant,
        _sent: Instant,
        is_persistent_congestion: bool,
        lost_bytes: u64,
    ) {
        if is_persistent_congestion {
            // The path is gone or another: everything learned is void.
            *self = Self {
                in_flight: self.in_flight,
                ..Self::new(now, LEAST_PACKETS * self.mtu, self.mtu, self.seed)
            };
            return;
        }
        // quinn says a CE mark by a loss of nothing.
        self.round.marked |= lost_bytes == 0;
        self.round.lost = self.round.lost.saturating_add(lost_bytes);
        self.in_flight = self.in_flight.saturating_sub(lost_bytes);
    }

    fn on_mtu_update(&mut self, new_mtu: u16) {
        self.mtu = u64::from(new_mtu).max(1);
        self.set(self.window);
    }

    fn window(&self) -> u64 {
        self.window
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }

    fn initial_window(&self) -> u64 {
        self.initial
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
