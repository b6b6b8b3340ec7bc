"""Handshakes of TLS that are silent, garbage, broken off, or too many."""

import contextlib
import random
import re
import time

from flood_rows import LATENCY_BOUND_MS, measure_beside
from peers import FAST, FOREVER, best_of, check, figures, quantile, slow, until
from row import row
from tls_peers import STAGES, TLSServer, go_to

#: How much more than before a server may hold afterwards, in KiB.
GROWTH_BOUND_KIB = 1_024


@row("80-silent", "50 clients at each stage of a handshake go no further, with a timeout of 2 s")
def silent_in_handshake(place):
    server = TLSServer(place, tls="handshake_timeout_seconds = 2")
    alone = server.latencies(300)
    start = time.monotonic()
    clients = [go_to(server, stage) for stage in range(len(STAGES)) for _ in range(50)]
    took = time.monotonic() - start
    beside, ends = [], []
    waiting = list(clients)
    while waiting:
        check(time.monotonic() - start < 15, f"{len(waiting)} of them are still connected")
        beside += server.latencies(20)
        for client in list(waiting):
            client.socket.setblocking(False)
            try:
                while client.socket.recv(1 << 16):
                    pass
            except BlockingIOError:
                continue
            ends.append(time.monotonic())
            waiting.remove(client)
            client.close()
    place.note(f"came within {took:.1f} s; gone from {ends[0] - start:.2f} to {ends[-1] - start:.2f} s")
    place.note(f"another client alone: {figures(alone)}; beside them: {figures(beside)} "
               f"(bound: p99 {LATENCY_BOUND_MS} ms)")
    check(ends[0] - start >= 2, "closed early")
    check(quantile(beside, 0.99) < LATENCY_BOUND_MS, "the other client waits too long")
    until(lambda: server.reasons().get("handshake") == len(clients), "each of them is in the log")
    lines = [line for line in server.lines("disconnect") if "reason=handshake" in line]
    check(len(lines) == len(clients) and all("ETIMEDOUT" in line for line in lines),
          f"not one line handshake for each of {len(clients)}: {server.reasons()}")
    check(all(int(re.search(r"duration_ms=(\d+)", line)[1]) >= 2_000 for line in lines), "cut early")


