#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""conformance.py - from requirements and test results to docs/rfc-conformance.md

    conformance.py check    is docs/rfc-conformance.md about the rows and tests there are? In TAP; also
                            without an argument
    conformance.py write    run the tests that carry ids, and write docs/rfc-conformance.md

Runs every program of tests/rfc in NATEM_BUILD (default: build). Only `write` runs tests in network
namespaces, and only as root: without, their results show as "skipped".

Exit status: 0 done, 1 not so, or something is wrong with a name; 2 wrong usage.
"""
import configparser
import fnmatch
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REQUIREMENTS = HERE / "requirements.tsv"
DOCUMENT = ROOT / "docs" / "rfc-conformance.md"
LEVELS = ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "info")
HEAD = """<!-- SPDX-License-Identifier: GPL-2.0-or-later -->
# What the RFCs ask, and whether natem does it

Made by `make conformance` from `tests/rfc/requirements.tsv` and the results of the tests; edit neither
table nor result here. A row with several tests passes if all of them pass, and is missing if it has
none. MUST NOT and SHOULD NOT rows name what is not to happen. Tests whose name begins with an id and a
colon are in `tests/netns`, the others in `tests/rfc`.
"""


class Wrong(Exception):
    """A name or a line that breaks the rules in requirements.tsv."""


def read_requirements():
    """Titles by RFC, and rows (id, level, knobs, requirement) by id, both in the file's order."""
    titles, rows = {}, {}
    for number, line in enumerate(REQUIREMENTS.read_text().splitlines(), 1):
        where = f"{REQUIREMENTS.name}:{number}"
        fields = line.split("\t")
        if not line or line.startswith("#"):
            continue
        if len(fields) == 2 and line.startswith("RFC "):
            titles[fields[0][4:]] = fields[1]
            continue
        if len(fields) != 4 or not re.fullmatch(r"\d{4}-[a-z0-9]+", fields[0]):
            raise Wrong(f"{where}: not 'id, level, knobs, requirement'")
        if fields[1] not in LEVELS:
            raise Wrong(f"{where}: no level: {fields[1]}")
        if fields[0] in rows or fields[0][:4] not in titles:
            raise Wrong(f"{where}: {fields[0]} is twice here, or before its RFC")
        rows[fields[0]] = fields
    return titles, rows


def build():
    return ROOT / os.environ.get("NATEM_BUILD", "build")


