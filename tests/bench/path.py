#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""path.py - the path of a packet, beside the kernel's NAT and the empty NFQUEUE loop

Ratios count; absolute figures drift from machine to machine and from hour to hour. So each figure
is taken of all contenders one right after the other, in several rounds, each in an order of its own;
what is shown is the median of the rounds, and of a ratio the median of the rounds' ratios.
"""
import argparse
import json
import os
import random
import shutil
import signal
import statistics
import sys
import time

sys.dont_write_bytecode = True  # or root's files would stay in the user's checkout
import draw  # noqa: E402
from lab import (CLIENT, SERVER, Failed, Lab, Masquerade, NatemdEnded,  # noqa: E402
                 Noop, Pasta, Plain, Process, Slirp, Variant, program, take_all_down)
from report import (as_json, figure_text, medians, number_from, print_targets,  # noqa: E402
                    publish, say, standard_error, target)

KERNEL = ("natem", "masquerade", "plain", "noop")
PEERS = ("pasta", "slirp4netns")
VARIANTS = ("accept-only", "no-gso")  # of the empty loop: what its parts cost
SHORT = {"natem": "natem", "masquerade": "MASQUERADE", "plain": "plain", "noop": "no-op",
         "accept-only": "no bytes back", "no-gso": "without GSO", "pasta": "pasta",
         "slirp4netns": "slirp4netns"}
ROUNDS = 3
CLOSE = 8  # further rounds, short ones, of those that are close to each other
MIB = 1024 * 1024
DRAIN_S = 0.1  # what still waits in a queue is not to be the next one's


# --- what is measured ---------------------------------------------------------------------------

class Pace:
    """How long one figure takes; quick is for a look, not for a comparison."""

    def __init__(self, quick):
        self.tcp = ("-t", "1")
        self.udp_s, self.warm_up_s = (0.4, 0.1) if quick else (0.7, 0.2)
        self.connect_s = 0.6 if quick else 1.2
        self.mappings = 25000 if quick else 50000  # of the 64512 that one address has
        self.idle_s, self.bulk_s = (0.5, 0.5) if quick else (0.8, 1)

    @classmethod
    def of_close(cls):
        pace = cls(True)
        pace.tcp = ("-n", "512M")  # iperf3's seconds are whole ones; this is half of one
        return pace


def traffic(lab, space, command, **options):
    words = [program("traffic"), command]
    for name, value in options.items():
        words += ["--" + name.replace("_", "-"), str(value)]
    return lab.start(space, *words)


def last_line(process):
    return json.loads(process.result().strip().splitlines()[-1])


def bulk(lab, length, streams=1, reverse=False):
    """A server and a client of iperf3, both under way."""
    server = lab.start(lab.server, "iperf3", "-s", "-1", "--forceflush").wait_ready("listening")
    words = ["iperf3", "-c", SERVER, "-J", *length, "-P", str(streams)]
    return server, lab.start(lab.client, *words, *(["-R"] if reverse else []))


def tcp(streams, reverse):
    def measure(lab, pace):
        server, client = bulk(lab, pace.tcp, streams, reverse)
        try:
            report = json.loads(client.result(20))
            if "sum_received" not in report["end"]:
                raise Failed("iperf3: %s" % report.get("error", "it received nothing"))
            return [report["end"]["sum_received"]["bits_per_second"] / 1e9]
        finally:
            client.end()
            server.end()
    return measure


def udp(size, flows):
    def measure(lab, pace):
        sink = traffic(lab, lab.server, "sink", at=SERVER + ":9", seconds=pace.udp_s,
                       warm_up=pace.warm_up_s, idle=3).wait_ready()
        flood = traffic(lab, lab.client, "flood", to=SERVER + ":9", size=size, flows=flows,
                        seconds=pace.udp_s + pace.warm_up_s + 2)
        try:
            rate = last_line(sink)["per_second"]
            if flood.popen.poll() is not None:  # it should have outlasted the sink
                flood.result()
            return [rate / 1e3]
        finally:
            flood.end()
            sink.end()
            time.sleep(DRAIN_S)
    return measure


def connections(lab, pace):
    lab.flush()
    accept = traffic(lab, lab.server, "accept", at=SERVER + ":2000", ports=32).wait_ready()
    try:
        return [last_line(traffic(lab, lab.client, "connect", to=SERVER + ":2000", ports=32,
                                  seconds=pace.connect_s))["per_second"]]
    finally:
        accept.end()


def new_mappings(lab, pace):
    lab.flush()
    sink = traffic(lab, lab.server, "sink", at=SERVER + ":9", seconds=30, idle=0.4).wait_ready()
    try:
        traffic(lab, lab.client, "fresh", to=SERVER + ":9", at=CLIENT + ":1024", ports=60000,
                count=pace.mappings).result()
        return [last_line(sink)["per_second"]]
    finally:
        sink.end()


def ping(lab, seconds):
    echo = traffic(lab, lab.server, "echo", at=SERVER + ":7").wait_ready()
    try:
        r = last_line(traffic(lab, lab.client, "round-trip", to=SERVER + ":7", count=200000,
                              seconds=seconds))
        return [r["p50_us"], r["p99_us"], r["p999_us"]]
    finally:
        echo.end()


def idle_ping(lab, pace):
    return ping(lab, pace.idle_s)


def busy_ping(lab, pace):
    server, client = bulk(lab, ("-t", str(pace.bulk_s + 5)))
    try:
        time.sleep(0.3)
        return ping(lab, pace.bulk_s)
    finally:
        client.end()
        server.end()


# (the rows it fills, who takes part, also when quick, how)
TESTS = (
    (("tcp-1-out",), KERNEL + VARIANTS + PEERS, True, tcp(1, False)),
    (("tcp-1-in",), KERNEL + VARIANTS + PEERS, True, tcp(1, True)),
    (("tcp-8-out",), KERNEL + PEERS, False, tcp(8, False)),
    (("tcp-8-in",), KERNEL + PEERS, False, tcp(8, True)),
    (("udp-64-1",), KERNEL + PEERS, True, udp(64, 1)),
    (("udp-64-1000",), KERNEL + PEERS, False, udp(64, 1000)),
    (("udp-1400-1",), KERNEL + PEERS, True, udp(1400, 1)),
    (("udp-1400-1000",), KERNEL + PEERS, False, udp(1400, 1000)),
    (("connections",), ("natem", "masquerade", "noop"), True, connections),
    (("new-mappings",), ("natem", "masquerade", "noop"), True, new_mappings),
    (("idle-p50", "idle-p99", "idle-p999"), KERNEL, True, idle_ping),
    (("bulk-p50", "bulk-p99", "bulk-p999"), KERNEL, False, busy_ping),
)

# name: (what, unit, decimals)
ROWS = {
    "tcp-1-out": ("TCP, one stream, outbound", "Gbit/s", 2),
    "tcp-1-in": ("TCP, one stream, inbound", "Gbit/s", 2),
    "tcp-8-out": ("TCP, eight streams, outbound", "Gbit/s", 2),
    "tcp-8-in": ("TCP, eight streams, inbound", "Gbit/s", 2),
    "udp-64-1": ("UDP, 64 bytes, one flow", "kpps", 1),
    "udp-64-1000": ("UDP, 64 bytes, 1000 flows", "kpps", 1),
    "udp-1400-1": ("UDP, 1400 bytes, one flow", "kpps", 1),
    "udp-1400-1000": ("UDP, 1400 bytes, 1000 flows", "kpps", 1),
    "connections": ("new TCP connections", "/s", 0),
    "new-mappings": ("new UDP mappings", "/s", 0),
    "idle-p50": ("round trip, idle, p50", "us", 1),
    "idle-p99": ("round trip, idle, p99", "us", 1),
    "idle-p999": ("round trip, idle, p99.9", "us", 1),
    "bulk-p50": ("round trip beside bulk TCP, p50", "us", 1),
    "bulk-p99": ("round trip beside bulk TCP, p99", "us", 1),
    "bulk-p999": ("round trip beside bulk TCP, p99.9", "us", 1),
    "resident": ("natemd's resident memory after start", "MiB", 2),
    "listing-without": ("round trip, a million mappings, p99", "us", 1),
    "listing-with": ("round trip while they are listed, p99", "us", 1),
}


# --- a million mappings -------------------------------------------------------------------------

MILLION = 1000000
MILLION_HOSTS, MILLION_PORTS = 20, 52000  # somewhat more than a million: some are lost on the way
MILLION_OPTIONS = ("-o", "nat.external=198.51.100.1-198.51.100.20", "-o", "nat.pooling=soft-paired",
                   "-o", "nat.max-mappings=1100000", "-o", "nat.max-sessions=1100000")


LIST_FOREVER = 'while "$0" --lab "$1" mappings --json; do :; done >/dev/null'


def fill(lab):
    """Each packet from another endpoint; the next pass makes good what a full queue has lost."""
    sink = traffic(lab, lab.server, "sink", at=SERVER + ":9", seconds=120, idle=20).wait_ready()
    made = 0
    try:
        for number in range(5):
            traffic(lab, lab.client, "fresh", to=SERVER + ":9", at="192.168.1.20:1024",
                    addresses=MILLION_HOSTS, ports=MILLION_PORTS,
                    count=MILLION_HOSTS * MILLION_PORTS).result()
            time.sleep(0.3)
            made = json.loads(lab.natem("--json", "status"))["mappings"]["live"]
            say("pass %d: %d mappings" % (number + 1, made))
            if made >= MILLION:
                return
    finally:
        sink.end()
    raise Failed("only %d of a million mappings were made" % made)


def listing(rounds):
    """p99 of round trips with a million mappings there, and while they are listed over and over."""
    lab = Lab("million", MILLION_OPTIONS)
    samples = {"listing-without": [], "listing-with": []}
    lab.route_back("198.51.100.0/24")
    start = time.monotonic()
    fill(lab)
    say("a million mappings took %.1f s to make" % (time.monotonic() - start))
    for _ in range(rounds):
        samples["listing-without"].append(ping(lab, 1.5)[1])
        lister = Process(("bash", "-c", LIST_FOREVER, program("natem"), lab.name))
        try:
            samples["listing-with"].append(ping(lab, 3)[1])
        finally:
            lister.end()
        say("listing: p99 %.1f us without, %.1f with"
            % tuple(samples[row][-1] for row in ("listing-without", "listing-with")))
    lab.down()
    return {row: {"natem": values} for row, values in samples.items()}


# --- rounds -------------------------------------------------------------------------------------

holes = []  # measurements that failed


def hole(what, error):
    """One that fails is a hole in the table, not the end of a run; but the exit status tells."""
    holes.append(what)
    say("%s: %s" % (what, error))


def build_labs():
    labs = {"natem": Lab("natem"), "masquerade": Masquerade("masquerade"), "plain": Plain("plain"),
            "noop": Noop("noop")}
    labs["accept-only"] = Variant(labs["noop"], "--accept-only")
    labs["no-gso"] = Variant(labs["noop"], "--no-gso")
    labs["pasta"] = Pasta("pasta", labs["plain"])
    labs["slirp4netns"] = Slirp("slirp4netns", labs["plain"])
    return labs


def one_test(labs, rows, kinds, measure, pace, samples):
    for kind in kinds:
        try:
            labs[kind].enter()
            values = measure(labs[kind], pace)
        except Failed as e:
            hole("%s, %s" % (ROWS[rows[0]][0], SHORT[kind]), e)
            values = [None] * len(rows)
        for row, value in zip(rows, values):
            samples.setdefault(row, {}).setdefault(kind, []).append(value)


def last_figures(samples, row, kinds):
    return ", ".join("%s %.*f" % (SHORT[k], ROWS[row][2], samples[row][k][-1])
                     for k in kinds if samples[row][k][-1] is not None)


def run_rounds(labs, tests, rounds, pace, samples, name="round"):
    for number in range(rounds):
        for rows, kinds, _, measure in tests:
            order = random.Random("%s %d" % (rows[0], number)).sample(kinds, len(kinds))
            one_test(labs, rows, order, measure, pace, samples)
            say("%s %d of %d, %s: %s" % (name, number + 1, rounds, ROWS[rows[0]][0],
                                         last_figures(samples, rows[0], kinds)))


def run_close(labs, tests, rounds, samples):
    """More rounds where contenders differ by less than one round does from the next."""
    close = [(rows, ("natem", "noop") + (("masquerade",) if rows[0] in UDP else ()), quick, measure)
             for rows, _, quick, measure in tests if rows[0] in TCP + UDP]
    run_rounds(labs, close, rounds, Pace.of_close(), samples, "close round")


# --- targets ------------------------------------------------------------------------------------

TCP = ("tcp-1-out", "tcp-1-in", "tcp-8-out", "tcp-8-in")
UDP = ("udp-64-1", "udp-64-1000", "udp-1400-1", "udp-1400-1000")


def ratio_targets():
    """(row, versus whom, at least so many times that)"""
    for row in TCP:
        yield row, "noop", 0.97
    for row in "tcp-1-out", "tcp-1-in":
        yield row, "masquerade", 0.92
    for row in UDP:
        yield row, "noop", 0.95
        yield row, "masquerade", 0.95
    for row in "connections", "new-mappings":
        yield row, "masquerade", 0.9
    for row in TCP + UDP:
        for peer in PEERS:
            yield row, peer, 1


def ratios(samples, row, kind):
    """natem's share of what @kind had in the same round, of all rounds that both have"""
    both = zip(samples.get(row, {}).get("natem", ()), samples.get(row, {}).get(kind, ()))
    return [own / other for own, other in both if own and other]


