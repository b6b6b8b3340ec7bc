"""Judges llvm-cov's lcov: coverage-report.py EXCEPTIONS <lcov; see scripts/coverage."""

import collections
import sys

#: Percent of a library's lines that tests must reach, or the exceptions explain. Not 100: whether some
#: lines are reached, such as those after an interrupted call, depends on the machine's speed.
FLOOR = 99.0


def read_lines(lcov):
    """How often each line of each file was reached, over all programs."""
    files = collections.defaultdict(dict)
    for line in lcov:
        if line.startswith("SF:"):
            name = line.strip().split("/Sources/", 1)[-1]
        elif line.startswith("DA:"):
            number, count = map(int, line[3:].split(",")[:2])
            files[name][number] = max(files[name].get(number, 0), count)
    return files


def read_exceptions(path):
    """For each file how many of its lines may stay unreached, and why; and lower floors of libraries."""
    exceptions, floors = {}, {}
    with open(path) as file:
        for line in file:
            if line.startswith("floor "):
                _, library, percent = line.split()
                floors[library] = float(percent)
            elif line.strip() and not line.startswith("#"):
                name, count, reason = line.split(None, 2)
                exceptions[name] = (int(count), reason.strip())
    return exceptions, floors


def ranges(numbers):
    """Runs of numbers, as text."""
    runs = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return " ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)


def main(path):
    files = read_lines(sys.stdin)
    exceptions, floors = read_exceptions(path)
    totals = collections.defaultdict(lambda: [0, 0, 0])
    complaints = [f"{path}: there is no {name}" for name in exceptions if name not in files]
    print("lines that no test reaches:")
    for name, lines in sorted(files.items()):
        missed = sorted(number for number, count in lines.items() if count == 0)
        allowed, reason = exceptions.get(name, (0, "NOT EXPLAINED"))
        total = totals[name.split("/")[0]]
        total[0] += len(lines) - len(missed)
        total[1] += min(len(missed), allowed)
        total[2] += len(lines)
        if missed:
            print(f"  {name}: {ranges(missed)}\n    {reason}")
            if len(missed) > allowed:
                print(f"    {len(missed)} lines; {allowed} are explained")
        if len(missed) < allowed:
            # No error: whether some lines are reached depends on the machine's speed.
            print(f"  {name}: {path} explains {allowed} lines, and {len(missed)} are not reached")
    print(f"\n{'library':16} {'lines':>6} {'reached':>8} {'explained':>9}")
    for library, (reached, explained, count) in sorted(totals.items()):
        print(f"{library:16} {count:6} {100 * reached / count:7.2f}% {100 * explained / count:8.2f}%")
        floor = floors.get(library, FLOOR)
        if 100 * (reached + explained) / count < floor:
            complaints.append(f"{library}: under {floor} % reached or explained")
    for complaint in complaints:
        print(f"error: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


sys.exit(main(sys.argv[1]))
