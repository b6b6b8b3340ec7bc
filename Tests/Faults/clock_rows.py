"""The wall clock jumps, time zones, the nights when they change, and locales."""

import contextlib
import datetime
import glob
import math
import os
import re
import shutil
import subprocess
import time
import zoneinfo

from peers import FAST, FAST_ANSWER_LENGTH, SLOW_ANSWER_LENGTH, Skipped, check, slow
from row import row

STAMP = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{3}")


class FakeClock:
    """A wall clock beside the system's, for one server; the monotonic clock stays as it is."""

    def __init__(self, place):
        found = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
        if not found:
            raise Skipped("libfaketime is not installed")
        self.path = os.path.join(place.path, "clock")
        self.environment = {
            "LD_PRELOAD": found[0], "FAKETIME_TIMESTAMP_FILE": self.path, "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
        self.set(0)

    def server(self, place, zone):
        # Started by env, in which the library changes the environment; doing that in a Swift
        # program would make it lose its arguments.
        server = place.server(wrapper=["env"], environment={**self.environment, "TZ": zone})
        place.stack.callback(self.forget, server.pid)
        return server

    @staticmethod
    def forget(process):
        """Removes the library's files for a process, which remain if the process is killed."""
        for name in f"faketime_shm_{process}", f"sem.faketime_sem_{process}":
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"/dev/shm/{name}")

    def set(self, offset):
        """Jumps to an offset, in whole seconds, from the system's clock."""
        with open(self.path + ".new", "w") as file:
            file.write(f"{offset:+d}\n")
        os.rename(self.path + ".new", self.path)
        self.offset = offset

    def now(self):
        return time.time_ns() + self.offset * 10**9


def written(nanoseconds, zone):
    moment = datetime.datetime.fromtimestamp(nanoseconds // 10**9, zone)
    return moment.strftime("%Y%m%dT%H%M%S") + f".{nanoseconds // 10**6 % 1000:03d}"


def check_answer(client, now, zone):
    """Asks for the time; it has to be a moment between question and answer, in that zone."""
    before = now()
    answer = client.fast()
    after = now()
    check(STAMP.fullmatch(answer), f"not 19 ASCII characters of the form: {answer}")
    # The kernel's coarse clock, which a server may read, lags by a tick of up to 10 ms.
    possible = [written(moment * 10**6, zone)
                for moment in range(before // 10**6 - 10, after // 10**6 + 1)]
    check(answer in possible, f"answered {answer}, between {possible[0]} and {possible[-1]}")
    return answer


@row("22-jump", "the wall clock jumps an hour ahead, two back, and to 1985, while requests sleep")
def jumps(place):
    clock = FakeClock(place)
    server = clock.server(place, "UTC")
    client, sleeper = server.connect(), server.connect()
    utc = datetime.timezone.utc
    check_answer(client, clock.now, utc)
    to_1985 = int(datetime.datetime(1985, 10, 19, 5, 1, 7, tzinfo=utc).timestamp() - time.time())
    for jump in 3_600, -3_600, to_1985:
        sent = time.monotonic()
        sleeper.send(slow(1) + FAST)
        sleeper.receive(FAST_ANSWER_LENGTH)
        clock.set(jump)
        answer = check_answer(client, clock.now, utc)
        sleeper.receive(SLOW_ANSWER_LENGTH)
        took = time.monotonic() - sent
        check_answer(client, clock.now, utc)
        place.note(f"{jump:+d} s: the time is {answer} at once; slow 1 took {took:.3f} s")
        check(1 <= took < 1.5, "sleeps follow the wall clock")
    clock.set(0)
    check_answer(client, clock.now, utc)
    check(server.cpu_share(0.5) < 0.3, "it spins after the jumps")


@row("22-zone", "time zones of every kind, and the nights in which Berlin and Lord Howe change theirs")
def zones(place):
    for name in "UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati":
        server = place.server(environment={"TZ": name})
        check_answer(server.connect(), time.time_ns, zoneinfo.ZoneInfo(name))
        place.note(f"{name}: right")
    clock = FakeClock(place)
    # The first second of the new time, in UTC; Lord Howe changes by half an hour.
    for name, *change in (("Europe/Berlin", 2026, 3, 29, 1, 0), ("Europe/Berlin", 2026, 10, 25, 1, 0),
                          ("Australia/Lord_Howe", 2026, 4, 4, 15, 0),
                          ("Australia/Lord_Howe", 2026, 10, 3, 15, 30)):
        zone = zoneinfo.ZoneInfo(name)
        moment = datetime.datetime(*change, tzinfo=datetime.timezone.utc).timestamp()
        # At least half a second before it, at most one and a half.
        clock.set(math.floor(moment - time.time() - 0.5))
        server = clock.server(place, name)
        client, answers = server.connect(), []
        while clock.now() < (moment + 0.1) * 10**9:
            answers.append(check_answer(client, clock.now, zone))
        offsets = [(datetime.datetime.fromtimestamp(moment + side, zone)).utcoffset() for side in (-1, 1)]
        check(offsets[0] != offsets[1], "that is no night of a change")
        at = next(number for number, (one, two) in enumerate(zip(answers, answers[1:]))
                  if one[:13] != two[:13])
        place.note(f"{name}: after {answers[at]} came {answers[at + 1]}")


@row("22-locale", "locales with other digits and another calendar: LC_ALL=th_TH, ar_EG, fa_IR")
def locales(place):
    for name in "th_TH", "ar_EG", "fa_IR":
        environment = {"LC_ALL": f"{name}.UTF-8", "LANG": f"{name}.UTF-8", "TZ": "UTC"}
        # The locale is made for this row if its source is installed; otherwise only the variables
        # are set.
        made = False
        if shutil.which("localedef") and os.path.exists(f"/usr/share/i18n/locales/{name}"):
            folder = os.path.join(place.path, "locales")
            os.makedirs(folder, exist_ok=True)
            made = subprocess.run(["localedef", "-i", name, "-f", "UTF-8", f"{folder}/{name}.UTF-8"],
                                  capture_output=True, timeout=30).returncode == 0
            environment["LOCPATH"] = folder
        server = place.server(environment=environment)
        client = server.connect()
        answers = []
        # Over the turn of a second, so that .999 and .000 or their neighbours are seen.
        time.sleep(max(0, 0.98 - time.time() % 1))
        while not answers or answers[-1][:15] == answers[0][:15]:
            answers.append(check_answer(client, time.time_ns, datetime.timezone.utc))
        client.close()
        shown = place.client([f"127.0.0.1:{server.port}", "-e", "fast", "--json"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             env={**os.environ, **environment})
        output = shown.communicate(timeout=20)[0].decode()
        check(shown.returncode == 0 and output.isascii(), f"the client in {name}: {output}")
        check(server.terminate() == 0, "no clean end")
        with open(server.log, "rb") as file:
            check(file.read().isascii(), f"the log in {name} has other digits")
        how = "locale made for it" if made else "LC_ALL set, locale not installed"
        place.note(f"{name}: {answers[-2]}, {answers[-1]}, {how}")
