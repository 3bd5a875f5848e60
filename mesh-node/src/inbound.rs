//! A caller's request on its way in: caller → authorize → limit → app.
//!
//! The tunnel proves who calls; nothing here believes anything else. Whatever may not be seen looks like what doesn't exist (P-16).

mod app;
mod caller_headers;
mod framing;
pub(crate) mod limit;
mod rescue;
mod served;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::header::CONTENT_LENGTH;
use http::uri::Authority;
use identity::Trust;
use parking_lot::Mutex;
use protocol::authorization::{Caller, RequestFacts, decide};
use protocol::name::{Role as Holder, ServiceName, SpiffeId};
use protocol::view::View;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tunnel::{
    Accepted, Alpn, Arrival, CloseCode, IncomingRequest, Refusal, RequestHead, Responder, Tunnel,
};

use crate::credentials::Credentials;
use crate::health::Health;
use crate::http::body::{AppBody, Counted};
use crate::http::hop_headers;
use crate::http::target;
use crate::observe::metrics::{self, Role};
use crate::observe::{Observer, Record, label_of};
use crate::revocation::{Revocation, Round};
use app::Apps;
use limit::InFlight;
use served::Served;

/// The inbound half of a node.
#[derive(Debug)]
pub(crate) struct Inbound {
    trust: Trust,
    revocation: Revocation,
    credentials: Arc<Credentials>,
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
/// How long a request's head may take (`SECURITY` section 4).
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Accepted tunnels at once.
const MAX_TUNNELS: usize = 4096;
/// Of these from one identity, which may run on many nodes.
const MAX_TUNNELS_OF_ONE: usize = 64;

impl Inbound {
    pub(crate) fn new(
        trust: Trust,
        credentials: Arc<Credentials>,
        health: Arc<Health>,
        observer: Arc<Observer>,
    ) -> Self {
        Self {
            credentials,
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

    /// Closes tunnels that would not be let in any more; called once a second.
    pub(crate) fn sweep(&self) {
        let round = self.revocation.round();
        let served = self.served.load();
        for accepting in self.tunnels.lock().values() {
            self.close_unwelcome(accepting, &round, served.as_deref());
            accepting.note_migration();
        }
    }

    fn close_unwelcome(&self, accepting: &Accepting, round: &Round, served: Option<&Served>) {
        let tunnel = &accepting.tunnel;
        if tunnel.is_closed() {
            return;
        }
        let Some(code) = self.unwelcome(accepting, round, served) else {
            return;
        };
        tracing::info!(caller = %tunnel.remote().id(), code = code.word(), "closed a tunnel that may not be here any more");
        tunnel.close(code);
    }

    /// Why a tunnel may not stay, if it may not.
    fn unwelcome(
        &self,
        accepting: &Accepting,
        round: &Round,
        served: Option<&Served>,
    ) -> Option<CloseCode> {
        let (tunnel, shown) = (&accepting.tunnel, &accepting.shown);
        let caller = tunnel.remote().id().trust_domain();
        // P-8: its bundle, its cluster, or what was offered to it may have gone.
        let offered =
            served.is_some_and(|served| served.expects(caller) && served.shows(shown, caller));
        let Some(own_end) = self.credentials.ends(shown).filter(|_| offered) else {
            return Some(CloseCode::Refused);
        };
        // P-9: neither end goes on past its date.
        if round.now() > tunnel.expires().min(own_end) + SKEW {
            return Some(CloseCode::Expired);
        }
        (!round.trusts(tunnel.remote())).then_some(CloseCode::Refused)
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
        let Some(number) = self.enter(&accepting) else {
            tracing::info!(caller = %accepting.tunnel.remote().id(), "refused a tunnel: there are too many");
            return accepting.tunnel.close(CloseCode::Refused);
        };
        // P-8: trust or View may have changed after it was proven, and then the sweep did not meet it.
        let served = self.served.load_full();
        self.close_unwelcome(&accepting, &self.revocation.about_one(), served.as_deref());
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

    /// A place in the table, if there is one left for its caller.
    fn enter(&self, accepting: &Arc<Accepting>) -> Option<u64> {
        let id = accepting.tunnel.remote().id();
        let mut tunnels = self.tunnels.lock();
        let of_same = || {
            tunnels
                .values()
                .filter(|other| other.tunnel.remote().id() == id)
                .count()
        };
        if tunnels.len() >= MAX_TUNNELS || of_same() >= MAX_TUNNELS_OF_ONE {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        tunnels.insert(number, Arc::clone(accepting));
        Some(number)
    }

    /// Lets a tunnel in whose server name was given to callers of the caller's own trust domain.
    fn admit(&self, tunnel: Tunnel) -> Option<Accepting> {
        let served = self.served.load();
        let caller = tunnel.remote().id();
        // Nodes, gateways and controllers carry what others ask, and never ask a service themselves.
        let may_ask = match caller.role() {
            Holder::Workload { .. } | Holder::Other => true,
            Holder::Node(_) | Holder::Gateway(_) | Holder::Controller => false,
        };
        let shown = served
            .as_ref()
            .filter(|_| may_ask)
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
        let (mut head, body, responder) = match timeout(HEAD_TIME, request.head()).await {
            Ok(Ok(parts)) => parts,
            Ok(Err(error)) => {
                tracing::debug!(%error, "a request without a head");
                return;
            }
            Err(_) => {
                tracing::debug!("a request's head did not come in time");
                return;
            }
        };
        let has_body = !http_body::Body::is_end_stream(&body);
        let mut record = self.begin(accepting, &head);
        let allowed = self
            .allow(accepting, &head, &mut record)
            .and_then(|counted| Ok((counted, framing::declared_length(&head, has_body)?)));
        let (_counted, length) = match allowed {
            Ok(allowed) => allowed,
            Err(refusal) => return rescue::refuse(responder, record, refusal).await,
        };
        // Before the stamp: nobody nominates the mesh's own fields away (P-14).
        hop_headers::strip_hop(&mut head.headers);
        caller_headers::stamp(
            &mut head.headers,
            accepting.tunnel.remote().id(),
            &accepting.shown,
        );
        let body = AppBody::new(has_body.then_some(body), length, record.received());
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
        head: &RequestHead,
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
        check_authority(head, &served)?;
        if self.is_draining() {
            return Err(Refusal::Draining);
        }
        let peer = (!who.same_trust_domain).then_some(caller.trust_domain());
        self.in_flight.admit(peer).ok_or(Refusal::Overloaded)
    }

    async fn to_app(
        &self,
        accepting: &Accepting,
        head: RequestHead,
        body: AppBody,
        responder: Responder,
        mut record: Record,
    ) {
        let is_chunked = body.is_announced() && !head.headers.contains_key(CONTENT_LENGTH);
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

/// What the app reads in `Host` is a host, and none of another service (P-16).
fn check_authority(head: &RequestHead, served: &Served) -> Result<(), Refusal> {
    let authority = Authority::try_from(head.authority.as_str()).map_err(|_| Refusal::Malformed)?;
    let is_known = |service: &ServiceName| served.knows(service);
    if head.authority.contains('@')
        || target::names_another(authority.host(), &head.service, is_known)
    {
        return Err(Refusal::Malformed);
    }
    Ok(())
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
