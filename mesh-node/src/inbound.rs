//! A caller's request on its way in: caller → authorize → limit → app.
//!
//! The tunnel proves who calls; nothing here believes anything else. Whatever may not be seen looks like what doesn't exist (P-16).

mod app;
mod caller_headers;
pub(crate) mod limit;
mod rescue;
mod served;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::header::CONTENT_LENGTH;
use identity::Trust;
use parking_lot::Mutex;
use protocol::authorization::{Caller, RequestFacts, decide};
use protocol::name::SpiffeId;
use protocol::view::View;
use tokio::task::JoinSet;
use tunnel::{
    Accepted, Alpn, Arrival, CloseCode, IncomingRequest, Refusal, RequestHead, Responder, Tunnel,
    TunnelBody,
};

use crate::health::Health;
use crate::http::body::{AppBody, Counted};
use crate::http::hop_headers;
use crate::http::target;
use crate::observe::metrics::{self, Role};
use crate::observe::{Observer, Record, label_of};
use crate::revocation::Revocation;
use app::Apps;
use limit::InFlight;
use served::Served;

/// The inbound half of a node.
#[derive(Debug)]
pub(crate) struct Inbound {
    trust: Trust,
    revocation: Revocation,
    served: ArcSwapOption<Served>,
    apps: Apps,
    in_flight: InFlight,
    observer: Arc<Observer>,
    tunnels: Mutex<BTreeMap<u64, Arc<Accepting>>>,
    next: AtomicU64,
    draining: AtomicBool,
}

/// One accepted tunnel.
#[derive(Debug)]
struct Accepting {
    tunnel: Tunnel,
    /// Who calls, as metrics say it.
    caller: Arc<str>,
    /// From which cluster.
    peer: Arc<str>,
    /// The identity that was shown to it.
    shown: SpiffeId,
    /// Where the caller was last seen.
    remote: Mutex<std::net::SocketAddr>,
}

/// An expired tunnel has the grace that certificate checks have (P-9).
const SKEW: Duration = Duration::from_secs(60);

impl Inbound {
    pub(crate) fn new(trust: Trust, health: Arc<Health>, observer: Arc<Observer>) -> Self {
        Self {
            revocation: Revocation::new(Arc::clone(&trust)),
            trust,
            served: ArcSwapOption::empty(),
            apps: Apps::new(health),
            in_flight: InFlight::default(),
            observer,
            tunnels: Mutex::default(),
            next: AtomicU64::new(0),
            draining: AtomicBool::new(false),
        }
    }

    /// Puts a View in force, and ends the tunnels of callers that it no longer vouches for (P-8).
    pub(crate) fn apply(&self, view: &View) {
        self.served.store(Some(Arc::new(Served::of(view))));
        self.apps.apply(view);
        self.sweep();
    }

    /// Closes tunnels whose caller isn't trusted any more, who is not to be here, or whose date has passed; called once a second.
    pub(crate) fn sweep(&self) {
        let round = self.revocation.round();
        let served = self.served.load();
        for accepting in self.tunnels.lock().values() {
            let tunnel = &accepting.tunnel;
            let expired = round.now() > tunnel.expires() + SKEW;
            let trusted = round.trusts(tunnel.remote());
            let expected = served
                .as_ref()
                .is_some_and(|served| served.expects(tunnel.remote().id().trust_domain()));
            if expired {
                tunnel.close(CloseCode::Expired);
            } else if !trusted || !expected {
                tracing::info!(caller = %tunnel.remote().id(), "closed a tunnel whose caller is no longer trusted");
                tunnel.close(CloseCode::Refused);
            }
            accepting.note_migration();
        }
    }

    /// Requests under way.
    pub(crate) fn under_way(&self) -> usize {
        self.in_flight.count()
    }

