"""A client of the package dnspython: dns_client.py PORT. The server's zone is weft.test. Fails with a trace."""
import concurrent.futures
import sys

import dns.flags
import dns.message
import dns.query
import dns.rcode

port = int(sys.argv[1])


def ask(name, kind, payload=4096, over=dns.query.udp):
    query = dns.message.make_query(name, kind, use_edns=0, payload=payload)
    return over(query, "127.0.0.1", timeout=30, port=port)


def texts(answer):
    return [part.decode() for rrset in answer.answer for item in rrset for part in getattr(item, "strings", [])]


def addresses():
    assert [item.address for item in ask("a.weft.test", "A").answer[0]] == ["192.0.2.7"]
    assert [item.address for item in ask("a.weft.test", "AAAA").answer[0]] == ["2001:db8::7"]
    assert ask("absent.weft.test", "A").rcode() == dns.rcode.NXDOMAIN


def many_at_once():
    """Each answer goes to who asked: IDs and ports are kept apart."""
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        answers = pool.map(lambda number: (number, texts(ask(f"n{number % 50}.weft.test", "TXT"))), range(1000))
        for number, said in answers:
            assert said == [f"text {number % 50}"], (number, said)


def larger_than_a_packet():
    """An answer larger than the path's MTU."""
    answer = ask("large.weft.test", "TXT")
    assert not answer.flags & dns.flags.TC
    assert "".join(texts(answer)) == "large " * 500, len(answer.to_wire())


for scenario in (addresses, many_at_once, larger_than_a_packet):
    scenario()
    print("ok", scenario.__name__, flush=True)
