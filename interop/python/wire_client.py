"""A client of raw sockets: wire_client.py PORT AUTHORITY [PROXY_PORT] [SCENARIO...]. Fails with a trace.

Asserts what arrives to the byte, or to the field where a proxy may add some of its own.
"""
import hashlib
import os
import socket
import sys

port, authority = int(sys.argv[1]), sys.argv[2]
proxy = int(sys.argv[3]) if len(sys.argv) > 3 else 0


class Connection:
    def __init__(self, to=port):
        self.sock = socket.create_connection(("127.0.0.1", to), timeout=30)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def send(self, text):
        self.sock.sendall(text if isinstance(text, bytes) else text.encode())

    def ask(self, line, *fields, body=b""):
        lines = "".join(f"{field}\r\n" for field in fields)
        self.send(f"{line} HTTP/1.1\r\nHost: {authority}\r\n{lines}\r\n".encode() + body)

    def more(self):
        data = self.sock.recv(65536)
        self.rest += data
        return bool(data)

    def until(self, end):
        while end not in self.rest:
            assert self.more(), f"the connection ended after {self.rest!r}"
        found, self.rest = self.rest.split(end, 1)
        return found + end

    def exactly(self, count):
        while len(self.rest) < count:
            assert self.more(), f"the connection ended after {self.rest!r}"
        found, self.rest = self.rest[:count], self.rest[count:]
        return found

    def to_the_end(self):
        while self.more():
            pass
        return self.rest

    def head(self):
        """The status line, and the fields as (name, value) with the case that they came in."""
        lines = self.until(b"\r\n\r\n").decode().split("\r\n")[:-2]
        return lines[0], [tuple(line.split(": ", 1)) for line in lines[1:]]

    def chunked(self):
        body, trailers = b"", []
        while size := int(self.until(b"\r\n").split(b";")[0], 16):
            body += self.exactly(size)
            assert self.exactly(2) == b"\r\n"
        while (line := self.until(b"\r\n")) != b"\r\n":
            trailers.append(tuple(line.decode().rstrip().split(": ", 1)))
        return body, trailers

    def answer(self):
        """Status, fields, body."""
        line, fields = self.head()
        status = int(line.split(" ")[1])
        length = value(fields, "content-length")
        if value(fields, "transfer-encoding") == "chunked":
            return status, fields, self.chunked()[0]
        if length is not None:
            return status, fields, self.exactly(int(length))
        return status, fields, self.to_the_end()


def value(fields, name):
    return next((value for key, value in fields if key.lower() == name), None)


def keep_alive():
    c = Connection()
    for _ in range(3):
        c.ask("GET /")
        assert c.answer()[0::2] == (200, b"ok")


def order_and_case():
    """The application reads each field as it was written, and in its place."""
    c = Connection()
    sent = ["X-Zebra: 1", "aCCept: text/plain", "x-apple: 2", "X-ZEBRA: 3", "User-Agent: Raw/1", "Cookie: a=1; b=2"]
    c.ask("GET /head", *sent)
    status, _, body = c.answer()
    assert status == 200, status
    arrived = body.decode().split("\r\n")
    assert [line for line in arrived if line in sent] == sent, arrived
    c.ask("GET /order")
    line, fields = c.head()
    wanted = [("X-Zebra", "1"), ("sEt-CoOkIe", "a=1"), ("X-Apple", "2"), ("x-zebra", "3"), ("Set-Cookie", "b=2"), ("Content-Length", "0")]
    assert line == "HTTP/1.1 200 OK", line
    assert [field for field in fields if field in wanted] == wanted, fields


def reason_phrase():
    c = Connection()
    c.ask("GET /teapot")
    assert c.head()[0].startswith("HTTP/1.1 418"), "the status"


def old_client():
    """HTTP/1.0 without and with keep-alive; the end of the connection is the end of what has no length."""
    c = Connection()
    c.send(f"GET / HTTP/1.0\r\nHost: {authority}\r\n\r\n")
    line, fields = c.head()
    assert " 200 " in line, line
    assert value(fields, "transfer-encoding") is None, fields
    assert c.to_the_end() == b"ok"
    c = Connection()
    c.send(f"GET /trailers HTTP/1.0\r\nHost: {authority}\r\n\r\n")
    line, fields = c.head()
    assert value(fields, "transfer-encoding") is None, "HTTP/1.0 knows no chunks"
    assert c.to_the_end() == b"hello, world"
    c = Connection()
    c.send(f"GET / HTTP/1.0\r\nHost: {authority}\r\nConnection: keep-alive\r\n\r\n")
    _, fields, body = c.answer()
    assert body == b"ok"


def old_server():
    """An answer of HTTP/1.0, which ends with its connection."""
    c = Connection()
    c.ask("GET /old")
    status, fields, body = c.answer()
    assert (status, value(fields, "x-old"), body) == (200, "yes", b"until the end"), (status, fields, body)


def pipelined():
    c = Connection()
    requests = b""
    for number in range(50):
        body = b"+" * (number % 3)
        method = "POST" if body else "GET"
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        requests += f"{method} /number/{number} HTTP/1.1\r\nHost: {authority}\r\n{length}\r\n".encode() + body
    c.send(requests)
    for number in range(50):
        assert c.answer()[2] == str(number).encode() + b"+" * (number % 3), number


def chunks_and_trailers():
    c = Connection()
    c.ask("GET /trailers", "TE: trailers")
    line, fields = c.head()
    assert value(fields, "transfer-encoding") == "chunked", fields
    assert c.chunked() == (b"hello, world", [("X-Sum", "12"), ("X-Late", "yes")])
    body = os.urandom(300_000)
    c.ask("POST /upload", "Transfer-Encoding: chunked", "Trailer: X-Check")
    for start in range(0, len(body), 7777):
        piece = body[start:start + 7777]
        c.send(b"%x;ext=1\r\n%s\r\n" % (len(piece), piece))
    c.send("0\r\nX-Check: fine\r\n\r\n")
    answer = c.answer()[2].decode()
    assert answer == f"{hashlib.sha256(body).hexdigest()} 300000\nX-Check: fine\r\n", answer


