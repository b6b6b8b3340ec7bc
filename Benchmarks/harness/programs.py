"""Building what is measured and what measures, and starting servers."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "Benchmarks"
BIN = BENCHMARKS / ".build-peers" / "bin"
LOAD = BIN / "load"
ALLOCATIONS = BIN / "allocations.so"
SLOW_CLOCK = BIN / "slow-clock.so"

OURS = "testtask-server"
# What ratios are to: the same library without Swift. Raw epoll is what no server can beat.
REFERENCE = "libuv-c"
SERVERS = [OURS, "epoll-c", "libuv-c", "asio", "go", "swiftnio", "twisted"]

# As it is shipped, its log on; only the limits are those of the cases.
INI = """\
[server]
address = 127.0.0.1
port = 0
[log]
file = {log}
[limits]
max_connections = {connections}
max_sleeping_requests_per_connection = 100000
"""


class Failure(Exception):
    """Something that ends the run, with what to tell."""


def build(names):
    """Builds all; returns where each server is, and why some are left out."""
    BIN.mkdir(parents=True, exist_ok=True)
    run_quietly("the tools", [ROOT / "scripts/install-dependencies", "gcc", "libc6-dev", "valgrind", "strace"])
    run_quietly("the load generator", [BENCHMARKS / "Load/build", BIN])
    run_quietly("what is loaded into servers", [BENCHMARKS / "Preload/build", BIN])
    paths, left_out = {}, {}
    for name in names:
        if name == OURS:
            lines = run_quietly(name, [ROOT / "scripts/build-release"]).splitlines()
            paths[name] = pathlib.Path(lines[-1]) / OURS
            continue
        script = BENCHMARKS / "Peers" / name / "build"
        if not script.exists():
            left_out[name] = "there is no such peer"
            continue
        run = say_and_run(name, [script, BIN])
        if run.returncode == 3:
            left_out[name] = (run.stderr.strip() or run.stdout.strip()).splitlines()[-1]
        elif run.returncode != 0:
            raise Failure(f"{script} failed:\n{run.stdout}{run.stderr}")
        else:
            paths[name] = BIN / name
    return paths, left_out


def built(names):
    """Where servers are that were built before."""
    paths, left_out = {}, {}
    for name in names:
        path = ROOT / ".build-release/release" / name if name == OURS else BIN / name
        if path.exists():
            paths[name] = path
        else:
            left_out[name] = "it is not built"
    return paths, left_out


def say_and_run(what, command):
    print(f"building {what}", file=sys.stderr, flush=True)
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


def run_quietly(what, command):
    run = say_and_run(what, command)
    if run.returncode != 0:
        raise Failure(f"{command[0]} failed:\n{run.stdout}{run.stderr}")
    return run.stdout


def stripped_size(path):
    """Bytes of the program without symbols, as it is installed; None for a script."""
    with open(path, "rb") as file:
        if file.read(4) != b"\x7fELF":
            return None
    with tempfile.NamedTemporaryFile() as copy:
        subprocess.run(["strip", "-o", copy.name, str(path)], check=True)
        return os.stat(copy.name).st_size


class Programs:
    """The servers, and what runs them: pinned, with a folder for their files."""

    def __init__(self, paths, folder, server_core, load_core, descriptors):
        self.paths = paths
        self.folder = pathlib.Path(folder)
        self.server_core = server_core
        self.load_core = load_core
        self.ini = self.folder / "server.ini"
        self.ini.write_text(INI.format(log=self.folder / "server.log", connections=descriptors - 1000))

    def command(self, name):
        if name == OURS:
            return [str(self.paths[name]), "--config", str(self.ini)]
        return [str(self.paths[name]), "--port", "0"]

    @contextlib.contextmanager
    def running(self, name, prefix=(), environment=None, patience=30):
        """The server, from when it accepts connections to its end: a process with its port."""
        process = subprocess.Popen(
            ["taskset", "-c", str(self.server_core), *prefix, *self.command(name)],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=self.folder,
            env={**os.environ, **(environment or {})})
        # Whatever hangs is ended, so that no read below lasts for ever.
        watchdog = threading.Timer(patience, process.kill)
        watchdog.start()
        said = []
        try:
            for line in process.stderr:
                said.append(line)
                at = line.find("listening address=")
                if at >= 0:
                    process.port = int(line[at:].split("port=")[1])
                    break
            else:
                raise Failure(f"{name} did not start:\n{''.join(said)}")
            watchdog.cancel()
            drain = threading.Thread(target=process.stderr.read, daemon=True)
            drain.start()
            yield process
        finally:
            watchdog.cancel()
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            log = self.folder / "server.log"
            if log.exists():
                log.unlink()

    def load_command(self, mode, **options):
        command = ["taskset", "-c", str(self.load_core), str(LOAD), mode]
        for key, value in options.items():
            command += ["--" + key.replace("_", "-"), str(value)]
        return command


def has(program):
    return shutil.which(program) is not None
