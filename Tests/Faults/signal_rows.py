"""Signals: the drain, reloading under load, being stopped and killed."""

import signal
import time

from peers import (FAST, FAST_ANSWER_LENGTH, SLOW_ANSWER_LENGTH, FOREVER, LARGE_BUFFER, check,
                   kernel_maximum, slow, wait_readable)
from row import row


@row("19", "SIGTERM among idle clients, half frames, answers nobody takes, sleepers; a drain of 2 s")
def drain(place):
    server = place.server(f"drain_timeout_seconds = 2\n{LARGE_BUFFER}")
    idle, half, sleeper, later = [[server.connect() for _ in range(20)] for _ in range(4)]
    stuck = [server.connect(receive_buffer=4_096) for _ in range(3)]
    for client in half:
        client.send(FAST + b"\x05\x22")
        client.receive(FAST_ANSWER_LENGTH)
    for client in sleeper:
        client.send(slow(1) + slow(60) + FAST)
        client.receive(FAST_ANSWER_LENGTH)
    asked = time.monotonic()
    for client in later:
        client.send(slow(FOREVER) + FAST)
        client.receive(FAST_ANSWER_LENGTH)
    # More than the kernel will ever take, so that something stays unsent.
    asking = FAST * ((kernel_maximum() + 2**20) // FAST_ANSWER_LENGTH)
    for client in stuck:
        client.send(asking)
    # The server has one thread: between two of these answers it reads tens of kilobytes from each
    # stuck client.
    other = server.connect()
    for _ in range(100):
        other.fast()
    start = time.monotonic()
    server.send(signal.SIGTERM)
    for client in idle + half + later:
        check(client.receive_to_end() == b"", "an answer that was not due")
        client.close()
    at_once = time.monotonic() - start
    try:
        server.connect().close()
        refused = False
    except ConnectionRefusedError:
        refused = True
    check(refused, "it still listens")
    for client in sleeper:
        answer = client.receive_to_end()
        check(len(answer) == SLOW_ANSWER_LENGTH, f"a sleeper got {answer.hex()}")
        client.close()
    check(time.monotonic() - asked >= 0.9, "a sleeper was answered early")
    result = server.wait(10)
    took = time.monotonic() - start
    place.note(f"idle ones closed after {at_once:.2f} s, the end after {took:.2f} s")
    check(result == 0, f"ended with {result}")
    check(took >= 2, "it does not give slow readers their time")
    check(at_once < 1, "idle clients wait for the sleepers")
    check(took < 3, "it ends later than a second after the deadline")
    lines = server.lines("disconnect")
    count = 4 * 20 + len(stuck) + 1
    check(len(lines) == count and all("reason=shutdown" in line for line in lines),
          f"not one line shutdown for each of {count} clients but {len(lines)}")
    check(sum(f" rx_bytes={len(asking)} " in line for line in lines) == len(stuck),
          "not all was read of those who do not read")
    check(" dropped=40" in server.lines("drain")[0], "the number of dropped sleepers is not logged")


@row("19-second", "a second SIGTERM during a drain of 30 s")
def second_signal(place):
    server = place.server()
    sleeper = server.connect()
    sleeper.send(slow(20) + FAST)
    sleeper.receive(FAST_ANSWER_LENGTH)
    server.send(signal.SIGTERM)
    server.wait_for_lines("drain", 1)
    # One that comes within half a second is the first one, passed on by a parent.
    server.send(signal.SIGTERM)
    time.sleep(0.6)
    check(server.process.poll() is None, "a signal within half a second ends the drain")
    start = time.monotonic()
    result = server.terminate()
    took = time.monotonic() - start
    place.note(f"ended with {result} after {took * 1000:.0f} ms")
    check(result == 128 + signal.SIGTERM, "the wrong exit code")
    check(took < 1, "not at once")


@row("42-signals", "SIGINT twice within 10 ms, as a parent forwards it: one drain")
def forwarded_signal(place):
    server = place.server()
    sleeper = server.connect()
    sleeper.send(slow(1) + FAST)
    sleeper.receive(FAST_ANSWER_LENGTH)
    server.send(signal.SIGINT)
    time.sleep(0.01)
    server.send(signal.SIGINT)
    answer = sleeper.receive_to_end()
    check(len(answer) == SLOW_ANSWER_LENGTH, f"what was due in the drain got {answer.hex()}")
    sleeper.close()
    check(server.wait() == 0, "it was ended and not drained")
    check(len(server.lines("drain")) == 1, "not one drain")


@row("20", "100 SIGHUPs under load")
def reloads(place):
    server = place.server()
    count, rounds = 20, 400

    def load():
        clients = [server.connect() for _ in range(count)]
        for _ in range(rounds):
            for client in clients:
                client.send(FAST * 10 + slow(0))
            for client in clients:
                client.receive(10 * FAST_ANSWER_LENGTH + SLOW_ANSWER_LENGTH)
        for client in clients:
            client.close()

    load()
    server.wait_until_empty()
    descriptors, before = server.descriptors(), server.resident_kib()
    wait = place.in_background(load)
    server.wait_for_lines("connect", 2 * count)
    during = 0
    for number in range(100):
        server.send(signal.SIGHUP)
        server.wait_for_lines("reload", number + 1)
        during += not wait.is_over()
    wait()
    check(server.wait_until_empty() == 2 * count, "not one line for each client")
    growth = server.resident_kib() - before
    place.note(f"{during} of 100 while the load ran; descriptors {descriptors} and "
               f"{server.descriptors()}, memory {growth:+} KiB (bound: 1024)")
    check(during >= 20, "the load was over too early to tell anything")
    check(server.descriptors() == descriptors, "descriptors leak")
    check(growth < 1_024, "memory grows")
    check(all("result=ok" in line for line in server.lines("reload")), "a reload failed")
    check(all("reason=eof" in line for line in server.lines("disconnect")), "a client was dropped")


@row("21-stop", "SIGSTOP for 5 s, SIGCONT: what became due comes once, what is not due does not")
def stopped(place):
    server = place.server("partial_frame_timeout_seconds = 3")
    client, other = server.connect(), server.connect()
    client.send(slow(1) + slow(3) + slow(7) + FAST)
    client.receive(FAST_ANSWER_LENGTH)
    start = time.monotonic()
    server.send(signal.SIGSTOP)
    other.send(FAST * 100)
    check(not wait_readable([client.socket, other.socket], 5), "it answers though it is stopped")
    server.send(signal.SIGCONT)
    client.receive(2 * SLOW_ANSWER_LENGTH)
    due = time.monotonic() - start
    other.receive(100 * FAST_ANSWER_LENGTH)
    client.receive(SLOW_ANSWER_LENGTH)
    last = time.monotonic() - start
    place.note(f"those of 1 s and 3 s came at {due:.2f} s, that of 7 s at {last:.2f} s")
    check(last >= 6.99, "answered early")
    check(last < 8, "answered late")
    client.send(FAST)
    check(len(client.receive(FAST_ANSWER_LENGTH)) == FAST_ANSWER_LENGTH and
          not wait_readable([client.socket, other.socket], 0.2), "an answer came twice")


@row("21-kill", "kill -9 with clients connected, and start again at once on the same port, ten times")
def killed(place):
    server = place.server()
    log, longest = server.log, 0
    for _ in range(10):
        clients = [server.connect() for _ in range(20)]
        for client in clients:
            client.send(FAST + slow(100))
            client.receive(FAST_ANSWER_LENGTH)
        start = time.monotonic()
        server.send(signal.SIGKILL)
        server.wait()
        server = place.server(port=server.port, log=log)
        longest = max(longest, time.monotonic() - start)
        for client in clients:
            client.close()
    server.connect().fast()
    place.note(f"from the kill to the next listening at most {longest * 1000:.0f} ms")
