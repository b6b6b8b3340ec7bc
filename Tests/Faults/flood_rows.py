"""Clients that send too much, too long frames, too slowly, or read nothing."""

import contextlib
import re
import resource
import threading
import time

from peers import (FAST, FAST_ANSWER_LENGTH, FOREVER, Skipped, best_of, check, figures, kernel_maximum,
                   quantile, slow, until, varint)
from row import row

LATENCY_BOUND_MS = 50


def measure_beside(place, server, load, what):
    """Compares the latency of one more client without a load and beside it."""
    alone = server.latencies(300)

    def measure():
        wait = place.in_background(load)
        beside = server.latencies(while_true=lambda: not wait.is_over())
        wait()
        return beside

    beside = best_of(3, measure, lambda trips: quantile(trips, 0.99) < LATENCY_BOUND_MS)
    place.note(f"another client alone: {figures(alone)}")
    place.note(f"beside {what}: {figures(beside)} (bound: p99 {LATENCY_BOUND_MS} ms)")
    check(quantile(beside, 0.99) < LATENCY_BOUND_MS, "the other client waits too long")


@row("2", "10 000 requests in one write, again and again: all answered, in order, others served")
def ten_thousand_in_one_write(place):
    server = place.server()
    count, rounds = 10_000, 40

    def load():
        client = server.connect()
        for _ in range(rounds):
            sender = threading.Thread(target=client.send, args=(FAST * count,))
            sender.start()
            answers = client.receive(count * FAST_ANSWER_LENGTH)
            sender.join()
            times = [answers[start:start + FAST_ANSWER_LENGTH]
                     for start in range(0, len(answers), FAST_ANSWER_LENGTH)]
            check(times == sorted(times), "the answers are not in order")

    measure_beside(place, server, load, f"{count} in one write, {rounds} times")


@row("3", "frames announced with 4 GiB - 1, and one byte over the limit, over many connections")
def frames_too_large(place):
    server = place.server()
    floods = [varint(2**32 - 1), varint(65_537) + b"x" * 4_096]

    def flood(connections):
        for number in range(connections):
            client = server.connect()
            client.send(floods[number % 2])
            check(client.receive_to_end() == b"", "an answer to a frame that is too large")
            client.close()

    flood(500)
    before = server.resident_kib()
    flood(3_000)
    growth = server.resident_kib() - before
    place.note(f"memory after 500 connections {before} KiB, after 3000 more {growth:+} KiB (bound: 1024)")
    check(growth < 1_024, "memory grows")
    server.wait_until_empty()
    lines = server.lines("disconnect")
    check(len(lines) == 3_500 and all("violation=frameTooLarge" in line for line in lines),
          "not one line frameTooLarge for each of them")


@row("7", "1000 clients that send one byte of a frame a second, with a timeout of 2 s")
def one_byte_a_second(place):
    server = place.server("partial_frame_timeout_seconds = 2")
    count = 1_000
    alone = server.latencies(300)
    clients = [server.connect() for _ in range(count)]
    start = time.monotonic()
    beside, next_byte, earliest = [], start, None
    for client in clients:
        client.socket.setblocking(False)
    while clients:
        now = time.monotonic()
        check(now - start < 10, f"{len(clients)} of them are still connected")
        if now >= next_byte:
            next_byte += 1
            for client in clients:
                # The length announces a frame of 100 bytes; the bytes after it are one field of
                # that frame.
                with contextlib.suppress(OSError):
                    client.send(b"\x64")
        beside += server.latencies(20)
        left = []
        for client in clients:
            try:
                check(client.socket.recv(1) == b"", "an answer to half a frame")
            except BlockingIOError:
                left.append(client)
                continue
            except ConnectionResetError:
                pass
            earliest = earliest or time.monotonic()
            client.close()
        clients = left
    place.note(f"first closed after {earliest - start:.1f} s, all after {time.monotonic() - start:.1f} s")
    place.note(f"another client alone: {figures(alone)}")
    place.note(f"beside them: {figures(beside)} (bound: p99 {LATENCY_BOUND_MS} ms)")
    check(earliest - start >= 2, "closed early")
    check(quantile(beside, 0.99) < LATENCY_BOUND_MS, "the other client waits too long")
    until(lambda: sum("reason=partial_frame" in line for line in server.lines("disconnect")) == count,
          f"{count} lines reason=partial_frame")


