//! One HTTP/1.1 exchange on a connection, as bare as can be.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use crate::weft::AUTHORITY;

/// A connection with room for one answer's head.
#[derive(Debug)]
pub struct Exchange {
    stream: TcpStream,
    buffer: Vec<u8>,
    request: Vec<u8>,
}

impl Exchange {
    /// On a connection; `last` asks for it to be closed after the answer.
    ///
    /// # Errors
    /// When the socket can't be set up.
    pub fn over(stream: TcpStream, last: bool) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let connection = if last { "Connection: close\r\n" } else { "" };
        Ok(Self {
            stream,
            buffer: vec![0; 16 * 1024],
            request: format!(
                "GET / HTTP/1.1\r\nHost: {AUTHORITY}\r\nAccept: */*\r\n{connection}\r\n"
            )
            .into_bytes(),
        })
    }

    /// Asks and reads the whole answer.
    ///
    /// # Errors
    /// When it isn't 200 with a length.
    pub fn ask(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.request)?;
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..])?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            filled += read;
            if let Some(whole) = whole(&self.buffer[..filled])? {
                let rest = u64::try_from(whole.saturating_sub(filled)).unwrap_or(u64::MAX);
                io::copy(&mut (&self.stream).take(rest), &mut io::sink())?;
                return Ok(());
            }
        }
    }
}

/// How long the answer is with its head, once that is there.
fn whole(answer: &[u8]) -> io::Result<Option<usize>> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| {
        line.strip_prefix("content-length:")?
            .trim()
            .parse::<usize>()
            .ok()
    });
    match length {
        Some(length) if head.split(' ').nth(1) == Some("200") => Ok(Some(end + 4 + length)),
        _ => Err(io::Error::other(format!("not what was asked for: {head}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_measured_by_its_head() {
        assert_eq!(whole(b"HTTP/1.1 200 OK\r\n").unwrap(), None);
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab";
        assert_eq!(whole(answer).unwrap(), Some(answer.len() + 1));
        assert!(whole(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n").is_err());
    }
}
