"""aioquic as an HTTP/3 server with an SVID: asks for the caller's, echoes requests and UDP packets, and says who called.

h3_server.py PORT SVID ROOT: prints "ready", then serves until it is stopped.
"""

import asyncio
import sys

from aioquic import tls
from aioquic.asyncio import serve
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.buffer import Buffer
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, DatagramReceived, HeadersReceived
from aioquic.quic.events import ProtocolNegotiated, StopSendingReceived, StreamReset

from h3_svid import configuration, proven


def ask_for_certificates():
    """aioquic's servers can, and have no setting for it."""
    begin = tls.Context.__init__

    def asking(self, *args, **kwargs):
        begin(self, *args, **kwargs)
        self._request_client_certificate = not self._is_client

    tls.Context.__init__ = asking


def server_class(root):
    class Server(QuicConnectionProtocol):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.http = None
            self.heads = {}
            self.bodies = {}
            self.packets = set()

        def quic_event_received(self, event):
            if isinstance(event, ProtocolNegotiated):
                self.http = H3Connection(self._quic, enable_webtransport=True)
            if self.http is None or isinstance(event, (StreamReset, StopSendingReceived)):
                return
            for received in self.http.handle_event(event):
                stream = received.stream_id
                if isinstance(received, HeadersReceived):
                    self.heads.setdefault(stream, dict(received.headers))
                    self.begin(stream)
                elif isinstance(received, DataReceived) and stream in self.packets:
                    # Capsules go back as they came.
                    self.http.send_data(stream, received.data, end_stream=received.stream_ended)
                    continue
                elif isinstance(received, DataReceived):
                    self.bodies[stream] = self.bodies.get(stream, b"") + received.data
                elif isinstance(received, DatagramReceived):
                    self.http.send_datagram(stream, received.data)
                    continue
                if received.stream_ended and stream not in self.packets:
                    self.answer(stream)
            self.transmit()

        def begin(self, stream):
            head = self.heads[stream]
            if head.get(b":protocol") == b"connect-udp":
                self.packets.add(stream)
                self.http.send_headers(stream, [(b":status", b"200"), (b"capsule-protocol", b"?1")])

        def answer(self, stream):
            head = self.heads[stream]
            caller = proven(self._quic, root).encode()
            is_grpc = head.get(b"content-type") == b"application/grpc"
            fields = [
                (b":status", b"200"),
                (b"content-type", head.get(b"content-type", b"text/plain")),
                (b"x-caller", caller),
                (b"x-path", head[b":path"]),
                (b"x-authority", head[b":authority"]),
            ]
            self.http.send_headers(stream, fields)
            self.http.send_data(stream, self.bodies.pop(stream, b""), end_stream=not is_grpc)
            if is_grpc:
                self.http.send_headers(stream, [(b"grpc-status", b"0")], end_stream=True)

    return Server


async def main(port, svid, root):
    ask_for_certificates()
    settings = configuration(svid, False)
    await serve("127.0.0.1", int(port), configuration=settings, create_protocol=server_class(root))
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
