"""A small world for names_rows.py: names_world.py SCENE PROGRAMS FOLDER, in namespaces of its own.

It has one DNS server, on 127.0.0.1:53, and one network, tun0, into which packets go and never come
back. What it saw it prints as JSON.
"""

import json
import os
import re
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time

HOLE4, HOLE6 = "198.51.100.1", "2001:db8:1::1"
A, AAAA = 1, 28
#: Addresses by name and type; None is never answered, a number is the error of an answer.
ZONE = {
    "hole6.test": {A: ["127.0.0.1"], AAAA: [HOLE6]},
    "hole4.test": {A: [HOLE4], AAAA: ["::1"]},
    "many.test": {A: [f"127.0.9.{n}" for n in range(1, 101)], AAAA: []},
    "empty.test": {A: [], AAAA: []},
    "broken.test": 2,
    "never.test": None,
}
NO_SUCH_NAME = 3


def answer(query, limit):
    """The answer to a query, of at most `limit` bytes; None for silence."""
    labels, place = [], 12
    while length := query[place]:
        labels.append(query[place + 1:place + 1 + length].decode().lower())
        place += 1 + length
    kind = struct.unpack_from("!H", query, place + 1)[0]
    question = query[12:place + 5]
    found = ZONE.get(".".join(labels), NO_SUCH_NAME)
    if found is None:
        return None
    code = found if isinstance(found, int) else 0
    addresses = found.get(kind, []) if isinstance(found, dict) else []
    family = socket.AF_INET6 if kind == AAAA else socket.AF_INET
    records = b""
    for address in addresses:
        data = socket.inet_pton(family, address)
        records += struct.pack("!HHHIH", 0xc00c, kind, 1, 60, len(data)) + data
    count = len(addresses)
    flags = 0x8180 | code
    if 12 + len(question) + len(records) > limit:
        flags, count, records = flags | 0x0200, 0, b""
    return query[:2] + struct.pack("!HHHHH", flags, 1, count, 0, 0) + question + records


class OverUDP(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        if reply := answer(data, 512):
            sock.sendto(reply, self.client_address)


class OverTCP(socketserver.StreamRequestHandler):
    def handle(self):
        while len(length := self.rfile.read(2)) == 2:
            reply = answer(self.rfile.read(int.from_bytes(length)), 65535)
            if reply is None:
                continue
            self.wfile.write(len(reply).to_bytes(2) + reply)


def skip(reason):
    print(json.dumps({"skipped": reason}))
    sys.exit(0)


def run(*command):
    subprocess.run(command, check=True, capture_output=True)


def make_world(folder):
    try:
        run("ip", "link", "set", "lo", "up")
        run("ip", "tuntap", "add", "dev", "hole", "mode", "tun")
        run("ip", "link", "set", "hole", "up")
        run("ip", "address", "add", "198.51.100.9/24", "dev", "hole")
        run("ip", "-6", "address", "add", "2001:db8:1::9/64", "dev", "hole", "nodad")
    except FileNotFoundError:
        skip("ip (iproute2) is not installed")
    except subprocess.CalledProcessError as error:
        skip(f"no network can be made here: {error.cmd}: {error.stderr.decode().strip()}")
    run("mount", "--make-rprivate", "/")
    for name, text in {
            "resolv.conf": "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n",
            "hosts": "127.0.0.1 localhost\n",
            "nsswitch.conf": "hosts: files dns\nservices: files\n",
    }.items():
        path = os.path.join(folder, name)
        with open(path, "w") as file:
            file.write(text)
        if not os.path.exists(f"/etc/{name}"):
            skip(f"there is no /etc/{name} to be replaced")
        run("mount", "--bind", path, f"/etc/{name}")
    for kind, handler in ((socketserver.ThreadingUDPServer, OverUDP),
                          (socketserver.ThreadingTCPServer, OverTCP)):
        kind.daemon_threads = True
        server = kind(("127.0.0.1", 53), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()


class Server:
    running = []

    def __init__(self, programs, folder, address):
        arguments = [os.path.join(programs, "testtask-server"), "--address", address, "--port", "0",
                     "--log-file", os.path.join(folder, "log")]
        self.process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True, cwd=folder)
        self.running.append(self.process)
        for line in self.process.stderr:
            if found := re.match(r"listening .*port=(\d+)", line):
                self.port = int(found[1])
                return
        raise RuntimeError("the server does not listen")


def ask(programs, *arguments):
    """Runs the client; its exit code, diagnostics, and how long connecting took by its log."""
    begin = time.monotonic()
    done = subprocess.run([os.path.join(programs, "testtask-client"), "--json", *arguments],
                          capture_output=True, text=True)
    moments = {}
    for line in done.stdout.splitlines():
        event = json.loads(line)
        hour, minute, second = re.search(r"T(\d+):(\d+):([\d.]+)", event["ts"]).groups()
        moments[event["event"]] = int(hour) * 3600 + int(minute) * 60 + float(second)
    took = moments.get("connected", 0) - moments["connecting"]
    return {"code": done.returncode, "errors": done.stderr.strip(), "milliseconds": took * 1000,
            "seconds": time.monotonic() - begin}


def hole(programs, folder):
    seen = {}
    for name, address in ("hole6.test", "127.0.0.1"), ("hole4.test", "::1"):
        server = Server(programs, folder, address)
        seen[name] = ask(programs, "--resolve", f"{name}:{server.port}", "-e", "fast")
        seen[name]["addresses"] = [*ZONE[name][AAAA], *ZONE[name][A]]
    return seen


def many(programs, folder):
    server = Server(programs, folder, "127.0.9.99")
    return {"one": ask(programs, "--resolve", f"many.test:{server.port}", "-e", "fast"),
            "none": ask(programs, "--resolve", "many.test:9", "-e", "fast")}


def none(programs, folder):
    return {name: ask(programs, "--resolve", name, "-e", "fast")
            for name in ("empty.test", "unknown.test", "broken.test")}


def threads(programs, target):
    """How many threads the client has while it connects to `target`."""
    client = subprocess.Popen(
        [os.path.join(programs, "testtask-client"), "--resolve", target, "-e", "sleep 60"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    while "connecting" not in client.stdout.readline():
        pass
    time.sleep(0.3)
    with open(f"/proc/{client.pid}/status") as file:
        count = int(re.search(r"^Threads:\s+(\d+)", file.read(), re.M)[1])
    client.kill()
    client.wait()
    return count


def never(programs, folder):
    attempts = {}
    for what, expected, arguments in (
            ("--connect-timeout 1", 2, ["--connect-timeout", "1", "-e", "fast"]),
            ("quit after 1 s", 0, ["--reconnect", "1", "-e", "sleep 1", "-e", "quit"])):
        attempts[what] = ask(programs, "--resolve", "never.test", *arguments)
        attempts[what]["expected"] = expected
    return {"attempts": attempts,
            "threads": {"numeric": threads(programs, HOLE4), "name": threads(programs, "never.test")}}


def main(scene, programs, folder):
    make_world(folder)
    scenes = {"hole": hole, "many": many, "none": none, "never": never}
    try:
        print(json.dumps(scenes[scene](programs, folder)))
    finally:
        for process in Server.running:
            process.kill()


main(*sys.argv[1:])