@row("9-never", "50 clients pipeline and never read, with a timeout of 2 s")
def never_reads(place):
    server = place.server("stuck_peer_timeout_seconds = 2")
    count = 50
    requests = FAST * 400_000
    with contextlib.closing(server.connect()) as client:
        client.fast()
    clients = [server.connect(receive_buffer=4_096) for _ in range(count)]
    before = server.resident_kib()
    start = time.monotonic()
    sent = [0] * count
    highest, beside, lines = before, [], []
    while len(lines) < count:
        check(time.monotonic() - start < 15, f"only {len(lines)} of them were closed as stuck")
        for number, client in enumerate(clients):
            with contextlib.suppress(OSError):
                sent[number] += client.send_what_fits(requests[sent[number]:])
        highest = max(highest, server.resident_kib())
        beside += server.latencies(20)
        lines = [line for line in server.lines("disconnect") if "reason=stuck" in line]
    took = time.monotonic() - start
    each = (highest - before) / count
    read = max(int(re.search(r" rx_bytes=(\d+)", line)[1]) for line in lines)
    # It stops once the answers fill the system's buffer and 64 KiB; they are 8 times as long.
    bound = kernel_maximum() // 8 + 131_072
    place.note(f"of at least {min(sent)} bytes sent it read at most {read} (bound: {bound})")
    place.note(f"memory {before} KiB, at most {highest} KiB: {each:.0f} KiB each (bound: 256); "
               f"closed within {took:.1f} s")
    place.note(f"another client meanwhile: {figures(beside)} (bound: p99 {LATENCY_BOUND_MS} ms)")
    check(min(sent) > bound, "too little was sent to tell anything")
    check(read < bound, "the server goes on reading")
    check(each < 256, "memory is not bounded")
    check(took >= 2, "closed early")
    check(quantile(beside, 0.99) < LATENCY_BOUND_MS, "the other client waits too long")


@row("9-together", "40 clients that never read, and a bound of 1 MiB on what all hold together")
def hold_together(place):
    # Each client is read until it has 1 MiB of unsent answers; one such client uses the whole
    # bound.
    server = place.server(f"write_buffer_bytes = {2**24}\ntotal_write_buffer_bytes = {2**20}")
    reader = server.connect()
    reader.fast()
    clients = [server.connect(receive_buffer=4_096) for _ in range(40)]
    before = highest = server.resident_kib()
    requests = FAST * 400_000
    sent = [0] * len(clients)
    start = time.monotonic()
    beside = []

    def closed():
        return [line for line in server.lines("disconnect") if "reason=buffer" in line]

    while time.monotonic() - start < 3 or not closed():
        check(time.monotonic() - start < 20, "nobody is closed for holding too much")
        for number, client in enumerate(clients):
            with contextlib.suppress(OSError):
                sent[number] += client.send_what_fits(requests[sent[number]:])
        for _ in range(20):
            at = time.perf_counter()
            reader.fast()
            beside.append((time.perf_counter() - at) * 1000)
        highest = max(highest, server.resident_kib())
    # Until the next check of the sum, each may hold its own limit and the answers to one more read.
    bound = before + len(clients) * 3 * 1_024
    place.note(f"{len(closed())} of {len(clients)} closed; memory {before} KiB, at most {highest} KiB "
               f"(bound: {bound})")
    place.note(f"one that reads meanwhile: {figures(beside)}")
    check(len(closed()) == len(server.lines("disconnect")), "closed for another reason")
    check(highest < bound, "memory is not bounded")
    reader.fast()


@row("9-slow", "a slow reader, slower than the timeout of 1 s for all of it, gets every answer")
def reads_slowly(place):
    server = place.server("stuck_peer_timeout_seconds = 1\nwrite_buffer_bytes = 65536")
    count = 60_000
    client = server.connect(receive_buffer=4_096)
    sender = threading.Thread(target=client.send, args=(FAST * count,), daemon=True)
    start = time.monotonic()
    sender.start()
    answers = bytearray()
    while len(answers) < count * FAST_ANSWER_LENGTH:
        answers += client.receive(min(8_192, count * FAST_ANSWER_LENGTH - len(answers)))
        # This reader takes three seconds for all answers.
        time.sleep(max(0, start + 3 * len(answers) / (count * FAST_ANSWER_LENGTH) - time.monotonic()))
    took = time.monotonic() - start
    sender.join()
    times = [answers[at + 5:at + 24] for at in range(0, len(answers), 24)]
    check(times == sorted(times), "the answers are not in order")
    check(client.fast() >= times[-1].decode(), "not served as before afterwards")
    place.note(f"{count} answers in {took:.1f} s")


def asks_for_much_and_reads_late(server, count=400_000):
    """A slow reader that takes nothing for two seconds, and then all; the bytes that it missed."""
    client = server.connect(receive_buffer=4_096)
    requests, sent = FAST * count, 0
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline and sent < len(requests):
        sent += client.send_what_fits(requests[sent:])
        time.sleep(0.01)
    time.sleep(2)
    wanted = sent // len(FAST) * FAST_ANSWER_LENGTH
    # A request that was cut is completed, so that no violation ends the stream.
    client.send(requests[sent:sent + -sent % len(FAST)])
    try:
        client.receive(wanted)
    finally:
        client.close()


