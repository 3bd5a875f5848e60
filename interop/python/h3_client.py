"""aioquic as an HTTP/3 client with an SVID: runs one named scenario and exits with 0 only if all of it held.

h3_client.py PORT SERVER_NAME SVID ROOT EXPECTED_ID SCENARIO
"""

import asyncio
import sys
from collections import deque

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.buffer import Buffer
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, DatagramReceived, HeadersReceived
from aioquic.quic.events import ConnectionTerminated, StopSendingReceived, StreamReset

from h3_svid import configuration, proven

PATIENCE = 30


def expect(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


class Answer:
    def __init__(self):
        self.heads = []
        self.body = b""
        self.datagrams = deque()
        self.reset = None
        self.over = False
        self.ended_with_head = False
        self.changed = asyncio.Event()

    @property
    def status(self):
        return int(dict(self.heads[0])[b":status"]) if self.heads else None

    async def until(self, holds):
        async with asyncio.timeout(PATIENCE):
            while not holds(self):
                self.changed.clear()
                await self.changed.wait()
        return self

    async def end(self):
        return await self.until(lambda answer: answer.over)


class Client(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.http = H3Connection(self._quic, enable_webtransport=True)
        self.answers = {}
        self.closed = asyncio.Event()

    def send(self, headers, body=None, end=True):
        stream = self._quic.get_next_available_stream_id()
        answer = self.answers[stream] = Answer()
        answer.stream = stream
        self.http.send_headers(stream, headers, end_stream=end and body is None)
        if body is not None:
            self.http.send_data(stream, body, end_stream=end)
        self.transmit()
        return answer

    def quic_event_received(self, event):
        if isinstance(event, ConnectionTerminated):
            self.closed.set()
            for answer in self.answers.values():
                answer.over = True
                answer.changed.set()
        if isinstance(event, StreamReset) and event.stream_id in self.answers:
            answer = self.answers[event.stream_id]
            answer.reset = event.error_code
            answer.over = True
            answer.changed.set()
        if isinstance(event, (StreamReset, StopSendingReceived)):
            return
        for received in self.http.handle_event(event):
            answer = self.answers.get(received.stream_id)
            if answer is None:
                continue
            if isinstance(received, HeadersReceived):
                answer.heads.append(received.headers)
                answer.ended_with_head = received.stream_ended and len(answer.heads) == 1
                answer.over |= received.stream_ended
            elif isinstance(received, DataReceived):
                answer.body += received.data
                answer.over |= received.stream_ended
            elif isinstance(received, DatagramReceived):
                answer.datagrams.append(received.data)
            answer.changed.set()


def head(authority, path="/", method="GET", more=()):
    names = [(":method", method), (":scheme", "https"), (":authority", authority), (":path", path), *more]
    return [(name.encode(), value.encode()) for name, value in names]


async def ordinary(client, host):
    answer = await client.send(head(host, "/bytes/100000")).end()
    expect("status", answer.status, 200)
    expect("length", len(answer.body), 100_000)
    # What claims an identity is replaced by what was proven.
    claimed = [("x-forwarded-client-cert", "URI=spiffe://a/root"), ("x-spiffe-caller", "spiffe://a/root"), ("x-mine", "kept")]
    answer = await client.send(head(host, "/asked", "POST", claimed), b"x" * 300_000).end()
    expect("status", answer.status, 200)


async def many(client, host):
    answers = [client.send(head(host, f"/{number}")) for number in range(200)]
    for answer in answers:
        expect("status", (await answer.end()).status, 200)


async def ambiguous(client, host):
    for path in ["/a/../b", "/a%2fb", "//a", "/a\\b"]:
        answer = await client.send(head(host, path)).end()
        if answer.status != 400 and answer.reset is None:
            raise AssertionError(f"{path}: {answer.status}")


async def elsewhere(client, _host):
    for host in ["secrets.shop.svc.cluster.local", "nothing.shop.svc.cluster.local", "example.com"]:
        answer = await client.send(head(host)).end()
        expect(host, answer.status, 403)
        expect("body", answer.body, b"")


async def denied(client, host):
    expect("status", (await client.send(head(host)).end()).status, 403)


async def unavailable(client, host):
    answer = await client.send(head(host)).end()
    expect("rejected, so that anybody may send it again", answer.reset, 0x10B)


async def grpc(client, host):
    more = [("content-type", "application/grpc"), ("te", "trailers"), ("x-sent", "there")]
    message = b"\x08\x07"
    body = b"\0" + len(message).to_bytes(4, "big") + message
    answer = await client.send(head(host, "/interop.Echo/Unary", "POST", more), body).end()
    expect("status", answer.status, 200)
    expect("body", answer.body, body)
    expect("initial metadata", dict(answer.heads[0])[b"x-initial"], b"there")
    trailers = dict(answer.heads[-1])
    expect("heads", len(answer.heads), 2)
    expect("grpc-status", trailers[b"grpc-status"], b"0")
    expect("trailing metadata", trailers[b"x-trailing"], b"end")
    # A failure is a head alone, which gRPC tells apart from an empty body.
    answer = await client.send(head(host, "/interop.Echo/Fail", "POST", more), body).end()
    expect("grpc-status", dict(answer.heads[0])[b"grpc-status"], b"7")
    expect("a head alone", answer.ended_with_head, True)
    # A bidirectional stream: each message comes back before the next is sent.
    answer = client.send(head(host, "/interop.Echo/Both", "POST", more), end=False)
    for number in range(1, 20):
        client.http.send_data(answer.stream, body, end_stream=False)
        client.transmit()
        await answer.until(lambda answer: len(answer.body) == number * len(body))
    client.http.send_data(answer.stream, b"", end_stream=True)
    client.transmit()
    await answer.end()
    expect("grpc-status", dict(answer.heads[-1])[b"grpc-status"], b"0")


async def udp(client, host):
    def ask(target):
        path = f"/.well-known/masque/udp/{target}/53/"
        more = [(":protocol", "connect-udp"), ("capsule-protocol", "?1")]
        pseudo = head(host, path, "CONNECT")
        return client.send(pseudo + [(n.encode(), v.encode()) for n, v in more], end=False)

    answer = await ask(host).until(lambda answer: answer.heads or answer.over)
    expect("status", answer.status, 200)
    for number in range(50):
        packet = f"packet {number}".encode()
        client.http.send_datagram(answer.stream, b"\0" + packet)
        client.transmit()
        await answer.until(lambda answer: answer.datagrams)
        expect("echo", answer.datagrams.popleft(), b"\0" + packet)
    # Too large for a datagram of ours: it goes as a capsule, and comes back as what the node finds room for.
    packet = bytes(range(250)) * 20
    capsule = Buffer(capacity=8000)
    capsule.push_uint_var(0)
    capsule.push_uint_var(len(packet) + 1)
    capsule.push_bytes(b"\0" + packet)
    client.http.send_data(answer.stream, capsule.data, end_stream=False)
    client.transmit()
    await answer.until(lambda answer: answer.datagrams or len(answer.body) > len(packet))
    back = answer.datagrams[0] if answer.datagrams else answer.body
    expect("capsule", back.endswith(b"\0" + packet), True)
    expect("other target", (await ask("secrets.shop.svc.cluster.local").end()).status, 403)


async def nameless(client, host):
    answer = await client.send(head(host)).end()
    expect("answered", answer.heads, [])
    expect("closed", client.closed.is_set(), True)


async def main(port, server_name, svid, root, expected, scenario):
    settings = configuration(svid, True)
    settings.server_name = server_name
    if scenario == "nameless":
        # No certificate at all: the handshake may look done to the client, but nothing is answered.
        settings.certificate = settings.private_key = None
        settings.certificate_chain = []
    async with connect("127.0.0.1", int(port), configuration=settings, create_protocol=Client) as client:
        expect("the other end", proven(client._quic, root), expected)
        await globals()[scenario](client, server_name)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
