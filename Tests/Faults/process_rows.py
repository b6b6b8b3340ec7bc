"""Several processes: one count, sockets of a service manager's, and restarts that lose nobody."""

import contextlib
import ctypes
import errno
import fcntl
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

from peers import FAST, Client, Failed, PATIENCE, Skipped, check, slow, until, wait_readable
from row import row

#: fcntl(2), "Open file description locks"; Python's module does not have their names.
OFD_SETLK = 37


def ask_count(client):
    """Asks a slow request of 0 seconds; the number of clients in its answer."""
    client.send(slow(0))
    length = client.receive(1)[0]
    body = client.receive(length)
    check(body[0] == 0x12 and body[2] == 0x08, f"no slow answer: {body.hex()}")
    number = 0
    for place, byte in enumerate(body[3:]):
        number |= (byte & 127) << 7 * place
    return number


def leave(client):
    """Ends the stream, and waits until the server has let go."""
    client.end()
    check(client.receive_to_end() == b"", "an answer that nobody asked for")
    client.close()


@row("60-count", "10 000 connects to three processes that count together, disconnects, kill -9s: each count is right")
def one_count(place):
    settings = f"count_file = {place.path}/count"
    chance = random.Random(60)
    servers = [place.server(settings=settings) for _ in range(3)]
    clients = [[] for _ in servers]
    kills = disconnects = 0
    total = 10_000
    for number in range(total):
        at = chance.randrange(len(servers))
        client = servers[at].connect()
        clients[at].append(client)
        count = ask_count(client)
        expected = sum(map(len, clients))
        check(count == expected, f"connect {number}: {count} clients, and there are {expected}")
        while sum(map(len, clients)) > 150 or chance.random() < 0.45:
            at = chance.choice([number for number, some in enumerate(clients) if some] or [0])
            if not clients[at]:
                break
            leave(clients[at].pop(chance.randrange(len(clients[at]))))
            disconnects += 1
        if number % 200 == 199:
            at = chance.randrange(len(servers))
            server, gone = servers[at], clients[at]
            others = [client for some in clients if some is not gone for client in some]
            server.send(signal.SIGKILL)
            if kills % 2 and gone and others:
                # As soon as the first client can know.
                check(wait_readable([client.socket for client in gone], PATIENCE), "no end")
                count = ask_count(others[0])
                check(count == len(others), f"after a kill {count} of {len(others)} clients")
            server.wait()
            for client in gone:
                client.close()
            clients[at] = []
            servers[at] = place.server(settings=settings, log=server.log)
            kills += 1
    place.note(f"{total} connects, {disconnects} disconnects, {kills} kills: each count was right")
    for server in servers:
        check(server.terminate() == 0, "no clean end")


