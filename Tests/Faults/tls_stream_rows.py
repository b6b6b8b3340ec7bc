"""Streams over TLS that are cut off, not read, or of tiny records; certificates that are replaced or out of
date; and a drain."""

import os
import re
import shutil
import signal
import ssl
import subprocess
import threading
import time

from flood_rows import LATENCY_BOUND_MS, measure_beside
from peers import (FAST, FAST_ANSWER_LENGTH, FOREVER, SLOW_ANSWER_LENGTH, check, figures,
                   kernel_maximum, quantile, slow, until)
from row import row
from tls_peers import STAGES, OpenSSLClient, TLSServer, go_to, make_certificates, trusting
from tls_rows import GROWTH_BOUND_KIB


@row("81-cut", "streams over TLS that end without close_notify, and with it: two reasons, no request lost")
def cut_off(place):
    server = TLSServer(place)
    for request in b"", FAST, FAST[:1], slow(FOREVER):
        for cut in True, False:
            client = server.connect()
            if request:
                client.send(request)
            if request == FAST:
                client.receive(FAST_ANSWER_LENGTH)
            client.cut() if cut else client.close()
    server.wait_until_left(8)
    lines = server.lines("disconnect")
    reasons = [re.search(r"reason=(\S+)", line)[1] for line in lines]
    check(reasons == ["truncated", "eof", "truncated", "eof", "truncated", "violation", "truncated", "eof"],
          f"not the right reasons: {lines}")
    check(all("TRUNCATED" in line for line in lines[::2]), "the error is not named")
    check(all(" dropped=1" in line for line in lines[-2:]), "a sleeper was not dropped")


@row("81-slow", "50 clients pipeline over TLS and never read, with a timeout of 2 s")
def never_reads(place):
    server = TLSServer(place, "stuck_peer_timeout_seconds = 2")
    count, requests = 50, FAST * 400_000
    server.connect().fast()
    clients = [server.connect(receive_buffer=4_096) for _ in range(count)]
    before = highest = server.resident_kib()
    start = time.monotonic()
    sent, beside, lines = [0] * count, [], []
    while len(lines) < count:
        check(time.monotonic() - start < 25, f"only {len(lines)} of them were closed as stuck")
        for number, client in enumerate(clients):
            try:
                sent[number] += client.send_what_fits(requests[sent[number]:])
            except OSError:
                pass
        highest = max(highest, server.resident_kib())
        beside += server.latencies(20)
        lines = [line for line in server.lines("disconnect") if "reason=stuck" in line]
    took = time.monotonic() - start
    each = (highest - before) / count
    read = max(int(re.search(r" rx_bytes=(\d+)", line)[1]) for line in lines)
    # As in row 9-never; records, the handshake, and what one read brought are more.
    bound = kernel_maximum() // 8 + 131_072 + 65_536
    place.note(f"of at least {min(sent)} bytes sent it read at most {read} (bound: {bound})")
    place.note(f"memory {before} KiB, at most {highest} KiB: {each:.0f} KiB each (bound: 256); "
               f"closed within {took:.1f} s")
    place.note(f"another client meanwhile: {figures(beside)} (bound: p99 {LATENCY_BOUND_MS} ms)")
    check(read < bound, "the server goes on reading")
    check(each < 256, "memory is not bounded")
    check(took >= 2, "closed early")
    check(quantile(beside, 0.99) < LATENCY_BOUND_MS, "the other client waits too long")


@row("81-buffer", "a client over TLS whose answers pass write_buffer_bytes at once: cut as buffer")
def answers_over_the_limit(place):
    server = TLSServer(place, "write_buffer_bytes = 4096\nmax_sleeping_requests_per_connection = 100000")
    client, other = server.connect(receive_buffer=4_096), server.connect()
    # They come due together, whatever was read meanwhile.
    count = (kernel_maximum() + 2**20) // SLOW_ANSWER_LENGTH
    client.send(slow(1) * min(count, 100_000))
    until(lambda: [line for line in server.lines("disconnect") if "reason=buffer" in line]
          or server.reasons(), "the client is disconnected or served", 20)
    place.note(f"{server.reasons()}")
    check(server.reasons() == {"buffer": 1}, "not cut as buffer")
    other.fast()


