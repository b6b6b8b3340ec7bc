"""Many requests that sleep."""

import os
import selectors
import time

from peers import (FAST, FAST_ANSWER_LENGTH, FOREVER, SLOW_ANSWER_LENGTH, best_of, check, figures,
                   quantile, slow)
from row import row


@row("12", "slow 4294967295 a thousand times and gone, 400 times over")
def sleeps_for_ever_and_leaves(place):
    server = place.server()
    requests = slow(FOREVER) * 1_000 + FAST

    def come_and_go(rounds):
        for number in range(rounds):
            client = server.connect()
            client.send(requests)
            client.receive(FAST_ANSWER_LENGTH)
            client.reset() if number % 2 else client.close()

    come_and_go(100)
    before = server.resident_kib()
    come_and_go(300)
    growth = server.resident_kib() - before
    place.note(f"memory after 100 rounds {before} KiB, after 300 more {growth:+} KiB (bound: 1024)")
    check(growth < 1_024, "memory grows")
    server.wait_until_empty()


def sleep_in_masses(place):
    """100 clients with 1000 sleeping requests each, of 2, 3 and 4 s, mixed."""
    server = place.server()
    seconds = [2 + number % 3 for number in range(1_000)]
    requests = b"".join(map(slow, seconds)) + FAST
    count = 100 * len(seconds)
    clients = [server.connect() for _ in range(100)]
    for client in clients:
        client.fast()
    alone = server.latencies(500)
    before = server.resident_kib()
    due = {}
    for client in clients:
        start = time.monotonic()
        client.send(requests)
        client.receive(FAST_ANSWER_LENGTH)
        # It has received all of them by now: they are due between these two, each plus its sleep.
        due[client] = (start, time.monotonic())
    memory = server.resident_kib() - before
    meanwhile = server.latencies(while_true=lambda: time.monotonic() < due[clients[0]][0] + 1.9)

    selector = selectors.DefaultSelector()
    for client in clients:
        client.socket.setblocking(False)
        selector.register(client.socket, selectors.EVENT_READ, (client, sorted(seconds), [0]))
    late, early, answered = [], 0, 0
    while answered < count:
        events = selector.select(10)
        check(events, f"{count - answered} answers did not come")
        for key, _ in events:
            client, sleeps, received = key.data
            first = received[0] // SLOW_ANSWER_LENGTH
            received[0] += len(key.fileobj.recv(1 << 18))
            now = time.monotonic()
            start, end = due[client]
            for sleep in sleeps[first:received[0] // SLOW_ANSWER_LENGTH]:
                early += now < start + sleep
                late.append(max(0, now - end - sleep) * 1000)
            answered += received[0] // SLOW_ANSWER_LENGTH - first
    check(server.terminate() == 0, "no clean end afterwards")
    return {"early": early, "late": late, "bytes": memory * 1024 / count, "alone": alone,
            "meanwhile": meanwhile}


@row("14", "100 000 sleeping requests of mixed times")
def masses_of_sleepers(place):
    # What others do to a busy machine must not look like a fault.
    bound = 20 if os.getloadavg()[0] <= os.cpu_count() else 100

    def is_good(seen):
        return quantile(seen["late"], 0.99) < bound and quantile(seen["meanwhile"], 0.99) < bound

    seen = best_of(3, lambda: sleep_in_masses(place), is_good)
    place.note(f"late: {figures(seen['late'])} (bound: p99 {bound} ms); early: {seen['early']}")
    if bound > 20:
        place.note(f"(the machine is busy, with a load of {os.getloadavg()[0]:.1f}: else the bound is 20 ms)")
    place.note(f"memory each: {seen['bytes']:.0f} bytes (bound: 64)")
    place.note(f"another client alone: {figures(seen['alone'])}")
    place.note(f"beside the sleepers: {figures(seen['meanwhile'])} (bound: p99 {bound} ms)")
    check(seen["early"] == 0, "answered early")
    check(seen["bytes"] <= 64, "they cost too much memory")
    check(is_good(seen), "late, or the other client waits too long")