@row("60-port", "four processes on one port that count together")
def one_port(place):
    settings = f"reuse_port = yes\ncount_file = {place.path}/count"
    servers = [place.server(settings=settings)]
    servers += [place.server(settings=settings, port=servers[0].port) for _ in range(3)]
    clients = []
    for number in range(400):
        clients.append(servers[0].connect())
        check(ask_count(clients[-1]) == number + 1, "a wrong count")
    shares = [len(server.lines("connect")) for server in servers]
    place.note(f"400 clients: {shares}")
    check(all(shares), "a process got nobody")
    for client in clients:
        leave(client)
    alone = place.start([f"{place.programs}/testtask-server", "--port", str(servers[0].port)],
                        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    check(alone.wait(PATIENCE) == 1 and b"EADDRINUSE" in alone.stderr.read(),
          "one without reuse_port listens as well")


def refused(place, path, word, wrapper=()):
    """A server with this count file ends with 1 and one line, at once and with --check-config."""
    ini = place.file("refused.ini", f"[server]\nport = 0\ncount_file = {path}\n")
    for more in ([], ["--check-config"]):
        if wrapper and more:
            continue
        process = place.start([*wrapper, f"{place.programs}/testtask-server", "--config", ini,
                               "--log-file", "log", *more],
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        _, errors = process.communicate(timeout=PATIENCE)
        lines = errors.decode().splitlines()
        check(process.returncode == 1 and len(lines) == 1 and word in lines[0] and path in lines[0],
              f"{path} {more}: ended with {process.returncode}: {lines}")


@row("60-file", "a count file that is foreign, short, a folder, a FIFO, a link; no room, no locks, no mapping; all slots taken")
def bad_count_file(place):
    path = place.path
    place.file("text", "precious\n")
    place.file("page", "x" * 4096)
    os.mkfifo(f"{path}/fifo")
    os.symlink(f"{path}/text", f"{path}/link")
    for name, word in (("text", "holds something else"), ("page", "holds something else"),
                       (".", "Is a directory"), ("fifo", "no regular file"), ("link", "symbolic link"),
                       ("none/count", "No such file")):
        refused(place, f"{path}/{name}", word)
    with open(f"{path}/text") as file:
        check(file.read() == "precious\n", "a foreign file was changed")
    # A file that a server has made, cut and of another version.
    server = place.server(settings=f"count_file = {path}/count")
    with open(f"{path}/count", "rb") as file:
        content = file.read()
    for name, bytes in (("cut", content[:100]), ("version", content[:8] + b"\2" + content[9:])):
        with open(f"{path}/{name}", "wb") as file:
            file.write(bytes)
    refused(place, f"{path}/cut", "has 100 bytes, and not 4096")
    refused(place, f"{path}/version", "of another version")
    if shutil.which("strace"):
        for call, error in (("mmap", "ENODEV"), ("fcntl", "ENOLCK"), ("pwrite64", "ENOSPC")):
            new = f"{path}/{call}"
            wrapper = ["strace", "-qq", "-o", "/dev/null", "-P", new, "-e", f"trace={call}",
                       "-e", f"inject={call}:error={error}"]
            if call == "fcntl":
                # Not the first: that moves the descriptor.
                wrapper[-1] += ":when=2+"
            refused(place, new, os.strerror(getattr(errno, error)), wrapper)
    # All slots are taken: one by the server, the others by this process.
    descriptors = []
    for number in range(1, 64):
        descriptors.append(os.open(f"{path}/count", os.O_RDWR))
        lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 64 * number, 1, 0)
        with contextlib.suppress(BlockingIOError):
            fcntl.fcntl(descriptors[-1], OFD_SETLK, lock)
    ini = place.file("full.ini", f"[server]\nport = 0\ncount_file = {path}/count\n")
    full = place.start([f"{place.programs}/testtask-server", "--config", ini, "--log-file", "log"],
                       stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, errors = full.communicate(timeout=PATIENCE)
    check(full.returncode == 1 and b"63 processes have" in errors, f"{full.returncode} {errors}")
    check(ask_count(server.connect()) == 1, "locks without a number count")
    os.close(descriptors[5])
    place.server(settings=f"count_file = {path}/count")
    for descriptor in descriptors[:5] + descriptors[6:]:
        os.close(descriptor)


class Manager:
    """Holds listening sockets, as a service manager does, and starts servers with them."""

    def __init__(self, place):
        self.place = place
        self.sockets, self.names = [], []
        self.log = f"{place.path}/server.log"

    def listen(self, name, family=socket.AF_INET, address=("127.0.0.1", 0)):
        listener = self.place.stack.enter_context(socket.socket(family))
        listener.bind(address)
        listener.listen(4096)
        self.add(name, listener)
        return listener

    def add(self, name, listener):
        self.sockets.append(listener)
        self.names.append(name)

    def start(self, variables=None, settings=""):
        """Starts a server, whose standard error is a pipe."""
        ini = self.place.file("activated.ini", f"[server]\naddress = 192.0.2.1\n{settings}\n")
        # The numbers from 3 on must be free while the sockets are put there.
        high = [fcntl.fcntl(listener.fileno(), fcntl.F_DUPFD, 100) for listener in self.sockets]

        def prepare():
            for number, descriptor in enumerate(high):
                os.dup2(descriptor, 3 + number)

        given = {"LISTEN_PID": "$$", "LISTEN_FDS": str(len(self.sockets)),
                 "LISTEN_FDNAMES": ":".join(self.names), **(variables or {})}
        export = " ".join(f'{name}="{value}"' for name, value in given.items() if value is not None)
        process = self.place.start(
            ["bash", "-c", f'exec env {export} "$0" --config {ini} --log-file {self.log}',
             f"{self.place.programs}/testtask-server"], stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE, preexec_fn=prepare,
            pass_fds=range(3, 3 + len(self.sockets)))
        for descriptor in high:
            os.close(descriptor)
        return process

    def wait_until_ready(self, process, count):
        lines = []
        while sum(line.startswith("listening ") for line in lines) < count:
            line = process.stderr.readline().decode()
            check(line, f"the server ended: {lines}")
            lines.append(line.strip())
        return lines


@row("61-wrong", "a service manager hands over what is closed, a file, UDP, connected, not listening, or miscounts")
def wrong_descriptors(place):
    folder = place.stack.enter_context(open(place.path + "/file", "w"))
    udp, bound, one, other = (socket.socket(type=socket.SOCK_DGRAM), socket.socket(),
                              *socket.socketpair())
    bound.bind(("127.0.0.1", 0))
    for listener in (udp, bound, one, other):
        place.stack.enter_context(listener)
    for wrong, word in ((folder, "is no socket"), (udp, "is no stream socket"),
                        (bound, "does not listen"), (one, "does not listen")):
        manager = Manager(place)
        manager.listen("good")
        manager.add("bad one", wrong)
        process = manager.start()
        _, errors = process.communicate(timeout=PATIENCE)
        text = errors.decode()
        check(process.returncode == 1 and text.count("\n") == 1 and word in text
              and "4 (bad one)" in text, f"{word}: ended with {process.returncode}: {text}")
    manager = Manager(place)
    manager.listen("good")
    for variables, word in (({"LISTEN_FDS": "2"}, "has 1 names for 2 sockets"),
                            ({"LISTEN_FDS": "2", "LISTEN_FDNAMES": None}, "socket 4 is not open"),
                            ({"LISTEN_FDS": "-1"}, "no number of sockets"),
                            ({"LISTEN_PID": "x"}, "is no process")):
        process = manager.start(variables)
        _, errors = process.communicate(timeout=PATIENCE)
        check(process.returncode == 1 and word in errors.decode(),
              f"{variables}: ended with {process.returncode}: {errors.decode()}")
    # Meant for another process: the address of the settings counts, which is nobody's here.
    process = manager.start({"LISTEN_PID": "1"})
    _, errors = process.communicate(timeout=PATIENCE)
    check(process.returncode == 1 and b"192.0.2.1" in errors, f"took what is another's: {errors}")


def ask_and_leave(connect):
    with contextlib.closing(connect()) as client:
        client.fast()


def kept_waiting():
    """The seconds in which this process was ready to run and another one had the processor."""
    with open("/proc/self/schedstat") as file:
        return int(file.read().split()[1]) / 1e9


def load_until(place, connect, workers=16):
    """Connects, asks and leaves again and again in the background, until the returned function is called;
    that waits, fails if anybody was not served, and returns the number of those that were."""
    stop, results = f"{place.path}/stop", []
    waits = []
    for number in range(workers):
        result = f"{place.path}/served.{number}"
        results.append(result)

        def load(result=result):
            served, slowest = 0, 0
            while not os.path.exists(stop):
                start, waited = time.monotonic(), kept_waiting()
                try:
                    ask_and_leave(connect)
                except Exception as error:
                    # Who does not ask for a quarter of a second may be disconnected by the drain, and a client
                    # that has no processor does not ask.
                    if kept_waiting() - waited > 0.2:
                        continue
                    raise Failed(f"after {served}: {error!r}")
                served += 1
                slowest = max(slowest, time.monotonic() - start)
            with open(result, "w") as file:
                file.write(f"{served} {slowest}")
        waits.append(place.in_background(load))

    def finish():
        place.file("stop", "")
        for wait in waits:
            wait()
        numbers = []
        for result in results:
            with open(result) as file:
                numbers.append(file.read().split())
        return sum(int(served) for served, _ in numbers), max(float(most) for _, most in numbers)
    return finish


@row("61-restart", "ten restarts of a server whose sockets are the service manager's, under load: no client is lost")
def restart_activated(place):
    manager = Manager(place)
    tcp = manager.listen("tcp")
    path = f"{place.path}/socket"
    manager.listen("unix", socket.AF_UNIX, path)
    port = tcp.getsockname()[1]
    process = manager.start(settings=f"socket = {place.path}/other")
    lines = manager.wait_until_ready(process, 2)
    check(f"listening address=127.0.0.1 port={port}" in lines and
          f"listening socket={path}" in lines, f"{lines}")
    finish = load_until(place, lambda: Client(port))
    restarts = 10
    for _ in range(restarts):
        process.send_signal(signal.SIGTERM)
        check(process.wait(PATIENCE) == 0, "no clean end")
        # Whoever comes now waits in the queue.
        time.sleep(0.05)
        process = manager.start()
        manager.wait_until_ready(process, 2)
        time.sleep(0.1)
    served, slowest = finish()
    place.note(f"{served} clients served, {restarts} restarts, the slowest took {slowest:.2f} s")
    check(os.path.exists(path), "the file of the service manager's socket is gone")
    check(not os.path.exists(f"{place.path}/other"), "the socket of the settings was made")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(FAST)
        check(len(client.recv(100)) == 24, "no answer on the Unix socket")
    process.send_signal(signal.SIGTERM)
    check(process.wait(PATIENCE) == 0 and os.path.exists(path), "the Unix socket's file is gone")


@row("61-systemd", "systemd-socket-activate starts the server at the first connection, with two sockets and one for metrics")
def socket_activate(place):
    program = shutil.which("systemd-socket-activate")
    if not program:
        raise Skipped("no systemd-socket-activate")
    path = f"{place.path}/socket"
    with socket.socket() as free, socket.socket() as another:
        free.bind(("127.0.0.1", 0))
        another.bind(("127.0.0.1", 0))
        port, metrics = free.getsockname()[1], another.getsockname()[1]
    launcher = place.start(
        [program, "-l", f"127.0.0.1:{port}", "-l", path, "-l", f"127.0.0.1:{metrics}",
         "--fdname=tcp:unix:metrics",
         f"{place.programs}/testtask-server", "--log-file", "log"],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    until(lambda: os.path.exists(path), "systemd-socket-activate listens")
    client = until(lambda: try_to_connect(port), "the first connection")
    client.fast()
    with socket.socket(socket.AF_UNIX) as other:
        other.connect(path)
        other.sendall(FAST)
        check(len(other.recv(100)) == 24, "no answer on the Unix socket")
    with socket.create_connection(("127.0.0.1", metrics), PATIENCE) as other:
        other.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        check(b" 200 " in other.recv(1000), "no metrics on the socket of that name")
    launcher.send_signal(signal.SIGTERM)
    check(launcher.wait(PATIENCE) == 0, "no clean end")
    errors = launcher.stderr.read().decode()
    check(f"listening address=127.0.0.1 port={port}" in errors
          and f"listening socket={path}" in errors, errors)
    with open(f"{place.path}/log") as log:
        check("event=start inherited_sockets=2" in log.read(), "the log does not tell")


def try_to_connect(port):
    with contextlib.suppress(ConnectionRefusedError):
        return Client(port)
    return None


@row("62", "a rolling restart, three times each, of three processes on one port, under load: no client is lost")
def rolling_restart(place):
    settings = f"reuse_port = yes\ncount_file = {place.path}/count"
    servers = [place.server(settings=settings)]
    port = servers[0].port
    servers += [place.server(settings=settings, port=port) for _ in range(2)]
    finish = load_until(place, lambda: Client(port))
    restarts = 0
    for _ in range(3):
        for number, server in enumerate(servers):
            check(server.terminate() == 0, "no clean end")
            if "may be lost" in printed(server):
                raise Skipped("the kernel lets only CAP_NET_ADMIN filter requests for connections")
            servers[number] = place.server(settings=settings, port=port, log=server.log)
            restarts += 1
            time.sleep(0.1)
    served, slowest = finish()
    place.note(f"{served} clients served, {restarts} restarts, the slowest took {slowest:.2f} s")
    client = servers[0].connect()
    check(ask_count(client) == 1, "the count is wrong in the end")


class OwnNetwork:
    """A network namespace with nothing but loopback, where sysctls can be set."""

    def __init__(self, place, migrate):
        try:
            self.holder = place.start(
                ["unshare", "--net", "sh", "-c",
                 f"ip link set lo up && echo {migrate:d} > /proc/sys/net/ipv4/tcp_migrate_req && echo up && cat"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        except FileNotFoundError:
            raise Skipped("unshare (util-linux) is not installed")
        if self.holder.stdout.readline() != "up\n":
            raise Skipped(f"no network namespace with that sysctl: {self.holder.stderr.read().strip()}")
        self.path = f"/proc/{self.holder.pid}/ns/net"
        #: In front of a command: there, and without the right to administer the network.
        self.wrapper = ["nsenter", f"--net={self.path}", "setpriv", "--bounding-set=-net_admin",
                        "--inh-caps=-net_admin"]

    def enter(self):
        """Moves this process there."""
        with open(self.path) as file:
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), 0) != 0:
                raise OSError(ctypes.get_errno(), "setns")

    def connect(self, port):
        """Connects there, from a process that may be here."""
        if os.readlink("/proc/self/ns/net") != os.readlink(self.path):
            self.enter()
        return Client(port)


def start_three(place, network):
    settings = f"reuse_port = yes\ncount_file = {place.path}/count"
    servers = [place.server(settings=settings, wrapper=network.wrapper)]
    port = servers[0].port
    return servers + [place.server(settings=settings, port=port, wrapper=network.wrapper) for _ in range(2)]


def printed(server):
    """What a server has printed on standard error."""
    with open(server.errors) as file:
        return file.read()


@row("62-moved", "the same without CAP_NET_ADMIN, where the kernel moves the queue of a closed socket: no client is lost, and none waits")
def rolling_restart_by_the_kernel(place):
    network = OwnNetwork(place, migrate=True)
    servers = start_three(place, network)
    finish = load_until(place, lambda: network.connect(servers[0].port))
    for _ in range(3):
        for number, server in enumerate(servers):
            check(server.terminate() == 0, "no clean end")
            check("may be lost" not in printed(server), printed(server))
            servers[number] = place.server(
                settings=f"reuse_port = yes\ncount_file = {place.path}/count", port=server.port, log=server.log,
                wrapper=network.wrapper)
            time.sleep(0.1)
    served, slowest = finish()
    place.note(f"{served} clients served, 9 restarts, the slowest took {slowest:.2f} s")
    check(slowest < 1, "a request for a connection was dropped")


#: Ends with 0 if the process may have a socket drop packets (SO_ATTACH_FILTER), with 1 if that is refused.
MAY_FILTER = """
import ctypes, socket, struct, sys
take_all = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0xffffffff))
try:
    socket.socket().setsockopt(socket.SOL_SOCKET, 26, struct.pack("HP", 1, ctypes.addressof(take_all)))
except PermissionError:
    sys.exit(1)
"""


@row("62-refused", "a restart where the kernel neither moves the queue nor lets the server filter requests: it says so, and ends in order")
def restart_without_any_help(place):
    network = OwnNetwork(place, migrate=False)
    tried = place.start([*network.wrapper, sys.executable, "-c", MAY_FILTER]).wait(PATIENCE)
    check(tried in (0, 1), "it cannot be tried whether the kernel refuses the filter")
    place.note("the kernel refuses the filter" if tried == 1 else "the kernel takes the filter")
    for server in start_three(place, network):
        check(server.terminate() == 0, "no clean end")
        said = printed(server).count("net.ipv4.tcp_migrate_req=1 keeps them")
        check(said == tried, f"it says so {said} times: {printed(server)}")
