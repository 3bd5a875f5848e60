//! Many clients in one thread, on tokio.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::net::SocketAddr;
use std::thread::JoinHandle;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Requests under way, one a connection.
pub(super) struct Crowd(JoinHandle<BTreeMap<u16, usize>>);

impl Crowd {
    /// Asks for `path` so many times at once, on all `listeners` in turn.
    pub(super) fn ask(
        listeners: &[SocketAddr],
        host: &'static str,
        path: &'static str,
        times: usize,
    ) -> Self {
        let listeners = listeners.to_vec();
        Self(std::thread::spawn(move || {
            runtime().block_on(async {
                let mut asking = JoinSet::new();
                for number in 0..times {
                    let address = listeners[number % listeners.len()];
                    asking.spawn(ask(address, host, path));
                }
                let mut answers = BTreeMap::new();
                while let Some(status) = asking.join_next().await {
                    *answers.entry(status.unwrap()).or_default() += 1;
                }
                answers
            })
        }))
    }

    /// How many answers there were of each status; 0 is none.
    pub(super) fn answers(self) -> BTreeMap<u16, usize> {
        self.0.join().unwrap()
    }
}

async fn ask(address: SocketAddr, host: &str, path: &str) -> u16 {
    let Ok(mut stream) = TcpStream::connect(address).await else {
        return 0;
    };
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    let mut answer = Vec::new();
    if stream.write_all(request.as_bytes()).await.is_err()
        || stream.read_to_end(&mut answer).await.is_err()
    {
        return 0;
    }
    status(&answer)
}

fn status(answer: &[u8]) -> u16 {
    let text = String::from_utf8_lossy(answer);
    let word = text.split(' ').nth(1);
    word.and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// A runtime for clients.
pub(super) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Reads the head of an answer.
pub(super) fn head(reader: &mut impl BufRead) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).unwrap(), 0, "{head}");
    }
    head
}

/// Why this process can't have so many sockets open, if it can't.
pub(super) fn lacks_descriptors(wanted: u64) -> Option<String> {
    let text = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("Max open files"))?;
    let soft = line.split_whitespace().nth(3)?;
    let has: u64 = soft.parse().unwrap_or(u64::MAX);
    (has < wanted).then(|| format!("ulimit -n is {has}, and {wanted} are needed"))
}
