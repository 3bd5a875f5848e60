//! A caller's request on its way in: caller → authorize → limit → app.
//!
//! The tunnel proves who calls; nothing here believes anything else. Whatever may not be seen looks like what doesn't exist (P-16).

mod app;
mod authorize;
mod caller_fields;
mod exchange;
mod framing;
pub(crate) mod limit;
mod ports;
mod rescue;
mod served;
mod tcp;
mod to_http1;
mod to_http2;
mod udp;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use identity::Trust;
use parking_lot::Mutex;
use protocol::name::{Role as Holder, SpiffeId};
use protocol::view::View;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tunnel::{Accepted, Alpn, Arrival, Arriving, CloseCode, Opening, Tunnel};

use crate::credentials::Credentials;
use crate::health::Health;
use crate::observe::metrics::{self, Role};
use crate::observe::{Observer, label_of};
use crate::revocation::{Revocation, Round};
use app::Apps;
use caller_fields::CallerFields;
use limit::{Limits, OfCaller};
use ports::Ports;
use served::Served;

/// The inbound half of a node.
#[derive(Debug)]
pub(crate) struct Inbound {
    trust: Trust,
    revocation: Revocation,
    credentials: Arc<Credentials>,
    served: ArcSwapOption<Served>,
    apps: Apps,
    ports: Ports,
    health: Arc<Health>,
    /// Told of each View.
    views: watch::Sender<()>,
    limits: Limits,
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
    /// What apps are told of the caller.
    caller_fields: CallerFields,
    /// Where the caller was last seen.
    remote: Mutex<std::net::SocketAddr>,
}

/// An expired tunnel has the grace that certificate checks have (P-9).
const SKEW: Duration = Duration::from_secs(60);
/// How long a request's head may take (`SECURITY` section 4).
const HEAD_TIME: Duration = Duration::from_secs(10);

impl Inbound {
    pub(crate) fn new(
        trust: Trust,
        credentials: Arc<Credentials>,
        health: Arc<Health>,
        observer: Arc<Observer>,
        limits: Limits,
    ) -> Self {
        Self {
            credentials,
            revocation: Revocation::new(Arc::clone(&trust)),
            trust,
            served: ArcSwapOption::empty(),
            ports: Ports::new(Arc::clone(&health)),
            apps: Apps::new(Arc::clone(&health)),
            health,
            views: watch::Sender::new(()),
            limits,
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
        self.ports.apply(view);
        self.views.send_replace(());
        self.sweep();
    }

    /// Closes tunnels that would not be let in any more; called once a second.
    pub(crate) fn sweep(&self) {
        let (now, round) = (Instant::now(), self.revocation.round());
        let served = self.served.load();
        for accepting in self.tunnels.lock().values() {
            self.close_unwelcome(accepting, &round, served.as_deref());
            accepting.tunnel.trim(now);
            accepting.note_migration();
            metrics::udp::count_strays(&accepting.tunnel);
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

    /// Requests under way, at all shards.
    pub(crate) fn under_way(&self) -> usize {
        self.limits.in_flight.count()
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
            Ok(Accepted::Tunnel(tunnel)) if matches!(tunnel.alpn(), Alpn::Weft1 | Alpn::H3) => {
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
        let Some((number, _counted)) = self.enter(&accepting) else {
            tracing::info!(caller = %accepting.tunnel.remote().id(), "refused a tunnel: there are too many");
            return accepting.tunnel.close(CloseCode::Refused);
        };
        // P-8: trust or View may have changed after it was proven, and then the sweep did not meet it.
        let served = self.served.load_full();
        self.close_unwelcome(&accepting, &self.revocation.about_one(), served.as_deref());
        metrics::tunnel_opened(Role::Listener, &accepting.peer, accepting.tunnel.alpn());
        let mut streams = JoinSet::new();
        while let Some(arriving) = accepting.tunnel.accept_stream().await {
            let (inbound, accepting) = (Arc::clone(&self), Arc::clone(&accepting));
            streams.spawn(async move { inbound.stream(&accepting, arriving).await });
            while streams.try_join_next().is_some() {}
        }
        self.tunnels.lock().remove(&number);
        let reason = accepting.tunnel.closed().await;
        metrics::tunnel_closed(Role::Listener, &accepting.peer, reason.word());
        tracing::debug!(caller = %accepting.tunnel.remote().id(), %reason, "a tunnel in has closed");
    }

    /// What a stream's first frame says that it is.
    async fn stream(&self, accepting: &Accepting, arriving: Arriving) {
        match timeout(HEAD_TIME, arriving.open()).await {
            Ok(Ok(Some(Opening::Http(exchange)))) => self.exchanges(accepting, exchange).await,
            Ok(Ok(Some(Opening::Tcp(service, arrival)))) => {
                self.connection(accepting, service, arrival).await
            }
            Ok(Ok(Some(Opening::Udp(service, arrival)))) => {
                self.session(accepting, service, arrival).await
            }
            Ok(Ok(None)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a stream without a beginning"),
            Err(_) => tracing::debug!("a stream's beginning did not come in time"),
        }
    }

    /// A place in the table, if there is one left for its caller.
    fn enter(&self, accepting: &Arc<Accepting>) -> Option<(u64, OfCaller)> {
        let counted = self.limits.tunnels.admit(accepting.tunnel.remote().id())?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.tunnels.lock().insert(number, Arc::clone(accepting));
        Some((number, counted))
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
            caller_fields: CallerFields::new(caller, &shown),
            peer,
            shown,
            remote,
            tunnel,
        })
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
