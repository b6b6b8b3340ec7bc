"""Both programs, as they are shipped, under valgrind."""

import os
import re
import shutil
import signal
import subprocess

from peers import FAST, FAST_ANSWER_LENGTH, SLOW_ANSWER_LENGTH, Skipped, check, slow
from row import row
from tls_peers import STAGES, OpenSSLClient, TLSServer, go_to


def wrapper(place, name):
    """What runs a program under valgrind, which reports to a file of this name."""
    if not shutil.which("valgrind"):
        raise Skipped("valgrind is not installed")
    return ["valgrind", "--leak-check=full", "--show-leak-kinds=definite,indirect",
            "--errors-for-leak-kinds=definite,indirect", "--error-exitcode=9",
            f"--suppressions={os.path.dirname(os.path.abspath(__file__))}/valgrind.supp",
            f"--log-file={place.path}/{name}"]


def verdict(place, name):
    with open(f"{place.path}/{name}") as file:
        report = file.read()
    found = re.search(r"ERROR SUMMARY: (\d+) errors", report)
    check(found and found[1] == "0", f"{name}: {report[-3000:]}")
    place.note(f"{name}: {found[0]}, " + (re.search(r"in use at exit: .*", report) or [""])[0])


@row("31", "both programs under valgrind, with everything that clients do: no leak, no bad access", 180)
def valgrind(place):
    server = place.server(wrapper=wrapper(place, "server"))
    asker, sleeper, violator, leaver = (server.connect() for _ in range(4))
    sleeper.send(slow(2) + slow(100) + FAST)
    sleeper.receive(FAST_ANSWER_LENGTH)
    for _ in range(20):
        asker.send(FAST * 200 + slow(0))
        asker.receive(200 * FAST_ANSWER_LENGTH + SLOW_ANSWER_LENGTH)
    server.connect().send(b"\x05\x22")
    violator.send(FAST + b"\x00")
    violator.receive_to_end()
    leaver.send(slow(100) + FAST)
    leaver.receive(FAST_ANSWER_LENGTH)
    leaver.reset()
    server.send(signal.SIGHUP)
    server.wait_for_lines("reload", 1)

    program = os.path.join(place.programs, "testtask-client")
    client = place.start([*wrapper(place, "client"), program, f"127.0.0.1:{server.port}", "--log-file",
                          f"{place.path}/copy"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    output = client.communicate(b"fast\nslow 1\nevery 20 fast\nsleep 0.5\nstop\nwait\ndisconnect\n"
                                b"connect\nfast\n", timeout=60)[0]
    check(client.returncode == 0, f"the client ended with {client.returncode}: {output}")
    check(output.count(b"received #") >= 4, f"not all was answered: {output}")
    verdict(place, "client")
    check(server.terminate() == 0, "the server's end is not clean")
    verdict(place, "server")


@row("31-tls", "both programs under valgrind over TLS: handshakes that succeed, fail and stop, new keys, reloads",
     400)
def valgrind_over_tls(place):
    server = TLSServer(place, tls=f"client_ca = {place.path}/certificates/ca.pem\n"
                                  "handshake_timeout_seconds = 120",
                       wrapper=wrapper(place, "server"))
    program = os.path.join(place.programs, "testtask-client")
    to_server = [f"localhost:{server.port}", "--connect-timeout", "60", "--tls",
                 "--ca", f"{server.folder}/ca.pem"]
    own = ["--certificate", f"{server.folder}/client.pem", "--key", f"{server.folder}/client.key"]
    script = b"fast\nslow 1\nevery 20 fast\nsleep 0.5\nstop\nwait\ndisconnect\nconnect\nfast\n"
    for name, arguments, result in [("client", own, 0), ("refusing", [*own, "--tls-name", "example.org"], 2)]:
        client = place.start([*wrapper(place, name), program, *to_server, *arguments],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, errors = client.communicate(script, timeout=60)
        check(client.returncode == result, f"{name} ended with {client.returncode}: {output}{errors}")
        verdict(place, name)
    server.context.load_cert_chain(f"{server.folder}/client.pem", f"{server.folder}/client.key")
    for stage in range(len(STAGES)):
        go_to(server, stage).reset()
        go_to(server, stage).close()
    for garbage in FAST, b"GET / HTTP/1.0\r\n\r\n", server.hello()[:200] + b"x" * 400:
        client = server.connect_plainly()
        client.send(garbage)
        client.end()
        client.receive_to_end()
    for request in FAST, b"\x00", slow(100), slow(0) * 1_000:
        client = server.connect()
        client.send(request)
        client.cut()
    greedy = OpenSSLClient(server.port, server.folder)
    while greedy.ask_for_new_keys():
        pass
    server.send(signal.SIGHUP)
    server.wait_for_lines("reload", 1)
    kept, halfway = server.connect(), go_to(server, 2)
    kept.fast()
    check(server.terminate() == 0, "the server's end is not clean")
    check(kept.receive_to_end() == b"", "something that was not asked for")
    halfway.close()
    place.note(f"{server.reasons()}")
    verdict(place, "server")
