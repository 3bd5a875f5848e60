"""An application for many connections at once, which also misbehaves on demand. Prints its port.

    /            answers "ok"
    /hold        answers once somebody has asked for /release
    /bytes/N     N bytes
    /sink        takes a body whole, and answers with its length
    /stall       reads none of the body until /release, then takes it whole
    /vanish      closes without an answer        /break    closes in the middle of its answer
    /counts      how many requests are held, bytes written, connections open, and requests taken since the start
"""
import asyncio
import json
import re
import socket
import struct

counts = {"held": 0, "written": 0, "connections": 0, "requests": 0}
released = asyncio.Event()
BLOCK = bytes(65536)


async def blocks(writer, length):
    while length > 0:
        block = BLOCK[:length]
        writer.write(block)
        await writer.drain()
        counts["written"] += len(block)
        length -= len(block)


async def body(reader, head):
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
    if length is None:
        if re.search(rb"\r\ntransfer-encoding: *chunked", head, re.I):
            total = 0
            while size := int((await reader.readline()).split(b";")[0], 16):
                await reader.readexactly(size + 2)
                total += size
            await reader.readline()
            return total
        return 0
    left = int(length[1])
    while left > 0:
        data = await reader.read(min(left, 1 << 20))
        if not data:
            raise ConnectionError("the body broke off")
        left -= len(data)
    return int(length[1])


async def answer(reader, writer, head):
    path = head.split(b" ", 2)[1].decode()
    text = b"ok"
    if path == "/counts":
        text = json.dumps(counts).encode()
    elif path == "/release":
        released.set()
    elif path.startswith("/bytes/"):
        length = int(path[7:])
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % length)
        return await blocks(writer, length)
    elif path == "/vanish":
        raise ConnectionError
    elif path == "/break":
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n" + BLOCK)
        await writer.drain()
        raise ConnectionError
    elif path in ("/hold", "/stall"):
        counts["held"] += 1
        try:
            # A caller that goes is noticed where nothing is left to read from it.
            waits = [asyncio.ensure_future(released.wait())]
            if path == "/hold":
                waits.append(asyncio.ensure_future(reader.read(1)))
            _, left = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in left:
                wait.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            if not released.is_set():
                raise ConnectionError
        finally:
            counts["held"] -= 1
    text = b"%d" % await body(reader, head) if path in ("/sink", "/stall") else text
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(text), text))
    await writer.drain()


async def serve(reader, writer):
    counts["connections"] += 1
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            counts["requests"] += 1
            await answer(reader, writer, head)
    except (asyncio.IncompleteReadError, ConnectionError, OSError):
        # Without a goodbye: RST instead of FIN.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    finally:
        counts["connections"] -= 1
        writer.transport.abort()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=4096, limit=1 << 16)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
