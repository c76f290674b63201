#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tutorial.py - type what a tutorial says and compare what comes with what it says

usage: tutorial.py LAB FILE.md           run it; the lab it brings up is called LAB
       tutorial.py --write LAB FILE.md   run it, and write what came into it
       tutorial.py --typed FILE.md       print what it has the reader type

A block of the document that is a terminal begins with ```console NAME. A line in it that begins
with a prompt, `$ `, `NAME$ `, `NAME>>> ` or `> `, is typed into that terminal, a line `^C` is the
key, and what follows is what the terminal answers; `...` stands for any number of lines. Each
terminal is a pseudo-terminal of its own, which begins with a root shell in the checkout. A block that
begins with an answer is what a program that runs there has said since.

Lines are alike if their words are, and if what may vary is of the same kind: see class Shape. There
are no patterns in the document.

Exit status: 0 as the document says, 1 not so, 2 wrong usage.
"""
import codecs
import copy
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

PATIENCE = 20  # seconds until something is given up
QUIET = 1.5    # when writing: a program that says nothing for so long waits for something
PROMPT = re.compile(r"(?:(?P<name>[a-z][a-z0-9]*)(?:\$|>>>)|\$|>) ")
# May be typed again until it answers what it should: it asks and changes nothing.
ASKS = re.compile(r"natem (mappings|sessions|hosts|counters|events)\b|exec\.sh \w+ ss ")
CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Wrong(Exception):
    """The document says something else."""


class Step:
    """One thing that is typed, or nothing, and the answer."""

    def __init__(self, line, terminal, prompt=None, typed=None):
        self.line, self.terminal, self.prompt, self.typed = line, terminal, prompt, typed
        self.answer = []   # [line number, text]
        self.next = None   # the next step in the same terminal


def read_steps(lines):
    """The steps of a document, in order."""
    steps, terminal, step = [], None, None
    for number, line in enumerate(lines, 1):
        if terminal is None:
            words = line.split()
            if words[:1] == ["```console"]:
                terminal, step = words[1], None
            continue
        if line == "```":
            terminal = None
            continue
        prompt = PROMPT.match(line)
        if prompt or line == "^C":
            if prompt and prompt["name"]:
                terminal = prompt["name"]
            step = Step(number, terminal, prompt and prompt[0],
                        line[prompt.end():] if prompt else line)
            steps.append(step)
        else:
            if step is None:
                step = Step(number, terminal)
                steps.append(step)
            step.answer.append([number, line])
    last = {}
    for step in steps:
        if step.terminal in last:
            last[step.terminal].next = step
        last[step.terminal] = step
    return steps


class Shape:
    """
    What may vary, by kind:

    - A port from 1024 on beside an address, as in 192.168.1.2:40213 or ('192.168.1.2', 40213),
      unless the document has somebody type it: an endpoint's port is then another one, but the same
      wherever the document has the same, and two in one answer stay two.
    - A time as in 4m59s: by half a minute. A time of day, and milliseconds: at will.
    - Numbers of records (mapping 17) and of links (eth0@if4): likewise within one answer; they are
      given again.
    - Packets and bytes (3/180): in a TCP row at will, as the kernel may acknowledge two segments at
      once; in others by a byte a packet, which may tell a port of a digit more or less.
    - How much the buffers of a kernel hold (of numbers from 1500 on): within a factor of two.
    """
    TOKEN = re.compile(r"""
        (?P<address>\d+\.\d+\.\d+\.\d+)(?P<between>:|',[ ])(?P<port>\d+)
      | (?P<day>\d\d:\d\d:\d\d(?:\.\d+)?)
      | (?P<ms>\d+(?:\.\d+)?[ ]?ms\b)
      | \b(?P<time>(?:\d+[hms])+)\b
      | (?P<id>@if\d+|\bmapping[ ]\d+\b)
      | (?P<traffic>\b\d+/\d+\b)
      | \b(?P<amount>\d{4,})\b
      """, re.VERBOSE)

    def __init__(self, typed):
        self.typed = typed  # the numbers that are typed and stand for themselves
        self.ports = {}     # (address, port in the document) -> port here

    def tokens(self, line):
        """Pairs of kind and match; plain text between them has the kind None."""
        at, found = 0, []
        for token in self.TOKEN.finditer(line):
            found.append((None, self.plain(line[at:token.start()])))
            kind = next(k for k in ("port", "day", "ms", "time", "id", "traffic", "amount")
                        if token[k])
            found.append((kind, token))
            at = token.end()
        found.append((None, self.plain(line[at:])))
        return found

    @staticmethod
    def plain(text):
        """How much room there is, and how long a line is drawn, goes by what stands beside it."""
        return " ".join(re.sub("─+", "─", text).split())

    def varies(self, port):
        return int(port) >= 1024 and port not in self.typed

    def alike(self, wanted, got, seen):
        """@seen: what stands for what in this answer, so that two do not become one."""
        left, right = self.tokens(wanted), self.tokens(got)
        if [kind for kind, _ in left] != [kind for kind, _ in right]:
            return False
        tcp = got.startswith("tcp ")
        return all(self.token_alike(kind, a, b, tcp, seen)
                   for (kind, a), (_, b) in zip(left, right))

    def token_alike(self, kind, a, b, tcp, seen):
        if kind is None:
            return a == b
        if kind == "port":
            if a["address"] != b["address"] or a["between"] != b["between"]:
                return False
            if not self.varies(a["port"]):
                return a["port"] == b["port"]
            return self.varies(b["port"]) and self.stands_for(
                self.ports, (a["address"], a["port"]), b["port"], (b["address"], b["port"]), seen)
        if kind == "id":
            return self.stands_for(seen, ("id", a["id"]), b["id"], b["id"], seen)
        if kind == "time":
            return abs(seconds(a["time"]) - seconds(b["time"])) <= 30
        if kind == "traffic":
            return tcp or self.traffic_alike(a["traffic"], b["traffic"])
        if kind == "amount":
            return self.amount_alike(a["amount"], b["amount"])
        return True

    @staticmethod
    def traffic_alike(a, b):
        (packets, size), (n, m) = ([int(x) for x in text.split("/")] for text in (a, b))
        return packets == n and abs(size - m) <= packets

    def amount_alike(self, a, b):
        known = {port for (_, doc), port in self.ports.items() if doc == a}
        if known:
            return b in known
        if a in self.typed or int(a) < 1500:
            return a == b
        return int(a) <= 2 * int(b) and int(b) <= 2 * int(a)

    def stands_for(self, table, a, b, whole, seen):
        if table.setdefault(a, b) != b:
            return False
        return seen.setdefault(whole, a) == a

    def here(self, text):
        """What is typed, with the ports that there are here."""
        def port(match):
            known = [b for (_, a), b in self.ports.items() if a == match[0]]
            return known[-1] if known else match[0]
        return re.sub(r"\b\d{4,5}\b", port, text)