@row("35", "1000 clients leave over violations and limits, and by resets, with answers unsent")
def leave_with_answers_unsent(place):
    server = place.server("total_write_buffer_bytes = 1048576\n"
                          "max_sleeping_requests_per_connection = 1")
    asks_for_much_and_reads_late(server)
    forever = slow(FOREVER)
    for number in range(1_000):
        client = server.connect()
        end = (b"\xff" * 6, forever * 2, b"", b"\x05\x22" + FAST)[number % 4]
        client.send(forever + FAST * 170 + end)
        if number % 4 < 2:
            client.receive_to_end()
        client.reset() if number % 4 == 2 else client.close()
    server.wait_until_empty()
    # If their bytes were still counted, this client would be closed for being over the limit.
    asks_for_much_and_reads_late(server)
    server.wait_until_empty()
    lines = server.lines("disconnect")
    check("clients=0" in lines[-1], "the number of clients is wrong in the end")
    check(not [line for line in lines if "reason=buffer" in line], "somebody was closed for others")
    place.note(f"{len(lines)} clients, each with one disconnect, and a slow reader got all before and after")


@row("44-frames", "40 clients with the costliest legal frames: one field 32 000 times")
def costly_frames(place):
    server = place.server()
    payload = b"\x1a\x00" * 32_000
    costly = varint(len(payload)) + payload
    clients, rounds = 40, 25

    def load():
        connections = [server.connect() for _ in range(clients)]
        for _ in range(rounds):
            for client in connections:
                client.send(costly)
            for client in connections:
                client.receive(FAST_ANSWER_LENGTH)

    measure_beside(place, server, load, f"{clients} clients with {rounds} frames of 32 000 fields each")
    check(server.terminate() == 0, "no clean end afterwards")


@row("40", "half_close: 100 clients end, then reset, while their requests sleep; paused ones reset")
def reset_while_quiet(place):
    server = place.server("max_connections = 100", settings="half_close = yes")
    for round_ in range(2):
        clients = [server.connect() for _ in range(100)]
        for client in clients:
            client.send(slow(FOREVER) + FAST)
            client.receive(FAST_ANSWER_LENGTH)
            client.end()
        # A server that has read the ends does not read again, so it cannot notice the resets by
        # reading.
        time.sleep(0.2)
        check(len(server.lines("disconnect")) == 200 * round_, "somebody left with the end")
        start = time.monotonic()
        for client in clients:
            client.reset()
        server.wait_for_lines("disconnect", 200 * round_ + 100)
        place.note(f"100 resets after the end were noticed in {time.monotonic() - start:.2f} s (bound: 5)")
        check(time.monotonic() - start < 5, "too late")
        # Their places are free again, for clients whose reading the server pauses before they
        # reset.
        clients = [server.connect(receive_buffer=4_096) for _ in range(100)]
        for client in clients:
            client.send_what_fits(FAST * 20_000)
        for client in clients:
            client.reset()
        server.wait_for_lines("disconnect", 200 * round_ + 200)
    lines = server.lines("disconnect")
    check(all("reason=reset" in line for line in lines), "another reason than a reset")
    check("clients=0" in lines[-1], "the number of clients is wrong in the end")
    server.connect().fast()


@row("42", "10 000 clients with half a frame of 60 KB each, and a total of 64 MiB")
def many_half_frames(place):
    clients, total = 10_000, 64
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if 0 <= hard < clients + 1_000:
        raise Skipped(f"a process may have {hard} descriptors only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (clients + 1_000, hard))
    server = place.server(f"total_write_buffer_bytes = {total << 20}\nmax_connections = {clients + 100}\n"
                          "partial_frame_timeout_seconds = 60")
    before = server.resident_kib()
    half = varint(65_000) + b"\x1a" * 60_000
    connections, cut = [], 0
    for _ in range(clients):
        client = server.connect()
        connections.append(client)
        try:
            client.send(half)
        except (ConnectionResetError, BrokenPipeError):
            cut += 1
    server.connect().fast()
    grown = (server.resident_kib() - before) / 1024
    for client in connections:
        client.close()
    server.wait_until_empty()
    buffered = len([line for line in server.lines("disconnect") if "reason=buffer" in line])
    place.note(f"memory grew by {grown:.0f} MiB (bound: {2 * total}); {buffered} were cut for the total")
    check(grown < 2 * total, "memory is not bounded by the total")
    check(buffered > clients / 2, "nobody was cut, so nothing was bounded")
    server.connect().fast()
