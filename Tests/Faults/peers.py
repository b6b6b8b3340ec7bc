"""The programs under test, raw clients that talk to them, and what is measured of both."""

import contextlib
import os
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

FAST = bytes.fromhex("021a00")
FOREVER = 2**32 - 1
#: Lets the server hold 64 MiB of answers for one client before it reads no further.
LARGE_BUFFER = "write_buffer_bytes = 1073741824"
FAST_ANSWER_LENGTH = 24
#: An answer to a slow request is this long while fewer than 128 clients are connected.
SLOW_ANSWER_LENGTH = 5
PATIENCE = 20


class Failed(Exception):
    """A condition of the row was not met."""


class Skipped(Exception):
    """The row cannot be tried on this machine."""


def check(condition, message):
    if not condition:
        raise Failed(message)


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out + bytes([number]))


def frame(payload):
    return varint(len(payload)) + payload


def slow(seconds):
    body = b"\x08" + varint(seconds)
    return frame(b"\x22" + varint(len(body)) + body)


def until(condition, what, patience=PATIENCE):
    """Waits for something that gives no event; returns what `condition` gave in the end."""
    deadline = time.monotonic() + patience
    while True:
        result = condition()
        if result:
            return result
        check(time.monotonic() < deadline, f"in {patience} s it did not happen: {what}")
        time.sleep(0.005)


class Client:
    """A raw client of the server."""

    def __init__(self, port, receive_buffer=None, patience=PATIENCE):
        self.patience = patience
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(self.patience)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data):
        self.socket.sendall(data)

    def receive(self, count):
        data = bytearray()
        while len(data) < count:
            try:
                piece = self.socket.recv(min(count - len(data), 1 << 18))
            except TimeoutError:
                raise Failed(f"no answer in {self.patience} s, {len(data)} of {count} bytes")
            check(piece, f"closed by the server after {len(data)} of {count} bytes")
            data += piece
        return bytes(data)

    def fast(self):
        """The time that the server answers a fast request with."""
        self.send(FAST)
        answer = self.receive(FAST_ANSWER_LENGTH)
        check(answer[:5] == bytes.fromhex("170a150a13"), f"no fast answer: {answer.hex()}")
        return answer[5:].decode("ascii")

    def receive_to_end(self):
        data = bytearray()
        try:
            while piece := self.socket.recv(1 << 18):
                data += piece
        except ConnectionResetError:
            pass
        except TimeoutError:
            raise Failed(f"not closed by the server in {self.patience} s")
        return bytes(data)

    def send_what_fits(self, data):
        """Sends without waiting; the number of bytes that the system took."""
        self.socket.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < len(data):
                sent += self.socket.send(data[sent:])
        self.socket.settimeout(self.patience)
        return sent

    def close(self):
        self.socket.close()

    def end(self):
        """Ends this side's stream."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def kernel_maximum():
    """The most bytes that the kernel ever holds of what was written to one connection.

    Until then its buffer may grow, by and by: a quiet moment is no sign of a full one.
    """
    with open("/proc/sys/net/ipv4/tcp_wmem") as file:
        return int(file.read().split()[2])


class ThreadWatch(threading.Thread):
    """Checks the number of threads of every program under test, all the time."""

    def __init__(self):
        super().__init__(daemon=True)
        self.processes = set()
        self.looks = 0
        self.offences = []

    def run(self):
        while True:
            for process in list(self.processes):
                with contextlib.suppress(OSError, TypeError):
                    threads = status(process, "Threads")
                    # Until it executes the program, a child is ours.
                    if os.readlink(f"/proc/{process}/exe").rsplit("/", 1)[1].startswith("testtask-"):
                        self.looks += 1
                        if threads != 1:
                            self.offences.append(f"process {process}: {threads} threads")
            time.sleep(0.02)


thread_watch = ThreadWatch()


def status(process, field):
    """A number of /proc/PID/status: Threads, or VmRSS in KiB."""
    with open(f"/proc/{process}/status") as file:
        return int(re.search(rf"^{field}:\s+(\d+)", file.read(), re.M)[1])


def cpu_seconds(process):
    with open(f"/proc/{process}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Workplace:
    """A row's folder and processes; none of them outlives the row."""

    def __init__(self, programs):
        self.programs = programs
        self.stack = contextlib.ExitStack()
        self.path = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-"))
        self.notes = []

    def note(self, text):
        """Something measured, shown below the row."""
        self.notes.append(text)

    def file(self, name, text, mode=0o644):
        """Makes a file in the row's folder, and returns its path."""
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def start(self, arguments, **options):
        process = subprocess.Popen(arguments, cwd=self.path, **options)
        thread_watch.processes.add(process.pid)
        self.stack.callback(self.end, process)
        return process

    @staticmethod
    def end(process):
        thread_watch.processes.discard(process.pid)
        if process.poll() is None:
            process.kill()
            process.wait(PATIENCE)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()

    def server(self, limits="", **options):
        return Server(self, limits, **options)

    def client(self, arguments, **options):
        program = os.path.join(self.programs, "testtask-client")
        return self.start([program, *arguments], **options)

    def in_background(self, work):
        """Runs `work` in a process of its own, where it does not hold up measuring here.

        Returns a function that waits for its end and fails if it failed.
        """
        child = os.fork()
        if child == 0:
            code = 1
            try:
                signal.alarm(50)
                work()
                code = 0
            except Exception as error:
                os.write(2, f"background: {error!r}\n".encode())
            finally:
                os._exit(code)
        ended = []

        def is_over(flags=os.WNOHANG):
            if not ended:
                pid, result = os.waitpid(child, flags)
                if pid:
                    ended.append(os.waitstatus_to_exitcode(result))
            return bool(ended)

        def end():
            if not is_over():
                os.kill(child, signal.SIGKILL)
                is_over(0)

        def wait():
            until(is_over, "the end of the load", 50)
            check(ended[0] == 0, "the load in the background was not served")

        wait.is_over = is_over
        self.stack.callback(end)
        return wait


