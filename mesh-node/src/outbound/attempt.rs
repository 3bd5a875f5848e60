//! What one attempt's outcome means: for the request, and for the endpoint that was tried.

use std::time::Instant;

use tunnel::{Refusal, RequestError, ResponseHead};

use super::Source;
use super::carrier::CallerFault;
use super::pick::{Nowhere, Picked};
use super::pool::NoTunnel;
use super::rescue::OutboundError;
use super::retry::Failure;
use super::service::{Endpoint, Plan, Service};

/// A request that is being tried.
pub(super) struct Trying<'a> {
    pub(super) source: &'a Source,
    pub(super) service: &'a Service,
    pub(super) plan: &'a Plan,
}

/// A failed attempt.
pub(super) struct Failed {
    pub(super) failure: Failure,
    pub(super) error: OutboundError,
    /// It speaks against the endpoint, not against this node or the tunnel alone.
    pub(super) blames: bool,
}

impl Trying<'_> {
    fn name(&self) -> String {
        self.service.label.to_string()
    }

    pub(super) fn nowhere(&self, nowhere: Nowhere) -> Failed {
        let service = self.name();
        let error = match nowhere {
            Nowhere::NoEndpoint => OutboundError::NoEndpoint { service },
            Nowhere::Shed => OutboundError::Shed { service },
        };
        Failed {
            failure: Failure::Final,
            error,
            blames: false,
        }
    }

    pub(super) fn no_tunnel(&self, error: &NoTunnel) -> Failed {
        let (failure, blames) = match error {
            NoTunnel::Failed(_) => (Failure::Unreached, true),
            NoTunnel::TooLate | NoTunnel::NoSvid(_) => (Failure::Unreached, false),
            NoTunnel::Refused(_) | NoTunnel::Dark(_) | NoTunnel::NoRoute(_) => {
                (Failure::TurnedAway, true)
            }
        };
        let error = OutboundError::Unreachable {
            service: self.name(),
            reason: error.to_string(),
        };
        Failed {
            failure,
            error,
            blames,
        }
    }

    pub(super) fn no_answer(&self, error: RequestError) -> Failed {
        let service = self.name();
        let (failure, error, blames) = match error {
            RequestError::Refused(refusal) => {
                let failure = if refusal == Refusal::Draining {
                    // It leaves, and may be the only one there is: its successor is worth waiting for.
                    Failure::Unreached
                } else if refusal.is_worth_another_endpoint() {
                    Failure::TurnedAway
                } else {
                    Failure::Final
                };
                (
                    failure,
                    OutboundError::Refused { service, refusal },
                    refusal != Refusal::Overloaded,
                )
            }
            RequestError::Head(_) => (
                Failure::Final,
                OutboundError::Refused {
                    service,
                    refusal: Refusal::Malformed,
                },
                false,
            ),
            RequestError::NotSent(_) | RequestError::Stale | RequestError::WrongTunnel => (
                Failure::Unreached,
                OutboundError::Unreachable {
                    service,
                    reason: error.to_string(),
                },
                false,
            ),
            RequestError::Broken(cause) => return self.broken(&cause.to_string()),
        };
        Failed {
            failure,
            error,
            blames,
        }
    }

    /// Whoever asked is at fault: nobody else is tried or blamed.
    pub(super) const fn caller(fault: CallerFault) -> Failed {
        Failed {
            failure: Failure::Caller,
            error: OutboundError::Caller(fault),
            blames: false,
        }
    }

    /// An app may have seen it, and gave no answer.
    pub(super) fn broken(&self, reason: &str) -> Failed {
        let error = OutboundError::Broken {
            service: self.name(),
            reason: reason.to_owned(),
        };
        Failed {
            failure: Failure::Broken,
            error,
            blames: true,
        }
    }

    /// The endpoint answered: for the better or the worse.
    pub(super) fn answered(&self, picked: &Picked, head: &ResponseHead) {
        let endpoint = &picked.endpoint;
        if picked.spilled {
            endpoint.counters.spilled.increment(1);
        }
        endpoint.counters.served.increment(1);
        let is_failure = head.status.is_server_error()
            || head
                .fields
                .get("grpc-status")
                .is_some_and(|status| status == b"14");
        if is_failure {
            self.count_failure(endpoint);
        } else {
            endpoint.state.outlier.lock().succeeded();
        }
    }

    /// The endpoint took a connection or a session.
    pub(super) fn opened(&self, picked: &Picked) {
        let endpoint = &picked.endpoint;
        if picked.spilled {
            endpoint.counters.spilled.increment(1);
        }
        endpoint.counters.served.increment(1);
        endpoint.state.outlier.lock().succeeded();
    }

    /// The endpoint gave no answer.
    pub(super) fn failed(&self, picked: &Picked, failed: &Failed) {
        match failed.failure {
            Failure::Unreached | Failure::TurnedAway if failed.blames => {
                if picked.endpoint.state.outlier.lock().eject(Instant::now()) {
                    self.note_ejection(&picked.endpoint);
                }
            }
            Failure::Unreached | Failure::TurnedAway | Failure::Caller => {}
            Failure::Broken => self.count_failure(&picked.endpoint),
            // It answered as it should: no.
            Failure::Final => picked.endpoint.state.outlier.lock().succeeded(),
        }
    }

    fn count_failure(&self, endpoint: &Endpoint) {
        if endpoint
            .state
            .outlier
            .lock()
            .failed(Instant::now(), self.plan.consecutive_errors)
        {
            self.note_ejection(endpoint);
        }
    }

    fn note_ejection(&self, endpoint: &Endpoint) {
        endpoint.counters.ejections.increment(1);
        tracing::debug!(service = %self.service.label, workload = %endpoint.facts.workload, "ejected an endpoint");
    }
}