def execute(*command):
    env = os.environ | {"CMOCKA_MESSAGE_OUTPUT": "TAP"}
    try:
        return subprocess.run(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except OSError as error:
        raise Wrong(f"{command[0]}: {error.strerror}; has it been built?") from error


def known_knobs():
    """Every key that natemd prints, and nat.preset, which is one to set but not to get."""
    program = str(build() / "natemd")
    text = execute(program, "-n", "-o", "nat.external=203.0.113.1").stdout
    parser = configparser.RawConfigParser(comment_prefixes=";", strict=False)
    parser.read_string(text)
    return ["nat.preset"] + [f"{s}.{key}" for s in parser.sections() for key in parser[s]]


def check_knobs(rows):
    known = known_knobs()
    for row, _, knobs, _ in rows.values():
        for knob in knobs.split():
            if knob != "-" and not fnmatch.filter(known, knob):
                raise Wrong(f"{REQUIREMENTS.name}: {row}: no knob {knob}")


def row_of(test):
    """The id that the name of a test carries, None if it carries none."""
    match = re.match(r"(\d{4}-[a-z0-9]+): ", test)
    if match:
        return match[1]
    match = re.match(r"test_rfc(\d{4})_(req(?=\d))?([a-z0-9]+)_[a-z0-9_]", test)
    return f"{match[1]}-{match[3]}" if match else None


def results(text):
    """Test and result of every line of a TAP text. cmocka says "not ok 1 # SKIP name"."""
    for line in text.splitlines():
        match = re.match(r"(not )?ok \d+ (- |# [Ss][Kk][Ii][Pp] )?(.*)", line)
        if not match:
            continue
        name, _, why = match[3].partition(" # ")
        skipped = why.lower().startswith("skip") or (match[2] or "").startswith("#")
        yield name, "skipped" if skipped else "fail" if match[1] else "pass"


def run(*command):
    done = execute(*command)
    found = list(results(done.stdout))
    planned = sum(int(n) for n in re.findall(r"^1\.\.(\d+)", done.stdout, re.MULTILINE))
    if planned == 0 or planned != len(found):
        raise Wrong(f"{command[0]}: {len(found)} of {planned} tests ran\n{done.stdout}")
    return found


def run_programs():
    found = []
    for source in sorted(HERE.glob("test_*.c")):
        for test, result in run(str(build() / "tests" / "rfc" / source.stem)):
            if row_of(test) is None:
                raise Wrong(f"{source.name}: no id in the name of {test}")
            found.append((test, result))
    return found


def names_in_bats():
    """Files with tests that carry ids, and those tests."""
    files = {}
    for path in sorted((ROOT / "tests" / "netns").glob("*.bats")):
        names = re.findall(r'^@test "(.*)" \{$', path.read_text(), re.MULTILINE)
        names = [name.replace("\\", "") for name in names if row_of(name)]
        if names:
            files[path] = names
    return files


def run_bats(really):
    files = names_in_bats()
    names = [name for path in files for name in files[path]]
    if not names or not really or os.geteuid() != 0:
        return [(name, "skipped") for name in names]
    found = run("bats", "--formatter", "tap", "--filter", "^[0-9]{4}-[a-z0-9]+: ",
                *[str(path) for path in files])
    if sorted(name for name, _ in found) != sorted(names):
        raise Wrong("bats ran other tests than there are: " + ", ".join(n for n, _ in found))
    return found


def by_row(rows, tests):
    """The tests of every row, in their order."""
    table = {row: [] for row in rows}
    for test, result in tests:
        if row_of(test) not in table:
            raise Wrong(f"no row {row_of(test)} in {REQUIREMENTS.name} for {test}")
        table[row_of(test)].append((test, result))
    return table


def sum_up(tests):
    states = [result for _, result in tests]
    return next((s for s in ("fail", "skipped", "pass") if s in states), "missing")


def cell(text):
    return text.replace("|", "\\|").replace("*", "\\*")


def section(rfc, title, rows, table):
    lines = ["", f"## RFC {rfc}: {title}", "",
             "| id | level | requirement | knob | test | result |", "|---|---|---|---|---|---|"]
    for row, level, knobs, requirement in rows:
        tests = "<br>".join(f"`{test}`" for test, _ in table[row])
        knobs = " ".join(f"`{knob}`" for knob in knobs.split() if knob != "-")
        lines.append(f"| {row} | {level} | {cell(requirement)} | {knobs} | {tests} | "
                     f"{sum_up(table[row])} |")
    return lines


def document(titles, rows, table):
    states = [sum_up(tests) for tests in table.values()]
    counts = ", ".join(f"{states.count(s)} {s}" for s in ("pass", "fail", "skipped", "missing"))
    lines = [HEAD, f"{len(states)} rows: {counts}."]
    for rfc, title in titles.items():
        lines += section(rfc, title, [r for i, r in rows.items() if i[:4] == rfc], table)
    return "\n".join(lines) + "\n"


def told(text):
    """Rows of a document with their results, and its titles."""
    return [line.rpartition(" | ")[::2] for line in text.splitlines()
            if re.match(r"\| \d|## ", line)]


def differences(want, have):
    """What was skipped just now, for want of root, may have any result in the document."""
    skipped = {row for row, result in want if result == "skipped |"} & {row for row, _ in have}
    for row, result in want:
        if (row, result) not in have and row not in skipped:
            yield f"# + {row} | {result}"
    for row, result in have:
        if (row, result) not in want and row not in skipped:
            yield f"# - {row} | {result}"


def make(really):
    titles, rows = read_requirements()
    check_knobs(rows)
    return document(titles, rows, by_row(rows, run_programs() + run_bats(really)))


def check():
    name = "docs/rfc-conformance.md is about the rows and tests there are"
    try:
        lines = list(differences(told(make(False)),
                                 told(DOCUMENT.read_text() if DOCUMENT.exists() else "")))
        if lines:
            lines.append("# `sudo make conformance` writes it anew")
        good = not lines
    except Wrong as wrong:
        lines, good = [f"# {line}" for line in str(wrong).splitlines()], False
    print("1..1", f"{'' if good else 'not '}ok 1 - {name}", *lines, sep="\n")
    return 0 if good else 1


def write():
    try:
        text = make(True)
    except Wrong as wrong:
        print(f"conformance.py: {wrong}", file=sys.stderr)
        return 1
    DOCUMENT.write_text(text)
    print(next(line for line in text.splitlines() if re.match(r"\d+ rows", line)))
    return 0


def main():
    words = sys.argv[1:] or ["check"]
    if words in (["-h"], ["--help"]):
        print(__doc__, end="")
        return 0
    if words not in (["check"], ["write"]):
        print(__doc__, end="", file=sys.stderr)
        return 2
    return check() if words == ["check"] else write()


sys.exit(main())