class Server:
    """testtask-server, run in the row's folder; `limits` and `settings` are lines of its ini's two
    sections."""

    def __init__(self, place, limits="", port=0, log=None, wrapper=(), environment=None,
                 descriptors=None, file_size=None, closed=(), at_start=None, settings=""):
        self.place = place
        run = f"{place.path}/server.{time.monotonic_ns()}"
        self.log = log or run + ".log"
        self.errors = run + ".err"
        self.is_mute = 2 in closed
        ini = run + ".ini"
        with open(ini, "w") as file:
            file.write(f"[server]\nport = {port}\n{settings}\n[limits]\n{limits}\n")

        def prepare():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
            if file_size:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
            for descriptor in closed:
                os.close(descriptor)
            if at_start:
                at_start()

        program = os.path.join(place.programs, "testtask-server")
        with open(self.errors, "wb") as errors:
            self.process = place.start(
                [*wrapper, program, "--config", ini, "--log-file", self.log],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
                env={**os.environ, **(environment or {})}, preexec_fn=prepare)
        self.pid = self.process.pid
        # What wraps it may be slow: valgrind, with OpenSSL to begin with.
        self.port = until(self.listening_port, "the server listens", PATIENCE * (3 if wrapper else 1))

    def listening_port(self):
        with open(self.errors) as file:
            if found := re.search(r"^listening .* port=(\d+)$", file.read(), re.M):
                return int(found[1])
        # With standard error closed only the log knows.
        if self.is_mute and os.path.exists(self.log) and (lines := self.lines("start")):
            return int(lines[0].rsplit("=", 1)[1])
        if self.process.poll() is not None:
            with open(self.errors) as file:
                raise Failed(f"the server ended with {self.process.returncode}: {file.read()}")
        return None

    def connect(self, **options):
        return Client(self.port, **options)

    def send(self, number):
        self.process.send_signal(number)

    def lines(self, event, path=None):
        """The log's lines of an event."""
        with open(path or self.log) as file:
            return [line for line in file.read().splitlines() if f" event={event}" in line + " "
                    and re.search(rf" event={event}( |$)", line)]

    def wait_for_lines(self, event, count):
        until(lambda: len(self.lines(event)) >= count, f"{count} lines {event} in the log")
        return self.lines(event)

    def wait_until_empty(self):
        """Waits until each connect has its disconnect, and returns their number."""
        def number():
            connects = len(self.lines("connect"))
            return connects if connects == len(self.lines("disconnect")) else 0
        return until(number, "as many disconnects as connects in the log")

    def resident_kib(self):
        return status(self.pid, "VmRSS")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def terminate(self, number=signal.SIGTERM, patience=PATIENCE):
        """Sends a signal and returns how the server ended."""
        self.send(number)
        return self.wait(patience)

    def wait(self, patience=PATIENCE):
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise Failed(f"the server did not end in {patience} s")

    def cpu_share(self, seconds):
        """The share of the next seconds in which the server uses the processor."""
        before, start = cpu_seconds(self.pid), time.monotonic()
        time.sleep(seconds)
        return (cpu_seconds(self.pid) - before) / (time.monotonic() - start)

    def latencies(self, count=None, while_true=None):
        """Round trips of fast requests of one more client, sorted, in ms."""
        client, trips = self.connect(), []
        while (count is None or len(trips) < count) and (while_true is None or while_true()):
            start = time.perf_counter()
            client.fast()
            trips.append((time.perf_counter() - start) * 1000)
        client.close()
        check(trips, "the load was over before anything could be measured")
        return sorted(trips)


def quantile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def figures(values):
    return "p50 {:.2f}, p99 {:.2f}, max {:.2f} ms".format(
        quantile(values, 0.5), quantile(values, 0.99), max(values))


def best_of(tries, measure, is_good):
    """Measures until it is good: noise of the machine only ever adds to a latency."""
    for number in range(tries):
        result = measure()
        if is_good(result):
            break
    return result


def wait_readable(sockets, patience):
    return select.select(sockets, [], [], patience)[0]
