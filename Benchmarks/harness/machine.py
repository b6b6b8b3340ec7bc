"""The machine: which cores to use, and the facts that belong beside figures."""

import os
import pathlib
import platform
import resource
import subprocess


def siblings(core):
    """The cores that share a physical one with this, as the system says; only itself if it does not."""
    path = pathlib.Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
    try:
        text = path.read_text().strip()
    except OSError:
        return {core}
    cores = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        cores.update(range(int(first), int(last or first) + 1))
    return cores


def choose_cores():
    """A core for the server and another for the generator, not two halves of one if that can be."""
    allowed = sorted(os.sched_getaffinity(0))
    server = allowed[0]
    others = [core for core in allowed if core != server]
    if not others:
        return server, server
    apart = [core for core in others if core not in siblings(server)]
    return server, (apart or others)[0]


def raise_descriptor_limit():
    """As many descriptors as we may have; the programs that are started inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(hard, 262144), max(hard, 262144)))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def output_of(*command):
    """The first line that a program prints, or None."""
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = (run.stdout or run.stderr).strip().splitlines()
    return lines[0] if run.returncode == 0 and lines else None


def facts(root):
    """What somebody needs to judge the figures, or to make them again."""
    model = "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    system = "unknown"
    for line in pathlib.Path("/etc/os-release").read_text().splitlines():
        if line.startswith("PRETTY_NAME="):
            system = line.partition("=")[2].strip('"')
    commit = output_of("git", "-C", str(root), "rev-parse", "--short", "HEAD")
    changed = output_of("git", "-C", str(root), "status", "--porcelain")
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": system,
        "kernel": platform.release(),
        "swift": output_of("swift", "--version"),
        "cc": output_of("cc", "--version"),
        "libuv": output_of("pkg-config", "--modversion", "libuv"),
        "commit": (commit or "unknown") + (" and changes" if changed else ""),
    }
