"""Names that resolve to many addresses, to none, never, and to addresses that swallow everything.

Each row runs names_world.py in a network and a mount namespace, with a DNS server of its own.
"""

import json
import os
import subprocess
import sys

from peers import Skipped, check
from row import row

WORLD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "names_world.py")


def visit(place, what):
    """Runs a scene of names_world.py in namespaces of its own, and returns what it saw."""
    try:
        tried = subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, text=True)
    except FileNotFoundError:
        raise Skipped("unshare (util-linux) is not installed")
    if tried.returncode != 0:
        raise Skipped(f"network namespaces are not allowed here: {tried.stderr.strip()}")
    world = place.start(
        ["unshare", "--net", "--mount", sys.executable, "-B", WORLD, what, place.programs, place.path],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    output, errors = world.communicate(timeout=50)
    check(world.returncode == 0, f"the scene failed: {errors}")
    seen = json.loads(output)
    if reason := seen.get("skipped"):
        raise Skipped(reason)
    return seen


@row("47-hole", "a name of which one family is a black hole: connected within 300 ms")
def black_hole(place):
    seen = visit(place, "hole")
    for name in "hole6.test", "hole4.test":
        place.note(f"{name}: connected after {seen[name]['milliseconds']:.0f} ms of {seen[name]['addresses']}"
                   " (bound: 300 ms)")
        check(seen[name]["code"] == 0, f"{name}: exit code {seen[name]['code']}: {seen[name]['errors']}")
        check(seen[name]["milliseconds"] <= 300, f"{name} took too long")
    check(seen["hole6.test"]["milliseconds"] >= 250, "the black hole was not tried first")


@row("47-many", "a name with a hundred addresses: all refuse, and the last but one answers")
def many(place):
    seen = visit(place, "many")
    place.note(f"all refuse: {seen['none']['errors']}")
    check(seen["none"]["code"] == 2, f"exit code {seen['none']['code']}")
    check("127.0.9.1:" in seen["none"]["errors"] and "and 92 more" in seen["none"]["errors"],
          "the error does not tell of the addresses")
    place.note(f"the 99th answers: after {seen['one']['milliseconds']:.0f} ms")
    check(seen["one"]["code"] == 0, f"exit code {seen['one']['code']}: {seen['one']['errors']}")


@row("47-none", "names without an address, unknown, or that the server cannot look up")
def none(place):
    seen = visit(place, "none")
    for name, result in seen.items():
        place.note(f"{name}: {result['errors']}")
        check(result["code"] == 2, f"{name}: exit code {result['code']}")
        check(f"looking up {name}: " in result["errors"], f"{name}: the look-up is not named")


@row("47-never", "a name that is never answered: given up in time, and nothing waits for its thread")
def never(place):
    seen = visit(place, "never")
    for what, result in seen["attempts"].items():
        place.note(f"{what}: ended after {result['seconds']:.2f} s of 1 s (bound: 1.5 s), exit code "
                   f"{result['code']}: {result['errors']}")
        check(result["code"] == result["expected"], f"{what}: exit code {result['code']}")
        check(0.95 <= result["seconds"] <= 1.5, f"{what}: not in time")
    place.note(f"threads: {seen['threads']}")
    check(seen["threads"]["numeric"] == 1, "a numeric address has started a thread")
    check(seen["threads"]["name"] > 1, "the count of threads does not see those of a look-up")
