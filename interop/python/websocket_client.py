"""A client of the package websockets: websocket_client.py PORT AUTHORITY. Fails with a trace."""
import asyncio
import hashlib
import os
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus

port, authority = int(sys.argv[1]), sys.argv[2]


def dial(path="/", **more):
    return connect(f"ws://{authority}{path}", host="127.0.0.1", port=port, max_size=4 << 20, proxy=None, **more)


async def echoes():
    async with dial() as socket:
        for message in ["", "hello", "grüße 🌍" * 100, b"", b"\0\xff" * 1000]:
            await socket.send(message)
            assert await socket.recv() == message
        await socket.send(["in ", "three ", "frames"])
        assert await socket.recv() == "in three frames"
        await socket.send("in pieces")
        assert await socket.recv() == "one two three"


async def pings():
    async with dial() as socket:
        assert await (await socket.ping(b"payload")) > 0
        await socket.send("ping me")
        assert await socket.recv() == "ponged"


async def mebibytes():
    async with dial() as socket:
        for _ in range(4):
            message = os.urandom(1 << 20)
            await socket.send(message)
            assert hashlib.sha256(await socket.recv()).digest() == hashlib.sha256(message).digest()
        await socket.send(f"binary {1 << 20}")
        assert await socket.recv() == bytes(range(256)) * 4096


async def both_ways_at_once():
    async with dial() as socket:
        async def send():
            for number in range(500):
                await socket.send(f"{number}")
        sending = asyncio.create_task(send())
        for number in range(500):
            assert await socket.recv() == f"{number}"
        await sending


async def closes():
    async with dial() as socket:
        await socket.send("close 4001 because")
        try:
            await socket.recv()
            raise AssertionError("it isn't closed")
        except ConnectionClosedError as error:
            assert (error.rcvd.code, error.rcvd.reason) == (4001, "because"), error
    async with dial() as socket:
        await socket.send("close 1000 done")
        try:
            await socket.recv()
            raise AssertionError("it isn't closed")
        except ConnectionClosedOK as closed:
            assert (closed.rcvd.code, closed.rcvd.reason) == (1000, "done"), closed
    socket = await dial()
    await socket.close(3000, "enough")
    assert socket.close_code == 3000, socket.close_code


async def refused():
    try:
        await dial("/refused")
        raise AssertionError("it isn't refused")
    except InvalidStatus as error:
        assert error.response.status_code == 403, error
        assert error.response.body == b"not you\n", error.response.body


async def subprotocol():
    async with dial("/chat", subprotocols=["other", "chat"]) as socket:
        assert socket.subprotocol == "chat", socket.subprotocol


async def main():
    for scenario in (echoes, pings, mebibytes, both_ways_at_once, closes, refused, subprotocol):
        await asyncio.wait_for(scenario(), 30)
        print(scenario.__name__, flush=True)


asyncio.run(main())
