//! Streams that either side breaks off leave nothing behind.
//!
//! `./test` breaks off 5,000; `WEFT_TEST_ABORTS=100000 cargo test --release --test it -- it::faults::aborts` the number that the
//! design asks for.

use std::net::SocketAddr;
use std::time::Duration;

use testbed::wait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::bed::{Bed, ORIGIN};
use super::client::runtime;

/// At once.
const CALLERS: usize = 32;

/// How a request is broken off, and by whom.
#[derive(Clone, Copy, Debug)]
enum Abort {
    /// The caller goes before there is an answer.
    BeforeAnswer,
    /// The caller goes in the middle of the answer.
    InAnswer,
    /// The caller goes in the middle of its body.
    InBody,
    /// The application goes without an answer.
    Vanish,
    /// The application goes in the middle of its answer.
    Break,
}

const ALL: [Abort; 5] = [
    Abort::BeforeAnswer,
    Abort::InAnswer,
    Abort::InBody,
    Abort::Vanish,
    Abort::Break,
];

impl Abort {
    fn request(self) -> String {
        let (line, more) = match self {
            Self::BeforeAnswer => ("GET /hold", ""),
            Self::InAnswer => ("GET /bytes/100000000", ""),
            Self::InBody => ("POST /sink", "content-length: 100000000\r\n"),
            Self::Vanish => ("POST /vanish", "content-length: 0\r\n"),
            Self::Break => ("GET /break", ""),
        };
        format!("{line} HTTP/1.1\r\nhost: {ORIGIN}\r\nconnection: close\r\n{more}\r\n")
    }

    async fn happen(self, listener: SocketAddr) {
        let mut stream = TcpStream::connect(listener).await.unwrap();
        // Gone means gone: RST, not FIN.
        stream.set_zero_linger().unwrap();
        stream.write_all(self.request().as_bytes()).await.unwrap();
        let mut buffer = vec![0; 1 << 16];
        match self {
            // Some go before the request has gone anywhere, some while it waits.
            Self::BeforeAnswer => tokio::time::sleep(Duration::from_millis(2)).await,
            Self::InAnswer => {
                let count = stream.read(&mut buffer).await.unwrap();
                assert_ne!(count, 0, "an answer has begun");
            }
            Self::InBody => {
                // The node may have answered for an application that is gone, and closed.
                drop(stream.write_all(&buffer).await);
            }
            Self::Vanish | Self::Break => {
                while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
            }
        }
    }
}

fn abort(listener: SocketAddr, times: usize) {
    runtime().block_on(async {
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            callers.spawn(async move {
                for number in (caller..times).step_by(CALLERS) {
                    ALL[number / CALLERS % ALL.len()].happen(listener).await;
                }
            });
        }
        callers.join_all().await;
    });
}

#[test]
fn aborted_requests_leave_nothing_behind() {
    let times = std::env::var("WEFT_TEST_ABORTS").map_or(5000, |text| text.parse().unwrap());
    let bed = Bed::start();
    // What an allocator, tables and pools grow to under this load is not a leak.
    abort(bed.listeners[0], times / 5);
    let descriptors = settle(&bed);
    let resident = bed.resident_kib();
    abort(bed.listeners[0], times);
    let descriptors_after = settle(&bed);
    for (before, after) in descriptors.into_iter().zip(descriptors_after) {
        assert!(
            after <= before + 8,
            "descriptors: {before} before, {after} after {times} aborts"
        );
    }
    // 100,000 that leak 100 bytes each would be 10 MiB.
    bed.assert_grew_less(resident, bed.resident_kib(), 10);
    bed.wait_served();
    let tunnels = bed
        .cluster
        .nodes_metric("weft_tunnels_open", &[("role", "caller")]);
    assert!(tunnels <= 1.0, "{tunnels} tunnels");
    assert!(
        bed.count("requests") > times as u64 / 2,
        "the application was reached"
    );
}

/// Waits until the application has no request left and the nodes have closed what they can; gives the descriptors of each.
fn settle(bed: &Bed) -> [usize; 2] {
    wait::until("nothing is held any more", wait::GENEROUS, || {
        (bed.count("held") == 0).then_some(())
    });
    let mut last = [0; 2];
    let mut same = 0;
    wait::until("descriptors come to rest", wait::GENEROUS, || {
        let now = bed.descriptors();
        same = if now == last { same + 1 } else { 0 };
        last = now;
        (same == 50).then_some(now)
    })
}
