"""What the client reads, and what happens to what it writes."""

import contextlib
import datetime
import json
import os
import signal
import socket
import subprocess
import time

from peers import FAST, PATIENCE, check, until, varint, wait_readable
from row import row


def run_client(place, arguments, commands, server=None):
    """Runs it with commands from a pipe; returns exit code, output and diagnostics."""
    client = place.client([f"127.0.0.1:{server.port}"] * bool(server) + arguments,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        output, errors = client.communicate(commands, timeout=20)
    except subprocess.TimeoutExpired:
        check(False, f"the client hangs with {commands[:60]!r}...")
    return client.returncode, output, errors


def received(output):
    return output.count(b'"event":"received"')


@row("29-head", "the client's output goes into `head -1`, from 20 000 requests and a periodic mode")
def closed_output(place):
    server = place.server()
    for commands in b"fast\n" * 20_000, b"every 10 fast\nsleep 60\n":
        head = place.start(["head", "-1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        path = os.path.join(place.path, "commands")
        with open(path, "wb") as file:
            file.write(commands)
        client = place.client([f"127.0.0.1:{server.port}", "-f", path], stdin=subprocess.DEVNULL,
                              stdout=head.stdin, stderr=subprocess.PIPE)
        head.stdin.close()
        head.stdin = None
        lines = head.communicate(timeout=20)[0]
        try:
            errors = client.communicate(timeout=20)[1]
        except subprocess.TimeoutExpired:
            check(False, "the client goes on though nobody reads")
        place.note(f"exit {client.returncode}, diagnostics: {errors.decode() or 'none'}")
        check(lines.count(b"\n") == 1, f"head got {lines}")
        check(errors == b"" and client.returncode == 0, "not a quiet end")
    server.wait_until_empty()


@row("29-input", "commands with NUL bytes, a line of 10 MB, CRLF, no final newline, no UTF-8")
def odd_input(place):
    server = place.server()
    for what, commands, code, answers in (
            ("CRLF", b"fast\r\nslow 0\r\nfast\r\n", 0, 3),
            ("no final newline", b"fast\nfast", 0, 2),
            ("CRLF, and then none", b"fast\r\nfast\r", 0, 2),
            ("only blank lines", b"\n\r\n   \n", 0, 0),
            ("nothing", b"", 0, 0),
            ("a NUL in a command", b"fast\nfa\0st\nfast\n", 3, 1),
            ("only NULs", b"\0" * 1_000 + b"\n", 3, 0),
            ("a line of 10 MB", b"fast\n" + b"x" * 10_000_000 + b"\nfast\n", 3, 1),
            ("a line of 10 MB that never ends", b"fast\n" + b"x" * 10_000_000, 3, 1),
            ("not UTF-8", b"fast\n\xff\xfe\xc0\x80\nfast\n", 3, 1)):
        result, output, errors = run_client(place, ["--json"], commands, server)
        check(result == code, f"{what}: exit {result} and not {code}: {errors.decode(errors='replace')}")
        check(received(output) == answers, f"{what}: {received(output)} answers and not {answers}")
        check((code == 0) == (errors == b""), f"{what}: diagnostics {errors}")
        check(not set(output + errors) & {*range(9), *range(11, 32), 127}, f"{what}: controls come through")
    result, output, errors = run_client(
        place, ["--json", "--keep-going"], b"fast\nfa\0st\n" + b"x" * 10_000_000 + b"\nfast\n", server)
    check(result == 3 and received(output) == 2, f"--keep-going: exit {result}, {received(output)} answers")
    server.wait_until_empty()


@row("29-many", "a pipe with 50 000 commands, faster than they are answered: none is lost")
def many_commands(place):
    server = place.server()
    result, output, _ = run_client(place, ["--json"], b"fast\n" * 50_000, server)
    check(result == 0 and received(output) == 50_000, f"exit {result}, {received(output)} answers")


def listen():
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(PATIENCE)
    return listener


def moments(output):
    """The events of --json, each with its time in seconds."""
    for line in output.decode().splitlines():
        event = json.loads(line)
        moment = datetime.datetime.fromisoformat(event["ts"].replace("Z", "+00:00"))
        yield event["event"], moment.timestamp()


@row("24", "a server that goes while a request waits, then refuses: again after 1 s, never overlapping")
def reconnects(place):
    listener = listen()
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    client = place.client([address, "--reconnect", "1", "--json", "-e", "every 100 fast", "-e", "sleep 60"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    for _ in range(2):
        connection, _ = listener.accept()
        connection.settimeout(PATIENCE)
        check(connection.recv(100) == FAST, "not one request at a time")
        connection.close()
    listener.close()
    seen = b""
    while seen.count(b'"connect_failed"') < 3:
        check(wait_readable([client.stdout], PATIENCE), "it does not try again")
        seen += os.read(client.stdout.fileno(), 1 << 16)
    client.terminate()
    events = list(moments(seen + client.communicate(timeout=PATIENCE)[0]))
    check(client.returncode == 143, f"ended with {client.returncode}")
    check(sum(name == "lost" for name, _ in events) == 2, "a lost request is not told")
    ended, open_attempts, delays = None, 0, []
    for name, moment in events:
        if name == "connecting":
            open_attempts += 1
            check(open_attempts == 1, "attempts overlap")
            if ended:
                delays.append((moment - ended) * 1000)
        elif name in ("disconnected", "connect_failed"):
            open_attempts, ended = 0, moment
    bound = 50 if os.getloadavg()[0] <= os.cpu_count() else 250
    place.note("delays: " + ", ".join(f"{delay:.0f}" for delay in delays) + f" ms (1000 to {1000 + bound})")
    check(len(delays) >= 4 and all(999 <= delay <= 1000 + bound for delay in delays), "not the set delay")


@row("26", "an answer of 4 GiB - 1, and one of 65 537 bytes")
def answers_too_long(place):
    for length in 2**32 - 1, 65_537:
        with listen() as listener:
            client = place.client([f"127.0.0.1:{listener.getsockname()[1]}", "--json", "-e", "fast"],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(varint(length) + b"x" * 4_096)
                output, errors = client.communicate(timeout=PATIENCE)
        check(client.returncode == 5, f"{length}: ended with {client.returncode}: {errors}")
        check(b"frameTooLarge" in output + errors, f"{length}: the reason is not told: {output + errors}")


ANSWER = bytes.fromhex("170a150a13") + b"19851019T050107.333"


@row("41-timeouts", "a client stands still while an answer, its second half, and a connection come")
def stands_still(place):
    def stopped(client, while_stopped, seconds):
        client.send_signal(signal.SIGSTOP)
        until(lambda: state(client.pid) == "T", "the client stands still")
        while_stopped()
        time.sleep(seconds)
        client.send_signal(signal.SIGCONT)

    def end(client, what):
        output, errors = client.communicate(timeout=PATIENCE)
        check(client.returncode == 0, f"{what}: ended with {client.returncode}: {output} {errors}")
        check(received(output) == 1, f"{what}: no answer in {output}")

    # Meanwhile the whole answer, or its second half, arrives.
    for what, arguments, before, seconds in (
            ("the answer", ["--timeout", "1"], 0, 1.5), ("half the answer", ["--timeout", "1"], 10, 1.5),
            ("half the answer, without --timeout", [], 10, 10.5)):
        with listen() as listener:
            client = place.client(
                [f"127.0.0.1:{listener.getsockname()[1]}", "--json", "-e", "fast", *arguments],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(ANSWER[:before])
                time.sleep(0.1)
                stopped(client, lambda: connection.sendall(ANSWER[before:]), seconds)
                end(client, what)
    # The system makes the connection while the client is stopped: until then the backlog is full.
    with socket.socket() as listener:
        listener.settimeout(PATIENCE)
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(2)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        client = place.client(
            [f"127.0.0.1:{listener.getsockname()[1]}", "--json", "-e", "fast", "--connect-timeout", "2"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        check(b'"connecting"' in client.stdout.readline(), "it does not connect")

        filling = {filler.getsockname() for filler in fillers}
        connections = []

        def make_room():
            # The system retries each connection by itself, so the client's may get in between. One that a SYN
            # cookie has made is known to the listener only when it sends something, if the queue was full
            # meanwhile.
            while filling:
                if not wait_readable([listener], 0.5):
                    for filler in fillers:
                        with contextlib.suppress(OSError):
                            filler.send(b"x")
                connection, peer = listener.accept()
                if peer in filling:
                    filling.discard(peer)
                    connection.close()
                else:
                    connections.append(connection)
        stopped(client, make_room, 5)
        connection = connections[0] if connections else listener.accept()[0]
        with connection:
            connection.settimeout(PATIENCE)
            check(connection.recv(100) == FAST, "it does not ask")
            connection.sendall(ANSWER)
            end(client, "the connection")
        for filler in fillers:
            filler.close()


def state(process):
    """How the process is doing, as one letter: T for one that was stopped."""
    with open(f"/proc/{process}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0]