def judge(figures, samples):
    """Every target that there are figures for: what it says, what is, whether it is met."""
    def of(row, kind="natem"):
        return figures.get(row, {}).get(kind)

    def add(row, text, value, met, error=None):
        targets.append(target(row, text, value, met, error))

    targets = []
    for row, kind, least in ratio_targets():
        each = ratios(samples, row, kind)
        if each:
            ratio = statistics.median(each)
            add(row, "at least %g x %s" % (least, SHORT[kind]), ratio, ratio >= least,
                standard_error(each))
    if of("idle-p50") and of("idle-p50", "masquerade"):
        more = of("idle-p50") - of("idle-p50", "masquerade")
        add("idle-p50", "at most 25 us more than MASQUERADE", more, more <= 25)
    if of("idle-p99") and of("idle-p50"):
        times = of("idle-p99") / of("idle-p50")
        add("idle-p99", "below 2 x its own p50", times, times < 2)
    if of("resident"):
        add("resident", "at most 10 MiB", of("resident"), of("resident") <= 10)
    if of("listing-with") and of("listing-without"):
        more = of("listing-with") - of("listing-without")
        add("listing-with", "at most 1000 us more than without", more, more <= 1000)
    return targets


# --- output -------------------------------------------------------------------------------------

def print_table(samples, figures, kinds, rows, versus=()):
    """One line a row: every contender's figure, then natem's ratio to some of them."""
    if not rows:
        return
    print("%-36s %-6s" % ("", "") + "".join("%14s" % SHORT[k] for k in kinds) + "".join(
        "%14s" % ("/ " + SHORT[k]) for k in versus))
    for row in rows:
        line = "%-36s %-6s" % ROWS[row][:2]
        line += "".join("%14s" % figure_text(ROWS, figures, row, kind) for kind in kinds)
        for kind in versus:
            each = ratios(samples, row, kind)
            line += "%14s" % ("%.2f" % statistics.median(each) if each else "-")
        print(line)
    print()


