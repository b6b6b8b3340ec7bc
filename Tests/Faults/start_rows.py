"""How the server is started: with what configuration, what outputs, what arguments."""

import contextlib
import os
import pty
import resource
import signal
import socket
import subprocess
import time

from peers import Client, PATIENCE, Failed, Skipped, check, until
from row import row

#: Mistakes in the ini; the messages about them at each reload fill a pipe.
MANY_LINES = 400


def program(place):
    return os.path.join(place.programs, "testtask-server")


def run(place, arguments, **options):
    """Runs the server to its end; its code and its lines on standard error."""
    options.setdefault("stdout", subprocess.DEVNULL)
    process = place.start([program(place), *arguments], stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, **options)
    try:
        _, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise Failed(f"{arguments}: no end in {PATIENCE} s")
    return process.returncode, errors.decode(errors="replace").splitlines()


def refused(place, arguments, code, word, **options):
    """Whether there is one line, with this word in it, and the exit code is this one."""
    ended, lines = run(place, arguments, **options)
    check(ended == code and len(lines) == 1 and word in lines[0],
          f"{arguments}: ended with {ended}: {lines}")


@contextlib.contextmanager
def serving(place, arguments, **options):
    """A server whose standard error is a pipe; yields the process, its port and the pipe."""
    reading, writing = os.pipe()
    options.setdefault("stdout", subprocess.DEVNULL)
    process = place.start([program(place), "--port", "0", *arguments], stdin=subprocess.DEVNULL,
                          stderr=writing, **options)
    os.close(writing)
    try:
        text = b""
        while b"listening " not in text or not text.endswith(b"\n"):
            piece = os.read(reading, 4096)
            check(piece, f"the server did not start: {text}")
            text += piece
        yield process, int(text.rsplit(b"=", 1)[1]), reading
    finally:
        os.close(reading)


def come_and_go(port, count):
    for _ in range(count):
        with contextlib.closing(Client(port, patience=5)) as client:
            client.fast()


def end(process):
    process.send_signal(signal.SIGTERM)
    try:
        code = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        raise Failed("it does not end")
    check(code == 0, f"it ended with {code}")


def read_what_is_there(descriptor):
    os.set_blocking(descriptor, False)
    text = b""
    with contextlib.suppress(BlockingIOError):
        while piece := os.read(descriptor, 65_536):
            text += piece
    return text.decode()


@row("50-stderr", "standard error is a pipe that nobody reads, and reloads fill it")
def full_errors(place):
    ini = place.file("s.ini", "")
    with serving(place, ["--config", ini, "--log-file", "log"]) as (server, port, errors):
        place.file("s.ini", "\n".join(f"[section{number}]" for number in range(MANY_LINES)))
        reloads = 40
        for number in range(reloads):
            server.send_signal(signal.SIGHUP)
            come_and_go(port, 5)
        until(lambda: open(f"{place.path}/log").read().count("event=reload") >= 10, "reloads")
        text = read_what_is_there(errors)
        check(len(text) > 32_768, "the pipe was not full")
        told = until(lambda: [line for line in read_what_is_there(errors).splitlines()
                              if "lines lost that standard error did not take: " in line],
                     "the number of lost lines")
        check(all(line.startswith(("s.ini:", f"{ini}:", "testtask-server: "))
                  for line in text.splitlines()), "a torn line")
        place.note(told[-1])
        end(server)


@row("50-terminal", "the log is a terminal that nobody reads, and is read later")
def full_terminal(place):
    controller, terminal = pty.openpty()
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, controller)
        stack.callback(os.close, terminal)
        with serving(place, ["--log-file", "-"], stdout=terminal) as (server, port, errors):
            come_and_go(port, 300)
            # The process that started the server shares the terminal's flags.
            check(os.get_blocking(terminal), "the terminal no longer blocks for others")
            text = ""

            def shows(word):
                nonlocal text
                text += read_what_is_there(controller)
                return word in text

            until(lambda: shows("event=connect"), "lines on the terminal")
            until(lambda: shows("event=lost"), "the number of lost lines")
            check("lines are lost" in read_what_is_there(errors), "standard error does not tell")
            end(server)


