//! An app's request on its way out: service → place and endpoint → tunnel, as often as it may be tried.
//!
//! The steps stand in [`Outbound::request`]; each is a module. Time-outs, retries and budgets live here only: the inbound half at the
//! other end knows nothing of them, and shares no state.

mod attempt;
pub(crate) mod balance;
pub(crate) mod budget;
mod carrier;
pub(crate) mod failover;
mod http1;
mod http2;
mod locality;
pub(crate) mod outlier;
pub(crate) mod pick;
pub(crate) mod pool;
mod replay;
pub(crate) mod rescue;
mod retry;
pub(crate) mod service;
mod stall;
mod tcp;
pub(crate) mod udp;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use http::header::{CONTENT_TYPE, HeaderMap};
use identity::Trust;
use protocol::name::{Locality, MeshHost, ServiceName, SpiffeId};
use protocol::view::View;
use protocol::wire::v1;
use tokio::time::{Instant, sleep};
use tunnel::{Alpn, RequestHead, ResponseHead};

use crate::credentials::Credentials;
use crate::http::send::Busy;
use crate::http::target::{self, Target, TargetError};
use crate::http::{APP_BROKE_OFF, REASON};
use crate::observe::{Observer, Record};
use attempt::{Failed, Trying};
use carrier::{Carrier, NotCarried};
use pick::{Draws, Picked};
use pool::{InUse, Pool};
use retry::{Attempts, Next, Repeatable};
use service::{Directory, Endpoint, Plan, Service};

pub(crate) use rescue::OutboundError;
pub(crate) use tcp::Standing;

/// Who sends: a workload here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// Its identity.
    pub(crate) id: SpiffeId,
    /// As metrics say it: `namespace/service-account`.
    pub(crate) label: Arc<str>,
}

/// The outbound half of a node.
#[derive(Debug)]
pub(crate) struct Outbound {
    here: Locality,
    directory: ArcSwapOption<Directory>,
    pool: Arc<Pool>,
    observer: Arc<Observer>,
}

/// An answer's head, where its body comes from, and what it holds open.
struct Answered<A> {
    head: ResponseHead,
    answer: A,
    tunnel: InUse,
    busy: Busy,
}

impl Outbound {
    pub(crate) fn new(
        here: Locality,
        endpoint: tunnel::Endpoint,
        trust: Trust,
        credentials: Arc<Credentials>,
        observer: Arc<Observer>,
        encoding: Alpn,
    ) -> Self {
        let pool = Arc::new(Pool::new(endpoint, trust, credentials, encoding));
        Self {
            here,
            directory: ArcSwapOption::empty(),
            pool,
            observer,
        }
    }

    /// Puts a View in force; tunnels that it no longer allows close at once.
    pub(crate) fn apply(&self, view: &View) {
        let before = self.directory.load_full();
        let directory = Arc::new(Directory::build(
            view,
            &self.here,
            before.as_deref(),
            &self.pool,
        ));
        self.directory.store(Some(Arc::clone(&directory)));
        let sources: Vec<SpiffeId> = view
            .workloads
            .iter()
            .map(|workload| workload.spiffe_id(&view.trust_domain))
            .collect();
        self.pool.apply(&directory, &sources);
    }

    /// Lets go what isn't needed, and closes what isn't trusted any more; called once a second.
    pub(crate) fn sweep(&self) {
        self.pool.sweep();
    }

    /// Closes every tunnel.
    pub(crate) fn close(&self) {
        self.pool.close();
    }

    /// What the controller is to know.
    pub(crate) fn heartbeat(&self) -> v1::Heartbeat {
        let standings = self
            .directory
            .load()
            .as_ref()
            .map(|d| d.standings(std::time::Instant::now()))
            .unwrap_or_default();
        let state = |s: service::FailoverStanding| v1::FailoverState {
            service: s.service,
            place: s.place,
            share_away: s.share_away,
        };
        v1::Heartbeat {
            tunnels: self.pool.peer_tunnels(),
            failovers: standings.into_iter().map(state).collect(),
        }
    }

    /// Whom a request is for: what its listener leads to, or what it names.
    pub(super) fn way(
        &self,
        fixed: Option<&MeshHost>,
        target: &Target,
        record: &mut Record,
    ) -> Result<Way, OutboundError> {
        let directory = self.directory.load_full().ok_or(OutboundError::NotReady)?;
        let unknown = || OutboundError::UnknownHost(target.host.clone());
        let named = if fixed.is_some() {
            None
        } else {
            MeshHost::parse(&target.host)
        };
        let host = fixed.or(named.as_ref()).ok_or_else(unknown)?;
        record.path(&target.path);
        let (service, plan) = service::find(&directory, host)
            .filter(|(service, _)| service.facts.protocol.takes_requests())
            .ok_or_else(|| OutboundError::UnknownHost(host.to_string()))?;
        record.service(&service.label);
        // P-16: what the listener leads to and what the request says must agree, unless it speaks of no service at all.
        let is_known = |named: &ServiceName| directory.knows(named);
        if fixed.is_some() && target::names_another(&target.host, &host.service, is_known) {
            return Err(TargetError::AnotherService.into());
        }
        Ok(Way {
            host: host.clone(),
            service,
            plan,
            directory,
        })
    }