@row("80-garbage", "garbage in place of a handshake, and at random places of one: others are served")
def garbage_for_a_handshake(place):
    server = TLSServer(place, tls="handshake_timeout_seconds = 1")
    hello, chance = server.hello(), random.Random(1)
    kinds = [b"GET / HTTP/1.0\r\n\r\n", FAST, b"\x00", b"\x16\x03\x01\xff\xff" + b"x" * 70_000,
             b"\x16\x03\x01\x00\x00" * 100, b"\x15\x03\x01\x00\x02\x02\x28", b"\x17\x03\x03\x00\x10" + b"x" * 16,
             b"\x80\x2e\x01\x03\x03", b"\x14\x03\x03\x00\x01\x01", hello[:5] + b"\x02" + hello[6:],
             chance.randbytes(5_000)]
    kept = server.connect()
    kept.fast()

    def flood(count):
        clients = [server.connect_plainly() for _ in range(count)]
        for number, client in enumerate(clients):
            if number % 4 == 0:
                data = kinds[number // 4 % len(kinds)]
            else:
                data = bytearray(hello)
                data[chance.randrange(len(data))] = chance.randrange(256)
            # Some are cut before they have sent it all.
            with contextlib.suppress(ConnectionError):
                client.send(data)
                if number % 2:
                    client.end()
        kept.fast()
        for client in clients:
            client.receive_to_end()
            client.close()

    for number in range(4):
        if number == 2:
            before = server.resident_kib()
        flood(150)
        kept.fast()
        server.wait_until_left(150 * (number + 1))
    growth = server.resident_kib() - before
    kept.close()
    server.wait_until_left(601)
    # Those of a round are there together, and the allocator's pages fill up round by round.
    place.note(f"{server.reasons()}; memory {growth:+} KiB (bound: {2 * GROWTH_BOUND_KIB})")
    check(server.reasons()["handshake"] == 600, "not all of them were cut in the handshake")
    check(growth < 2 * GROWTH_BOUND_KIB, "memory grows")


@row("80-announced", "500 clients announce handshake messages as long as TLS has them, and send no more")
def long_messages_announced(place):
    server = TLSServer(place)
    clients = [server.connect_plainly() for _ in range(500)]
    kept = server.connect()
    kept.fast()
    before = highest = server.resident_kib()
    for number, client in enumerate(clients):
        # The head of a hello of 131 000 bytes, or of 16 MiB, in a record of its own.
        length = [131_000, 0xFFFFFF][number % 2].to_bytes(3, "big")
        client.send(b"\x16\x03\x01\x00\x04\x01" + length)
        kept.fast()
        highest = max(highest, server.resident_kib())
    for client in clients:
        client.receive_to_end()
    each = (highest - before) / len(clients)
    kept.close()
    server.wait_until_left(len(clients) + 1)
    place.note(f"{each:+.1f} KiB each (bound: 24)")
    check(each < 24, "a few bytes cost too much memory")
    check(server.reasons().get("handshake") == len(clients), "not all of them were cut in the handshake")


@row("80-reset", "100 resets at each stage of a handshake and behind it: sums and descriptors are back")
def reset_in_handshake(place):
    server = TLSServer(place)
    server.connect().close()
    server.wait_until_left(1)
    expected = 1

    def round_(count):
        nonlocal expected
        for stage in range(len(STAGES)):
            for _ in range(count):
                go_to(server, stage).reset()
        for request in b"", FAST, slow(FOREVER):
            for _ in range(count):
                client = server.connect()
                if request:
                    client.send(request)
                client.reset()
        expected += count * (len(STAGES) + 3)
        server.wait_until_left(expected)

    def growth_of_a_round():
        before = server.resident_kib()
        round_(100)
        return server.resident_kib() - before

    # How many are open at the same time is up to the machine, and so is the most memory: a leak grows in
    # every round.
    round_(100)
    descriptors = server.descriptors()
    growth = best_of(3, growth_of_a_round, lambda growth: growth < GROWTH_BOUND_KIB)
    place.note(f"{server.reasons()}; descriptors {descriptors} and {server.descriptors()}, "
               f"memory {growth:+} KiB (bound: {GROWTH_BOUND_KIB})")
    check(len(server.lines("disconnect")) == expected, "not one line for each client")
    check(server.descriptors() == descriptors, "descriptors leak")
    check(growth < GROWTH_BOUND_KIB, "memory grows")
    check("clients=0" in server.lines("disconnect")[-1], "the number of clients is wrong in the end")
    server.connect().fast()


@row("80-leave", "3000 clients leave in the middle of their handshake: sums back, no descriptor lost")
def leave_in_handshake(place):
    server = TLSServer(place, limits="max_connections = 100")
    server.connect().close()
    server.wait_until_left(1)

    def leave(begin, end):
        for number in range(begin, end):
            go_to(server, number % len(STAGES)).close()
            if number % 100 == 99:
                server.wait_until_left(1 + number + 1)

    leave(0, 500)
    descriptors, before = server.descriptors(), server.resident_kib()
    leave(500, 3_000)
    growth = server.resident_kib() - before
    place.note(f"{server.reasons()}; descriptors {descriptors} and {server.descriptors()}, "
               f"memory {growth:+} KiB (bound: {GROWTH_BOUND_KIB})")
    check(server.descriptors() == descriptors, "descriptors leak")
    check(growth < GROWTH_BOUND_KIB, "memory grows")
    check(not server.lines("rejected"), "clients that had left were still counted")
    # Were one of them still counted, there would be no room for these.
    together = [server.connect() for _ in range(100)]
    for client in together:
        client.fast()


@row("82-handshakes", "a flood of handshakes, 20 at a time: others are served, memory is bounded")
def flood_of_handshakes(place):
    server = TLSServer(place)
    hello = server.hello()

    def flood(rounds):
        for _ in range(rounds):
            clients = [server.connect_plainly() for _ in range(20)]
            for client in clients:
                client.send(hello)
            for client in clients:
                client.receive(100)
                client.close()

    flood(10)
    before = server.resident_kib()
    start = time.monotonic()
    measure_beside(place, server, lambda: flood(100), "2000 handshakes, 20 at a time")
    took = time.monotonic() - start
    server.wait_until_empty()
    growth = server.resident_kib() - before
    place.note(f"memory {growth:+} KiB (bound: {GROWTH_BOUND_KIB}), all in {took:.1f} s")
    check(growth < GROWTH_BOUND_KIB, "memory grows")
