//! UDP sessions by CONNECT-UDP (RFC 9298): a request that asks for one, HTTP datagrams for its packets, capsules for those that no
//! QUIC datagram holds.
//!
//! The target's host is the service's, as `:authority` is. Services of the mesh have one port each, so the target's isn't looked at.

use std::task::{Context, Poll, Waker, ready};

use ::h3::ConnectionState as _;
use ::h3::ext::Protocol;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use protocol::datagram::Flow;
use protocol::frame::{FrameError, Refusal};
use protocol::name::{MeshHost, ServiceName};

use super::capsule::{self, Capsules};
use super::{Recv, Send, head};
use crate::datagrams::{self, FlowQueue, Offered};
use crate::encoding::{Event, MessageError, RequestError, StreamCode};
use crate::tunnel::Tunnel;

const PREFIX: &str = "/.well-known/masque/udp/";
const CAPSULE_PROTOCOL: HeaderName = HeaderName::from_static("capsule-protocol");
const YES: HeaderValue = HeaderValue::from_static("?1");
/// After so many datagrams the stream has its turn.
const TURN: u32 = 32;

/// The sending half.
#[derive(Debug)]
pub(crate) struct PacketSend {
    tunnel: Tunnel,
    flow: Flow,
    stream: Send,
    displaced: u64,
}

/// The receiving half.
#[derive(Debug)]
pub(crate) struct PacketRecv {
    flow: FlowQueue,
    stream: Recv,
    capsules: Capsules,
    /// How the stream ended.
    end: Option<Result<(), MessageError>>,
    turn: u32,
}

/// Asks for a session with `service`.
pub(crate) async fn begin(
    tunnel: &Tunnel,
    service: &ServiceName,
) -> Result<(PacketSend, PacketRecv), RequestError> {
    let session = tunnel.h3().ok_or(RequestError::WrongTunnel)?;
    // RFC 9220 section 3: not before the other end has said that it knows this.
    let known = tokio::time::timeout(tunnel.patience(), session.extended()).await;
    if known != Ok(true) {
        return Err(RequestError::WrongTunnel);
    }
    let request = ask(service).map_err(RequestError::Head)?;
    let (mut send, recv) = super::open(tunnel);
    let opened = send.open(request).await;
    opened.map_err(|_| RequestError::NotSent(tunnel.why_closed()))?;
    packets(tunnel, send, recv).ok_or(RequestError::WrongTunnel)
}

/// A session that a caller has asked for.
pub(super) fn arrived(tunnel: &Tunnel, send: Send, recv: Recv) -> Option<(PacketSend, PacketRecv)> {
    packets(tunnel, send, recv)
}

fn packets(tunnel: &Tunnel, send: Send, recv: Recv) -> Option<(PacketSend, PacketRecv)> {
    let flow = Flow::of_stream(send.id()?);
    let send = PacketSend {
        tunnel: tunnel.clone(),
        flow,
        stream: send,
        displaced: 0,
    };
    let recv = PacketRecv {
        flow: tunnel.datagrams().enter(&tunnel.connection, flow),
        stream: recv,
        capsules: Capsules::default(),
        end: None,
        turn: 0,
    };
    Some((send, recv))
}

fn ask(service: &ServiceName) -> Result<Request<()>, FrameError> {
    let host = head::host_of(service);
    let uri = Uri::builder()
        .scheme("https")
        .authority(host.as_str())
        .path_and_query(format!("{PREFIX}{host}/1/"))
        .build()
        .map_err(|_| FrameError::Field("service"))?;
    let mut request = Request::new(());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = uri;
    request.headers_mut().insert(CAPSULE_PROTOCOL, YES);
    request.extensions_mut().insert(Protocol::CONNECT_UDP);
    Ok(request)
}

/// Which service a CONNECT-UDP request means; server name, authority and target agree, or it is none (P-16).
pub(super) fn target(
    request: &Request<()>,
    server_name: Option<&str>,
) -> Result<ServiceName, Refusal> {
    let path = request.uri().path();
    let target = path.strip_prefix(PREFIX).ok_or(Refusal::Malformed)?;
    let mut parts = target.split('/');
    let (host, port, end) = (parts.next(), parts.next(), parts.next());
    let port = port.and_then(|port| port.parse::<u16>().ok());
    if port.is_none_or(|port| port == 0)
        || end.is_some_and(|end| !end.is_empty())
        || parts.next().is_some()
    {
        return Err(Refusal::Malformed);
    }
    let service = host
        .and_then(MeshHost::parse)
        .ok_or(Refusal::Forbidden)?
        .service;
    let named = server_name.and_then(MeshHost::parse);
    let agreed = head::service_of(request.uri()).as_ref() == Some(&service)
        && named.is_none_or(|named| named.service == service);
    agreed.then_some(service).ok_or(Refusal::Forbidden)
}

