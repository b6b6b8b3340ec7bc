"""Proxies in front of the server: what they send of the PROXY protocol, and HAProxy itself."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

from peers import FAST, FAST_ANSWER_LENGTH, PATIENCE, Client, check, quantile, until
from row import row

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINE = b"PROXY TCP4 192.0.2.1 198.51.100.7 56324 25555\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
BINARY = SIGNATURE + bytes.fromhex("2111000c c0000201 c6336407 dc0463d3".replace(" ", ""))
BEHIND_PROXY = "proxy_protocol = yes"


def disconnects(server, count):
    return [dict(field.split("=", 1) for field in line.split() if "=" in field)
            for line in server.wait_for_lines("disconnect", count)]


@row("63", "headers of proxies that are slow, half, wrong, too long or none, from proxies and strangers")
def headers(place):
    server = place.server(settings=BEHIND_PROXY + "\nproxy_timeout_seconds = 1")
    cases = [
        (b"", "handshake", None), (LINE[:20], "handshake", None), (BINARY[:14], "handshake", None),
        (FAST, "violation", "malformedProxyHeader"),
        (b"GET / HTTP/1.1\r\n", "violation", "malformedProxyHeader"),
        (LINE.replace(b"192.0.2.1", b"192.0.2.01"), "violation", "malformedProxyHeader"),
        (b"PROXY UNKNOWN " + b"x" * 200, "violation", "malformedProxyHeader"),
        (BINARY[:14] + b"\xff\xff", "violation", "malformedProxyHeader"),
        (BINARY[:14] + b"\0\x0e" + BINARY[16:] + b"\3\0", "violation", "malformedProxyHeader"),
        # A second header is a frame of thirteen bytes.
        (BINARY + BINARY, "violation", "malformedMessage"),
    ]
    for number, (data, reason, violation) in enumerate(cases):
        client = server.connect()
        client.send(data)
        check(client.receive_to_end() == b"", f"an answer to {data}")
        line = disconnects(server, number + 1)[number]
        check((line["reason"], line.get("violation")) == (reason, violation), f"{data}: {line}")
    # Byte by byte, and slower than a second together: the time is for the whole header.
    slow = server.connect()
    with contextlib.suppress(OSError):
        for byte in LINE:
            slow.send(bytes([byte]))
            time.sleep(0.05)
    check(disconnects(server, len(cases) + 1)[-1]["reason"] == "handshake", "a slow header")
    good = server.connect()
    good.send(LINE + FAST)
    check(len(good.receive(FAST_ANSWER_LENGTH)) == FAST_ANSWER_LENGTH, "a client behind a proxy")
    connect = server.lines("connect")[-1]
    check(" peer=192.0.2.1:56324 via=127.0.0.1:" in connect, connect)
    check(len(server.lines("connect")) == len(cases) + 2, "each has a line for its coming")

    stranger = place.server(settings=BEHIND_PROXY + "\nproxy_from = 10.0.0.0/8")
    client = stranger.connect()
    client.fast()
    liar = stranger.connect()
    liar.send(BINARY)
    liar.receive_to_end()
    for line in stranger.lines("connect"):
        check(" peer=127.0.0.1:" in line and "via=" not in line, line)


@row("63-many", "1000 proxies that each send a byte of a header and no more: others are served as before")
def many_half_headers(place):
    server = place.server(settings=BEHIND_PROXY + "\nproxy_timeout_seconds = 5")
    before = server.resident_kib()
    clients = [server.connect() for _ in range(1_000)]
    for client in clients:
        client.send(LINE[:1])
    trips = []
    good = server.connect()
    good.send(LINE)
    for _ in range(300):
        start = time.perf_counter()
        good.fast()
        trips.append((time.perf_counter() - start) * 1000)
    place.note(f"p99 beside them: {quantile(trips, 0.99):.2f} ms; "
               f"{server.resident_kib() - before} KiB for all of them")
    for client in clients:
        check(client.receive_to_end() == b"", "an answer to half a header")
    lines = disconnects(server, len(clients))
    check(all(line["reason"] == "handshake" for line in lines), "closed in time, each with a line")
    good.fast()


# MARK: HAProxy

def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def haproxy(place, ports, change=lambda text: text):
    """HAProxy with the file that is shipped, for servers here; its port."""
    text = (ROOT / "etc" / "haproxy.cfg").read_text()
    port = free_port()
    for old, new in [("maxconn 20000", "maxconn 1000"), ("bind :25555", f"bind 127.0.0.1:{port}"), ("inter 2s", "inter 200ms"),
                     ("10.0.0.1:25555", f"127.0.0.1:{ports[0]}", ),
                     ("server two 10.0.0.2:25555", f"server two 127.0.0.1:{ports[1]}"),
                     # All clients of a row have one address.
                     ("sc0_conn_rate gt 200", "sc0_conn_rate gt 10000")]:
        # What is said in comments is not what is used.
        check(old in text, f"etc/haproxy.cfg: no {old}")
        text = text.replace(old, new)
    path = place.file("haproxy.cfg", change(text))
    process = place.start(["haproxy", "-db", "-q", "-f", path], stdin=subprocess.DEVNULL)

    def listens():
        check(process.poll() is None, "HAProxy has ended")
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return True
    until(listens, "HAProxy listens")
    return port


class Asker:
    """testtask-client, which asks all the time, behind HAProxy."""

    def __init__(self, place, port, number, options=()):
        self.path = f"{place.path}/client.{number}"
        with open(self.path, "wb") as output:
            self.process = place.client(
                [f"127.0.0.1:{port}", "--json", "--reconnect", "1", *options, "-e", "every 20 fast",
                 "-e", "sleep 600"], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.DEVNULL)

    def events(self):
        with open(self.path) as file:
            # The last line may not be whole yet.
            return [json.loads(line) for line in file.read().split("\n")[:-1]]

    def answers(self):
        with open(self.path, "rb") as file:
            return file.read().count(b'"event":"received"')

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)


def wait_for_answers(askers, more):
    """Waits until each of them has got so many more answers."""
    goals = [asker.answers() + more for asker in askers]
    for asker, goal in zip(askers, goals):
        until(lambda: asker.answers() >= goal, f"{more} more answers")


def check_answers(askers):
    """Each request is answered once or lost, never both and never twice; returns the sums."""
    answered = lost = reconnects = 0
    for asker in askers:
        fate = {}
        for event in asker.events():
            if event["event"] in ("received", "lost"):
                check(event["id"] not in fate, f"request {event['id']} has two ends")
                fate[event["id"]] = event["event"]
            check(event["event"] != "error", f"{event}")
            reconnects += event["event"] == "connected"
        answered += list(fate.values()).count("received")
        lost += list(fate.values()).count("lost")
    return answered, lost, reconnects


@row("65", "behind HAProxy one server is killed and the other drained: clients go on, each answer comes once",
     seconds=120)
def behind_haproxy(place):
    ports = [free_port(), free_port()]
    first, second = (place.server(port=port, settings=BEHIND_PROXY) for port in ports)
    port = haproxy(place, ports)
    askers = [Asker(place, port, number) for number in range(10)]
    wait_for_answers(askers, 10)
    for server in (first, second):
        clients = [line for line in server.lines("connect") if " via=" in line]
        check(clients, "both servers have clients")
        check(all(re.search(r" peer=127\.0\.0\.1:\d+ via=127\.0\.0\.1:\d+ ", line)
                  for line in clients), "the log has the client and the proxy")
    # The checks of HAProxy are its own connections.
    until(lambda: any(" via=" not in line for line in first.lines("connect")), "a check")
    check(not any("violation" in line for line in first.lines("disconnect")), "a check is refused")

    second.process.kill()
    second.process.wait()
    wait_for_answers(askers, 50)
    again = place.server(port=ports[1], settings=BEHIND_PROXY)
    until(lambda: len(again.lines("connect")) >= 3, "HAProxy looks at it again")
    time.sleep(1)
    # A sleeping request that is due in the drain is answered.
    sleeper = Client(port)
    sleeper.send(bytes.fromhex("0422020802"))
    until(lambda: first.pid and len(first.lines("connect")) + len(again.lines("connect")) > 12, "it came")
    first.send(signal.SIGTERM)
    check(first.wait() == 0, "the drain ends with 0")
    check(sleeper.receive(5)[1:] != b"", "the sleeping request is answered")
    wait_for_answers(askers, 50)
    for asker in askers:
        asker.end()
    answered, lost, connects = check_answers(askers)
    place.note(f"{answered} answers, {lost} requests lost with a connection, {connects} connects of "
               f"{len(askers)} clients")
    check(connects > len(askers), "nobody had to come again")
    check(lost <= connects, "more requests are lost than connections")


@row("65-limits", "HAProxy keeps one address to its connections, and passes on TLS behind the header")
def haproxy_limits(place):
    settings, options, mark = BEHIND_PROXY, [], " via=127.0.0.1:"
    if has_tls(place):
        certificate = make_certificate(place)
        settings += f"\n[tls]\ncertificate = {certificate}\nkey = {certificate}"
        options = ["--tls", "--ca", certificate, "--tls-name", "localhost"]
        mark = " tls=1.3 "
    else:
        place.note("without TLS, which these programs were not built with")
    port_of = [free_port(), free_port()]
    servers = [place.server(port=port, settings=settings) for port in port_of]

    def change(text):
        # The check would have to speak TLS: that a connection is accepted has to do.
        text = re.sub(r"^ *(option tcp-check|tcp-check .*)\n", "", text, flags=re.M)
        return text.replace("sc0_conn_cur gt 100", "sc0_conn_cur gt 5")
    port = haproxy(place, port_of, change)
    asker = Asker(place, port, 0, options)
    wait_for_answers([asker], 5)
    lines = [line for server in servers for line in server.lines("connect") if mark in line]
    check(lines and all(" via=127.0.0.1:" in line for line in lines), "a client behind the header")
    # Four more are kept open; those over five are closed.
    kept, closed = [], 0
    for _ in range(12):
        try:
            client = Client(port)
            client.socket.settimeout(0.5)
            closed += client.socket.recv(1) == b""
        except ConnectionResetError:
            closed += 1
        except TimeoutError:
            kept.append(client)
    place.note(f"of 12 connections beside one, {closed} were closed by HAProxy")
    check(closed == 8 and len(kept) == 4, "the limit of connections of one address")
    wait_for_answers([asker], 5)
    asker.end()
    check_answers([asker])


def has_tls(place):
    said = subprocess.run([os.path.join(place.programs, "testtask-server"), "--version"], check=True,
                          capture_output=True, text=True).stdout
    return "without TLS" not in said


def make_certificate(place):
    """A certificate for localhost that is its own authority, with its key in the same file."""
    path = os.path.join(place.path, "server.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2",
         "-keyout", path, "-out", path + ".crt"], check=True, stderr=subprocess.DEVNULL)
    with open(path, "a") as key, open(path + ".crt") as certificate:
        key.write(certificate.read())
    return path
