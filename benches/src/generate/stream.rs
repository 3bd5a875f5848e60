//! gRPC streaming: long calls whose messages go back and forth one at a time.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::RecvStream;
use hdrhistogram::Histogram;
use serde_json::Value;
use tokio::task::JoinSet;

use super::call;
use crate::weft::AUTHORITY;

const CONNECTIONS: usize = 8;
const STREAMS: usize = 8;
const BYTES: u32 = 100;

/// 8 connections of 8 calls; each sends a message when the last one has come back.
///
/// # Errors
/// When a call ends early.
pub fn run(entry: SocketAddr, time: Duration) -> io::Result<Value> {
    let begin = Instant::now();
    let seen = call::block_on(async {
        let mut calls = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let connection = call::connect(entry).await?;
            for _ in 0..STREAMS {
                let connection = connection.clone();
                calls.spawn(converse(connection, begin, time));
            }
        }
        let mut all = super::latencies();
        while let Some(seen) = calls.join_next().await {
            all.add(seen.map_err(io::Error::other)??)
                .map_err(io::Error::other)?;
        }
        Ok(all)
    })?;
    Ok(super::told(&seen, begin.elapsed()))
}

async fn converse(
    connection: h2::client::SendRequest<Bytes>,
    begin: Instant,
    time: Duration,
) -> io::Result<Histogram<u64>> {
    let mut connection = connection.ready().await.map_err(io::Error::other)?;
    let (answer, mut send) = connection
        .send_request(call::head(AUTHORITY)?, false)
        .map_err(io::Error::other)?;
    let message = Bytes::from(call::message(BYTES));
    let mut seen = super::latencies();
    let mut sent = Instant::now();
    send.send_data(message.clone(), false)
        .map_err(io::Error::other)?;
    let mut body = answer.await.map_err(io::Error::other)?.into_body();
    loop {
        read(&mut body, message.len()).await?;
        seen.saturating_record(super::nanos(sent));
        let last = begin.elapsed() >= time;
        sent = Instant::now();
        send.send_data(message.clone(), last)
            .map_err(io::Error::other)?;
        if last {
            read(&mut body, message.len()).await?;
            return Ok(seen);
        }
    }
}

/// One message, in however many pieces.
async fn read(body: &mut RecvStream, bytes: usize) -> io::Result<()> {
    let mut got = 0;
    while got < bytes {
        let piece = body.data().await.ok_or(io::ErrorKind::UnexpectedEof)?;
        let piece = piece.map_err(io::Error::other)?;
        got += piece.len();
        body.flow_control()
            .release_capacity(piece.len())
            .map_err(io::Error::other)?;
    }
    Ok(())
}
