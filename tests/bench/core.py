#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""core.py - the core alone: what a packet, a new mapping, the end of a session cost; memory

No kernel and no queue: bench_core calls nat_process() on packets it has made. Each figure is a
process of its own, all of them once a round, each round beginning elsewhere; what is shown is the
median of the rounds. Instructions are counted by callgrind and the same every time: once is enough.
"""
import argparse
import os
import shutil
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # or root's files would stay in the user's checkout
import draw  # noqa: E402
from lab import Failed, call, program  # noqa: E402
from report import (as_json, figure_text, medians, number_from, print_targets,  # noqa: E402
                    publish, say, target)

ROUNDS = 3
PACKETS = 2000000  # timed, in each direction
COUNTED = 20000  # the same, by callgrind
MILLION = 1000000
KNOWN = (1000, 10000, 100000, MILLION, 4 * MILLION)
TAKEN = (("1", 645), ("90", 58060), ("99.9", 64447))  # per cent of the 64512 ports of an address
DIRECTIONS = ("outbound", "inbound")
ALONE = "natem"  # the kind of what has no direction

# name: (what, unit, decimals)
ROWS = {"known-%d" % n: ("known UDP sessions, %d" % n, "ns", 1) for n in KNOWN}
ROWS["known-%d-tcp" % MILLION] = ("known TCP sessions, %d" % MILLION, "ns", 1)
ROWS.update({"instructions-%d" % n: ("a packet, both ways, %d sessions" % n, "instr.", 0)
             for n in (1000, MILLION)})
ROWS.update({"new-" + share: ("new mapping, %s %% of ports taken" % share, "ns", 1)
             for share, _ in TAKEN})
ROWS.update({
    "expiry": ("end of a session, of a million", "ns", 1),
    "expiry-wake": ("longest wake-up that ends sessions", "us", 1),
    "memory-parts": ("a session's share of the tables", "B", 1),
    "memory-resident": ("the same, resident", "B", 1),
    "memory-tcp": ("what one of TCP has beyond that", "B", 1),
    "memory-start": ("resident for empty tables", "MiB", 2),
})


# --- what is measured ---------------------------------------------------------------------------

def figures_of(output):
    return {name: float(value) for name, value in map(str.split, output.splitlines())}


def bench_core(*words):
    return figures_of(call(program("bench_core"), *map(str, words), timeout=120))


def known(sessions, *protocol):
    def measure():
        figures = bench_core("known", sessions, PACKETS, *protocol)
        row = "-".join(("known", str(sessions)) + protocol)
        return {row: {d: figures[d + "_ns"] for d in DIRECTIONS}}
    return measure


def new_mapping(share, taken):
    return lambda: {"new-" + share: {ALONE: bench_core("new", taken)["mapping_ns"]}}


def expiry():
    figures = bench_core("expiry", MILLION)
    return {"expiry": {ALONE: figures["session_ns"]},
            "expiry-wake": {ALONE: figures["longest_wake_ns"] / 1e3}}


def memory():
    figures = bench_core("memory", MILLION)
    return {"memory-parts": {ALONE: figures["parts_bytes"]},
            "memory-resident": {ALONE: figures["session_bytes"]},
            "memory-tcp": {ALONE: figures["tcp_bytes"]},
            "memory-start": {ALONE: figures["start_bytes"] / 1024 / 1024}}


def instructions(sessions):
    """All that serve() and what it calls execute, by packet that it has seen."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "callgrind")
        figures = figures_of(call(
            "valgrind", "--tool=callgrind", "--toggle-collect=serve",
            "--callgrind-out-file=" + path, program("bench_core"), "known", str(sessions),
            str(COUNTED), timeout=600))
        with open(path) as f:
            counted = sum(int(line.split()[1]) for line in f if line.startswith("totals:"))
    if counted == 0:
        raise Failed("callgrind has seen nothing of serve() in bench_core")
    return {"instructions-%d" % sessions: {ALONE: counted / figures["served_packets"]}}


# (also when quick, how)
TESTS = tuple((n in (1000, MILLION), known(n)) for n in KNOWN) + (
    (False, known(MILLION, "tcp")),
) + tuple((True, new_mapping(*each)) for each in TAKEN) + (
    (True, expiry),
    (True, memory),
)


# --- rounds -------------------------------------------------------------------------------------