@row("82-records", "one byte a record, new keys all the time with requests between, and without")
def tiny_records_and_new_keys(place):
    server = TLSServer(place)

    def load():
        client = OpenSSLClient(server.port)
        for _ in range(10_000):
            for byte in FAST:
                client.send(bytes([byte]))
        client.receive(10_000 * FAST_ANSWER_LENGTH)
        for _ in range(2_000):
            for _ in range(8):
                client.ask_for_new_keys()
            client.send(FAST)
        client.receive(2_000 * FAST_ANSWER_LENGTH)
        client.close()

    load()
    before = server.resident_kib()
    measure_beside(place, server, load, "30 000 records of one byte and 16 000 new keys")
    growth = server.resident_kib() - before
    greedy = OpenSSLClient(server.port)
    sent = 0
    while greedy.ask_for_new_keys():
        sent += 1
        check(sent < 1_000_000, "new keys are taken for ever")
    server.wait_for_lines("disconnect", server.wait_until_empty())
    line = server.lines("disconnect")[-1]
    place.note(f"memory {growth:+} KiB (bound: {GROWTH_BOUND_KIB}); without requests: {line.split('error=')[-1]}")
    check(growth < GROWTH_BOUND_KIB, "memory grows")
    check("reason=error" in line and "EXCESSIVE" in line, f"not cut as excessive: {line}")


