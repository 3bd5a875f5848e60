"""A gRPC server without generated code: bytes in, bytes out. argv: port."""
import signal
import sys
import threading
import time
from concurrent import futures

import grpc


def tick(request, context):
    """Sends a number every 20 ms until the caller has enough."""
    number = 0
    while context.is_active():
        yield b"%d" % number
        number += 1
        time.sleep(0.02)


def echo(requests, context):
    yield from requests


def once(request, context):
    return request


handlers = {
    "Tick": grpc.unary_stream_rpc_method_handler(tick),
    "Echo": grpc.stream_stream_rpc_method_handler(echo),
    "Once": grpc.unary_unary_rpc_method_handler(once),
}
server = grpc.server(futures.ThreadPoolExecutor(max_workers=128))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Streams", handlers),))
assert server.add_insecure_port("127.0.0.1:" + sys.argv[1])
server.start()
print("SERVING", flush=True)
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
stop.wait()
server.stop(0)