def add(samples, results, prefix):
    for row, by_kind in results.items():
        for kind, value in by_kind.items():
            samples.setdefault(row, {}).setdefault(kind, []).append(value)
        say("%s%s: %s" % (prefix, ROWS[row][0], ", ".join(
            "%.*f %s" % (ROWS[row][2], value, ROWS[row][1]) for value in by_kind.values())))


def measure_all(args):
    tests = [measure for quick, measure in TESTS if quick or not args.quick]
    samples = {}
    for number in range(args.rounds):
        turn = number * len(tests) // args.rounds
        for measure in tests[turn:] + tests[:turn]:
            add(samples, measure(), "round %d of %d, " % (number + 1, args.rounds))
    if args.quick:
        return samples
    if shutil.which("valgrind") is None:
        say("valgrind missing, instructions are not counted; make deps-bench installs it")
        return samples
    for sessions in 1000, MILLION:
        add(samples, instructions(sessions), "")
    return samples


# --- targets ------------------------------------------------------------------------------------

def most_of():
    """(row, at most, what that is)"""
    yield "new-99.9", 500, "at most 500 ns"
    yield "expiry", 100, "at most 100 ns"
    yield "expiry-wake", 2000, "at most 2000 us"
    yield "memory-parts", 200, "at most 200 bytes"


def judge(figures):
    """Every target that there are figures for: what it says, what is, whether it is met."""
    least, million, most = (figures.get("known-%d" % n) for n in (1000, MILLION, 4 * MILLION))
    targets = []
    for d in DIRECTIONS:
        if million:
            targets.append(target("known-%d" % MILLION, "at most 150 ns " + d, million[d],
                                  million[d] <= 150))
    for d in DIRECTIONS:
        if least and most:
            times = most[d] / least[d]
            targets.append(target("known-%d" % (4 * MILLION), "at most 3 x that of 1000 " + d,
                                  times, times <= 3))
    for row, limit, text in most_of():
        if row in figures:
            value = figures[row][ALONE]
            targets.append(target(row, text, value, value <= limit))
    return targets


# --- output -------------------------------------------------------------------------------------

def print_rows(figures, kinds):
    for row in ROWS:
        if kinds[0] in figures.get(row, {}):
            print("%-36s %-6s" % ROWS[row][:2] + "".join(
                "%12s" % figure_text(ROWS, figures, row, kind) for kind in kinds))
    print()


def print_all(figures, targets):
    print("%-36s %-6s" % ("a packet of 64 bytes", "") + "".join("%12s" % d for d in DIRECTIONS))
    print_rows(figures, DIRECTIONS)
    print_rows(figures, (ALONE,))
    print_targets(ROWS, targets)


# --- the program --------------------------------------------------------------------------------

def parse():
    parser = argparse.ArgumentParser(
        description="The core alone, without kernel or queue: nanoseconds and instructions a "
        "packet, a new mapping, the end of a session; bytes a session. Needs no root.",
        epilog="Exit status: 0 all measured, whatever the figures; 1 failed, 2 wrong usage.")
    parser.add_argument("--quick", action="store_true",
                        help="one round of the main figures, in under ten seconds")
    parser.add_argument("--rounds", type=number_from(1, 20), metavar="N",
                        help="1 to 20 rounds (%d; 1 when quick)" % ROUNDS)
    parser.add_argument("--json", metavar="FILE", help="write the figures of all rounds to FILE")
    parser.add_argument("--draw", metavar="DIRECTORY", help="draw them there, as SVG")
    args = parser.parse_args()
    args.rounds = args.rounds or (1 if args.quick else ROUNDS)
    return args


def need_programs(args):
    if not os.path.exists(program("bench_core")):
        sys.exit("bench: bench_core is not built; make bench-programs does that")
    if args.draw and shutil.which("gnuplot") is None:
        sys.exit("bench: gnuplot missing; make deps-bench installs it")


def main():
    args = parse()
    need_programs(args)
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    start = time.monotonic()
    try:
        samples = measure_all(args)
    except Failed as e:
        sys.exit("bench: %s" % e)
    figures = medians(samples)
    targets = judge(figures)
    print_all(figures, targets)
    say("took %d s" % (time.monotonic() - start))
    result = as_json(ROWS, samples, targets, args.rounds)
    publish(args, result, draw.draw_core)


if __name__ == "__main__":
    main()
