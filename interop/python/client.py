"""Python's gRPC as a client: runs one named scenario against a target and exits with 0 only if all of it held."""

import asyncio
import sys

import grpc

import echo_pb2
import echo_pb2_grpc

OPTIONS = [("grpc.max_receive_message_length", 8 << 20), ("grpc.max_send_message_length", 8 << 20)]
Message = echo_pb2.Message


def expect(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


async def kinds(stub):
    expect("unary", (await stub.Unary(Message(number=7))).number, 7)
    got = [message.number async for message in stub.ServerStream(Message(number=50))]
    expect("server streaming", got, list(range(50)))

    async def numbers():
        for number in range(100):
            yield Message(number=number)

    expect("client streaming", (await stub.ClientStream(numbers())).number, sum(range(100)))
    # Each message is sent only after the one before came back: nothing may wait for an end.
    both = stub.Both()
    for number in range(50):
        await both.write(Message(number=number))
        expect("bidirectional", (await both.read()).number, number)
    await both.done_writing()
    expect("end of the stream", await both.read(), grpc.aio.EOF)


async def deadline(stub):
    try:
        await stub.Slow(Message(number=30_000), timeout=0.5)
    except grpc.aio.AioRpcError as error:
        expect("code", error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
    else:
        raise AssertionError("the deadline passed and nothing happened")
    left = (await stub.Slow(Message(number=1), timeout=20)).number
    if not 0 < left <= 21_000:  # gRPC rounds what it sends up
        raise AssertionError(f"the server was told {left} ms")


async def cancellation(stub):
    before = (await stub.Cancelled(Message())).number
    call = stub.Slow(Message(number=60_000))
    await asyncio.sleep(0)
    # The call is at the server once a later one on the same connection has been answered twice.
    await stub.Unary(Message())
    await stub.Slow(Message(number=300))
    call.cancel()
    while (await stub.Cancelled(Message(), timeout=30)).number != before + 1:
        pass


async def metadata(stub):
    call = stub.Unary(Message(number=1), metadata=(("x-sent", "there"), ("x-sent-bin", b"\x00\xff\x10")))
    initial = dict(await call.initial_metadata())
    expect("initial metadata", initial.get("x-initial"), "there")
    await call
    trailing = dict(await call.trailing_metadata())
    expect("trailing metadata", trailing.get("x-trailing"), "end")
    expect("binary metadata", trailing.get("x-trailing-bin"), b"\x00\xff\x10")


async def errors(stub):
    for number in range(1, 17):
        try:
            await stub.Fail(Message(number=number))
        except grpc.aio.AioRpcError as error:
            expect("code", error.code().value[0], number)
            expect("message", error.details(), "failed as asked: caf\u00e9 100%")
            details = dict(error.trailing_metadata()).get("grpc-status-details-bin")
            expect("rich details", details, b"\x08\x05\x12\x04rich")
        else:
            raise AssertionError(f"status {number} became success")


async def large(stub):
    payload = bytes(range(256)) * (4 << 12)
    expect("size", len(payload), 4 << 20)
    echoed = await stub.Unary(Message(payload=payload))
    expect("4 MiB", echoed.payload == payload, True)
    got = [message async for message in stub.ServerStream(Message(number=4, payload=payload))]
    expect("4 MiB, streamed", [message.payload == payload for message in got], [True] * 4)


async def concurrent(stub):
    calls = [stub.Slow(Message(number=500), timeout=60) for _ in range(1000)]
    answers = await asyncio.gather(*calls)
    expect("answers", len(answers), 1000)


async def refused(stub):
    try:
        await stub.Unary(Message(), timeout=20)
    except grpc.aio.AioRpcError as error:
        expect("code", error.code(), grpc.StatusCode.PERMISSION_DENIED)
    else:
        raise AssertionError("a call without a policy was answered")


async def main(target, authority, scenario):
    options = [*OPTIONS, ("grpc.default_authority", authority)]
    async with grpc.aio.insecure_channel(target, options=options) as channel:
        await globals()[scenario](echo_pb2_grpc.EchoStub(channel))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
