#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""page.py - put the figures into the page

Writes the tables of docs/performance.md anew, between the comments that mark them, from the JSON
that core.py and path.py have written beside the pictures. What stands around them is by hand.
"""
import json
import re
import sys

sys.dont_write_bytecode = True  # or root's files would stay in the user's checkout
from report import give_back, reached  # noqa: E402

KINDS = (("natem", "natem"), ("masquerade", "MASQUERADE"), ("plain", "plain"), ("noop", "no-op"),
         ("pasta", "pasta"), ("slirp4netns", "slirp4netns"))
COSTS = (("noop", "no-op"), ("accept-only", "no bytes back"), ("no-gso", "without GSO"))


def number(value):
    if value is None:
        return "-"
    return "%.0f" % value if value >= 100 else "%.1f" % value if value >= 10 else "%.2f" % value


def table(heads, rows):
    lines = ["| %s |" % " | ".join(heads), "|---" * len(heads) + "|"]
    return lines + ["| %s |" % " | ".join(cells) for cells in rows]


def figures(report, kinds):
    """A line a row: the median of each kind that any row has."""
    rows = [r for r in report["rows"] if len(r["median"].keys() & {k for k, _ in kinds}) > 1]
    return table(["", ""] + [name for _, name in kinds],
                 [[r["what"], r["unit"]] + [number(r["median"].get(k)) for k, _ in kinds]
                  for r in rows])


def single(report):
    """Rows with one figure only."""
    return table(["", "", ""],
                 [[r["what"], r["unit"], number(next(iter(r["median"].values())))]
                  for r in report["rows"] if len(r["median"]) == 1])


def targets(report):
    names = {r["row"]: r["what"] for r in report["rows"]}
    return table(["", "target", "reached", ""],
                 [[names.get(t["row"], t["row"]), t["text"], reached(t),
                   "met" if t["met"] else "**missed**"] for t in report["targets"]])


def machine(path, core):
    m = path["machine"]
    return ["The figures on this page: %s, %d processors, Linux %s; %d rounds through the lab, %d of the core." %
            (m["model"], m["processors"], m["kernel"], path["rounds"], core["rounds"])]


def costs(report):
    rows = [r for r in report["rows"] if "no-gso" in r["median"]]
    return table(["", ""] + [name for _, name in COSTS],
                 [[r["what"], r["unit"]] + [number(r["median"].get(k)) for k, _ in COSTS]
                  for r in rows])


def main():
    if len(sys.argv) != 4:
        print("usage: page.py PAGE CORE.json PATH.json", file=sys.stderr)
        sys.exit(2)
    page, core, path = sys.argv[1:]
    with open(core) as f:
        core = json.load(f)
    with open(path) as f:
        path = json.load(f)
    parts = {
        "machine": machine(path, core),
        "path": figures(path, KINDS),
        "path-targets": targets(path),
        "core": figures(core, (("outbound", "outbound"), ("inbound", "inbound"))) + [""]
        + single(core),
        "core-targets": targets(core),
        "gso": costs(path),
    }
    with open(page) as f:
        text = f.read()
    for name, lines in parts.items():
        block = "<!-- %s: written by make bench -->\n\n%s\n\n<!-- end -->" % (name, "\n".join(lines))
        text, found = re.subn(r"<!-- %s: .*?<!-- end -->" % name, lambda _: block, text,
                              flags=re.S)
        if found != 1:
            sys.exit("page.py: %s has no part %s" % (page, name))
    with open(page, "w") as f:
        f.write(text)
    give_back(page)


if __name__ == "__main__":
    main()
