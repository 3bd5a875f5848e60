"""Keeps gRPC streams open until SIGTERM, then prints what became of them. argv: port, authority, streams of each kind."""
import json
import queue
import signal
import sys
import threading

import grpc

port, authority, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
channel = grpc.insecure_channel(
    "127.0.0.1:" + port,
    options=[("grpc.default_authority", authority), ("grpc.enable_retries", 0)],
)
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
lock = threading.Lock()
figures = {"streams": 0, "messages": 0, "broken": [], "disordered": 0, "open": 0}


def follow(kind, call, feed=None):
    first = True
    number = 0
    try:
        for message in call:
            with lock:
                figures["messages"] += 1
                if first:
                    figures["open"] += 1
                    if figures["open"] == 2 * count:
                        print("OPEN", flush=True)
                    first = False
                if message != b"%d" % number:
                    figures["disordered"] += 1
            number += 1
            if stop.is_set():
                call.cancel()
                break
            if feed is not None:
                feed.put(b"%d" % number)
                stop.wait(0.02)
        else:
            with lock:
                figures["broken"].append(kind + ": ended early")
    except grpc.RpcError as error:
        if not stop.is_set():
            with lock:
                figures["broken"].append(f"{kind}: {error.code()} {error.details()}")
            print("BROKEN", flush=True)


threads = []
for _ in range(count):
    call = channel.unary_stream("/test.Streams/Tick")(b"")
    threads.append(threading.Thread(target=follow, args=("tick", call)))
    feed = queue.Queue()
    feed.put(b"0")
    call = channel.stream_stream("/test.Streams/Echo")(iter(feed.get, None))
    threads.append(threading.Thread(target=follow, args=("echo", call, feed)))
figures["streams"] = len(threads)
for thread in threads:
    thread.daemon = True
    thread.start()
stop.wait()
for thread in threads:
    thread.join(10)
print("REPORT " + json.dumps(figures), flush=True)
