"""Too few descriptors, accepting that fails, and standard descriptors that are closed."""

import os
import resource
import shutil
import subprocess
import time

from peers import Failed, Skipped, check, until
from row import row

#: Part of a core that a server may use while accepting fails: it may try now and then.
SPIN_BOUND = 0.3


@row("16", "60 clients at once where only 32 descriptors may be open")
def few_descriptors(place):
    server = place.server(descriptors=32)
    clients = [server.connect() for _ in range(60)]
    served = []
    for client in clients:
        try:
            client.fast()
            served.append(client)
        except (Failed, OSError):
            client.close()
    check(10 <= len(served) < 30, f"{len(served)} were served")
    until(lambda: sum(int(line.rsplit("=", 1)[1]) for line in server.lines("rejected"))
          == 60 - len(served), "each client turned away is counted")
    for client in served:
        client.fast()
    share = server.cpu_share(0.3)
    served[0].close()
    server.wait_for_lines("disconnect", 1)
    server.connect().fast()
    place.note(f"{len(served)} served, {60 - len(served)} turned away and counted in "
               f"{len(server.lines('rejected'))} lines; idle it used {share:.0%} of a core")
    check(share < SPIN_BOUND, "it spins")


@row("17-limit", "the descriptor limit falls below what is open, while clients come; then rises")
def limit_falls(place):
    server = place.server()
    kept = server.connect(patience=5)
    kept.fast()
    old = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    # The limit leaves no free descriptor.
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (server.descriptors(), old[1]))
    waiting = [server.connect(patience=5) for _ in range(20)]
    share = server.cpu_share(1)
    kept.fast()
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, old)
    # They have waited in the backlog, and lose only time.
    for client in waiting:
        client.fast()
    server.connect().fast()
    place.note(f"meanwhile it uses {share:.0%} of a core (bound: {SPIN_BOUND:.0%})")
    check(share < SPIN_BOUND, "it spins")


def require_tracing(place):
    if not shutil.which("strace"):
        raise Skipped("strace is not installed")
    tried = subprocess.run(["strace", "-D", "-o", os.devnull, "true"], cwd=place.path,
                           capture_output=True, text=True, timeout=20)
    if tried.returncode != 0:
        raise Skipped(f"strace may not trace here: {tried.stderr.strip()}")


def serve_with_failing_accept(place, error, calls):
    """A server whose accept fails as often as `calls` says, in strace's words."""
    trace = os.path.join(place.path, f"trace.{error}")
    # -D: the server stays our child, the tracer is a grandchild that ends with it.
    server = place.server(wrapper=[
        "strace", "-D", "-qq", "-o", trace, "-e", "trace=accept,accept4",
        "-e", f"inject=accept,accept4:error={error}:when={calls}"])

    def failures():
        with open(trace, errors="replace") as file:
            return sum("(INJECTED)" in line for line in file)

    return server, failures


@row("17-some", "accept fails 20 times with EMFILE, ENFILE, ENOMEM, EINTR, ECONNABORTED")
def accept_fails_for_a_while(place):
    require_tracing(place)
    for error in "EMFILE", "ENFILE", "ENOMEM", "EINTR", "ECONNABORTED":
        server, failures = serve_with_failing_accept(place, error, "1..20")
        start = time.monotonic()
        # A failure may cost a connection, but never the service.
        tries = 0
        while True:
            check(time.monotonic() - start < 10, f"{error}: nobody is served any more")
            tries += 1
            client = server.connect()
            try:
                client.fast()
                break
            except (Failed, OSError):
                client.close()
        client.fast()
        place.note(f"{error}: failed {failures()} times, client number {tries} was served after "
                   f"{time.monotonic() - start:.2f} s")
        check(failures() >= 1, f"{error}: nothing was injected")
        check(server.terminate() == 0, f"{error}: no clean end")


@row("17-always", "accept fails for as long as a second, while clients are connected and come")
def accept_fails_for_long(place):
    server = place.server()
    kept = server.connect(patience=5)
    kept.fast()
    old = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (4, old[1]))
    coming = [server.connect() for _ in range(20)]
    share = server.cpu_share(1)
    place.note(f"at a limit of 4 descriptors: {share:.0%} of a core (bound: {SPIN_BOUND:.0%})")
    kept.fast()
    check(share < SPIN_BOUND, "it spins")
    lines = len(server.lines("accept_failed"))
    check(lines <= 3, f"it floods its log: {lines} lines accept_failed")
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, old)
    for client in coming:
        client.close()
    server.connect().fast()

    require_tracing(place)
    for error in "EMFILE", "ENFILE", "ENOMEM":
        server, failures = serve_with_failing_accept(place, error, "2+")
        kept = server.connect(patience=5)
        kept.fast()
        waiting = server.connect()
        until(failures, f"{error} is injected")
        before = failures()
        share = server.cpu_share(1)
        tried = failures() - before
        place.note(f"{error}: {share:.0%} of a core (bound: {SPIN_BOUND:.0%}), "
                   f"{tried} calls in a second (bound: 200)")
        check(tried < 200 and share < SPIN_BOUND, f"{error}: it spins")
        kept.fast()
        waiting.close()
        check(server.terminate() == 0, f"{error}: no clean end")


def standard_descriptors(process):
    """What descriptors 0, 1 and 2 of a process are."""
    seen = {}
    for descriptor in range(3):
        try:
            seen[descriptor] = os.readlink(f"/proc/{process}/fd/{descriptor}")
        except FileNotFoundError:
            seen[descriptor] = "closed"
    return seen


CLOSED_AT_START = [(0,), (1,), (2,), (0, 1), (0, 1, 2)]


@row("23-server", "the server is started with descriptors 0, 1, 2 closed, alone and together")
def server_without_descriptors(place):
    for closed in CLOSED_AT_START:
        server = place.server(closed=closed)
        clients = [server.connect() for _ in range(5)]
        for client in clients:
            client.fast()
        seen = standard_descriptors(server.pid)
        for descriptor in closed:
            check(seen[descriptor] in ("/dev/null", "closed"),
                  f"closed {closed}: descriptor {descriptor} is {seen[descriptor]}")
        for client in clients:
            client.send(b"\x00")
            check(client.receive_to_end() == b"", f"closed {closed}: diagnostics went to a client")
            client.close()
        check(server.terminate() == 0, f"closed {closed}: no clean end")


@row("23-client", "the client is started with descriptors 0, 1, 2 closed, alone and together")
def client_without_descriptors(place):
    server = place.server()
    for number, closed in enumerate(CLOSED_AT_START):
        def close():
            for descriptor in closed:
                os.close(descriptor)

        client = place.client(
            [f"127.0.0.1:{server.port}", "-e", "fast", "-e", "slow 1", "-e", "fast"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=close)
        server.wait_for_lines("connect", number + 1)
        seen = standard_descriptors(client.pid)
        for descriptor in closed:
            check(seen[descriptor] in ("/dev/null", "closed"),
                  f"closed {closed}: descriptor {descriptor} is {seen[descriptor]}")
        output, errors = client.communicate(timeout=20)
        check(client.returncode == 0, f"closed {closed}: ended with {client.returncode}: {errors}")
        if 1 not in closed:
            check(output.count(b"\n") >= 3, f"closed {closed}: too little on standard output: {output}")
    lines = server.wait_for_lines("disconnect", len(CLOSED_AT_START))
    check(all("reason=eof" in line and "requests=3" in line for line in lines),
          f"not what the client was told to send: {lines}")
