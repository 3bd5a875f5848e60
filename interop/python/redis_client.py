"""A client of the package redis: redis_client.py PORT. Fails with a trace."""
import os
import sys
import threading

import redis

port = int(sys.argv[1])


def client():
    return redis.Redis("127.0.0.1", port, socket_timeout=30)


def pipelines(one):
    with one.pipeline(transaction=False) as pipe:
        for number in range(10_000):
            pipe.incr("count")
        assert pipe.execute() == list(range(1, 10_001))
    with one.pipeline(transaction=True) as pipe:
        pipe.set("a", "1").get("a").delete("a")
        assert pipe.execute() == [True, b"1", 1]


def big_values(one):
    for size in (1 << 10, 1 << 20, 8 << 20):
        value = os.urandom(size)
        one.set("big", value)
        assert one.get("big") == value, size
    one.delete("big")


def publications(one):
    subscription = client().pubsub()
    subscription.subscribe("news")
    assert subscription.get_message(timeout=30)["type"] == "subscribe"
    for number in range(100):
        assert one.publish("news", f"item {number}") == 1
        said = subscription.get_message(timeout=30)
        assert said["data"] == f"item {number}".encode(), said
    subscription.close()


def blocked_callers(one):
    found = []
    waiting = threading.Thread(target=lambda: found.append(client().blpop("queue", timeout=25)))
    waiting.start()
    while one.info("clients")["blocked_clients"] == 0:
        pass
    one.rpush("queue", "job")
    waiting.join()
    assert found == [(b"queue", b"job")], found


def errors(one):
    try:
        one.execute_command("NONSENSE")
        raise AssertionError("it is known")
    except redis.ResponseError:
        pass
    assert one.ping()


for scenario in (pipelines, big_values, publications, blocked_callers, errors):
    connection = client()
    connection.delete("count", "queue")
    scenario(connection)
    print("ok", scenario.__name__, flush=True)