@row("83-reload", "60 SIGHUPs under load, with new certificates and with bad ones: the old ones stay")
def certificates_replaced(place):
    first, second = make_certificates(place, "first"), make_certificates(place, "second")
    used = f"{place.path}/used"
    os.mkdir(used)

    def use(certificate, key):
        for source, name in [(certificate, "server.pem"), (key, "server.key"), (first, "ca.pem")]:
            shutil.copy(f"{source}/{name}", f"{used}/{name}")

    use(first, first)
    server = TLSServer(place, folder=used)
    server.context = trusting(first, second)
    with open(f"{first}/server.pem") as one, open(f"{second}/server.pem") as other:
        shown = {name: ssl.PEM_cert_to_DER_cert(text) for name, text in
                 [("first", one.read()), ("second", other.read())]}

    def load():
        clients = [server.connect() for _ in range(10)]
        for round_ in range(3_000):
            if round_ % 20 == 0:
                clients[round_ // 20 % 10].close()
                clients[round_ // 20 % 10] = server.connect()
            for client in clients:
                client.send(FAST * 10 + slow(0))
            for client in clients:
                client.receive(10 * FAST_ANSWER_LENGTH + SLOW_ANSWER_LENGTH)
        for client in clients:
            client.close()

    def shows(name):
        client = server.connect()
        check(client.socket.getpeercert(True) == shown[name], f"not the {name} certificate is shown")
        client.close()

    kept = server.connect()
    wait = place.in_background(load)
    server.wait_for_lines("connect", 5)
    before, during, current = None, 0, "first"
    for number in range(60):
        # The next one, a key that is not the certificate's, or half a file.
        kind = number % 3
        if kind == 0:
            current = "second" if current == "first" else "first"
            use(second if current == "second" else first, second if current == "second" else first)
        elif kind == 1:
            use(first, second)
        else:
            os.truncate(f"{used}/server.pem", 100)
        server.send(signal.SIGHUP)
        line = server.wait_for_lines("reload", number + 1)[-1]
        check(("result=ok" in line) == (kind == 0), f"reload {number}: {line}")
        shows(current)
        kept.fast()
        during += not wait.is_over()
        before = before or (number == 12 and (server.descriptors(), server.resident_kib()))
    wait()
    kept.close()
    server.wait_until_empty()
    growth = server.resident_kib() - before[1]
    place.note(f"{during} of 60 while the load ran; {server.reasons()}; memory {growth:+} KiB since the "
               f"13th (bound: {GROWTH_BOUND_KIB})")
    check(during >= 10, "the load was over too early to tell anything")
    check(server.descriptors() < before[0], "descriptors leak")
    check(growth < GROWTH_BOUND_KIB, "memory grows")
    check(set(server.reasons()) == {"eof"}, "a client was dropped")


@row("83-drain", "SIGTERM with TLS clients, sleepers, slow readers, and handshakes at every stage")
def drained(place):
    server = TLSServer(place, "drain_timeout_seconds = 2")
    halfway = [go_to(server, stage) for stage in range(len(STAGES)) for _ in range(10)]
    idle = [server.connect() for _ in range(20)]
    sleepers = [server.connect() for _ in range(20)]
    stuck = server.connect(receive_buffer=4_096)
    for client in sleepers:
        client.send(slow(1) + slow(100) + FAST)
    for client in sleepers:
        client.receive(FAST_ANSWER_LENGTH)
    sender = threading.Thread(target=stuck.send, daemon=True, args=(
        FAST * ((kernel_maximum() + 2**20) // FAST_ANSWER_LENGTH),))
    sender.start()
    for _ in range(100):
        idle[0].fast()
    start = time.monotonic()
    server.send(signal.SIGTERM)
    # Each of these fails on an end without close_notify.
    for client in idle:
        check(client.receive_to_end() == b"", "an answer that was not due")
        client.close()
    at_once = time.monotonic() - start
    for client in halfway:
        client.receive_to_end()
        client.close()
    for client in sleepers:
        check(len(client.receive_to_end()) == SLOW_ANSWER_LENGTH, "not the answer that was due")
        client.close()
    result = server.wait(10)
    took = time.monotonic() - start
    place.note(f"idle ones closed after {at_once:.2f} s, the end after {took:.2f} s; {server.reasons()}")
    check(result == 0, f"ended with {result}")
    check(at_once < 1, "idle clients wait for the sleepers")
    check(2 <= took < 3.5, "the slow reader does not have the drain's time, or more")
    count = len(halfway) + len(idle) + len(sleepers) + 1
    check(server.reasons() == {"shutdown": count}, f"not one line shutdown for each of {count}")


@row("83-expired", "certificates that have expired, or are not valid yet, at the start and while it runs")
def out_of_date(place):
    server_program = os.path.join(place.programs, "testtask-server")
    for name, at, words in [("expired", "10 days ago", "the certificate has expired"),
                            ("future", "10 days", "the certificate is not valid yet")]:
        folder = make_certificates(place, name, at)
        ini = place.file(f"{name}.ini", f"[tls]\ncertificate = {folder}/server.pem\n"
                                        f"key = {folder}/server.key\n")
        for more in [], ["--check-config"]:
            ended = subprocess.run(
                [server_program, "--config", ini, "--port", "0", "--log-file", f"{place.path}/{name}.log",
                 *more], capture_output=True, text=True, timeout=20)
            check(ended.returncode == 1 and words in ended.stderr and f"{folder}/server.pem" in ended.stderr,
                  f"{name} {more}: {ended.returncode}: {ended.stderr}")
    place.note(ended.stderr.strip().splitlines()[-1])
    # While the server runs its certificate expires: it goes on, and clients say why they do not.
    server = TLSServer(place)
    client_program = os.path.join(place.programs, "testtask-client")
    for at, result, words in [("+0", 0, "received #1"), ("+3d", 2, "the certificate has expired")]:
        ended = subprocess.run(
            ["faketime", "-f", at, client_program, f"localhost:{server.port}", "--tls", "--ca",
             f"{server.folder}/ca.pem", "-e", "fast"], capture_output=True, text=True, timeout=20)
        check(ended.returncode == result and words in ended.stdout + ended.stderr,
              f"{at}: {ended.returncode}: {ended.stdout}{ended.stderr}")
    server.wait_until_left(2)
    check([line for line in server.lines("disconnect") if "alert 45, certificate expired" in line],
          "the server is not told why")
