//! Origins: gRPC that says what it hears, bytes without end, UDP packets sent back.

use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::str::FromStr;

use bytes::Bytes;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderValue, Request, Response};
use serde_json::Value;

use super::call;

/// Which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// HTTP/2 without TLS: each call's messages come back, then `grpc-status: 0`.
    Grpc,
    /// TCP: whoever connects is sent bytes until he goes.
    Source,
    /// UDP: each packet goes back to its sender.
    Packets,
}

impl Kind {
    /// As it stands on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Source => "source",
            Self::Packets => "packets",
        }
    }
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let kinds = [Self::Grpc, Self::Source, Self::Packets];
        kinds.into_iter().find(|kind| kind.name() == text).ok_or(())
    }
}

/// Answers on a port of all addresses until it is ended.
///
/// # Errors
/// When the port can't be had.
pub fn run(kind: Kind, port: u16) -> io::Result<Value> {
    let address = (Ipv4Addr::UNSPECIFIED, port);
    let ready = || writeln!(io::stdout(), "READY");
    match kind {
        Kind::Packets => {
            let socket = UdpSocket::bind(address)?;
            ready()?;
            packets(&socket)
        }
        Kind::Source => {
            let listener = TcpListener::bind(address)?;
            ready()?;
            source(&listener)
        }
        Kind::Grpc => call::block_on(async {
            let listener = tokio::net::TcpListener::bind(address).await?;
            ready()?;
            loop {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                tokio::spawn(async move { drop(serve(stream).await) });
            }
        }),
    }
}

fn packets(socket: &UdpSocket) -> io::Result<Value> {
    let mut buffer = vec![0; 65_536];
    loop {
        // a sender that is gone answers with ICMP: that is no reason to stop
        if let Ok((length, sender)) = socket.recv_from(&mut buffer) {
            drop(socket.send_to(&buffer[..length], sender));
        }
    }
}

fn source(listener: &TcpListener) -> io::Result<Value> {
    loop {
        let (mut stream, _) = listener.accept()?;
        std::thread::spawn(move || {
            let buffer = vec![b'x'; 256 * 1024];
            while stream.write_all(&buffer).is_ok() {}
        });
    }
}

async fn serve(stream: tokio::net::TcpStream) -> Result<(), h2::Error> {
    let mut connection = h2::server::handshake(stream).await?;
    while let Some(call) = connection.accept().await {
        let (request, respond) = call?;
        tokio::spawn(async move { drop(echo(request, respond).await) });
    }
    Ok(())
}

async fn echo(
    request: Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
) -> Result<(), h2::Error> {
    let mut head = Response::new(());
    let kind = HeaderValue::from_static("application/grpc");
    head.headers_mut().insert("content-type", kind);
    let mut send = respond.send_response(head, false)?;
    let mut body = request.into_body();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        body.flow_control().release_capacity(piece.len())?;
        send.send_data(piece, false)?;
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    send.send_trailers(trailers)
}
