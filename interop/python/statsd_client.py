"""A client of the package statsd: statsd_client.py PORT COUNT. Sends COUNT times 1 to a counter, one packet each, and one packet of many."""
import sys
import time

import statsd

port, count = int(sys.argv[1]), int(sys.argv[2])
client = statsd.StatsClient("127.0.0.1", port)
for number in range(count):
    client.incr("weft.requests")
    if number % 20 == 19:
        time.sleep(0.01)  # UDP has no back-pressure: a burst beyond a socket's buffer would be lost directly, too
with client.pipeline() as pipe:
    for number in range(30):
        pipe.incr("weft.piped")
client.gauge("weft.level", 7)
client.timing("weft.took", 320)
