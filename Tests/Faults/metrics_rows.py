"""Those who read metrics: by HTTP, slowly, wrongly, and too many of them."""

import contextlib
import re
import socket
import subprocess
import time

from peers import FAST, Client, check, cpu_seconds, quantile, until
from row import row

GET = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"


def metrics_port(server):
    with open(server.errors) as file:
        return int(re.search(r"^metrics address=.* port=(\d+)$", file.read(), re.M)[1])


def watched(place, **options):
    return place.server(settings=options.pop("settings", "") + "\n[metrics]\nport = 0", **options)


def scrape(port, request=GET):
    client = Client(port)
    client.send(request)
    return client.receive_to_end()


def value(port, name):
    found = re.search(rf"^{re.escape(name)} (\S+)$", scrape(port).decode(), re.M)
    check(found, f"no {name}")
    return float(found[1])


@row("64", "readers of metrics that send nothing, half, garbage, too much, or read nothing: all are cut")
def bad_scrapers(place):
    server = watched(place)
    port = metrics_port(server)
    scrape(port)
    # What the first connection has opened stays.
    descriptors = server.descriptors()
    statuses = [
        (b"\x16\x03\x01\x02\x00", 400), (FAST, 400), (b"GET /metrics\r\n\r\n", 400),
        (b"GET /" + b"x" * 5_000, 414), (GET[:-2] + b"X: " + b"x" * 10_000, 431),
        (b"POST /metrics HTTP/1.0\r\n\r\n", 405), (b"GET /etc/passwd HTTP/1.0\r\n\r\n", 404),
        (b"GET /../healthz HTTP/1.0\r\n\r\n", 404), (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
    ]
    for request, status in statuses:
        answer = scrape(port, request)
        check(answer.startswith(b"HTTP/1.1 %d " % status), f"{request[:40]}: {answer[:40]}")
    start = time.monotonic()
    silent, half, deaf = Client(port), Client(port), Client(port, receive_buffer=1)
    half.send(GET[:20])
    deaf.send(GET)
    check(silent.receive_to_end() == b"", "an answer to nothing")
    check(half.receive_to_end().startswith(b"HTTP/1.1 408 "), "half a request")
    until(lambda: server.descriptors() == descriptors, "all of them are closed")
    place.note(f"those that say nothing, half, or read nothing are gone in {time.monotonic() - start:.1f} s")
    server.connect().fast()
    check(value(port, 'testtask_requests_total{type="fast"}') == 1, "a request is counted")


@row("64-many", "1000 readers of metrics at once, half of whom say nothing: clients are served as before",
     seconds=120)
def many_scrapers(place):
    server = watched(place, descriptors=1_024)
    port = metrics_port(server)
    # One of their own, so that the backlog of the others does not hold it up.
    client = server.connect()
    sockets = []
    answered = 0
    for number in range(1_000):
        scraper = socket.socket()
        scraper.setblocking(False)
        scraper.connect_ex(("127.0.0.1", port))
        sockets.append(scraper)
    trips = []
    for scraper in sockets[::2]:
        with contextlib.suppress(OSError):
            scraper.send(GET)
        start = time.perf_counter()
        client.fast()
        trips.append((time.perf_counter() - start) * 1000)
    check(server.descriptors() < 60, "no more are open than there is room for")
    for scraper in sockets[:100:2]:
        scraper.settimeout(0.02)
        with contextlib.suppress(OSError):
            answered += scraper.recv(100).startswith(b"HTTP/1.1 200")
    for scraper in sockets:
        scraper.close()
    place.note(f"p99 of a client beside them: {quantile(trips, 0.99):.2f} ms; {answered} of the first 50 answered at once")
    until(lambda: scrape(port).startswith(b"HTTP/1.1 200"), "the next one is served")
    check(quantile(trips, 0.99) < 50, "the client waits too long")
    check(value(port, "testtask_clients") == 1, "readers are no clients")


@row("64-promtool", "what is read is what Prometheus' own tool takes, and it counts what happened")
def promtool(place):
    server = watched(place)
    port = metrics_port(server)
    for _ in range(3):
        server.connect().fast()
    server.wait_for_lines("disconnect", 3)
    text = scrape(port).split(b"\r\n\r\n", 1)[1]
    said = subprocess.run(["promtool", "check", "metrics"], input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    check(said.returncode == 0 and not said.stdout, f"promtool: {said.stdout.decode()}")
    check(value(port, "testtask_connects_total") == 3, "connects")
    place.note(f"{text.count(b'# TYPE')} metrics in {len(text)} bytes")
