//! A caller's TCP connection on its way in: caller → authorize → limit → app, then bytes both ways until both ends are done.
//!
//! No app gets a byte before it was let in and the connection to that app stands. What a View no longer allows ends at once.

use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::BytesMut;
use protocol::authorization::{Caller, decide_opaque};
use protocol::name::ServiceName;
use protocol::view::Protocol;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tunnel::{ByteArrival, Refusal};

use super::ports::Port;
use super::served::Served;
use super::{Accepting, Inbound, limit};
use crate::io::Io;
use crate::observe::{ConnectionRecord, Direction};
use crate::splice::Splice;

/// How long an app may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection to an app, and what it holds open.
struct Connected {
    app: TcpStream,
    protocol: Protocol,
    _counted: limit::Counted,
}

/// Why there is none, in a word for the caller and more for the log.
struct Refused(Refusal, String);

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(refusal, refusal.word().to_owned())
    }
}

impl Inbound {
    /// The steps.
    pub(super) async fn connection(
        &self,
        accepting: &Accepting,
        service: ServiceName,
        arrival: ByteArrival,
    ) {
        let mut record = self.observer.connection(
            Direction::Inbound,
            accepting.tunnel.remote().id(),
            &accepting.caller,
            &accepting.peer,
        );
        record.destination(&accepting.shown);
        record.attempts(1);
        let connected = match self.open_app(accepting, &service, &mut record).await {
            Ok(connected) => connected,
            Err(Refused(refusal, detail)) => {
                record.failed(refusal.word(), &detail);
                record.finish();
                return arrival.refuse(refusal).await;
            }
        };
        let io = Io::new(connected.app, BytesMut::new());
        let (send, recv) = match arrival.accept().await {
            Ok(halves) => halves,
            Err(error) => {
                record.failed("cancelled", &error);
                return io.reset();
            }
        };
        let mut splice = Splice::new(io, send, recv).metered(Direction::Inbound, record.opened());
        if connected.protocol == Protocol::Auto {
            splice = splice.without_requests();
        }
        let (passed, ended) = splice
            .run_until(self.not_allowed(accepting, &service))
            .await;
        record.passed(passed.to, passed.from);
        if let Err(error) = ended {
            record.failed(error.reason(), &error);
        }
        record.finish();
    }

    async fn open_app(
        &self,
        accepting: &Accepting,
        service: &ServiceName,
        record: &mut ConnectionRecord,
    ) -> Result<Connected, Refused> {
        let served = self.served.load_full().ok_or(Refusal::Draining)?;
        let (allowed, policy) = allows(&served, accepting, service);
        record.policy(policy);
        if let Some(label) = served.offers(
            service,
            &accepting.shown,
            accepting.tunnel.remote().id().trust_domain(),
        ) {
            record.service(&label);
        }
        if !allowed {
            return Err(Refusal::Forbidden.into());
        }
        let counted = self.take_room(accepting, &served)?;
        let ports = self
            .ports
            .of(service, &accepting.shown, Protocol::takes_connections)
            // P-14: an app that is declared to speak HTTP gets requests that were read, never bytes that weren't.
            .ok_or_else(|| {
                Refused(
                    Refusal::Malformed,
                    "the service takes no TCP connections".to_owned(),
                )
            })?;
        let mut last = "no healthy instance is here".to_owned();
        for port in ports {
            match connect(&port).await {
                Ok(app) => {
                    return Ok(Connected {
                        app,
                        protocol: port.protocol,
                        _counted: counted,
                    });
                }
                Err(error) => {
                    self.health.refused(&port.workload);
                    last = format!("port {}: {error}", port.port);
                }
            }
        }
        Err(Refused(Refusal::Unavailable, last))
    }

    /// Comes back when a View no longer allows what an earlier one did.
    pub(super) async fn not_allowed(&self, accepting: &Accepting, service: &ServiceName) {
        let mut views = self.views.subscribe();
        loop {
            if let Some(served) = self.served.load_full()
                && !allows(&served, accepting, service).0
            {
                return;
            }
            if views.changed().await.is_err() {
                return pending().await;
            }
        }
    }
}

/// Whether the caller may, and by which policy. P-16: unknown, not exported and denied are one answer.
pub(super) fn allows(
    served: &Served,
    accepting: &Accepting,
    service: &ServiceName,
) -> (bool, Option<String>) {
    let caller = accepting.tunnel.remote().id();
    let offered = served
        .offers(service, &accepting.shown, caller.trust_domain())
        .is_some();
    let who = Caller {
        id: caller,
        same_trust_domain: *caller.trust_domain() == served.trust_domain,
    };
    let decision = decide_opaque(&served.policies, &who, service);
    if offered {
        (decision.allowed, decision.policy)
    } else {
        (false, Some("not-offered".to_owned()))
    }
}

async fn connect(port: &Port) -> std::io::Result<TcpStream> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.port));
    let connected = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await;
    let stream = connected.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))?;
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    Ok(stream)
}