def seconds(text):
    """4m59s as a number."""
    return sum(int(n) * {"h": 3600, "m": 60, "s": 1}[unit]
               for n, unit in re.findall(r"(\d+)([hms])", text))


def typed_numbers(steps):
    """Numbers that are typed before any answer has them: they mean themselves."""
    typed, answered = set(), set()
    for step in steps:
        typed |= set(re.findall(r"\d+", step.typed or "")) - answered
        for _, line in step.answer:
            answered |= set(re.findall(r"\b\d{4,5}\b", line)) - typed
    return typed


class Terminal:
    """A pseudo-terminal and what has not been read of it yet."""

    def __init__(self, lab):
        self.unread = ""
        self.decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self.lab = lab
        self.fd, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 110, 0, 0))
        self.shell = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"], cwd=CHECKOUT,
            env=os.environ | {"TERM": "dumb", "LC_ALL": "C.UTF-8", "PS1": "$ ", "NATEM_LAB": lab},
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def read(self, patience):
        """Read what there is; false if nothing comes."""
        if not select.select([self.fd], [], [], patience)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # how Linux says that the other end is closed
            return False
        text = self.decode(data).replace("\r", "")
        self.unread += re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", text)
        return bool(data)

    def wait(self, done):
        """Read until @done(unread) or in vain."""
        deadline = time.monotonic() + PATIENCE
        while not done(self.unread):
            left = deadline - time.monotonic()
            if left <= 0 or not self.read(left):
                return done(self.unread)
        return True

    def lines(self):
        """Whole lines that are unread, in the words of the lab that the document means."""
        return [line.replace(" --lab " + self.lab, "").replace(self.lab, "natem")
                for line in self.unread.split("\n")[:-1]]

    def type(self, text):
        os.write(self.fd, b"\x03" if text == "^C" else text.encode() + b"\n")

    def close(self):
        os.close(self.fd)  # the shell is told that its terminal is gone
        try:
            self.shell.wait(5)
        except subprocess.TimeoutExpired:
            self.shell.kill()
            self.shell.wait()


