"""A server of raw sockets: it does to HTTP/1 whatever its paths say, byte by byte. Prints its port.

What can't be seen in an answer it keeps in a note, which /note gives once it is there.
"""
import hashlib
import queue
import re
import socket
import threading

notes = queue.Queue()
let_go = threading.Event()


class Connection:
    def __init__(self, sock):
        self.sock, self.rest = sock, b""

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.rest += data

    def until(self, end):
        while end not in self.rest:
            self.more()
        found, self.rest = self.rest.split(end, 1)
        return found + end

    def exactly(self, count):
        while len(self.rest) < count:
            self.more()
        found, self.rest = self.rest[:count], self.rest[count:]
        return found

    def chunked(self):
        """The body and the trailer section as it came."""
        body = b""
        while size := int(self.until(b"\r\n").split(b";")[0], 16):
            body += self.exactly(size)
            assert self.exactly(2) == b"\r\n"
        trailers = b""
        while (line := self.until(b"\r\n")) != b"\r\n":
            trailers += line
        return body, trailers

    def body(self, head):
        if length := re.search(rb"(?i)\r\ncontent-length:\s*(\d+)", head):
            return self.exactly(int(length[1])), b""
        if re.search(rb"(?i)\r\ntransfer-encoding:\s*chunked", head):
            return self.chunked()
        return b"", b""

    def has_unread(self):
        if self.rest:
            return True
        self.sock.setblocking(False)
        try:
            return bool(self.sock.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False
        finally:
            self.sock.setblocking(True)

    def send(self, text):
        self.sock.sendall(text if isinstance(text, bytes) else text.encode())

    def ok(self, body, *fields):
        lines = "".join(f"{field}\r\n" for field in fields)
        self.send(f"HTTP/1.1 200 OK\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body)


def answer(c, head):
    path = head.split(b" ")[1].split(b"?")[0].decode()
    if path == "/head":
        c.body(head)
        c.ok(head)
    elif path == "/order":
        c.send("HTTP/1.1 200 OK\r\nX-Zebra: 1\r\nsEt-CoOkIe: a=1\r\nX-Apple: 2\r\nx-zebra: 3\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n")
    elif path == "/trailers" and b" HTTP/1.0\r\n" in head:
        c.send("HTTP/1.0 200 OK\r\n\r\nhello, world")
    elif path == "/trailers":
        c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, X-Late\r\n\r\n"
               "5\r\nhello\r\n7\r\n, world\r\n0\r\nX-Sum: 12\r\nX-Late: yes\r\n\r\n")
    elif path == "/upload":
        body, trailers = c.body(head)
        c.ok(hashlib.sha256(body).hexdigest().encode() + b" %d\n" % len(body) + trailers)
    elif path == "/early":
        c.send("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
               "HTTP/1.1 103 Early Hints\r\nLink: </script.js>; rel=preload\r\n\r\n")
        c.ok(b"late")
    elif path == "/continue":
        early = c.has_unread()
        c.send("HTTP/1.1 100 Continue\r\n\r\n")
        body, _ = c.body(head)
        c.ok(b"too early" if early else body)
    elif path == "/expectation":
        c.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        notes.put(b"unread" if not c.has_unread() else b"there was a body")
        raise EOFError
    elif path == "/upgrade":
        assert re.search(rb"(?i)\r\nupgrade:\s*echo/1", head) and re.search(rb"(?i)\r\nconnection:[^\r]*upgrade", head), head
        c.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo/1\r\nConnection: Upgrade\r\nX-Said: yes\r\n\r\nfirst word")
        c.send(c.rest)
        while data := c.sock.recv(65536):
            c.send(data)
        c.send("last word")
        raise EOFError
    elif path == "/no-upgrade":
        c.ok(b"plain")
    elif path == "/426":
        c.send("HTTP/1.1 426 Upgrade Required\r\nUpgrade: other/2\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n")
    elif path == "/events":
        c.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(3):
            event = f"id: {number}\ndata: event {number}\n\n"
            c.send(f"{len(event):x}\r\n{event}\r\n")
            assert let_go.wait(30)
            let_go.clear()
        c.send("0\r\n\r\n")
    elif path == "/next":
        let_go.set()
        c.ok(b"")
    elif path == "/old":
        c.send("HTTP/1.0 200 OK\r\nX-Old: yes\r\n\r\nuntil the end")
        raise EOFError
    elif path == "/note":
        c.ok(notes.get(timeout=30))
    elif path.startswith("/number/"):
        body, _ = c.body(head)
        c.ok(path[8:].encode() + body)
    elif path == "/204":
        c.send("HTTP/1.1 204 No Content\r\nX-Empty: yes\r\n\r\n")
    elif path == "/304":
        c.send("HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nContent-Length: 1000\r\n\r\n")
    elif path == "/teapot":
        c.send("HTTP/1.1 418 Short And Stout\r\nContent-Length: 0\r\n\r\n")
    elif head.startswith(b"HEAD"):
        c.send("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")
    else:
        c.ok(b"ok")


def serve(sock):
    c = Connection(sock)
    try:
        while True:
            head = c.until(b"\r\n\r\n")
            answer(c, head)
            if b" HTTP/1.0\r\n" in head and not re.search(rb"(?i)\r\nconnection:\s*keep-alive", head):
                return
    except (EOFError, ConnectionError):
        pass
    finally:
        sock.close()


listener = socket.create_server(("127.0.0.1", 0), backlog=128)
print(listener.getsockname()[1], flush=True)
while True:
    accepted, _ = listener.accept()
    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    threading.Thread(target=serve, args=(accepted,), daemon=True).start()
