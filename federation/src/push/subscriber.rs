//! One host that follows: its View, whole, at once and on each change; what it answers goes to the roster.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use protocol::name::{HostPort, Locality};
use protocol::view::View;
use protocol::wire::v1;
use protocol::wire::v1::follow_request::Kind;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use tonic::{Status, Streaming};

use super::health_of;
use crate::compile::{Compiled, state_version};
use crate::controller::Parts;
use crate::metrics;
use crate::state::{Change, HostKey, State};

/// The Views of one host.
pub(crate) type Views = Pin<Box<dyn Stream<Item = Result<v1::View, Status>> + Send>>;

/// How long a stream may stay without its first message.
const HELLO_WITHIN: Duration = Duration::from_secs(10);

/// Takes the host's first message, notes where it is, and begins.
pub(super) async fn follow(
    parts: Arc<Parts>,
    host: HostKey,
    mut answers: Streaming<v1::FollowRequest>,
) -> Result<Views, Status> {
    let first = tokio::time::timeout(HELLO_WITHIN, answers.message()).await;
    let first = first.map_err(|_| Status::deadline_exceeded("no first message came"))??;
    let Some(Kind::Hello(hello)) = first.and_then(|first| first.kind) else {
        return Err(Status::invalid_argument("the first message must be Hello"));
    };
    note_whereabouts(&parts, &host, &hello).await?;
    let session = parts.roster.enter(&host, hello.software, Instant::now());
    tracing::info!(%host, session, "a host follows");
    let (compiled, state) = (parts.compiled.subscribe(), parts.store.watch());
    let heard = {
        let host = host.clone();
        async move {
            tokio::select! {
                () = parts.roster.replaced(&host, session) => {
                    tracing::debug!(%host, session, "a newer stream took this one's place");
                }
                () = listen(&parts, &host, session, answers) => {}
            }
        }
    };
    let listening = AbortOnDropHandle::new(tokio::spawn(heard));
    let subscriber = Subscriber {
        host,
        compiled,
        state,
        sent: None,
        listening,
    };
    Ok(Box::pin(futures_util::stream::unfold(
        subscriber,
        Subscriber::next,
    )))
}

async fn note_whereabouts(parts: &Parts, host: &HostKey, hello: &v1::Hello) -> Result<(), Status> {
    let state = parts.state();
    let Some(known) = state.hosts.get(host) else {
        return Err(Status::permission_denied(format!(
            "{host} is no host of this cluster"
        )));
    };
    let invalid = |error: protocol::name::InvalidName| Status::invalid_argument(error.to_string());
    let address = match hello.address.as_str() {
        "" => known.address.clone(),
        text => HostPort::parse(text).map_err(invalid)?,
    };
    let locality = Locality::parse(&hello.locality).map_err(invalid)?;
    if known.address == address && known.locality == locality {
        return Ok(());
    }
    let change = Change::PutHost {
        host: host.clone(),
        address,
        locality,
    };
    let outcome = parts
        .store
        .propose(change)
        .await
        .map_err(|error| Status::unavailable(error.to_string()))?;
    tracing::info!(%host, address = hello.address, locality = hello.locality, ?outcome, "a host is elsewhere");
    Ok(())
}

/// Hears what the host says until its stream ends or a newer one takes its place.
async fn listen(
    parts: &Parts,
    host: &HostKey,
    session: u64,
    mut answers: Streaming<v1::FollowRequest>,
) {
    loop {
        let message = match answers.message().await {
            Ok(Some(message)) => message,
            Ok(None) => return tracing::debug!(%host, "a host ended its stream"),
            Err(error) => return tracing::debug!(%host, %error, "a host's stream broke"),
        };
        let now = Instant::now();
        let heard = match message.kind {
            Some(Kind::Acknowledge(ack)) => {
                if !ack.rejected.is_empty() {
                    metrics::view_rejected(host.role.as_str());
                    tracing::warn!(%host, version = state_version(ack.version), reason = ack.rejected, "a host refused its View");
                }
                parts.roster.acknowledge(host, session, ack, now)
            }
            Some(Kind::Health(health)) => {
                parts.roster.report(host, session, health_of(health), now)
            }
            Some(Kind::Heartbeat(beat)) => parts.roster.beat(host, session, beat, now),
            Some(Kind::Hello(_)) | None => true,
        };
        if !heard {
            return tracing::debug!(%host, session, "a newer stream took this one's place");
        }
    }
}

struct Subscriber {
    host: HostKey,
    compiled: watch::Receiver<Arc<Compiled>>,
    state: watch::Receiver<Arc<State>>,
    sent: Option<View>,
    listening: AbortOnDropHandle<()>,
}

impl Subscriber {
    /// The next View; what came and went while the host was slow is skipped.
    async fn next(mut self) -> Option<(Result<v1::View, Status>, Self)> {
        loop {
            if self.listening.is_finished() {
                return None;
            }
            let compiled = self.compiled.borrow_and_update().clone();
            let view = compiled.view_for(&self.host);
            // A host that has just joined may be ahead of the compilation that knows it.
            if view.is_none() && !self.state.borrow().hosts.contains_key(&self.host) {
                let gone = Status::permission_denied(format!(
                    "{} is no host of this cluster any more",
                    self.host
                ));
                self.listening.abort();
                return Some((Err(gone), self));
            }
            if let Some(view) = view.filter(|view| self.is_news(view)) {
                metrics::view_pushed(self.host.role.as_str());
                let message = v1::View::from(&view);
                self.sent = Some(view);
                return Some((Ok(message), self));
            }
            tokio::select! {
                changed = self.compiled.changed() => changed.ok()?,
                _ = &mut self.listening => return None,
            }
        }
    }

    /// A step that doesn't concern this host isn't sent; a new version of the state always is, so that it can be acknowledged.
    fn is_news(&self, view: &View) -> bool {
        let Some(sent) = &self.sent else { return true };
        if state_version(sent.version) != state_version(view.version) {
            return true;
        }
        *sent
            != View {
                version: sent.version,
                ..view.clone()
            }
    }
}