    /// Attempt after attempt, until one is answered or no other may be made.
    async fn try_until_answered<C: Carrier>(
        &self,
        source: &Source,
        way: &Way,
        head: &RequestHead,
        carrier: &mut C,
        record: &mut Record,
    ) -> Result<Answered<C::Answer>, OutboundError> {
        let trying = Trying {
            source,
            service: &way.service,
            plan: &way.plan,
        };
        trying.service.budget.lock().deposit();
        let harmless =
            retry::is_idempotent(&head.method) || trying.service.facts.is_idempotent(&head.path);
        let mut attempts = Attempts::new(Instant::now());
        let mut tried: Vec<Arc<Endpoint>> = Vec::new();
        loop {
            attempts.begin();
            record.attempts(attempts.made());
            // A View may have come since the last attempt; the plan stays the request's, trust is always the newest.
            let failed = match self
                .attempt(
                    &way.directory,
                    &trying,
                    &tried,
                    attempts.deadline(),
                    head,
                    carrier,
                    record,
                )
                .await
            {
                Ok(answered) => return Ok(answered),
                Err((failed, picked)) => {
                    tried.extend(picked);
                    failed
                }
            };
            let repeatable = Repeatable {
                body: carrier.is_replayable(),
                harmless,
            };
            match attempts.settle(failed.failure, repeatable, Instant::now()) {
                Next::Again(pause) if pause.is_zero() => {}
                Next::Again(pause) => sleep(pause).await,
                Next::IfPaid if trying.service.budget.lock().withdraw() => {}
                Next::IfPaid | Next::GiveUp => return Err(failed.error),
            }
        }
    }

    /// One attempt: an endpoint, a tunnel, the request.
    #[allow(
        clippy::too_many_arguments,
        reason = "what one attempt reads and what it changes"
    )]
    async fn attempt<C: Carrier>(
        &self,
        directory: &Arc<Directory>,
        trying: &Trying<'_>,
        tried: &[Arc<Endpoint>],
        deadline: Instant,
        head: &RequestHead,
        carrier: &mut C,
        record: &mut Record,
    ) -> Result<Answered<C::Answer>, (Failed, Option<Arc<Endpoint>>)> {
        let picked = pick::endpoint(trying.plan, std::time::Instant::now(), Draws::new(), tried)
            .map_err(|nowhere| (trying.nowhere(nowhere), None))?;
        record.endpoint(&picked.endpoint.facts.spiffe_id, &picked.endpoint.cluster);
        picked.endpoint.counters.attempts.increment(1);
        let busy = Busy::new(&picked.endpoint.state.in_flight);
        let outcome = self
            .send(directory, trying, &picked, deadline, head, carrier)
            .await;
        match outcome {
            Ok((head, answer, tunnel)) => {
                trying.answered(&picked, &head);
                Ok(Answered {
                    head,
                    answer,
                    tunnel,
                    busy,
                })
            }
            Err(failed) => {
                trying.failed(&picked, &failed);
                Err((failed, Some(picked.endpoint)))
            }
        }
    }

    async fn send<C: Carrier>(
        &self,
        directory: &Arc<Directory>,
        trying: &Trying<'_>,
        picked: &Picked,
        deadline: Instant,
        head: &RequestHead,
        carrier: &mut C,
    ) -> Result<(ResponseHead, C::Answer, InUse), Failed> {
        let alpn = if head.upgrade {
            Alpn::Weft1
        } else {
            self.pool.encoding()
        };
        let tunnel = self
            .pool
            .tunnel_to(
                &trying.source.id,
                &picked.endpoint,
                directory,
                alpn,
                deadline,
            )
            .await
            .map_err(|error| trying.no_tunnel(&error))?;
        match carrier.carry(&tunnel, head).await {
            Ok((answer, _)) if broke_off(&answer) => {
                Err(trying.broken("the application broke off"))
            }
            Ok((head, answer)) => Ok((head, answer, tunnel)),
            Err(NotCarried::Request(error)) => Err(trying.no_answer(error)),
            Err(NotCarried::Caller(fault)) => Err(Trying::caller(fault)),
        }
    }
}

/// Whether the destination's node answers in the place of an app that broke off.
fn broke_off(head: &ResponseHead) -> bool {
    // For gRPC it is a 200 with the verdict in its head; no other answer needs a look at its fields.
    (head.status.is_server_error() || head.fields.get("grpc-status").is_some())
        && head.fields.get(REASON.as_str()) == Some(APP_BROKE_OFF.as_bytes())
}

/// Where a request goes.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) host: MeshHost,
    pub(super) service: Arc<Service>,
    pub(super) plan: Arc<Plan>,
    pub(super) directory: Arc<Directory>,
}

impl Way {
    /// What the request calls it, or its own name where the request called it nothing (HTTP/1.0).
    pub(super) fn authority(&self, named: String) -> String {
        if named.is_empty() {
            self.host.to_string()
        } else {
            named
        }
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}