    /// Takes no new request; callers hear it and go elsewhere.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether it has been told to take nothing new.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Accepts tunnels for ever, each in a task of its own.
    pub(crate) async fn run(self: &Arc<Self>, endpoint: &tunnel::Endpoint) {
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                arrival = endpoint.accept() => {
                    let Some(arrival) = arrival else { return };
                    let inbound = Arc::clone(self);
                    tasks.spawn(async move { inbound.welcome(arrival).await });
                }
                Some(ended) = tasks.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a tunnel's task panicked; the tunnel is gone");
                    }
                }
            }
        }
    }

    async fn welcome(self: Arc<Self>, arrival: Arrival) {
        match arrival.prove(&self.trust).await {
            Ok(Accepted::Tunnel(tunnel)) if tunnel.alpn() == Alpn::Weft1 => {
                self.serve(tunnel).await
            }
            Ok(Accepted::Tunnel(tunnel)) => tunnel.close(CloseCode::Refused),
            Ok(Accepted::Stranger(stranger)) => {
                tracing::debug!(remote = %stranger.remote, "a stranger has nothing to do here")
            }
            Err(error) => {
                metrics::handshake_failed(Role::Listener);
                tracing::debug!(error = %error, "an arrival proved nothing");
            }
        }
    }

    async fn serve(self: Arc<Self>, tunnel: Tunnel) {
        let Some(accepting) = self.admit(tunnel) else {
            return;
        };
        let accepting = Arc::new(accepting);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.tunnels.lock().insert(number, Arc::clone(&accepting));
        metrics::tunnel_opened(Role::Listener, &accepting.peer);
        let mut requests = JoinSet::new();
        while let Some(request) = accepting.tunnel.accept_request().await {
            let (inbound, accepting) = (Arc::clone(&self), Arc::clone(&accepting));
            requests.spawn(async move { inbound.request(&accepting, request).await });
            while requests.try_join_next().is_some() {}
        }
        self.tunnels.lock().remove(&number);
        let reason = accepting.tunnel.closed().await;
        metrics::tunnel_closed(Role::Listener, &accepting.peer, reason.word());
        tracing::debug!(caller = %accepting.tunnel.remote().id(), %reason, "a tunnel in has closed");
    }

    /// Lets a tunnel in whose server name was given to callers of the caller's own trust domain.
    fn admit(&self, tunnel: Tunnel) -> Option<Accepting> {
        let served = self.served.load();
        let caller = tunnel.remote().id();
        let shown = served
            .as_ref()
            .zip(tunnel.server_name())
            .and_then(|(served, name)| served.shown(name, caller.trust_domain()));
        let Some((shown, peer)) = shown else {
            tracing::debug!(%caller, "a tunnel asked for a name that its caller was not given");
            tunnel.close(CloseCode::Refused);
            return None;
        };
        let remote = Mutex::new(tunnel.stats().remote_address);
        Some(Accepting {
            caller: label_of(caller),
            peer,
            shown,
            remote,
            tunnel,
        })
    }

    /// The steps.
    async fn request(&self, accepting: &Accepting, request: IncomingRequest) {
        let (mut head, body, responder) = match request.head().await {
            Ok(parts) => parts,
            Err(error) => {
                tracing::debug!(%error, "a request without a head");
                return;
            }
        };
        let mut record = self.begin(accepting, &head);
        let _counted = match self.allow(accepting, &mut head, &mut record) {
            Ok(counted) => counted,
            Err(refusal) => return rescue::refuse(responder, record, refusal).await,
        };
        caller_headers::stamp(
            &mut head.headers,
            accepting.tunnel.remote().id(),
            &accepting.shown,
        );
        self.to_app(accepting, head, body, responder, record).await;
    }

    fn begin(&self, accepting: &Accepting, head: &RequestHead) -> Record {
        let caller = accepting.tunnel.remote().id();
        let mut record = self.observer.inbound(
            caller,
            Arc::clone(&accepting.caller),
            Arc::clone(&accepting.peer),
            head.method.clone(),
        );
        record.path(&head.path);
        record.destination(&accepting.shown);
        record.attempts(1);
        record
    }

    /// Who may not, hears no; nobody else learns whether there is anything to refuse.
    fn allow(
        &self,
        accepting: &Accepting,
        head: &mut RequestHead,
        record: &mut Record,
    ) -> Result<limit::Counted, Refusal> {
        let served = self.served.load_full().ok_or(Refusal::Draining)?;
        let caller = accepting.tunnel.remote().id();
        // P-16: unknown, not exported and denied are one answer, after one and the same work.
        let known = served.offers(&head.service, &accepting.shown, caller.trust_domain());
        let who = Caller {
            id: caller,
            same_trust_domain: *caller.trust_domain() == served.trust_domain,
        };
        let path = head.path.split('?').next().unwrap_or_default();
        let what = RequestFacts {
            service: &head.service,
            method: head.method.as_str(),
            path,
        };
        let decision = decide(&served.policies, &who, &what);
        if let Some(label) = &known {
            record.service(label);
            record.policy(decision.policy);
        } else {
            record.policy(Some("not-offered".to_owned()));
        }
        if known.is_none() || !decision.allowed {
            return Err(Refusal::Forbidden);
        }
        // P-13: the other node has checked; this one doesn't take its word for it.
        target::check_path(&head.method, path).map_err(|_| Refusal::Malformed)?;
        if self.is_draining() {
            return Err(Refusal::Draining);
        }
        self.in_flight.admit().ok_or(Refusal::Overloaded)
    }

    async fn to_app(
        &self,
        accepting: &Accepting,
        mut head: RequestHead,
        body: TunnelBody,
        responder: Responder,
        mut record: Record,
    ) {
        hop_headers::strip_hop(&mut head.headers);
        let has_body = !http_body::Body::is_end_stream(&body);
        let is_chunked = has_body && !head.headers.contains_key(CONTENT_LENGTH);
        let body = AppBody::new(has_body.then_some(body), record.received());
        let answer = tokio::select! {
            answer = self.apps.send(&accepting.shown, head, is_chunked, body) => answer,
            // The caller has gone: the app hears of it as its connection ends.
            () = responder.cancelled() => return drop(record),
        };
        match answer {
            Ok(response) => {
                let (mut parts, body) = response.into_parts();
                hop_headers::strip_hop(&mut parts.headers);
                hop_headers::strip_private(&mut parts.headers);
                record.status(parts.status);
                let response =
                    http::Response::from_parts(parts, Counted::new(body, record.open(())));
                if let Err(error) = responder.respond(response).await {
                    tracing::debug!(%error, "an app's answer is over the limits");
                }
            }
            Err(error) => rescue::answer(responder, record, error).await,
        }
    }
}

impl Accepting {
    /// Counts a caller that has moved to another address.
    fn note_migration(&self) {
        let at_present = self.tunnel.stats().remote_address;
        let mut remote = self.remote.lock();
        if *remote != at_present {
            *remote = at_present;
            metrics::migrated(Role::Listener);
        }
    }
}
