"""Runs the rows: run.py PROGRAMS [ROW]..., or run.py --list."""

import os
import re
import signal
import subprocess
import sys
import time
import traceback

from peers import Failed, Skipped, Workplace, thread_watch
from rows import ROWS


def out_of_time(*_):
    raise Failed("not over in time")


def run(row, programs):
    """Tries one row; True if it is ok, None if it was skipped."""
    start = time.monotonic()
    place = Workplace(programs)
    details = []
    known_offences = len(thread_watch.offences)
    signal.alarm(row.seconds)
    try:
        with place.stack:
            row.function(place)
        verdict = True
    except Skipped as reason:
        verdict = None
        details.append(str(reason))
    except Exception as error:
        verdict = False
        details.append(str(error) if isinstance(error, Failed) else traceback.format_exc().strip())
    finally:
        signal.alarm(0)
    if offences := thread_watch.offences[known_offences:]:
        verdict = False
        details.append(f"more than one thread: {offences[0]}")
    word = {True: "ok", None: "SKIPPED", False: "FAILED"}[verdict]
    print(f"{row.name:12} {row.text}: {word} ({time.monotonic() - start:.1f} s)")
    for line in place.notes + [f"{word}: {detail}" for detail in details]:
        print(" " * 13 + line.replace("\n", "\n" + " " * 13))
    sys.stdout.flush()
    return verdict


def running_libuv(programs):
    """The version of libuv that both programs run with."""
    versions = set()
    for name in ["testtask-server", "testtask-client"]:
        said = subprocess.run([os.path.join(programs, name), "--version"], check=True,
                              capture_output=True, text=True).stdout
        versions.add(re.search(r"^libuv .*, running (\S+)$", said, re.M)[1])
    return " and ".join(sorted(versions))


def main(arguments):
    # Signals that a shell has set to be ignored, for a job in the background, would be ignored by
    # the programs too.
    for number in (signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    if arguments == ["--list"]:
        for row in ROWS:
            print(f"{row.name:12} {row.text}")
        return 0
    programs, *names = arguments
    unknown = [name for name in names if not any(row.is_named(name) for row in ROWS)]
    if unknown:
        print(f"error: no row {', '.join(unknown)}; scripts/faults --list", file=sys.stderr)
        return 64
    libuv = running_libuv(programs)
    # scripts/ci/with-newest-libuv says what it has put in the place of the system's.
    expected = os.environ.get("UVNET_EXPECTED_LIBUV", libuv)
    if libuv != expected:
        print(f"error: the programs run with libuv {libuv} and not {expected}", file=sys.stderr)
        return 1
    print(f"libuv {libuv}", flush=True)
    signal.signal(signal.SIGALRM, out_of_time)
    # So that what a row has started ends with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    thread_watch.start()
    chosen = [row for row in ROWS if not names or any(row.is_named(name) for name in names)]
    start = time.monotonic()
    verdicts = [run(row, os.path.abspath(programs)) for row in chosen]
    skipped, failed = verdicts.count(None), verdicts.count(False)
    print(f"{verdicts.count(True)} ok, {failed} failed, {skipped} SKIPPED in "
          f"{time.monotonic() - start:.0f} s; Threads: 1 in {thread_watch.looks} looks")
    if skipped and os.environ.get("CI") == "true":
        print("error: in CI no row may be skipped", file=sys.stderr)
        return 1
    return 1 if failed else 0


sys.exit(main(sys.argv[1:]))
