"""The measurements: each takes programs and the name of a server, and returns what it saw."""

import json
import re
import struct
import subprocess
import sys
import time

from . import callgrind, programs as parts
from .programs import Failure

# Enough addresses that churn finds a port that is not waiting out its time.
CHURN_SOURCES = 128

THROUGHPUT = {
    "64x1": {"title": "64 connections, 1 in flight", "mode": "fast", "connections": 64, "depth": 1},
    "1000x1": {"title": "1000 connections, 1 in flight", "mode": "fast", "connections": 1000, "depth": 1},
    "64x32": {"title": "64 connections, 32 in flight", "mode": "fast", "connections": 64, "depth": 32},
    "churn": {
        "title": "connect, one request, close", "mode": "churn", "connections": 64, "sources": CHURN_SOURCES},
}


def load_options(case):
    return {key: value for key, value in THROUGHPUT[case].items() if key not in ("title", "mode")}


def run_load(programs, mode, patience=120, **options):
    """One run of the generator; what it printed."""
    command = programs.load_command(mode, **options)
    return parse(command, subprocess.run(command, capture_output=True, text=True, timeout=patience))


def parse(command, run):
    if run.returncode != 0:
        raise Failure(f"{' '.join(command)}: {run.stderr.strip() or run.returncode}")
    return json.loads(run.stdout)


def throughput(programs, name, case, seconds, warm_up):
    with programs.running(name) as server:
        return run_load(
            programs, THROUGHPUT[case]["mode"], port=server.port, server=server.pid,
            seconds=seconds, warm_up=warm_up, **load_options(case))


# System calls


def can_trace():
    """Whether perf may count system calls here; it hardly slows what it counts, unlike strace."""
    try:
        run = subprocess.run(
            ["perf", "stat", "-e", "raw_syscalls:sys_enter", "true"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return run.returncode == 0 and re.search(r"\d\s+raw_syscalls:sys_enter", run.stderr) is not None


def calls_by_perf(programs, server, command):
    run = subprocess.run(
        ["perf", "stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-p", str(server.pid), "--", *command],
        capture_output=True, text=True, timeout=120)
    parse(command, run)
    for line in run.stderr.splitlines():
        if "raw_syscalls:sys_enter" in line:
            return int(line.split(",")[0])
    raise Failure(f"perf counted nothing:\n{run.stderr}")


def calls_by_strace(programs, server, command):
    output = programs.folder / "strace"
    tracer = subprocess.Popen(
        ["strace", "-f", "-c", "-o", str(output), "-p", str(server.pid)], stderr=subprocess.PIPE, text=True)
    tracer.stderr.readline()  # "Process … attached"
    try:
        parse(command, subprocess.run(command, capture_output=True, text=True, timeout=120))
    finally:
        tracer.terminate()
        tracer.wait()
    for line in output.read_text().splitlines():
        if line.split()[-1:] == ["total"]:
            return int(line.split()[3 if len(line.split()) > 4 else 2])
    raise Failure(f"strace counted nothing:\n{output.read_text()}")


def system_calls(programs, name, case, tracer, requests):
    """System calls a request: two runs and their difference, which leaves out what begins and ends."""
    count = calls_by_perf if tracer == "perf" else calls_by_strace
    if case == "churn":
        requests //= 10
    few, many = requests // 5, requests // 5 + requests
    calls = {}
    with programs.running(name) as server:
        for number in (few, many):
            command = programs.load_command(
                THROUGHPUT[case]["mode"], port=server.port, requests=number, **load_options(case))
            calls[number] = count(programs, server, command)
    return (calls[many] - calls[few]) / (many - few)


# Memory, sleeping, starting


def idle(programs, name, connections):
    with programs.running(name) as server:
        return run_load(programs, "idle", port=server.port, server=server.pid, connections=connections, sources=4)


def burst(programs, name, sleepers, batches):
    with programs.running(name) as server:
        return run_load(
            programs, "burst", port=server.port, server=server.pid, connections=1000, sleepers=sleepers,
            batches=batches)


def spread(programs, name, sleepers, rate, sleep):
    with programs.running(name) as server:
        return run_load(
            programs, "spread", port=server.port, server=server.pid, connections=1000, sleepers=sleepers,
            rate=rate, sleep=sleep)


def one(programs, names, sleep):
    """One sleep on each server, all at once: they do nothing meanwhile. A moment apart, so that none
    is in the way of another."""
    result, left = {}, list(names)

    def start_next():
        if not left:
            return
        name = left.pop(0)
        with programs.running(name) as server:
            command = programs.load_command("one", port=server.port, server=server.pid, sleep=sleep)
            load = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            start_next()
            output, errors = load.communicate(timeout=sleep + 30)
            result[name] = parse(
                command, subprocess.CompletedProcess(command, load.returncode, output, errors))

    start_next()
    return result


def start(programs, name, times):
    command = programs.load_command("start", core=programs.server_core, requests=times)
    command += ["--", *programs.command(name)]
    return parse(command, subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=programs.folder))


# Counting, which no noise disturbs


def instructions_by_function(programs, name, case, few, many, **more):
    """Instructions in user space a request, by callgrind: two runs and their difference."""
    costs = {}
    # What is done once a millisecond is to be divided among as many requests as without callgrind.
    environment = {"LD_PRELOAD": str(parts.SLOW_CLOCK)}
    for requests in (few, many):
        output = programs.folder / f"callgrind.{name}.{case}.{requests}"
        tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={output}"]
        with programs.running(name, prefix=tool, environment=environment, patience=120) as server:
            run_load(
                programs, THROUGHPUT[case]["mode"], port=server.port, requests=requests, any_time=1,
                **load_options(case), **more)
        costs[requests] = callgrind.read(output)
        if not costs[requests]:
            raise Failure(f"nothing is counted in {output}")
        output.unlink()
    return {
        where: cost for where, cost in callgrind.difference(costs[few], costs[many], many - few).items()
        if where[0] != parts.SLOW_CLOCK.name}


def instructions(programs, name, case, few, many, **more):
    """Instructions in user space a request: in all, and in which object file."""
    objects = {}
    for (place, _), cost in instructions_by_function(programs, name, case, few, many, **more).items():
        objects[place] = objects.get(place, 0) + cost.own
    return {
        "total": sum(objects.values()),
        "in": {place: round(count, 1) for place, count in objects.items() if count >= 0.05}}


def allocations(programs, name, case, few, many, **more):
    """Heap allocations a request, once the server has served some: again a difference."""
    path = programs.folder / "allocations"
    path.write_bytes(bytes(8))
    counts = []

    def count():
        """When it stands still: the server is done with the clients that have left."""
        last, now = None, struct.unpack("=Q", path.read_bytes())[0]
        while now != last:
            time.sleep(0.1)
            last, now = now, struct.unpack("=Q", path.read_bytes())[0]
        return now

    environment = {"LD_PRELOAD": str(parts.ALLOCATIONS), "ALLOCATIONS_FILE": str(path)}
    with programs.running(name, environment=environment) as server:
        for requests in (few, few, many):
            before = count()
            run_load(
                programs, THROUGHPUT[case]["mode"], port=server.port, requests=requests, **load_options(case),
                **more)
            counts.append(count() - before)
        if count() == 0:
            raise Failure(f"{name}'s allocations are not counted")
    return (counts[2] - counts[1]) / (many - few)


def progress(text):
    print(text, file=sys.stderr, flush=True)
