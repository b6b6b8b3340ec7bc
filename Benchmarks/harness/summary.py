"""From what was seen to figures: medians, ratios within a round, what bound a run, how noisy it was."""

from statistics import median

from .programs import REFERENCE

# Above this share of the time on a core, its program could not have done more.
SATURATED = 0.93
# Above this share of the time that the server was kept waiting for its core, the run says little.
DISTURBED = 0.02


def busy(usage):
    """The share of the time that it ran, of that in which nothing else had its core."""
    return usage["cpu_seconds"] / max(usage["wall_seconds"] - usage["waited_seconds"], usage["cpu_seconds"], 1e-9)


def cpu_us(run):
    return run["server"]["cpu_seconds"] / run["answers"] * 1e6


def bound_of(run):
    server, load = busy(run["server"]), busy(run["load"])
    if server >= SATURATED and server >= load - 0.02:
        return "server"
    if load >= SATURATED:
        return "generator"
    return "neither"


def seen(run):
    """What is kept of a run."""
    return {
        "requests_per_second": run["requests_per_second"], "cpu_us": round(cpu_us(run), 4),
        "load_cpu_us": round(run["load"]["cpu_seconds"] / run["answers"] * 1e6, 4),
        "user_share": round(
            run["server"]["user_seconds"]
            / max(run["server"]["user_seconds"] + run["server"]["system_seconds"], 1e-9), 3),
        **{f"{key}_us": run["latency_us"][key] for key in ("p50", "p99", "p99.9")},
        "bound": bound_of(run), "server_busy": round(busy(run["server"]), 3), "load_busy": round(busy(run["load"]), 3),
        # Several threads may wait at the same time.
        "kept_waiting": round(min(run["server"]["waited_seconds"] / run["server"]["wall_seconds"], 1), 3),
    }


def spread_of(values):
    return {"median": median(values), "min": min(values), "max": max(values)}


def of_rounds(rounds):
    """`rounds`: a list of {server: what was seen}. Ratios are to the reference in the same round."""
    result = {}
    for name in dict.fromkeys(name for run in rounds for name in run):
        runs = [run[name] for run in rounds if name in run]
        pairs = [(run[name], run[REFERENCE]) for run in rounds if name in run and REFERENCE in run]
        bounds = [run["bound"] for run in runs]
        medians = (
            "requests_per_second", "cpu_us", "load_cpu_us", "user_share", "p50_us", "p99_us", "p99.9_us",
            "server_busy", "load_busy", "kept_waiting")
        result[name] = {
            **{key: median(run[key] for run in runs) for key in medians},
            "cpu_ratio": spread_of([a["cpu_us"] / b["cpu_us"] for a, b in pairs]) if pairs else None,
            "rate_ratio": spread_of(
                [a["requests_per_second"] / b["requests_per_second"] for a, b in pairs]) if pairs else None,
            "bound": max(sorted(set(bounds)), key=bounds.count),
        }
    return result


def number(value, digits=3):
    """As many digits as mean something."""
    if value is None:
        return "–"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.{digits}g}"


def ratio(spread):
    if spread is None:
        return "–"
    return f"{spread['median']:.2f} ({spread['min']:.2f}–{spread['max']:.2f})"


def table(header, rows):
    """Columns of text, the first to the left, the others to the right."""
    cells = [header] + rows
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths)))
        for row in cells)


def throughput_table(summary, calls):
    header = ["", "requests/s", "to libuv", "CPU µs", "user", "system", "CPU to libuv",
              "p50 µs", "p99", "p99.9", "calls", "bound by", "busy", "kept waiting"]
    rows = []
    for name, s in summary.items():
        rows.append([
            name, number(s["requests_per_second"]), ratio(s["rate_ratio"]), number(s["cpu_us"]),
            number(s["cpu_us"] * s["user_share"], 2), number(s["cpu_us"] * (1 - s["user_share"]), 2), ratio(s["cpu_ratio"]),
            number(s["p50_us"]), number(s["p99_us"]), number(s["p99.9_us"]),
            f"{calls[name]:.2f}" if name in calls else "–", s["bound"],
            f"{s['server_busy']:.0%}/{s['load_busy']:.0%}", f"{s['kept_waiting']:.0%}"])
    return table(header, rows)


def other_table(results):
    """Servers down, everything that is not throughput across."""
    header = ["", "idle B", "used B", "sleeper B", "due at once: all within ms", "of that sending", "25 000/s: p99 ms",
              "max", "one sleep: late ms", "early", "first answer ms", "resident MB", "binary MB"]
    rows = []
    for name in results["servers"]:
        def of(what, *keys):
            value = results.get(what, {}).get(name)
            for key in keys:
                value = value.get(key) if isinstance(value, dict) else None
            return value

        def scaled(value, by, digits=3):
            return "–" if value is None else number(value / by, digits)

        early = [of(what, "is_early") for what in ("burst", "spread", "one")]
        early = [flag for flag in early if flag is not None]
        rows.append([
            name, number(of("idle", "idle_bytes_per_connection")), number(of("idle", "used_bytes_per_connection")),
            number(of("burst", "bytes_per_sleeper")), number(of("burst", "answered_within_ms")),
            number(of("burst", "sending_took_ms")), scaled(of("spread", "lateness_us", "p99"), 1e3),
            scaled(of("spread", "lateness_us", "max"), 1e3), scaled(of("one", "lateness_us", "min"), 1e3),
            "–" if not early else "yes" if any(early) else "never",
            scaled(of("start", "first_answer_us", "p50"), 1e3), scaled(of("start", "resident_bytes"), 1e6),
            scaled(of("binary_bytes"), 1e6)])
    return table(header, rows)
