//! The link to the controller: one gRPC stream over a tunnel, kept as long as it holds, made again when it doesn't.
//!
//! A View that arrives is checked whole, kept on disk, put in force (routing, trust), and then handed on. Anything amiss: nothing
//! changes, and the controller hears why.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use identity::tls::Expect;
use identity::{Bundle, Bundles};
use protocol::name::{HostPort, SpiffeId};
use protocol::view::{BundleData, View};
use protocol::wire::v1;
use rustls::ServerConfig;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tunnel::{Alpn, Dial, Endpoint, EndpointConfig, NodeSecret, Routing, Seat, Tunnel};
use v1::follow_request::Kind;

use super::{JoinError, Membership, MembershipSettings, cache};

const HEARTBEAT: Duration = Duration::from_secs(5);
/// Longest wait before the link is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const DIAL_TIMEOUT: Duration = Duration::from_secs(3);

/// Binds the host's UDP port, or goes on with the one that was left.
pub(super) fn bind(
    settings: &MembershipSettings,
    secret: &NodeSecret,
    routing: Arc<Routing>,
    server: Option<Arc<ServerConfig>>,
) -> Result<(Endpoint, Vec<Seat>), JoinError> {
    let bind = settings.bind;
    let config = EndpointConfig {
        bind,
        secret,
        routing,
        server,
        limits: settings.limits.clone(),
    };
    // A gateway's own link has whichever port is free: nobody dials that.
    let bound = if settings.role == v1::Role::Node {
        Endpoint::bind_shards(config, settings.shards, &settings.sockets, "node.udp")
    } else {
        Endpoint::bind(config).map(|endpoint| (endpoint, Vec::new()))
    };
    bound.map_err(|source| JoinError::Bind { bind, source })
}

/// Where others reach this host: as told, or the bound address; an unspecified address means loopback to nobody else.
pub(super) fn advertised(settings: &MembershipSettings, local: SocketAddr) -> String {
    settings
        .advertise
        .as_ref()
        .map_or_else(|| local.to_string(), ToString::to_string)
}

/// All addresses of a name.
pub(super) async fn resolve(at: &HostPort) -> std::io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((at.host.as_str(), at.port))
        .await?
        .collect())
}

/// An error with its causes, on one line.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

/// Bundles as the verifier holds them.
pub(super) fn bundles_of<'a>(data: impl IntoIterator<Item = &'a BundleData>) -> Bundles {
    data.into_iter().map(bundle_of).collect()
}

fn bundle_of(data: &BundleData) -> Bundle {
    Bundle {
        trust_domain: data.trust_domain.clone(),
        sequence: data.sequence,
        roots: data.roots.iter().cloned().map(Into::into).collect(),
        valid_until: data
            .valid_until
            .map(|at| std::time::UNIX_EPOCH + Duration::from_secs(at)),
    }
}

/// Keeps a link for ever.
pub(super) async fn follow(membership: &Membership) {
    let mut attempt = 0;
    loop {
        let outcome = once(membership, &mut attempt).await;
        membership.inner.channel.store(None);
        if let Err(reason) = outcome {
            tracing::debug!(%reason, attempt, "no link to the controller");
            attempt += 1;
            let pause = identity::renewal::backoff(attempt, rand::random()).min(LONGEST_PAUSE);
            tokio::time::sleep(pause).await;
        }
    }
}

/// One link from dial to end. `Ok` when it ended because a new one is wanted at once.
async fn once(membership: &Membership, attempt: &mut u32) -> Result<(), String> {
    let tunnel = dial(membership).await?;
    let channel = tunnel::rpc::connect(&tunnel)
        .await
        .map_err(|error| with_causes(&error))?;
    let mut client = tunnel::rpc::v1::control_client::ControlClient::new(channel.clone())
        .max_decoding_message_size(256 << 20); // all peers' catalogs in one View (P-17)
    let (words, spoken) = tokio::sync::mpsc::channel(16);
    say(&words, Kind::Hello(hello(membership))).await?;
    let opened = timeout(DIAL_TIMEOUT, client.follow(ReceiverStream::new(spoken))).await;
    let mut views = opened
        .map_err(|_| "the controller does not answer")?
        .map_err(|s| s.to_string())?
        .into_inner();
    tracing::info!(controller = %tunnel.remote().id(), "linked to the controller");
    *attempt = 0;
    membership.inner.channel.store(Some(Arc::new(channel)));
    membership.inner.outbox.renew();
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    loop {
        for kind in membership.inner.outbox.take() {
            say(&words, kind).await?;
        }
        tokio::select! {
            view = views.next() => match view {
                Some(Ok(view)) => receive(membership, view).await,
                Some(Err(status)) => return Err(status.to_string()),
                None => return Err("the controller ended the stream".to_owned()),
            },
            () = membership.inner.outbox.news() => {}
            _ = heartbeat.tick() => say(&words, Kind::Heartbeat(membership.inner.outbox.heartbeat())).await?,
            reason = tunnel.closed() => return Err(format!("the tunnel closed: {reason:?}")),
            () = membership.inner.renewed.notified() => {
                tunnel.close(tunnel::CloseCode::Done);
                return Ok(());
            }
        }
    }
}

