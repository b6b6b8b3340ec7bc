"""Both programs, as they are shipped, under valgrind."""

import os
import re
import shutil
import signal
import subprocess

from peers import FAST, FAST_ANSWER_LENGTH, SLOW_ANSWER_LENGTH, Skipped, check, slow
from row import row


@row("31", "both programs under valgrind, with everything that clients do: no leak, no bad access", 180)
def valgrind(place):
    if not shutil.which("valgrind"):
        raise Skipped("valgrind is not installed")

    def wrapper(name):
        return ["valgrind", "--leak-check=full", "--show-leak-kinds=definite,indirect",
                "--errors-for-leak-kinds=definite,indirect", "--error-exitcode=9",
                f"--log-file={place.path}/{name}"]

    def verdict(name):
        with open(f"{place.path}/{name}") as file:
            report = file.read()
        found = re.search(r"ERROR SUMMARY: (\d+) errors", report)
        check(found and found[1] == "0", f"{name}: {report[-3000:]}")
        place.note(f"{name}: {found[0]}, " + (re.search(r"in use at exit: .*", report) or [""])[0])

    server = place.server(wrapper=wrapper("server"))
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
    client = place.start([*wrapper("client"), program, f"127.0.0.1:{server.port}", "--log-file",
                          f"{place.path}/copy"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    output = client.communicate(b"fast\nslow 1\nevery 20 fast\nsleep 0.5\nstop\nwait\ndisconnect\n"
                                b"connect\nfast\n", timeout=60)[0]
    check(client.returncode == 0, f"the client ended with {client.returncode}: {output}")
    check(output.count(b"received #") >= 4, f"not all was answered: {output}")
    verdict("client")
    check(server.terminate() == 0, "the server's end is not clean")
    verdict("server")
