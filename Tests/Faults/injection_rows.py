"""One system call, or one of libuv's allocations, fails: the first, the second, and so on."""

import collections
import concurrent.futures
import contextlib
import itertools
import os
import re
import select
import shutil
import signal
import subprocess
import termios
import threading
import time

from peers import FAST, FAST_ANSWER_LENGTH, SLOW_ANSWER_LENGTH, Client, Failed, Skipped, check, slow
from row import row

#: libuv 1.44 itself ends the process where these fail; docs/reliability.md says why.
ABORTS = {"epoll_ctl", "pipe2", "allocation"}
#: Lives at once: most of the time they wait for a sleeping request.
WORKERS = 8
#: More than any life needs; a life that never completes is a fault.
MOST = 2_000
#: Seconds that anything may take that should not hang.
PATIENCE = 8
#: With FAULTS=full each place fails with every error that it can have, not only with one.
IS_FULL = os.environ.get("FAULTS") == "full"


def library(place):
    """Builds the library that is loaded before the program."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "inject.c")
    out = os.path.join(place.path, "inject.so")
    compiler = shutil.which("cc") or shutil.which("clang")
    if not compiler:
        raise Skipped("there is no C compiler")
    build = subprocess.run([compiler, "-Wall", "-Wextra", "-shared", "-fPIC", "-o", out, source],
                           capture_output=True, text=True)
    check(build.returncode == 0, f"inject.c: {build.stderr}")
    return out


class Life:
    """A program from start to end, with one fault in it."""

    numbers = itertools.count()

    def __init__(self, place, preload, order):
        self.order = order
        self.folder = os.path.join(place.path, f"life-{next(self.numbers)}")
        os.mkdir(self.folder)
        self.report = os.path.join(self.folder, "report")
        self.environment = {**os.environ, "LD_PRELOAD": preload, "INJECT": order,
                            "INJECT_REPORT": self.report, "SWIFT_BACKTRACE": "enable=no"}
        self.errors = b""
        self.fired = self.error = None
        self.has_more = False
        self.left, self.live, self.is_reported = [], 0, False

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, place, arguments, **options):
        self.process = place.start(arguments, env=self.environment, stderr=subprocess.PIPE, **options)

    def read_errors(self, until_line=None):
        """Reads diagnostics up to a line, or to the end."""
        deadline = time.monotonic() + PATIENCE
        while until_line is None or not re.search(until_line, self.errors, re.M):
            wait = deadline - time.monotonic()
            check(wait > 0 and select.select([self.process.stderr], [], [], wait)[0],
                  f"it hangs; diagnostics: {self.errors}")
            piece = os.read(self.process.stderr.fileno(), 65_536)
            if not piece:
                return
            self.errors += piece

    def end(self):
        """Waits for the end, and reads what the library has reported."""
        self.read_errors()
        try:
            self.code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed("it does not end")
        for line in open(self.report) if os.path.exists(self.report) else ():
            word, *rest = line.split()
            if word == "fired":
                self.fired, self.error, self.has_more = rest[0], rest[1], rest[2] == "1"
            elif word == "left":
                # The number says which pipe, socket or terminal it is.
                self.left.append(rest[0].split(":[")[0].rstrip("0123456789"))
            elif word == "end":
                self.live, self.is_reported = int(rest[2]), True

    def judge(self, whole, codes):
        """What holds for every program; `whole` is a life without a fault."""
        if self.code == -signal.SIGABRT:
            check(self.fired in ABORTS, "an abort that is not documented")
            # Its output before the fault does not matter.
            well = (b"listening ", b"testtask-server: reloaded")
            lines = [line for line in self.errors.splitlines() if not line.startswith(well)]
            check(len(lines) <= 1, f"diagnostics of an abort: {self.errors}")
            return "aborted"
        check(self.code in codes, f"ended with {self.code}: {self.errors.decode(errors='replace')}")
        check(self.is_reported, "it ended without its destructors")
        if whole:
            check(not collections.Counter(self.left) - collections.Counter(whole.left),
                  f"descriptors left: {self.left}")
            check(self.live <= whole.live, f"{self.live} allocations of libuv's left")
        check(b"closeLoop" not in self.errors, "the loop does not close")
        return None

    @property
    def name(self):
        return f"{self.order} ({self.fired} {self.error})"


def server_life(place, preload, order, whole):
    life = Life(place, preload, order)
    ini, log = life.path("ini"), life.path("log")
    with open(ini, "w") as file:
        file.write("[server]\nport = 0\n[limits]\ndrain_timeout_seconds = 3\n")
    with open(log, "w") as file:
        file.write("an old line, and one that was cut off by a pow")
    life.start(place, [os.path.join(place.programs, "testtask-server"), "--config", ini,
                       "--log-file", log], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    listening = rb"^listening .* port=(\d+)$"
    life.read_errors(listening)
    if found := re.search(listening, life.errors, re.M):
        serve_all(life, int(found[1]))
    life.end()
    if verdict := life.judge(whole, (0, 1, 78)):
        return life, verdict
    if life.code:
        lines = life.errors.decode().splitlines()
        told = [line for line in lines if not line.startswith("listening ")]
        check(len(told) == 1 and "error: " in told[0], f"not one clear line but {told}")
        return life, "one line"
    with open(log) as file:
        lines = file.read().splitlines()[1:]
    counts = [sum(f" event={event} " in line for line in lines) for event in ("connect", "disconnect")]
    # A line that the disk did not take is lost, and counted.
    is_lossy = life.fired == "write" and life.error in ("ENOSPC", "EIO", "EDQUOT")
    check(counts[0] == counts[1] or is_lossy, f"connects and disconnects in the log: {counts}")
    check(all(re.match(r"ts=\S+ level=\w+ event=\w+", line) for line in lines), f"torn lines: {lines}")
    return life, "recovered"


def serve_all(life, port):
    """Everything that clients do: the fault may fail one of them, but the next must be served."""
    clients = []
    sleeper = None

    @contextlib.contextmanager
    def tolerated():
        try:
            yield
        except (OSError, Failed):
            pass

    def connect(**options):
        clients.append(Client(port, patience=3, **options))
        return clients[-1]

    with tolerated():
        # Still asleep when the drain begins.
        sleeper = connect()
        sleeper.send(slow(1) + FAST)
        sleeper.receive(FAST_ANSWER_LENGTH)
    with tolerated():
        asker = connect()
        asker.send(FAST + slow(0))
        asker.receive(FAST_ANSWER_LENGTH + SLOW_ANSWER_LENGTH)
    with tolerated():
        connect().send(b"\x05\x22")
    with tolerated():
        # More than the system's buffers hold: the remaining bytes go through libuv's queue.
        reader = connect(receive_buffer=65_536)
        reader.send(FAST * 20_000)
        reader.receive(20_000 * FAST_ANSWER_LENGTH)
    with tolerated():
        violator = connect()
        violator.send(FAST + b"\x00")
        violator.receive_to_end()
    with tolerated():
        leaver = connect()
        leaver.send(slow(30) + FAST)
        leaver.receive(FAST_ANSWER_LENGTH)
        leaver.reset()
    for number in signal.SIGHUP, signal.SIGUSR1:
        if life.process.poll() is None:
            life.process.send_signal(number)
    # One fault may fail one client at most, and never the next one.
    for attempt in range(3):
        try:
            connect().fast()
            break
        except (OSError, Failed) as error:
            # A process that aborts refuses connections before it is gone.
            with contextlib.suppress(subprocess.TimeoutExpired):
                life.process.wait(1)
                break
            check(attempt < 2, f"it serves nobody any more: {error}")
    if life.process.poll() is None:
        # Once: a second one would end it before the drain does.
        life.process.send_signal(signal.SIGTERM)
        if sleeper:
            with tolerated():
                sleeper.receive(SLOW_ANSWER_LENGTH)
    for client in clients:
        client.close()


def try_all(place, kind, variants, live):
    """Lives `live` with the first place failing, the second, and so on until none fails."""
    whole, verdict = live(f"{kind}:{MOST}:0", None)
    check(whole.code == 0 and whole.fired is None and verdict == "recovered",
          f"without a fault it {verdict}, code {whole.code}: {whole.errors}")
    seen = collections.Counter()
    failures, lock = [], threading.Lock()

    def try_place(number):
        """Whether the place exists."""
        exists = False
        for variant in variants:
            order = f"{kind}:{number}:{variant}"
            try:
                life, verdict = live(order, whole)
            except Failed as error:
                with lock:
                    failures.append(f"{order}: {error}")
                return True
            if life.fired is None:
                break
            exists = True
            with lock:
                seen[verdict, life.fired] += 1
            if kind == "call" and not life.has_more:
                break
        return exists

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for start in range(1, MOST, WORKERS):
            found = list(pool.map(try_place, range(start, start + WORKERS)))
            # How often a program waits differs between runs: it ends when no run of a batch reaches
            # its place.
            if not any(found) or len(failures) > 20:
                break
    count = sum(seen.values())
    for verdict in "recovered", "one line", "aborted":
        calls = {call: number for (what, call), number in sorted(seen.items()) if what == verdict}
        if calls:
            place.note(f"{verdict} {sum(calls.values())}: "
                       + ", ".join(f"{call} {number}" for call, number in calls.items()))
    check(not failures, f"{len(failures)} of {count + len(failures)}: " + "; ".join(failures[:5]))
    return count


@row("32-server", "the Nth system call of a server fails, from its start to the end of its drain", 900)
def server_calls(place):
    preload = library(place)
    count = try_all(place, "call", range(99) if IS_FULL else (0,),
                    lambda order, whole: server_life(place, preload, order, whole))
    check(count > 80, f"only {count} calls")


@row("32-memory", "the Nth allocation of libuv's fails, once and from then on, in server and client", 120)
def allocations(place):
    preload = library(place)
    server = place.server()
    for live in (lambda order, whole: server_life(place, preload, order, whole),
                 lambda order, whole: client_life(place, preload, order, whole, server.port)):
        count = try_all(place, "memory", (0, 1), live)
        check(count >= 4, f"only {count} allocations")


@row("32-client", "the Nth system call of a client fails, over two connections and a periodic mode", 900)
def client_calls(place):
    try_client(place, client_life, 60)


@row("32-prompt", "the Nth system call of a client at a terminal fails, which is as before afterwards", 900)
def prompt_calls(place):
    try_client(place, prompt_life, 60)


def try_client(place, live, least):
    preload = library(place)
    server = place.server()
    count = try_all(place, "call", range(99) if IS_FULL else (0,),
                    lambda order, whole: live(place, preload, order, whole, server.port))
    check(count > least, f"only {count} calls")
    server.wait_until_empty()
    server.connect().fast()


def client_life(place, preload, order, whole, port):
    life = Life(place, preload, order)
    life.start(place, [os.path.join(place.programs, "testtask-client"), f"127.0.0.1:{port}",
                       "--connect-timeout", "2", "--timeout", "3", "--log-file", life.path("log")],
               stdin=subprocess.PIPE, stdout=open(life.path("output"), "wb"))
    with contextlib.suppress(BrokenPipeError):
        life.process.stdin.write(
            b"fast\nslow 0\nevery 10 fast\nsleep 0.03\nstop\nwait\ndisconnect\nconnect\nfast\n")
        life.process.stdin.close()
    life.end()
    if verdict := life.judge(whole, (0, 1, 2, 3, 4)):
        return life, verdict
    with open(life.path("output")) as file:
        output = file.read()
    if life.code:
        check(life.errors.count(b"\n") == 1, f"code {life.code}, not one clear line but {life.errors}")
        return life, "one line"
    check(output.count("received #") >= 3, f"not all was answered: {output}")
    return life, "recovered"


def prompt_life(place, preload, order, whole, port):
    """At a terminal: a request is typed, the terminal changes its size, and Ctrl-D ends it."""
    life = Life(place, preload, order)
    life.environment |= {"TERM": "xterm", "HOME": life.folder, "XDG_STATE_HOME": life.folder}
    master, slave = os.openpty()
    with contextlib.ExitStack() as stack:
        for descriptor in master, slave:
            stack.callback(os.close, descriptor)
        before = termios.tcgetattr(slave)
        life.start(place, [os.path.join(place.programs, "testtask-client"), f"127.0.0.1:{port}",
                           "--reconnect", "1", "--timeout", "3"], stdin=slave, stdout=slave)
        shown = b""
        # What is typed, and the output to wait for before the next input.
        for text, expected in ((b"", rb"connected to|retry in"),
                               (b"fast\r", rb"(received|lost) #1|not sent|retry in")):
            os.write(master, text)
            deadline = time.monotonic() + 3
            while (life.process.poll() is None and time.monotonic() < deadline
                   and not re.search(expected, shown)):
                if select.select([master], [], [], 0.02)[0]:
                    shown += os.read(master, 65_536)
        if life.process.poll() is None:
            life.process.send_signal(signal.SIGWINCH)
            os.write(master, b"\x15\x04")
        deadline = time.monotonic() + PATIENCE
        while life.process.poll() is None and time.monotonic() < deadline:
            if select.select([master], [], [], 0.02)[0]:
                shown += os.read(master, 65_536)
        life.end()
        after = termios.tcgetattr(slave)
        if verdict := life.judge(whole, (0, 1, 2)):
            return life, verdict
        check(before == after, "the terminal is not as it was")
    if life.code:
        check(life.errors.count(b"\n") == 1, f"code {life.code}, not one clear line but {life.errors}")
        return life, "one line"
    if life.fired is None:
        check(b"received #1" in shown, f"no answer: {shown}")
    return life, "recovered"