async fn say(
    words: &tokio::sync::mpsc::Sender<v1::FollowRequest>,
    kind: Kind,
) -> Result<(), String> {
    let request = v1::FollowRequest { kind: Some(kind) };
    match timeout(DIAL_TIMEOUT, words.send(request)).await {
        Ok(Ok(())) => Ok(()),
        _ => Err("the controller does not listen".to_owned()),
    }
}

fn hello(membership: &Membership) -> v1::Hello {
    v1::Hello {
        version: 1,
        address: membership.inner.address.clone(),
        locality: membership.inner.locality.clone(),
        software: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Where the controller may be, the likeliest first.
fn addresses(membership: &Membership) -> Vec<HostPort> {
    let inner = &membership.inner;
    if let Some(fixed) = &inner.controller_override {
        return vec![fixed.clone()];
    }
    let told = inner
        .views
        .borrow()
        .as_ref()
        .and_then(|view| view.handles.get(&inner.controller_handle).cloned());
    let mut all: Vec<_> = told.into_iter().collect();
    if !all.contains(&inner.controller_stored) {
        all.push(inner.controller_stored.clone());
    }
    all
}

async fn dial(membership: &Membership) -> Result<Tunnel, String> {
    let mut last = "no address is known".to_owned();
    for at in addresses(membership) {
        for remote in resolve(&at)
            .await
            .map_err(|error| format!("{at}: {error}"))?
        {
            match dial_one(membership, remote).await {
                Ok(tunnel) => return Ok(tunnel),
                Err(reason) => last = format!("{at}: {reason}"),
            }
        }
    }
    Err(last)
}

async fn dial_one(membership: &Membership, remote: SocketAddr) -> Result<Tunnel, String> {
    let inner = &membership.inner;
    let svid = membership.svid();
    let expect = Expect::Id(SpiffeId::controller(&inner.trust_domain));
    let capability = inner.local.load_full();
    let dial = Dial {
        remote,
        capability: &capability,
        handle: inner.controller_handle,
        server_name: tunnel::CONTROLLER_NAME,
        source: Some(&svid),
        expect,
        trust: &inner.trust,
        alpn: Alpn::Control,
        within: DIAL_TIMEOUT,
    };
    inner
        .endpoint
        .dial(dial)
        .await
        .map_err(|error| with_causes(&error))
}

async fn receive(membership: &Membership, message: v1::View) {
    let version = message.version;
    let outcome = match View::try_from(message.clone()) {
        Ok(view) => membership.check(&view).map(|()| view),
        Err(error) => Err(error.to_string()),
    };
    let adopted = match outcome {
        Ok(view) => {
            let path = membership.data_dir().join(cache::VIEW_FILE);
            let saved =
                tokio::task::spawn_blocking(move || cache::save_view(&path, &message)).await;
            if let Ok(Err(error)) = saved {
                // A full disk must not keep a revocation out: the View goes in force, the cache stays behind.
                tracing::warn!(%error, "the View is in force but not kept");
            }
            membership.adopt(view)
        }
        Err(reason) => Err(reason),
    };
    if let Err(reason) = adopted {
        tracing::warn!(version, %reason, "rejected a View; nothing changed");
        membership.acknowledge(version, Err(reason));
    }
}

impl Membership {
    /// Whether a View may take the place of the one in force.
    fn check(&self, view: &View) -> Result<(), String> {
        let inner = &self.inner;
        if view.trust_domain != inner.trust_domain || view.cluster != inner.cluster {
            return Err(format!(
                "it is of cluster {} ({}), not of ours",
                view.cluster, view.trust_domain
            ));
        }
        // A gateway's View has routing parts only: what enrolment gave it goes on.
        let routing_only = inner.role == v1::Role::Gateway && view.bundles.is_empty();
        if !routing_only
            && !view
                .bundles
                .iter()
                .any(|b| b.trust_domain == inner.trust_domain && !b.roots.is_empty())
        {
            return Err("it has no bundle of our own trust domain".to_owned());
        }
        let held = inner.trust.load();
        for bundle in &view.bundles {
            // P-10: never back.
            match held.get(&bundle.trust_domain) {
                Some(had) if bundle.sequence < had.sequence => {
                    return Err(format!(
                        "the bundle of {} has sequence {} and {} is in force",
                        bundle.trust_domain, bundle.sequence, had.sequence
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Puts a View in force: routing and trust first, then whoever waits for Views.
    pub(super) fn adopt(&self, view: View) -> Result<u64, String> {
        self.check(&view)?;
        let inner = &self.inner;
        let version = view.version;
        inner.routing.install(
            inner.handle,
            view.routing_keys.clone(),
            view.selectors.clone(),
        );
        if !view.bundles.is_empty() {
            inner.trust.store(Arc::new(bundles_of(&view.bundles)));
        }
        inner.local.store(Arc::new(view.local.clone()));
        inner.views.send_replace(Some(Arc::new(view)));
        Ok(version)
    }
}