impl PacketSend {
    /// Sends it as a datagram, or gives it back when no datagram holds it.
    pub(crate) fn offer(&mut self, packet: Bytes) -> Result<Option<Bytes>, MessageError> {
        let takes_datagrams = self
            .tunnel
            .h3()
            .is_some_and(|session| session.peer.settings().enable_datagram());
        if !takes_datagrams {
            return Ok(Some(packet));
        }
        let connection = &self.tunnel.connection;
        match datagrams::offer(connection, self.flow, &capsule::datagram(&packet)) {
            Offered::Sent => Ok(None),
            Offered::Displaced => {
                self.displaced += 1;
                Ok(None)
            }
            Offered::TooLarge => Ok(Some(packet)),
            Offered::Lost => Err(MessageError::TunnelLost),
        }
    }

    /// Sends it as a capsule. Dropped within, the session is of no use.
    pub(crate) async fn send_on_stream(&mut self, packet: Bytes) -> Result<(), MessageError> {
        self.stream.start_data(capsule::encode(&packet), false);
        std::future::poll_fn(|cx| self.stream.poll_flush(cx)).await
    }

    pub(crate) const fn displaced(&self) -> u64 {
        self.displaced
    }

    /// Says that the session stands.
    pub(crate) async fn open(&mut self) -> Result<(), MessageError> {
        let mut response = Response::new(());
        response.headers_mut().insert(CAPSULE_PROTOCOL, YES);
        self.stream.answer(response).await
    }

    pub(crate) async fn refuse(mut self, refusal: Refusal) {
        if let Err(error) = self.stream.refuse(refusal).await {
            tracing::trace!(%error, "a refusal was not heard");
        }
    }

    pub(crate) fn break_off(&mut self, code: StreamCode) {
        self.stream.break_off(code);
    }

    /// Ends the session. Should a capsule be stuck, it is broken off.
    pub(crate) fn finish(mut self) {
        self.stream.start_data(Bytes::new(), true);
        let flushed = self
            .stream
            .poll_flush(&mut Context::from_waker(Waker::noop()));
        tracing::trace!(?flushed, "a UDP session is over");
    }
}

impl PacketRecv {
    /// Waits for the other end's answer.
    pub(crate) async fn opened(&mut self) -> Result<(), RequestError> {
        loop {
            let event = self.stream.event().await.map_err(RequestError::Broken)?;
            let head = match event {
                Some(Event::Interim(_)) => continue,
                Some(Event::Response(head)) => head,
                Some(Event::Refused(refusal)) => return Err(RequestError::Refused(refusal)),
                _ => return Err(RequestError::Broken(MessageError::Reset)),
            };
            return if head.status.is_success() {
                Ok(())
            } else if head.status == StatusCode::SERVICE_UNAVAILABLE {
                Err(RequestError::Refused(Refusal::Unavailable))
            } else {
                Err(RequestError::Refused(Refusal::Forbidden))
            };
        }
    }

    /// The next packet, those in datagrams first; `None` at the end.
    pub(crate) fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, MessageError>> {
        if self.turn < TURN
            && let Some(packet) = self.try_recv()
        {
            self.turn += 1;
            return Poll::Ready(Ok(Some(packet)));
        }
        self.turn = 0;
        if self.end.is_none() {
            match self.poll_capsule(cx) {
                Poll::Pending => return self.poll_datagram(cx).map(|packet| Ok(Some(packet))),
                Poll::Ready(Ok(Some(packet))) => return Poll::Ready(Ok(Some(packet))),
                Poll::Ready(Ok(None)) => self.end = Some(Ok(())),
                Poll::Ready(Err(error)) => self.end = Some(Err(error)),
            }
        }
        // What came before the end is received before it.
        if let Some(packet) = self.try_recv() {
            return Poll::Ready(Ok(Some(packet)));
        }
        Poll::Ready(self.end.clone().unwrap_or(Ok(())).map(|()| None))
    }

    fn poll_datagram(&self, cx: &mut Context<'_>) -> Poll<Bytes> {
        loop {
            if let Some(packet) = capsule::packet(ready!(self.flow.queue().poll_pop(cx))) {
                return Poll::Ready(packet);
            }
        }
    }

    pub(crate) fn try_recv(&self) -> Option<Bytes> {
        loop {
            if let Some(packet) = capsule::packet(self.flow.queue().pop()?) {
                return Some(packet);
            }
        }
    }

    pub(crate) fn overflowed(&self) -> u64 {
        self.flow.queue().overflowed()
    }

    /// The next packet on the stream.
    fn poll_capsule(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, MessageError>> {
        loop {
            match self.capsules.next() {
                Ok(Some(packet)) => return Poll::Ready(Ok(Some(packet))),
                Ok(None) => {}
                Err(error) => return self.malformed(error),
            }
            match ready!(self.stream.poll_event(cx))? {
                Some(Event::Data(part)) => self.capsules.push(&part),
                None if self.capsules.is_between() => return Poll::Ready(Ok(None)),
                _ => return self.malformed(FrameError::Truncated),
            }
        }
    }

    fn malformed<T>(&mut self, error: FrameError) -> Poll<Result<T, MessageError>> {
        self.stream.stop(StreamCode::Malformed);
        Poll::Ready(Err(MessageError::Malformed(error)))
    }
}
