//! A blocking HTTP/1.1 client, as small as a test needs it: keep-alive, `Content-Length` and chunked bodies, nothing clever.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a read may wait.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What came back.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// The body, without its framing.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What to ask.
#[derive(Debug, Clone, Default)]
pub struct Request<'a> {
    /// `GET` when empty.
    pub method: &'a str,
    /// The request target: `/path`, or `http://host/path` to a proxy.
    pub target: &'a str,
    /// The `Host` header.
    pub host: &'a str,
    /// More headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

/// A connection that is used for one request after another.
#[derive(Debug)]
pub struct Connection {
    reader: BufReader<TcpStream>,
}

impl Connection {
    /// Connects; each later read waits for `patience` at most.
    pub fn open(address: SocketAddr, patience: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, patience)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            reader: BufReader::with_capacity(4096, stream),
        })
    }

    /// Sends one request and reads its answer whole.
    pub fn send(&mut self, request: &Request<'_>) -> io::Result<Response> {
        self.write(request)?;
        self.read()
    }

    fn write(&mut self, request: &Request<'_>) -> io::Result<()> {
        let method = if request.method.is_empty() {
            "GET"
        } else {
            request.method
        };
        let mut head = format!(
            "{method} {} HTTP/1.1\r\nhost: {}\r\n",
            request.target, request.host
        );
        for (name, value) in request.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !request.body.is_empty() {
            head.push_str(&format!("content-length: {}\r\n", request.body.len()));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(request.body);
        self.reader.get_mut().write_all(&bytes)
    }

    fn read(&mut self) -> io::Result<Response> {
        let line = self.line()?;
        let mut words = line.splitn(3, ' ');
        let status = words
            .nth(1)
            .and_then(|word| word.parse().ok())
            .ok_or_else(|| malformed(&line))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| malformed(&line))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut response = Response {
            status,
            headers,
            body: Vec::new(),
        };
        if (100..200).contains(&status) {
            return self.read();
        }
        response.body = self.body(&response)?;
        Ok(response)
    }

    fn body(&mut self, response: &Response) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if response
            .header("transfer-encoding")
            .is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
        {
            self.chunks(&mut body)?;
        } else if let Some(length) = response.header("content-length") {
            let length = length.parse().map_err(|_| malformed(length))?;
            body.resize(length, 0);
            self.reader.read_exact(&mut body)?;
        } else if !matches!(response.status, 204 | 304) {
            self.reader.read_to_end(&mut body)?;
        }
        Ok(body)
    }

    fn chunks(&mut self, body: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let line = self.line()?;
            let length = line.split(';').next().unwrap_or_default().trim();
            let length = usize::from_str_radix(length, 16).map_err(|_| malformed(&line))?;
            let begin = body.len();
            body.resize(begin + length, 0);
            self.reader.read_exact(&mut body[begin..])?;
            if length == 0 {
                while !self.line()?.is_empty() {}
                return Ok(());
            }
            self.line()?;
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the connection was closed before an answer",
            ));
        }
        Ok(line.trim_end().to_owned())
    }
}

/// Asks once for `path` at `host`, on a connection of its own.
pub fn get(address: SocketAddr, host: &str, path: &str) -> io::Result<Response> {
    let request = Request {
        target: path,
        host,
        headers: &[("connection", "close")],
        ..Request::default()
    };
    Connection::open(address, PATIENCE)?.send(&request)
}

/// Asks once for `http://host/path` through the forward proxy at `address`.
pub fn get_by_proxy(address: SocketAddr, host: &str, path: &str) -> io::Result<Response> {
    let target = format!("http://{host}{path}");
    let request = Request {
        target: &target,
        host,
        headers: &[("connection", "close")],
        ..Request::default()
    };
    Connection::open(address, PATIENCE)?.send(&request)
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("malformed answer: {what:?}"),
    )
}
