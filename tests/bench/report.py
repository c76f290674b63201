# SPDX-License-Identifier: GPL-2.0-or-later
"""report.py - what the benchmarks say: tables, targets, JSON

Figures hang together by row and kind: samples[row][kind] is a list, one value a round, and
figures[row][kind] is its median; None stands for one that failed. A program's rows are
{row: (what, unit, decimals)}.
"""
import argparse
import json
import os
import statistics
import sys

from lab import CHECKOUT


def number_from(least, most):
    """For argparse: a whole number in that range."""
    def number(text):
        if not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError("takes a number from %d to %d, not '%s'"
                                             % (least, most, text))
        return int(text)
    return number


def say(text):
    print("bench: " + text, file=sys.stderr, flush=True)


def medians(samples):
    return {row: {kind: statistics.median(x for x in v if x is not None)
                  for kind, v in by_kind.items() if any(x is not None for x in v)}
            for row, by_kind in samples.items()}


def standard_error(values):
    """Of their mean; None of a single one."""
    return statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else None


def figure_text(rows, figures, row, kind):
    value = figures.get(row, {}).get(kind)
    return "-" if value is None else "%.*f" % (rows[row][2], value)


def target(row, text, value, met, error=None):
    """@error: the standard error of @value, where that is known"""
    made = {"row": row, "text": text, "figure": round(value, 4), "met": met}
    return made if error is None else dict(made, error=round(error, 4))


def reached(each):
    """What a target has reached, for people."""
    return "%.2f" % each["figure"] + (" +- %.2f" % each["error"] if "error" in each else "")


def print_targets(rows, targets):
    for each in targets:
        print("%-4s %-36s %-36s %14s" % ("pass" if each["met"] else "MISS",
                                         rows[each["row"]][0], each["text"], reached(each)))
    missed = sum(not each["met"] for each in targets)
    print("\n%d of %d targets met" % (len(targets) - missed, len(targets)))


def machine():
    model = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo")
             if line.startswith("model name")]
    return {"kernel": os.uname().release.split("-")[0], "processors": os.cpu_count(),
            "model": model[0] if model else os.uname().machine}


def as_json(rows, samples, targets, rounds):
    return {
        "machine": machine(), "rounds": rounds,
        "rows": [{"row": row, "what": rows[row][0], "unit": rows[row][1],
                  "median": {k: round(v, 4) for k, v in medians(samples)[row].items()},
                  "rounds": {k: [x if x is None else round(x, 4) for x in v]
                             for k, v in samples[row].items()}}
                 for row in rows if row in samples],
        "targets": targets,
    }


def give_back(path):
    """What root writes into a checkout belongs to the checkout's owner."""
    if os.geteuid() != 0:
        return
    owner = os.stat(CHECKOUT)
    for each in path, os.path.dirname(path) or ".":
        if os.path.realpath(each).startswith(CHECKOUT + "/"):
            os.chown(each, owner.st_uid, owner.st_gid)


def publish(args, result, draw):
    """What --json and --draw ask for; @draw makes the pictures and says where they are."""
    if args.json:
        write_json(args.json, result)
    if args.draw:
        for path in draw(result, args.draw):
            give_back(path)


def write_json(path, result):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "w") as f:
        json.dump(result, f, indent=1)
        f.write("\n")
    give_back(path)
