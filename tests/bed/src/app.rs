//! An application: a little HTTP/1.1 server in the test's own process that writes down the id of each request it was given.
//!
//! | path | answer |
//! | --- | --- |
//! | `/hold` | when the test says [`App::release`] |
//! | `/status/503` | that status |
//! | `/bytes/1000` | so many bytes |
//! | anything else | 200, and the app's label |

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use crate::wait;

/// The header in which the load writes a request's id.
pub const ID: &str = "x-test-id";
/// The header in which an app writes its label.
pub const SERVED_BY: &str = "x-served-by";

const STACK_BYTES: usize = 192 * 1024;

/// A running application; dropped, it closes all its connections.
#[derive(Debug)]
pub struct App {
    /// Its port on 127.0.0.1.
    pub port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    label: String,
    seen: Mutex<BTreeMap<String, usize>>,
    heads: Mutex<Vec<String>>,
    last: Mutex<Option<Instant>>,
    in_flight: AtomicUsize,
    released: Mutex<bool>,
    release: Condvar,
    stopped: AtomicBool,
    connections: Mutex<Vec<TcpStream>>,
}

impl App {
    /// Starts one on a free port.
    pub fn start(label: &str) -> Self {
        Self::start_on(label, 0)
    }

    /// Starts one on `port`, as an app that comes back does.
    pub fn start_on(label: &str, port: u16) -> Self {
        let listener = wait::until("the app's port is free", wait::GENEROUS, || {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()
        });
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            label: label.to_owned(),
            ..Shared::default()
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || accept(&listener, &accepting));
        Self { port, shared }
    }

    /// The ids that arrived, and how often each did.
    pub fn seen(&self) -> BTreeMap<String, usize> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// How many requests arrived, whether or not they had an id.
    pub fn requests(&self) -> usize {
        self.shared.heads.lock().unwrap().len()
    }

    /// When the last request arrived.
    pub fn last_request(&self) -> Option<Instant> {
        *self.shared.last.lock().unwrap()
    }

    /// The heads of all requests as they arrived.
    pub fn heads(&self) -> Vec<String> {
        self.shared.heads.lock().unwrap().clone()
    }

    /// How many requests are being answered, the held ones included.
    pub fn in_flight(&self) -> usize {
        self.shared.in_flight.load(Ordering::SeqCst)
    }

    /// Lets all held requests go, and later ones pass at once.
    pub fn release(&self) {
        *self.shared.released.lock().unwrap() = true;
        self.shared.release.notify_all();
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.release();
        for connection in self.shared.connections.lock().unwrap().drain(..) {
            drop(connection.shutdown(Shutdown::Both));
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        drop(TcpStream::connect(address)); // wakes `accept`, which then sees that it should end
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        if let Ok(twin) = stream.try_clone() {
            shared.connections.lock().unwrap().push(twin);
        }
        let shared = Arc::clone(shared);
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let spawned = thread.spawn(move || drop(serve(stream, &shared)));
        drop(spawned.expect("a thread for a connection"));
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::with_capacity(4096, stream);
    while let Some(head) = head(&mut reader)? {
        discard_body(&mut reader, &head)?;
        shared.in_flight.fetch_add(1, Ordering::SeqCst);
        let answer = answer(shared, &head);
        shared.in_flight.fetch_sub(1, Ordering::SeqCst);
        writer.write_all(&answer)?;
    }
    Ok(())
}

fn answer(shared: &Shared, head: &str) -> Vec<u8> {
    shared.heads.lock().unwrap().push(head.to_owned());
    *shared.last.lock().unwrap() = Some(Instant::now());
    if let Some(id) = header(head, ID) {
        let mut seen = shared.seen.lock().unwrap();
        *seen.entry(id.to_owned()).or_default() += 1;
    }
    let path = head.split(' ').nth(1).unwrap_or("/");
    if path.starts_with("/hold") {
        let released = shared.released.lock().unwrap();
        drop(shared.release.wait_while(released, |released| !*released));
    }
    let status = path
        .strip_prefix("/status/")
        .and_then(|rest| rest.parse::<u16>().ok())
        .unwrap_or(200);
    let body = match path
        .strip_prefix("/bytes/")
        .and_then(|rest| rest.parse::<usize>().ok())
    {
        Some(length) => vec![b'w'; length],
        None => shared.label.clone().into_bytes(),
    };
    let mut bytes = format!(
        "HTTP/1.1 {status} Said\r\n{SERVED_BY}: {}\r\ncontent-length: {}\r\n\r\n",
        shared.label,
        body.len()
    )
    .into_bytes();
    if !head.starts_with("HEAD ") {
        bytes.extend_from_slice(&body);
    }
    bytes
}

fn head(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut head = String::new();
    loop {
        let before = head.len();
        if reader.read_line(&mut head)? == 0 {
            return Ok(None);
        }
        if head[before..].trim_end().is_empty() && before > 0 {
            return Ok(Some(head));
        }
    }
}

fn discard_body(reader: &mut impl BufRead, head: &str) -> io::Result<()> {
    if let Some(length) = header(head, "content-length").and_then(|value| value.parse().ok()) {
        io::copy(&mut reader.take(length), &mut io::sink())?;
    } else if header(head, "transfer-encoding").is_some() {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let length = u64::from_str_radix(line.trim(), 16).unwrap_or(0);
            io::copy(&mut reader.take(length + 2), &mut io::sink())?;
            if length == 0 {
                break;
            }
        }
    }
    Ok(())
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().skip(1);
    let mut pairs = lines.filter_map(|line| line.split_once(':'));
    let found = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http;

    #[test]
    fn app_answers_and_remembers_ids() {
        let app = App::start("east-1");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, app.port));
        let mut connection = http::Connection::open(address, http::PATIENCE).unwrap();
        for id in ["a", "b", "a"] {
            let request = http::Request {
                target: "/x",
                host: "h",
                headers: &[(ID, id)],
                ..http::Request::default()
            };
            let response = connection.send(&request).unwrap();
            assert_eq!(response.status, 200);
            assert_eq!(response.header(SERVED_BY), Some("east-1"));
        }
        assert_eq!(
            app.seen(),
            BTreeMap::from([("a".to_owned(), 2), ("b".to_owned(), 1)])
        );
        assert_eq!(http::get(address, "h", "/status/503").unwrap().status, 503);
        assert_eq!(
            http::get(address, "h", "/bytes/100000").unwrap().body.len(),
            100_000
        );
    }
}
