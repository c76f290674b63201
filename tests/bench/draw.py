#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""draw.py FILE DIRECTORY - the figures of path.py or core.py as pictures, by gnuplot"""
import json
import os
import subprocess
import sys

SERIES = (("natem", "natem", "#1b6ca8"), ("masquerade", "MASQUERADE", "#8a8a8a"),
          ("plain", "plain forwarding", "#d0d0d0"), ("noop", "empty NFQUEUE loop", "#e8a33d"))

HEAD = """
set terminal svg size 980,420 font 'sans-serif,13' background '#ffffff'
set style data histogram
set style histogram clustered gap 1
set style fill solid border -1
set boxwidth 0.9
set grid ytics
set xtics nomirror scale 0 font ',10'
set bmargin 4.5
set key outside top center horizontal
set yrange [0:*]
"""


# The core alone: lines over how many sessions there are.
DIRECTIONS = (("outbound", "#1b6ca8"), ("inbound", "#e8a33d"))

CORE_HEAD = """
set terminal svg size 720,420 font 'sans-serif,13' background '#ffffff'
set grid ytics
set logscale x
set xrange [700:6000000]
set yrange [0:*]
set xtics nomirror ('1 thousand' 1e3, '10 thousand' 1e4, '100 thousand' 1e5, '1 million' 1e6, \
    '4 million' 4e6) font ',10'
set xlabel 'sessions, met in random order'
set ylabel 'nanoseconds a packet'
set key outside top center horizontal
"""


def table(rows, names, value):
    """A gnuplot data block: one line a row, one column a series; what is missing is '?'."""
    lines = ["$data << END"]
    for name, label in names:
        if name in rows:
            values = [value(rows[name], kind) for kind, _, _ in SERIES]
            lines.append('"%s" ' % label + " ".join("?" if v is None else "%g" % v for v in values))
    return lines + ["END"] if len(lines) > 1 else []


def gnuplot(script):
    try:
        subprocess.run(["gnuplot"], input=script, text=True, check=True)
    except FileNotFoundError:
        sys.exit("draw: gnuplot is not there; make deps-bench installs it")
    except subprocess.CalledProcessError:
        sys.exit("draw: gnuplot failed; the lines above say why")


def draw(path, title, unit, data, extra=""):
    plots = ["$data using %d:xtic(1) title '%s' linecolor rgb '%s'" % (i + 2, name, colour)
             for i, (_, name, colour) in enumerate(SERIES)]
    script = "\n".join(data) + HEAD + extra + "set xrange [-0.6:%g]\n" % (len(data) - 2.4)
    script += "set output '%s'\n" % path
    script += "set title \"%s\"\nset ylabel '%s'\n" % (title, unit)
    gnuplot(script + "set datafile missing '?'\nplot " + ", ".join(plots) + "\n")


def median(row, kind):
    return row["median"].get(kind)


def to_masquerade(row, kind):
    value, other = row["median"].get(kind), row["median"].get("masquerade")
    return value / other if value and other else None


def measured_on(result):
    return "%d processors, Linux %s, %s" % (
        result["machine"]["processors"], result["machine"]["kernel"],
        "medians of %d rounds" % result["rounds"] if result["rounds"] > 1 else "one round")


def draw_core(result, directory):
    """Of core.py's figures; returns the files it has written."""
    points = sorted((int(row["row"].split("-")[1]), row["median"]) for row in result["rows"]
                    if row["row"].startswith("known-") and not row["row"].endswith("-tcp"))
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, "core.svg")
    data = ["%d " % sessions + " ".join("%g" % median[name] for name, _ in DIRECTIONS)
            for sessions, median in points]
    script = "\n".join(["$data << END"] + data + ["END"]) + CORE_HEAD + "set output '%s'\n" % path
    script += ("set title \"The core alone: a packet of a known session\\n{/*0.8 %s}\"\n"
               % measured_on(result))
    gnuplot(script + "plot " + ", ".join(
        "$data using 1:%d title '%s' with linespoints linewidth 2 pointtype 7 linecolor rgb '%s'"
        % (i + 2, name, colour) for i, (name, colour) in enumerate(DIRECTIONS)) + "\n")
    return (path,)


def draw_all(result, directory):
    """Of path.py's; likewise."""
    rows = {row["row"]: row for row in result["rows"]}
    os.makedirs(directory, exist_ok=True)
    machine = measured_on(result)
    throughput, packets, latency = (os.path.join(directory, name + ".svg")
                                    for name in ("throughput", "packets", "latency"))
    draw(throughput,
         "Throughput, as a share of MASQUERADE\\n{/*0.8 %s}" % machine, "MASQUERADE = 1",
         table(rows, [("tcp-1-out", "TCP\\n1 stream\\nout"), ("tcp-1-in", "TCP\\n1 stream\\nin"),
                      ("tcp-8-out", "TCP\\n8 streams\\nout"), ("tcp-8-in", "TCP\\n8 streams\\nin"),
                      ("udp-64-1", "UDP 64\\n1\\nflow"), ("udp-64-1000", "UDP 64\\n1000\\nflows"),
                      ("udp-1400-1", "UDP 1400\\n1\\nflow"),
                      ("udp-1400-1000", "UDP 1400\\n1000\\nflows"),
                      ("connections", "new TCP\\nconnec-\\ntions"),
                      ("new-mappings", "new\\nUDP\\nmappings")], to_masquerade))
    draw(packets,
         "UDP packets delivered\\n{/*0.8 %s}" % machine, "thousand packets a second",
         table(rows, [("udp-64-1", "64 bytes\\n1 flow"), ("udp-64-1000", "64 bytes\\n1000 flows"),
                      ("udp-1400-1", "1400 bytes\\n1 flow"),
                      ("udp-1400-1000", "1400 bytes\\n1000 flows")], median))
    draw(latency,
         "Round trip of one small UDP packet\\n{/*0.8 %s}" % machine, "microseconds",
         table(rows, [("idle-p50", "idle\\np50"), ("idle-p99", "idle\\np99"),
                      ("idle-p999", "idle\\np99.9"), ("bulk-p50", "beside TCP\\np50"),
                      ("bulk-p99", "beside TCP\\np99"), ("bulk-p999", "beside TCP\\np99.9")],
               median), "set logscale y\nset yrange [10:*]\n")
    return throughput, packets, latency


def main():
    if len(sys.argv) != 3:
        print("usage: draw.py FILE DIRECTORY: FILE is what path.py or core.py has written",
              file=sys.stderr)
        sys.exit(2)
    with open(sys.argv[1]) as f:
        result = json.load(f)
    of_core = any(row["row"].startswith("known-") for row in result["rows"])
    (draw_core if of_core else draw_all)(result, sys.argv[2])


if __name__ == "__main__":
    main()
