"""Python's gRPC as a server: every kind of call. Prints its port, then serves until it is stopped."""

import asyncio
import sys

import grpc

import echo_pb2
import echo_pb2_grpc

LIMITS = [("grpc.max_receive_message_length", 8 << 20), ("grpc.max_send_message_length", 8 << 20)]


class Echo(echo_pb2_grpc.EchoServicer):
    def __init__(self):
        self.cancelled = 0

    async def Unary(self, request, context):
        sent = dict(context.invocation_metadata())
        await context.send_initial_metadata((("x-initial", sent.get("x-sent", "none")),))
        trailing = [("x-trailing", "end")]
        if "x-sent-bin" in sent:
            trailing.append(("x-trailing-bin", sent["x-sent-bin"]))
        context.set_trailing_metadata(trailing)
        return request

    async def ServerStream(self, request, context):
        for number in range(request.number):
            yield echo_pb2.Message(number=number, payload=request.payload)

    async def ClientStream(self, requests, context):
        total = 0
        async for request in requests:
            total += request.number
        return echo_pb2.Message(number=total)

    async def Both(self, requests, context):
        async for request in requests:
            yield request

    async def Slow(self, request, context):
        try:
            await asyncio.sleep(request.number / 1000)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        left = context.time_remaining()
        return echo_pb2.Message(number=-1 if left is None else int(left * 1000))

    async def Fail(self, request, context):
        context.set_trailing_metadata((("grpc-status-details-bin", b"\x08\x05\x12\x04rich"),))
        code = [each for each in grpc.StatusCode if each.value[0] == request.number][0]
        await context.abort(code, "failed as asked: caf\u00e9 100%")

    async def Cancelled(self, request, context):
        return echo_pb2.Message(number=self.cancelled)


async def main():
    server = grpc.aio.server(options=LIMITS)
    echo_pb2_grpc.add_EchoServicer_to_server(Echo(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