def print_all(samples, figures, targets):
    def having(kinds):
        return [row for row in ROWS if any(kind in figures.get(row, {}) for kind in kinds)]

    print_table(samples, figures, KERNEL, having(("masquerade", "noop")), ("noop", "masquerade", "plain"))
    print_table(samples, figures, ("natem",) + PEERS, having(PEERS), PEERS)
    print_table(samples, figures, ("noop",) + VARIANTS, having(VARIANTS))
    alone = [row for row in ("resident", "listing-without", "listing-with") if row in figures]
    for row in alone:
        print("%-36s %-6s%14s" % (ROWS[row][:2] + (figure_text(ROWS, figures, row, "natem"),)))
    if alone:
        print()
    print_targets(ROWS, targets)


# --- the program --------------------------------------------------------------------------------

def need_programs(args):
    os.environ["PATH"] += ":/usr/sbin:/sbin"  # plain su leaves them out
    missing = [name for name in ("iperf3", "conntrack", "iptables", "ip") + PEERS
               + (("gnuplot",) if args.draw else ()) if shutil.which(name) is None]
    if missing:
        sys.exit("bench: %s missing; make deps-bench installs it" % " ".join(missing))
    for name in "natemd", "natem", "traffic", "noop":
        if not os.path.exists(program(name)):
            sys.exit("bench: %s is not built; make bench and make bench-quick do that" % name)


