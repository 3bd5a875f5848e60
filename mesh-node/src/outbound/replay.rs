//! A request's body that can be sent again: what has passed is kept up to a bound; beyond it, one attempt is all there is.

use std::task::{Context, Poll, ready};

use tunnel::MessageSend;

use super::carrier::CallerFault;
use crate::http1::FlowError;
use crate::http1::inflow::Part;

/// What is kept of a body for another attempt.
const KEPT_BYTES: usize = 64 * 1024;

/// What has passed of a body, and how its attempt stands.
#[derive(Debug, Default)]
pub(super) struct Replay {
    kept: Vec<Part>,
    kept_bytes: usize,
    /// Of `kept`, what this attempt has sent.
    at: usize,
    /// More has passed than is kept.
    spent: bool,
    /// The other end wants no more of the body; its answer may still come.
    unwanted: bool,
    /// The body broke off: the connection that it comes from is of no use any more.
    broken: bool,
    /// What was taken of it waits for who reads it.
    blocked: bool,
}

impl Replay {
    /// The next attempt begins.
    pub(super) const fn begin(&mut self) {
        (self.at, self.unwanted, self.broken) = (0, false, false);
    }

    /// Whether the whole body can still be sent from its beginning.
    pub(super) const fn is_replayable(&self) -> bool {
        !self.spent
    }

    /// Whether nothing has passed.
    pub(super) const fn is_untouched(&self) -> bool {
        self.kept.is_empty()
    }

    /// Whether the body was not sent to its end.
    pub(super) const fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether what was taken of the body waits for who reads it.
    pub(super) const fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Sends no more of it.
    pub(super) const fn break_off(&mut self) {
        (self.unwanted, self.broken, self.blocked) = (true, true, false);
    }

    /// Sends the body, what is kept of it first, then what `next` brings; ready when all was handed over or nobody wants more.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        send: &mut MessageSend,
        mut next: impl FnMut(&mut Context<'_>) -> Poll<Result<Part, FlowError>>,
    ) -> Poll<Result<(), CallerFault>> {
        loop {
            if self.unwanted {
                return Poll::Ready(Ok(()));
            }
            let flushed = send.poll_flush(cx);
            self.blocked = flushed.is_pending();
            if ready!(flushed).is_err() {
                // The tunnel's side tells why, or answers all the same.
                self.break_off();
                continue;
            }
            if send.is_message_over() {
                return Poll::Ready(Ok(()));
            }
            let part = match self.sent_before() {
                Some(kept) => kept,
                None => {
                    let part = ready!(next(cx)).map_err(fault)?;
                    self.keep(&part);
                    part
                }
            };
            match part {
                Part::Data(data, end) => send.start_data(data, end),
                Part::Trailers(trailers) => {
                    if send.start_trailers(&trailers).is_err() {
                        return Poll::Ready(Err(CallerFault::Malformed(
                            "the trailers are too long",
                        )));
                    }
                }
            }
        }
    }

    /// The next part that a former attempt has sent.
    fn sent_before(&mut self) -> Option<Part> {
        let part = self.kept.get(self.at)?.clone();
        self.at += 1;
        Some(part)
    }

    fn keep(&mut self, part: &Part) {
        if let Part::Data(data, _) = part {
            self.kept_bytes += data.len();
        }
        if self.kept_bytes > KEPT_BYTES {
            self.spent = true;
            self.kept = Vec::new();
        }
        if !self.spent {
            self.kept.push(part.clone());
            self.at += 1;
        }
    }
}

fn fault(error: FlowError) -> CallerFault {
    match error {
        FlowError::Malformed(why) => CallerFault::Malformed(why),
        FlowError::Idle => CallerFault::Idle,
        FlowError::Io(_) | FlowError::Message(_) => CallerFault::Gone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;

    fn part(length: usize) -> Part {
        Part::Data(Bytes::from(vec![7; length]), false)
    }

    fn whole(replay: &mut Replay) -> usize {
        let mut length = 0;
        while let Some(Part::Data(data, _)) = replay.sent_before() {
            length += data.len();
        }
        length
    }

    #[test]
    fn beyond_the_bound_nothing_can_begin_anew() {
        let mut replay = Replay::default();
        replay.keep(&part(KEPT_BYTES));
        assert!(replay.is_replayable());
        replay.keep(&part(1));
        assert!(!replay.is_replayable());
        replay.begin();
        assert_eq!(whole(&mut replay), 0, "what isn't whole isn't kept");
    }

    proptest! {
        #[test]
        fn every_attempt_begins_with_all_that_has_passed(attempts in proptest::collection::vec(proptest::collection::vec(0usize..5_000, 0..4), 1..4)) {
            let mut replay = Replay::default();
            let mut passed = 0;
            for chunks in attempts {
                replay.begin();
                prop_assert_eq!(whole(&mut replay), passed);
                for chunk in chunks {
                    replay.keep(&part(chunk));
                    passed += chunk;
                }
                prop_assert!(replay.sent_before().is_none(), "an attempt sends nothing twice");
            }
        }
    }
}
