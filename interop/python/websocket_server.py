"""An echo server of the package websockets. Prints its port.

A text "close CODE REASON" makes it close so; "binary N" makes it send N bytes; "/refused" is answered with 403, "/chat" with a subprotocol.
"""
import asyncio
import http

from websockets.asyncio.server import serve


async def echo(connection):
    async for message in connection:
        if isinstance(message, str) and message.startswith("close "):
            _, code, reason = message.split(" ", 2)
            await connection.close(int(code), reason)
            return
        if isinstance(message, str) and message.startswith("binary "):
            await connection.send(bytes(range(256)) * (int(message.split()[1]) // 256))
        elif isinstance(message, str) and message == "ping me":
            await (await connection.ping(b"from the server"))
            await connection.send("ponged")
        elif isinstance(message, str) and message == "in pieces":
            await connection.send(piece for piece in ("one ", "two ", "three"))
        else:
            await connection.send(message)


def refuse(connection, request):
    if request.path == "/refused":
        return connection.respond(http.HTTPStatus.FORBIDDEN, "not you\n")


def choose(connection, offered):
    return "chat" if "chat" in offered else None


async def main():
    server = await serve(echo, "127.0.0.1", 0, max_size=4 << 20, process_request=refuse, select_subprotocol=choose)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
