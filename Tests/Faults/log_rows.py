"""A log that cannot be written, is moved, or is deleted."""

import contextlib
import glob
import os
import re
import signal
import subprocess

from peers import Skipped, check, until
from row import row

SNIPPET_PATH = "/var/log/testtask-server/*.log"
LINE = re.compile(r"ts=\S+ level=\w+ event=\w+( \w+=(\"[^\"]*\"|[^ \"]+))*$")


def come_and_go(server, connections):
    for _ in range(connections):
        with contextlib.closing(server.connect()) as client:
            client.fast()


def read_whole_lines(*paths):
    lines = []
    for path in paths:
        with open(path) as file:
            text = file.read()
        check(not text or text.endswith("\n"), f"{path} ends inside a line")
        lines += text.splitlines()
    for line in lines:
        check(LINE.match(line), f"a torn line: {line!r}")
    return lines


def event_count(lines, event):
    return sum(f" event={event} " in line + " " for line in lines)


@contextlib.contextmanager
def small_disk(place):
    if os.geteuid() != 0:
        raise Skipped("a tmpfs needs root")
    path = os.path.join(place.path, "disk")
    os.mkdir(path)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", path],
                             capture_output=True, text=True)
    if mounted.returncode != 0:
        raise Skipped(f"no tmpfs here: {mounted.stderr.strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


@row("18-disk", "the log's disk fills while clients come, and has space again later, three times")
def disk_fills(place):
    with small_disk(place) as disk:
        server = place.server(log=f"{disk}/log")
        expected = 1
        for room in 16, 32, 48:
            come_and_go(server, 200)
            expected += 400
            size = os.path.getsize(server.log)
            check(size >= room * 1024 - 4096, f"the disk is not full: {size}")
            subprocess.run(["mount", "-o", f"remount,size={room + 16}k", disk], check=True)
            reports = room // 16
            server.wait_for_lines("lost", reports)
        come_and_go(server, 5)
        check(server.terminate() == 0, "no clean end")
        lines = read_whole_lines(server.log)
        # Five more, and drain and stop.
        expected += 10 + 2
        reports = [int(line.rsplit("=", 1)[1]) for line in lines if " event=lost " in line]
        written = len(lines) - len(reports)
        place.note(f"{written} lines written and {sum(reports)} lost, told in {len(reports)} lines; "
                   f"all: {expected}")
        check(sum(reports) > 100, "nothing was lost, so nothing was tried")
        check(written + sum(reports) == expected, "lines are missing")
        check(len(reports) == 3, "not one report each time")


@row("18-device", "the log is /dev/full")
def full_device(place):
    server = place.server(log="/dev/full")
    come_and_go(server, 500)
    before = server.resident_kib()
    come_and_go(server, 2_000)
    growth = server.resident_kib() - before
    place.note(f"2000 clients served; memory {growth:+} KiB (bound: 1024)")
    check(growth < 1_024, "memory grows")
    check(server.cpu_share(1) < 0.3, "it spins on its log")
    check(server.terminate() == 0, "no clean end")


@row("18-size", "the log reaches the largest size that a file may have, and is rotated")
def file_too_large(place):
    size = 16_384
    server = place.server(file_size=size)
    come_and_go(server, 500)
    check(os.path.getsize(server.log) > size - 4_096, "the limit was not reached")
    old = server.log + ".1"
    os.rename(server.log, old)
    server.send(signal.SIGUSR1)
    until(lambda: os.path.exists(server.log), "a new log")
    server.wait_for_lines("lost", 1)
    come_and_go(server, 5)
    check(server.terminate() == 0, "no clean end")
    lines = read_whole_lines(old, server.log)
    reports = [int(line.rsplit("=", 1)[1]) for line in lines if " event=lost " in line]
    expected = 1 + 2 * 505 + 2
    place.note(f"{len(lines) - len(reports)} lines written, {reports} lost; all: {expected}")
    check(len(lines) - len(reports) + sum(reports) == expected, "lines are missing")


@row("18-rotation", "the log is renamed 50 times under load, by SIGUSR1 and SIGHUP in turn")
def rotation(place):
    server = place.server()
    connections, rotations, loads = 1_500, 50, 2
    waits = [place.in_background(lambda: come_and_go(server, connections)) for _ in range(loads)]
    paths = []
    for number in range(rotations):
        # The file has lines: logrotate does not rotate an empty one.
        until(lambda: os.path.getsize(server.log) > 0, "a line in the new log")
        paths.append(f"{server.log}.{number}")
        os.rename(server.log, paths[-1])
        server.send(signal.SIGHUP if number % 2 else signal.SIGUSR1)
        until(lambda: os.path.exists(server.log), "a new log")
        if all(wait.is_over() for wait in waits):
            come_and_go(server, 1)
            connections += 1 / loads
    for wait in waits:
        wait()
    check(server.terminate() == 0, "no clean end")
    lines = read_whole_lines(server.log, *paths)
    counts = [event_count(lines, event) for event in ("connect", "disconnect", "lost", "reload")]
    place.note("{} connect, {} disconnect, {} lost, {} reload in {} files".format(*counts, rotations + 1))
    check(counts == [round(connections * loads)] * 2 + [0, rotations // 2], "lines are missing")


@row("18-logrotate", "logrotate itself with our snippet, ten times under load, compressing")
def logrotate(place):
    server = place.server()
    snippet = os.path.join(os.path.dirname(__file__), "../../etc/testtask-server.logrotate")
    with open(snippet) as file:
        text = file.read()
    check(text.count(SNIPPET_PATH) == 1, f"the snippet is not about {SNIPPET_PATH}")
    config = place.file("logrotate.conf", text.replace(SNIPPET_PATH, server.log))
    # There is no service manager here: this script sends our server the signal that the snippet
    # asks for. Like systemd before 252 it does not know --kill-whom.
    place.file("bin/systemctl", f"""#!/bin/sh
case "$*" in
  "list-units --plain --no-legend --state=active testtask-server*.service")
    echo "testtask-server.service loaded active running a server"; exit 0 ;;
  "kill --kill-who=main --signal=SIGUSR1 testtask-server.service") exec kill -USR1 {server.pid} ;;
esac
echo "systemctl: unrecognized option in: $*" >&2
exit 1
""", mode=0o755)
    environment = {**os.environ, "PATH": f"{place.path}/bin:{os.environ['PATH']}:/usr/sbin"}
    connections, rotations = 3_000, 10
    wait = place.in_background(lambda: come_and_go(server, connections))
    for _ in range(rotations):
        until(lambda: os.path.getsize(server.log) > 0, "a line in the new log")
        done = subprocess.run(
            ["logrotate", "--force", "--state", f"{place.path}/state", config],
            capture_output=True, text=True, env=environment)
        check(done.returncode == 0 and not done.stderr, f"logrotate: {done.stderr}")
        until(lambda: os.path.exists(server.log), "a new log")
        if wait.is_over():
            come_and_go(server, 1)
            connections += 1
    wait()
    check(server.terminate() == 0, "no clean end")
    packed = sorted(glob.glob(server.log + ".*.gz"))
    check(len(packed) == rotations - 1, f"{len(packed)} compressed files of {rotations - 1}")
    for path in packed:
        subprocess.run(["gunzip", path], check=True)
    paths = [server.log, *(f"{server.log}.{number + 1}" for number in range(rotations))]
    lines = read_whole_lines(*paths)
    counts = [event_count(lines, event) for event in ("connect", "disconnect", "lost")]
    place.note("{} connect, {} disconnect, {} lost in {} files".format(*counts, len(paths)))
    check(counts == [connections, connections, 0], "lines are missing")


@row("18-deleted", "the log is deleted, then SIGHUP")
def deleted(place):
    server = place.server()
    come_and_go(server, 10)
    server.wait_until_empty()
    descriptors = server.descriptors()
    os.unlink(server.log)
    with contextlib.closing(server.connect()) as client:
        client.fast()
    server.send(signal.SIGHUP)
    until(lambda: os.path.exists(server.log), "a new log")
    come_and_go(server, 10)
    until(lambda: server.descriptors() <= descriptors, "as many descriptors as before")
    check(server.terminate() == 0, "no clean end")
    lines = read_whole_lines(server.log)
    check(event_count(lines, "reload") == 1, "the new log does not tell of the reload")
    check(event_count(lines, "connect") == 10, "clients are missing")