class Run:
    """One run of a document."""

    def __init__(self, lab, steps, write):
        self.lab, self.write = lab, write
        self.terminals = {}
        self.shape = Shape(typed_numbers(steps))

    def terminal(self, name):
        if name not in self.terminals:
            self.terminals[name] = Terminal(self.lab)
        return self.terminals[name]

    def step(self, step):
        """Do it; the lines that came."""
        terminal = self.terminal(step.terminal)
        if step.typed is not None:
            self.type(terminal, step)
        got = self.hear(terminal, step)
        deadline = time.monotonic() + PATIENCE / 4
        while not self.fits(step, got):
            if not ASKS.match(step.typed or "") or self.write or time.monotonic() > deadline:
                break
            self.type(terminal, step)
            got = self.hear(terminal, step)
        return got

    def type(self, terminal, step):
        text = self.shape.here(step.typed)
        if step.prompt and not terminal.wait(lambda unread: unread == step.prompt):
            raise Wrong(f"{step.line}: before '{step.typed}' is typed the terminal should show just "
                        f"'{step.prompt}', but it shows: {terminal.unread}")
        terminal.type(text)
        echo = text if text == "^C" else step.prompt + text + "\n"
        if not terminal.wait(lambda unread: unread.startswith(echo)):
            raise Wrong(f"{step.line}: '{text}' was typed, but the terminal shows: {terminal.unread}")
        terminal.unread = terminal.unread[len(echo):]

    def hear(self, terminal, step):
        """The lines of an answer: up to the prompt, or as many as there are to come."""
        last = step.next is None
        if last or step.next.typed is not None and step.next.prompt is not None:
            done = self.prompted if last else lambda unread: (
                unread.split("\n")[-1] == step.next.prompt)
            if not terminal.wait(done):
                raise Wrong(f"{step.line}: after '{step.typed}' the next prompt does not come, "
                            f"but this: {terminal.unread}")
            count = len(terminal.lines())
        else:
            count = self.count_running(terminal, step)
        got = terminal.lines()[:count]
        if step.typed == "^C" and got[:1] == [""]:
            del got[0]  # the shell begins a new line if the program died of it
        terminal.unread = "\n".join(terminal.unread.split("\n")[count:])
        return got

    @staticmethod
    def prompted(unread):
        return PROMPT.fullmatch(unread.split("\n")[-1]) is not None

    def count_running(self, terminal, step):
        """A program that goes on: it says so many lines."""
        count = len(step.answer)
        if self.write:
            while terminal.read(QUIET / 10 if 0 < count <= len(terminal.lines()) else QUIET):
                pass
            return len(terminal.lines())
        if not terminal.wait(lambda unread: unread.count("\n") >= count):
            raise Wrong(f"{step.line}: {count} lines should come, but only this does: "
                        f"{terminal.unread}")
        return count

    def fits(self, step, got):
        """Is that the answer? Then the shape has learned what stands for what."""
        return self.match(self.shape, [text for _, text in step.answer], got, {})

    def match(self, shape, wanted, got, seen, table=False):
        """@table: rows of the NAT's tables are left, which come in any order if they are of one age."""
        if not wanted:
            return not got
        if wanted[0] == "...":
            return any(self.attempt(shape, wanted[1:], got[n:], seen) for n in range(len(got) + 1))
        table = table or wanted[0].startswith("PROTO ")
        rows = len(got) if table and not wanted[0].startswith("PROTO ") else min(len(got), 1)
        return any(self.attempt(shape, wanted[1:], got[:n] + got[n + 1:], seen, table,
                                first=(wanted[0], got[n])) for n in range(rows))

    def attempt(self, shape, wanted, got, seen, table=False, first=None):
        """Match @first and then the rest; the shape learns nothing if that fails."""
        trial, learned = copy.deepcopy(shape), dict(seen)
        if first and not trial.alike(*first, learned) or not self.match(
                trial, wanted, got, learned, table):
            return False
        shape.ports = trial.ports
        return True

    def check(self, step):
        got = self.step(step)
        if self.fits(step, got):
            return
        wanted = "\n".join("  " + text for _, text in step.answer)
        raise Wrong(f"{step.line}: '{step.typed or 'what runs there'}' should answer\n{wanted}\n"
                    "but it answers\n" + "\n".join("  " + line for line in got))

    def rewrite(self, step):
        """The same when writing: the answer becomes what came, and ports are learned from it."""
        shown = self.shape.here(step.typed) if step.typed is not None else None
        got = self.step(step)
        if not self.fits(step, got) or not any(text == "..." for _, text in step.answer):
            seen = {}
            for (_, old), new in zip(step.answer, got):
                self.shape.alike(old, new, seen)
            step.answer = [[None, line] for line in got]
        step.typed = shown

    def close(self):
        for terminal in self.terminals.values():
            terminal.close()


def run(lab, path, write):
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    steps = read_steps(lines)
    spans = [(step.line, step.answer[-1][0] if step.answer else step.line) for step in steps]
    this, current = Run(lab, steps, write), 0
    try:
        for current, step in enumerate(steps):
            (this.rewrite if write else this.check)(step)
        current += 1
    except Wrong as wrong:
        print(f"{path}:{wrong}", file=sys.stderr)
        return 1
    finally:
        this.close()
        if write:
            save(path, lines, steps[:current], spans)
    print(f"{path}: {len(steps)} steps")
    return 0


def save(path, lines, steps, spans):
    for step, (first, last) in reversed(list(zip(steps, spans))):
        typed = [] if step.typed is None else [(step.prompt or "") + step.typed]
        lines[first - 1:last] = typed + [text.rstrip() for _, text in step.answer]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


def main(words):
    if words[:1] == ["--typed"] and len(words) == 2:
        with open(words[1], encoding="utf-8") as file:
            for step in read_steps(file.read().split("\n")):
                if step.typed is not None:
                    print(f"{step.terminal}: {step.typed}")
        return 0
    write = words[:1] == ["--write"]
    words = words[write:]
    if len(words) != 2 or words[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    return run(*words, write)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
