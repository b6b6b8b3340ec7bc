"""What is computed from what was seen:   cd Benchmarks && python3 -B -m unittest discover harness -t ."""

import pathlib
import tempfile
import unittest

from . import callgrind, summary

# main calls twice(), which is in another object file and calls itself a leaf; names come once.
CALLGRIND = """\
# callgrind format
version: 1
events: Ir

ob=(1) /usr/bin/server
fl=(1) main.c
fn=(1) main
10 100
+2 5
cob=(2) /lib/libother.so
cfn=(2) twice
calls=2 1
11 40

ob=(2)
fn=(2)
1 30
cfn=(3) leaf
calls=1 7
* 10

fn=(3)
7 10

totals: 145
"""


def run(cpu=0.9, wall=1.0, waited=0.0, load=0.5, answers=1000):
    return {
        "answers": answers, "requests_per_second": answers / wall,
        "server": {"wall_seconds": wall, "cpu_seconds": cpu, "user_seconds": 0.1, "system_seconds": 0.3,
                   "waited_seconds": waited},
        "load": {"wall_seconds": wall, "cpu_seconds": load, "user_seconds": 0, "system_seconds": load,
                 "waited_seconds": 0},
        "latency_us": {"p50": 1, "p99": 2, "p99.9": 3}}


class Figures(unittest.TestCase):
    def read(self, text):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(text)
            file.flush()
            return callgrind.read(pathlib.Path(file.name))

    def test_own_cost_leaves_out_what_is_called(self):
        costs = self.read(CALLGRIND)
        self.assertEqual(costs[("server", "main")], (105, 145))
        self.assertEqual(costs[("libother.so", "twice")], (30, 40))
        self.assertEqual(costs[("libother.so", "leaf")], (10, 10))
        self.assertEqual(sum(cost.own for cost in costs.values()), 145)

    def test_a_difference_counts_functions_of_one_run_only(self):
        few = {("a", "start"): callgrind.Cost(7, 7)}
        many = {("a", "start"): callgrind.Cost(7, 7), ("a", "late"): callgrind.Cost(50, 80)}
        self.assertEqual(
            callgrind.difference(few, many, 10), {("a", "start"): (0, 0), ("a", "late"): (5, 8)})

    def test_ratios_are_of_one_round_and_skip_what_failed(self):
        libuv, ours = summary.seen(run(cpu=0.5)), summary.seen(run(cpu=0.75))
        slow = {key: 2 * value if key == "cpu_us" else value for key, value in libuv.items()}
        rounds = [
            {"libuv-c": libuv, "ours": ours}, {"libuv-c": slow, "ours": ours}, {"libuv-c": libuv}, {"ours": ours}]
        seen = summary.of_rounds(rounds)
        self.assertEqual(seen["ours"]["cpu_ratio"], {"median": 1.125, "min": 0.75, "max": 1.5})
        self.assertEqual(seen["libuv-c"]["cpu_ratio"]["median"], 1)

    def test_what_is_busy_is_what_bound_a_run(self):
        self.assertEqual(summary.bound_of(run(cpu=0.97, load=0.7)), "server")
        self.assertEqual(summary.bound_of(run(cpu=0.6, load=0.98)), "generator")
        self.assertEqual(summary.bound_of(run(cpu=0.6, load=0.6)), "neither")

    def test_time_in_which_another_had_the_core_does_not_make_a_server_idle(self):
        self.assertEqual(summary.bound_of(run(cpu=0.5, waited=0.5)), "server")

    def test_cpu_time_is_a_request(self):
        seen = summary.seen(run(cpu=0.5, answers=1000))
        self.assertEqual(seen["cpu_us"], 500)
        self.assertEqual(seen["user_share"], 0.25)


if __name__ == "__main__":
    unittest.main()