@row("50-socket", "the log is a socket that nobody reads, as from inetd or a launcher")
def full_socket(place):
    ours, theirs = socket.socketpair()
    with ours, serving(place, ["--log-file", "-"], stdout=theirs) as (server, port, _):
        theirs.close()
        come_and_go(port, 3_000)
        end(server)


@row("50-user", "standard output is another user's pipe, which cannot be opened anew")
def others_pipe(place):
    if os.geteuid() != 0:
        raise Skipped("to become another user needs root")
    reading, writing = os.pipe()
    os.chmod(place.path, 0o755)
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, reading)
        try:
            server = place.start([program(place), "--port", "0", "--log-file", "-"], user=65534,
                                 stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.PIPE)
        except PermissionError as error:
            raise Skipped(f"no other user may run the program: {error}")
        line = server.stderr.readline()
        check(b"port=" in line, f"no start: {line}")
        come_and_go(int(line.rsplit(b"=", 1)[1]), 1_000)
        check(os.get_blocking(writing), "the pipe no longer blocks for others")
        os.close(writing)
        end(server)
        check("event=connect" in read_what_is_there(reading), "no log")


@row("50-output", "the log is standard output, which is closed, read only, or a directory")
def bad_output(place):
    for options, word in (
        ({"preexec_fn": lambda: os.close(1)}, "standard output is closed"),
        ({"stdout": os.open("/dev/null", os.O_RDONLY)}, "standard output is open for reading only"),
        ({"stdout": os.open(place.path, os.O_RDONLY)}, "standard output is open for reading only"),
    ):
        for check_only in ([], ["--check-config"]):
            refused(place, ["--port", "0", "--log-file", "-", *check_only], 1, word, **options)
    refused(place, ["--dump-config"], 1, "standard output", stdout=os.open("/dev/full", os.O_WRONLY))
    refused(place, ["--help"], 1, "standard output", stdout=os.open("/dev/full", os.O_WRONLY))


@row("50-copytruncate", "the log's disk fills inside a line, and copytruncate empties the log")
def copytruncate(place):
    size = 5_000
    with serving(place, ["--log-file", "log"],
                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
                 ) as (server, port, errors):
        come_and_go(port, 100)
        log = f"{place.path}/log"
        with open(log) as file:
            check(not file.read().endswith("\n"), "no line is torn, so nothing was tried")
        os.truncate(log, 0)
        time.sleep(1.2)
        come_and_go(port, 2)
        end(server)
        with open(log) as file:
            lines = file.read().splitlines()
        check(all(line.startswith("ts=") and line.count(" event=") == 1 for line in lines),
              f"a torn line: {lines[:2]}")
        check("event=lost" in lines[0], f"no number of lost lines: {lines[0]}")
        check("lines are lost: File too large" in read_what_is_there(errors),
              "standard error does not tell")


@row("51-kinds", "the configuration is a FIFO, a directory, a device, a socket, not there")
def no_file(place):
    os.mkfifo(f"{place.path}/fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{place.path}/socket")
        for path, word in (("fifo", "pipe that nobody has written to"), (".", "directory"),
                           ("/dev/zero", "device"), ("/dev/null", "device"), ("socket", "socket"),
                           ("none", "No such file")):
            refused(place, ["--config", path], 78, word)


