"""Half-closed and broken connections, by raw sockets: halves_client.py PORT. Fails with a trace."""
import hashlib
import os
import socket
import struct
import sys

port = int(sys.argv[1])


def dial(word):
    sock = socket.create_connection(("127.0.0.1", port), timeout=30)
    assert until_newline(sock) == b"hello, who are you?\n", "the server speaks first"
    sock.sendall(word.encode() + b"\n")
    return sock


def until_newline(sock):
    line = b""
    while not line.endswith(b"\n"):
        byte = sock.recv(1)
        assert byte, line
        line += byte
    return line


def to_the_end(sock):
    read = b""
    while data := sock.recv(1 << 16):
        read += data
    return read


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def note():
    with dial("note") as sock:
        return to_the_end(sock)


def told(data):
    return b"%d %s" % (len(data), hashlib.sha256(data).hexdigest().encode())


def caller_ends_its_half_first():
    for size in (0, 1, 3_000_000):
        data = os.urandom(size)
        with dial("whole") as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            assert to_the_end(sock) == told(data), size


def server_ends_its_half_first():
    data = os.urandom(3_000_000)
    with dial("half") as sock:
        assert to_the_end(sock) == b"bye\n"
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        assert note() == told(data)


def server_resets():
    sock = dial("broken")
    assert sock.recv(1000, socket.MSG_WAITALL) == b"x" * 1000
    sock.sendall(b".")
    try:
        assert sock.recv(1) == b"", "more came"
        raise AssertionError("the connection ended as if all were well")
    except ConnectionResetError:
        pass


def caller_resets():
    sock = dial("wait")
    assert sock.recv(8, socket.MSG_WAITALL) == b"waiting\n"
    reset(sock)
    assert note() == b"RST"
    sock = dial("wait")
    assert sock.recv(8, socket.MSG_WAITALL) == b"waiting\n"
    sock.close()
    assert note() == b"FIN"


def caller_leaves_an_endless_answer():
    sock = dial("endless")
    assert len(sock.recv(1 << 16, socket.MSG_WAITALL)) == 1 << 16
    reset(sock)
    assert note() == b"told"


failed = 0
for scenario in (caller_ends_its_half_first, server_ends_its_half_first, server_resets, caller_resets, caller_leaves_an_endless_answer):
    try:
        scenario()
        print("ok", scenario.__name__, flush=True)
    except (AssertionError, OSError) as error:
        failed += 1
        print(f"FAILED {scenario.__name__}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
sys.exit(1 if failed else 0)
