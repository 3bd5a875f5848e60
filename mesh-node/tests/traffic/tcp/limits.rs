//! Many at once, and one that doesn't read.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::*;

/// Raises the limit of descriptors as far as it goes; each connection takes six of them here.
fn connections_at_most() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // As it is, it may do.
    _ = setrlimit(Resource::Nofile, raised);
    let most = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from((most / 8).min(1000)).unwrap()
}

#[tokio::test]
async fn a_thousand_connections_stand_at_once() {
    let app = Tcp::echo().await;
    let far = Far::start(Protocol::Tcp, app.port).await;
    let count = connections_at_most();
    let mut streams = Vec::new();
    for number in 0..count {
        let mut stream = far.connect().await;
        say(&mut stream, format!("{number:04}").as_bytes()).await;
        streams.push(stream);
    }
    for (number, stream) in streams.iter_mut().enumerate() {
        hear(stream, format!("{number:04}").as_bytes()).await;
    }
    assert_eq!(app.accepted(), count);
    for (number, stream) in streams.iter_mut().enumerate().rev() {
        say(stream, format!("{number:04}").as_bytes()).await;
        hear(stream, format!("{number:04}").as_bytes()).await;
    }
}

#[tokio::test]
async fn who_does_not_read_stops_who_writes() {
    const LENGTH: usize = 96 << 20;
    let written = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&written);
    let app = Tcp::start(move |mut stream| {
        let counted = Arc::clone(&counted);
        async move {
            let mut go = [0];
            if !matches!(stream.read(&mut go).await, Ok(1)) {
                return;
            }
            let chunk = vec![b'x'; 64 << 10];
            for _ in 0..LENGTH / chunk.len() {
                stream.write_all(&chunk).await.unwrap();
                counted.fetch_add(chunk.len(), Ordering::Relaxed);
            }
        }
    })
    .await;
    let far = Far::start(Protocol::Tcp, app.port).await;
    let mut stream = far.connect().await;
    say(&mut stream, b"!").await;
    // Stalled is what has not moved over many looks.
    let (mut before, mut still) = (0, 0);
    until("the app is stopped", async || {
        let at = written.load(Ordering::Relaxed);
        still = if at == before && at > 0 { still + 1 } else { 0 };
        before = at;
        still > 20
    })
    .await;
    // The stream's window, and what the kernel holds of two loopback connections.
    assert!(before < 40 << 20, "{before} bytes are under way");
    let (mut length, mut chunk) = (0, vec![0; 1 << 20]);
    while let read @ 1.. = stream.read(&mut chunk).await.unwrap() {
        length += read;
    }
    assert_eq!(length, LENGTH);
}