@row("51-pipe", "the configuration is a pipe that ends late, or never, or with too much")
def pipes(place):
    shell = ["bash", "-c"]
    server = program(place)

    def dump(command):
        done = subprocess.run([*shell, f"exec {server} --config <({command}) --dump-config"],
                              capture_output=True, text=True, cwd=place.path, timeout=PATIENCE)
        return done.returncode, done.stdout, done.stderr

    code, output, errors = dump("sleep 0.3; echo '[server]'; sleep 0.3; echo port = 7")
    check(code == 0 and "\nport = 7 " in output, f"{code} {errors}")
    # A process that still has the writing end must not delay the row.
    code, _, errors = dump("echo '[server]'; exec sleep 5 >/dev/null 2>&1 3>&1 & sleep 3")
    check(code == 78 and "did not end in time" in errors, f"{code} {errors}")
    code, _, errors = dump("head -c 2000000 /dev/zero | tr '\\0' '#'")
    check(code == 78 and "over 1 MiB" in errors, f"{code} {errors}")
    code, _, errors = dump("true")
    check(code == 78 and "nobody has written" in errors, f"{code} {errors}")


@row("51-wrong", "the configuration becomes 1 MiB of mistakes, or a FIFO, while clients are served")
def wrong_file(place):
    ini = place.file("s.ini", "[limits]\nmax_connections = 7\n")
    with serving(place, ["--config", ini, "--log-file", "log"]) as (server, port, errors):
        log = f"{place.path}/log"

        def reload(count):
            server.send_signal(signal.SIGHUP)
            start = time.monotonic()
            come_and_go(port, 1)
            until(lambda: open(log).read().count("result=failed") == count, "a failed reload")
            return time.monotonic() - start

        place.file("s.ini", "[server]\n" + "prt=1\n" * 174_000)
        seconds = min(reload(number) for number in (1, 2, 3))
        lines = read_what_is_there(errors).splitlines()
        check(len(lines) == 3 * 102, f"{len(lines)} lines")
        check(lines[100].endswith("error: 173900 more problems"), lines[100])
        os.unlink(ini)
        os.mkfifo(ini)
        reload(4)
        check("nobody has written" in read_what_is_there(errors), "it does not say what it is")
        place.note(f"a client waited {seconds * 1000:.0f} ms at best for the megabyte (bound: 500)")
        check(seconds < 0.5, "the server stands still")
        end(server)


@row("52-arguments", "arguments that are no UTF-8, numbers out of range, a check of a bad log")
def arguments(place):
    code, lines = run(place, [b"--log-file", b"gr\xf6sse.log"])
    check(code == 64 and '"gr\\xF6sse.log" is no UTF-8' in lines[0], f"{code} {lines}")
    check(not any("log" in name for name in os.listdir(place.path)), "another file was made")
    for value in "-1", "65536", "x":
        code, lines = run(place, ["--port", value])
        check(code == 64 and "0 to 65535" in lines[0], f"{value}: {code} {lines}")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{place.path}/socket")
        os.symlink("none/log", f"{place.path}/link")
        for path, word in (("socket", "socket"), ("n" * 300, "name too long"), ("link", "none"),
                           ("folder/", "Is a directory"), (".", "Is a directory")):
            for check_only in ([], ["--check-config"]):
                code, lines = run(place, ["--port", "0", "--log-file", path, *check_only])
                check(code == 1 and (word in lines[0] or path == "link"), f"{path}: {code} {lines}")
    check(sorted(os.listdir(place.path)) == ["link", "socket"], "something was made")


@row("53", "the service manager's socket is full when the server starts and ends")
def full_manager(place):
    path = f"{place.path}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        manager.bind(path)
        other.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                other.sendto(b"other", path)
        with serving(place, ["--log-file", "log"],
                     env={**os.environ, "NOTIFY_SOCKET": path}) as (server, port, _):
            come_and_go(port, 3)
            manager.settimeout(PATIENCE)

            def next_message():
                while (message := manager.recv(4096)) == b"other":
                    pass
                return message

            check(next_message() == b"READY=1", "it does not say that it is ready")
            check(next_message().startswith(b"STATUS="), "it does not say how it is")
            end(server)
            check(next_message() == b"STOPPING=1", "it does not say that it stops")