def continued():
    """100 comes from the application, before any of the body has gone to it."""
    c = Connection()
    c.ask("POST /continue", "Expect: 100-continue", "Content-Length: 5")
    line, _ = c.head()
    assert line.startswith("HTTP/1.1 100"), line
    c.send("hello")
    assert c.answer()[0::2] == (200, b"hello")
    c = Connection()
    c.ask("POST /expectation", "Expect: 100-continue", "Content-Length: 5")
    line, fields = c.head()
    assert line.startswith("HTTP/1.1 417"), line
    c = Connection()
    c.ask("GET /note")
    assert c.answer()[2] == b"unread"


def early_hints():
    c = Connection()
    c.ask("GET /early")
    for link in ("</style.css>; rel=preload", "</script.js>; rel=preload"):
        line, fields = c.head()
        assert line.startswith("HTTP/1.1 103"), line
        assert value(fields, "link") == link, fields
    assert c.answer()[0::2] == (200, b"late")
    c.ask("GET /")
    assert c.answer()[2] == b"ok"


def upgraded():
    c = Connection()
    c.ask("GET /upgrade", "Upgrade: echo/1", "Connection: Upgrade")
    line, fields = c.head()
    assert line.startswith("HTTP/1.1 101"), line
    assert (value(fields, "upgrade"), value(fields, "x-said")) == ("echo/1", "yes"), fields
    assert "upgrade" in value(fields, "connection").lower(), fields
    assert c.exactly(10) == b"first word"
    for size in (1, 10, 100_000):
        sent = os.urandom(size)
        c.send(sent)
        assert c.exactly(size) == sent
    # The application hears the half-close, and still has something to say.
    c.sock.shutdown(socket.SHUT_WR)
    assert c.to_the_end() == b"last word"


def upgrade_refused():
    """Who doesn't want another protocol answers as ever, and the connection goes on."""
    c = Connection()
    c.ask("GET /no-upgrade", "Upgrade: echo/1", "Connection: Upgrade")
    assert c.answer()[0::2] == (200, b"plain")
    c.ask("GET /426")
    status, fields, _ = c.answer()
    assert (status, value(fields, "upgrade")) == (426, "other/2"), (status, fields)
    c.ask("GET /")
    assert c.answer()[2] == b"ok"


def events():
    """Each event arrives before the next is made."""
    c, other = Connection(), Connection()
    c.ask("GET /events", "Accept: text/event-stream")
    _, fields = c.head()
    assert value(fields, "content-type") == "text/event-stream", fields
    for number in range(3):
        while b"\n\n" not in c.rest:
            assert c.more()
        assert f"data: event {number}\n\n".encode() in c.rest, c.rest
        c.rest = b""
        other.ask("GET /next")
        other.answer()


def without_a_body():
    c = Connection()
    c.ask("GET /204")
    line, fields = c.head()
    assert line.startswith("HTTP/1.1 204") and value(fields, "x-empty") == "yes", (line, fields)
    assert value(fields, "content-length") is None and value(fields, "transfer-encoding") is None, fields
    c.ask("GET /304")
    line, fields = c.head()
    assert line.startswith("HTTP/1.1 304") and value(fields, "etag") == '"1"', (line, fields)
    c.ask("HEAD /some")
    line, fields = c.head()
    assert line.startswith("HTTP/1.1 200") and value(fields, "content-length") == "1234", (line, fields)
    c.ask("GET /")
    assert c.answer()[2] == b"ok"


def connected():
    """CONNECT through the proxy: what comes after it is the application's."""
    if not proxy:
        return
    c = Connection(proxy)
    c.send(f"CONNECT {authority}:80 HTTP/1.1\r\nHost: {authority}:80\r\n\r\n")
    line, fields = c.head()
    assert line.startswith("HTTP/1.1 200"), line
    assert value(fields, "content-length") is None and value(fields, "transfer-encoding") is None, fields
    for _ in range(2):
        c.ask("GET /")
        assert c.answer()[0::2] == (200, b"ok")
    c = Connection(proxy)
    c.send("CONNECT nobody.nowhere.svc.cluster.local:80 HTTP/1.1\r\nHost: nobody.nowhere.svc.cluster.local:80\r\n\r\n")
    line, _ = c.head()
    assert line.split(" ")[1][0] in "45", line


def by_proxy():
    if not proxy:
        return
    c = Connection(proxy)
    for path in ("/", "/head"):
        c.send(f"GET http://{authority}{path} HTTP/1.1\r\nHost: {authority}\r\nX-Mine: 1\r\n\r\n")
        status, _, body = c.answer()
        assert status == 200, (status, body)
    assert body.startswith(b"GET /head HTTP/1.1\r\n") and b"\r\nX-Mine: 1\r\n" in body, body


SCENARIOS = [keep_alive, order_and_case, reason_phrase, old_client, old_server, pipelined, chunks_and_trailers, continued, early_hints,
             upgraded, upgrade_refused, events, without_a_body, connected, by_proxy]
chosen = sys.argv[4:]
failed = 0
for scenario in SCENARIOS:
    if chosen and scenario.__name__ not in chosen:
        continue
    try:
        scenario()
        print("ok", scenario.__name__, flush=True)
    except (AssertionError, OSError, ValueError) as error:
        failed += 1
        print(f"FAILED {scenario.__name__}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
sys.exit(1 if failed else 0)