def chosen_tests(args):
    return [t for t in TESTS
            if (t[2] or not args.quick) and any(row.startswith(args.only) for row in t[0])]


def measure_all(args):
    chosen = chosen_tests(args)
    say("building the labs")
    labs = build_labs()
    resident = labs["natem"].resident_bytes() / MIB
    samples = {}
    run_rounds(labs, chosen, args.rounds, Pace(args.quick), samples)
    run_close(labs, chosen, args.close_rounds, samples)
    if not args.only or "resident".startswith(args.only):
        samples["resident"] = {"natem": [resident]}
    if not args.quick and (not args.only or "listing".startswith(args.only)):
        try:
            samples.update(listing(args.rounds))
        except Failed as e:
            hole("listing", e)
    return samples


def parse():
    parser = argparse.ArgumentParser(
        description="natem beside the kernel's MASQUERADE, plain forwarding, an NFQUEUE loop that "
        "does nothing, pasta and slirp4netns: throughput, packets a second, new connections, "
        "latency. Builds labs of its own and takes them down again; needs root.",
        epilog="Exit status: 0 all measured, whatever the figures; 1 failed, 2 wrong usage.")
    parser.add_argument("--quick", action="store_true",
                        help="one short round of the main figures, in under a minute")
    parser.add_argument("--rounds", type=number_from(1, 20), metavar="N",
                        help="1 to 20 rounds (%d; 1 when quick)" % ROUNDS)
    parser.add_argument("--close-rounds", type=number_from(0, 100), metavar="N",
                        help="0 to 100 further rounds, short ones, of throughput with natem, the "
                        "empty loop and, for UDP, MASQUERADE (%d; 0 when quick)" % CLOSE)
    parser.add_argument("--only", default="", metavar="WORD",
                        help="what begins with WORD: tcp, udp-64, connections, new, idle, bulk, "
                        "listing, resident")
    parser.add_argument("--json", metavar="FILE", help="write the figures of all rounds to FILE")
    parser.add_argument("--draw", metavar="DIRECTORY", help="draw them there, as SVG")
    args = parser.parse_args()
    args.rounds = args.rounds or (1 if args.quick else ROUNDS)
    if args.close_rounds is None:
        args.close_rounds = 0 if args.quick else CLOSE
    if not any(row.startswith(args.only) for row in ROWS):
        parser.error("nothing that is measured begins with %s" % args.only)
    if args.quick and not chosen_tests(args) and not "resident".startswith(args.only):
        parser.error("--quick leaves out what begins with %s" % args.only)
    if args.draw and args.only:
        parser.error("--draw draws all there is: not with --only")
    return args


def on_signal(number, _frame):
    say("interrupted; taking the labs down")
    sys.exit(128 + number)


def main():
    args = parse()
    if os.geteuid() != 0:
        sys.exit("bench: network namespaces need root; run it with sudo")
    need_programs(args)
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, on_signal)
    start = time.monotonic()
    try:
        samples = measure_all(args)
        for lab in list(Lab.all):
            lab.check()
    except Failed as e:
        sys.exit("bench: %s" % e)
    except NatemdEnded as e:
        sys.exit("bench: natemd has ended; its log:\n%s" % e)
    finally:
        take_all_down()
    figures = medians(samples)
    targets = judge(figures, samples)
    print_all(samples, figures, targets)
    say("took %d s" % (time.monotonic() - start))
    result = as_json(ROWS, samples, targets, args.rounds)
    publish(args, result, draw.draw_all)
    if holes:
        sys.exit("bench: %d measurements failed, the lines above say which" % len(holes))


if __name__ == "__main__":
    main()
