"""What the programs are started with: signals blocked or ignored, a system without some options."""

import signal
import subprocess
import time

from descriptor_rows import require_tracing
from peers import FAST, FAST_ANSWER_LENGTH, PATIENCE, check
from row import row

WATCHED = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1}


def block():
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)


def ignore():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGQUIT, signal.SIG_IGN)


def asking(place, server, prepare):
    """A client that waits for an answer of 1 s."""
    client = place.client([f"127.0.0.1:{server.port}", "-e", "slow 1", "--time", "none"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, preexec_fn=prepare)
    while b"sent" not in client.stdout.readline():
        check(client.poll() is None, "the client ended")
    return client


@row("36-blocked", "both programs started with their signals blocked: SIGTERM ends them")
def signals_blocked(place):
    server = place.server(at_start=block)
    client = asking(place, server, block)
    client.send_signal(signal.SIGTERM)
    check(client.wait(PATIENCE) == 143, "the client does not hear SIGTERM")
    server.send(signal.SIGHUP)
    server.wait_for_lines("reload", 1)
    check(server.terminate() == 0, "the server does not hear SIGTERM")


@row("36-ignored", "both programs started with SIGINT and SIGQUIT ignored: these do nothing, SIGTERM ends")
def signals_ignored(place):
    server = place.server(at_start=ignore)
    client = asking(place, server, ignore)
    for process in server.process, client:
        for number in signal.SIGINT, signal.SIGQUIT:
            process.send_signal(number)
    check(client.wait(PATIENCE) == 0, "the client is ended by a signal that was ignored")
    server.connect().fast()
    check(server.terminate() == 0, "the server does not hear SIGTERM")


@row("41-still", "SIGSTOP for longer than every timeout, while bytes come; SIGCONT")
def stood_still(place):
    server = place.server("idle_timeout_seconds = 1\npartial_frame_timeout_seconds = 1")
    for _ in range(3):
        idle, half = server.connect(), server.connect()
        half.send(FAST[:2])
        time.sleep(0.3)
        server.send(signal.SIGSTOP)
        idle.send(FAST)
        half.send(FAST[2:])
        time.sleep(1.6)
        server.send(signal.SIGCONT)
        for client in idle, half:
            check(len(client.receive(FAST_ANSWER_LENGTH)) == FAST_ANSWER_LENGTH,
                  "cut, though its bytes had come")
            client.close()


@row("41-client", "a client that stood still for longer than its timeout has its answer")
def client_stood_still(place):
    server = place.server()
    client = place.client(
        [f"127.0.0.1:{server.port}", "--timeout", "2", "-e", "slow 1", "--time", "none"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    while b"sent" not in client.stdout.readline():
        check(client.poll() is None, "the client ended")
    client.send_signal(signal.SIGSTOP)
    time.sleep(3)
    client.send_signal(signal.SIGCONT)
    check(client.wait(PATIENCE) == 0, "timed out, though its answer had come")


@row("17-options", "a system that has none of the options of connections that are only nice to have")
def options_missing(place):
    require_tracing(place)
    # The first call sets SO_REUSEADDR, which the server needs.
    server = place.server(wrapper=[
        "strace", "-D", "-qq", "-o", "/dev/null", "-e", "trace=setsockopt",
        "-e", "inject=setsockopt:error=ENOPROTOOPT:when=2..6"])
    server.connect().fast()
    with open(server.errors) as file:
        told = [line for line in file if "going on without" in line]
    place.note(f"told: {len(told)} options")
    for option in ("TCP_NODELAY", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "SO_KEEPALIVE"):
        check(sum(option + " " in line for line in told) == 1, f"{option} is not told once")


@row("17-keepalive", "connections that the server accepts are probed when they are silent")
def keep_alive(place):
    server = place.server()
    client = server.connect()
    client.fast()
    mine = client.socket.getsockname()[1]
    ends = f"0100007F:{server.port:04X} 0100007F:{mine:04X}"
    with open("/proc/net/tcp") as file:
        lines = [line.split() for line in file if ends in line]
    check(len(lines) == 1, "the connection is not in the table")
    kind, _, rest = lines[0][5].partition(":")
    seconds = int(rest, 16) / 100
    place.note(f"timer {kind} (2 is keep-alive), due in {seconds:.0f} s")
    check(kind == "02" and seconds <= 60, "no keep-alive timer of 60 s")
