# SPDX-License-Identifier: GPL-2.0-or-later
"""lab.py - the labs that the benchmarks run in, and every process in them

Each contender is a lab of netns-scripts/setup.sh of its own, so that all stand side by side and
only the one under load does anything. What is between client and server differs:

    natem       natemd, as the lab brings it
    masquerade  the kernel's own NAT: iptables -t nat -j MASQUERADE
    plain       a router that translates nothing; the server has a route back
    noop        the lab's queue rules, but the empty loop of noop.c instead of natemd; a route back
    no-gso      the same lab, but the loop has the kernel cut packets first
    accept-only the same lab, but the loop hands back no bytes and computes no checksum
    pasta       a guest namespace whose only way out is pasta, in the router of the plain lab
    slirp4netns likewise

Whatever is started here is ended here: processes when they are no longer needed or when the program
fails, labs by teardown.sh.
"""
import os
import select
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKOUT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(CHECKOUT, os.environ.get("NATEM_BUILD", "build"))
RUN = "/run/natem"
SERVER = "203.0.113.10"
CLIENT = "192.168.1.2"
WAIT_S = 15  # for a program to say that it is ready, or to end when asked to


class Failed(Exception):
    """Something the benchmarks need did not work; the text says what."""


def program(name):
    path = os.path.join(BUILD, "tests/bench", name)
    return path if os.path.exists(path) else os.path.join(BUILD, name)


class NatemdEnded(Exception):
    """Nobody has asked it to; the text is what it has said."""


class Process:
    """A program of its own process group: a Ctrl-C at the terminal is ours to act on, not its."""

    alive = set()

    def __init__(self, words, **more):
        self.words = words
        self.popen = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True, cwd=CHECKOUT,
            env=dict(os.environ, NATEM_BUILD=os.path.relpath(BUILD, CHECKOUT)), **more)
        Process.alive.add(self)

    def wait_ready(self, word="ready"):
        """Until a line of its output holds word."""
        deadline = time.monotonic() + WAIT_S
        text = b""
        fd = self.popen.stdout.fileno()
        while word.encode() not in text:
            if not select.select([fd], [], [], max(0, deadline - time.monotonic()))[0]:
                self.end()
                raise Failed("'%s' did not get ready" % " ".join(self.words))
            piece = os.read(fd, 4096)
            if not piece:
                raise Failed("'%s' ended: %s" % (" ".join(self.words), self.finish()[1].strip()))
            text += piece
        return self

    def finish(self, timeout=60):
        """Its exit status and all it has said, when it ends by itself."""
        try:
            out, err = self.popen.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.end()
            raise Failed("'%s' did not end" % " ".join(self.words)) from None
        Process.alive.discard(self)
        return self.popen.returncode, err, out

    def result(self, timeout=60):
        """What it has printed, when it ends by itself and well."""
        status, err, out = self.finish(timeout)
        if status != 0:
            raise Failed("'%s' failed: %s" % (" ".join(self.words), (err + out).strip()[-500:]))
        return out

    def end(self):
        for number in signal.SIGTERM, signal.SIGKILL:
            if self.popen.poll() is not None:
                break
            os.killpg(self.popen.pid, number)
            try:
                self.popen.communicate(timeout=3)
            except subprocess.TimeoutExpired:
                pass
        Process.alive.discard(self)

    @classmethod
    def end_all(cls):
        for process in list(cls.alive):
            process.end()


def take_all_down():
    """Nobody is left, whatever has happened; a second Ctrl-C does not change that."""
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, signal.SIG_IGN)
    Process.end_all()
    for lab in reversed(list(Lab.all)):
        try:
            lab.down()
        except Failed as e:
            print("bench: %s" % e, file=sys.stderr)


def call(*words, timeout=60):
    """Run a program to its end; its output. It failing, or we being interrupted, ends it."""
    process = Process(words)
    try:
        return process.result(timeout)
    except BaseException:
        process.end()
        raise


def wait_for(question, what):
    deadline = time.monotonic() + WAIT_S
    while not question():
        if time.monotonic() > deadline:
            raise Failed("waited in vain for %s" % what)
        time.sleep(0.02)


class Lab:
    """One lab of setup.sh, up from the constructor to down()."""

    all = []

    def __init__(self, kind, options=()):
        self.kind = kind
        self.name = "bench-%d-%s" % (os.getpid(), kind)
        self.client = self.name + "-client"
        self.server = self.name + "-server"
        self.router = self.name + "-router"
        Lab.all.append(self)
        call("netns-scripts/setup.sh", "--lab", self.name, "--no-install", "--", *options)
        self.natemd = int(open("%s/%s.pid" % (RUN, self.name)).read())

    def natemd_runs(self):
        return str(self.natemd) in call("ip", "netns", "pids", self.router).split()

    def check(self):
        """Does all still run that should?"""
        if self.natemd and not self.natemd_runs():
            with open("%s/%s.log" % (RUN, self.name)) as log:
                raise NatemdEnded(log.read()[-2000:])

    def enter(self):
        """Called before each measurement here."""
        self.check()

    def run(self, space, *words, timeout=60):
        return call("ip", "netns", "exec", space, *words, timeout=timeout)

    def start(self, space, *words):
        return Process(("ip", "netns", "exec", space) + words)

    def natem(self, *words):
        return call(program("natem"), "--lab", self.name, *words)

    def flush(self):
        """Forget all mappings, so that new ones are."""
        self.natem("flush", "all")

    def resident_bytes(self):
        for line in open("/proc/%d/status" % self.natemd):
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise Failed("natemd has no resident size")

    def stop_natemd(self):
        os.kill(self.natemd, signal.SIGTERM)
        wait_for(lambda: not self.natemd_runs(), "natemd to end")
        self.natemd = None

    def route_back(self, network="192.168.1.0/24"):
        call("ip", "-n", self.server, "route", "add", network, "via", "203.0.113.1")

    def down(self):
        call("netns-scripts/teardown.sh", "--lab", self.name)
        Lab.all.remove(self)


class Masquerade(Lab):
    def __init__(self, kind):
        super().__init__(kind)
        self.stop_natemd()
        self.run(self.router, "iptables", "-w", "-t", "mangle", "-F")
        self.run(self.router, "iptables", "-w", "-t", "nat", "-A", "POSTROUTING", "-o", "wan",
                 "-j", "MASQUERADE")

    def flush(self):
        self.run(self.router, "conntrack", "-F")


class Plain(Lab):
    def __init__(self, kind):
        super().__init__(kind)
        self.stop_natemd()
        self.run(self.router, "iptables", "-w", "-t", "mangle", "-F")
        self.route_back()

    def flush(self):
        pass


class Noop(Lab):
    def __init__(self, kind):
        super().__init__(kind)
        self.stop_natemd()
        self.route_back()
        self.loop, self.flags = None, None

    def enter(self, *flags):
        if self.flags == flags:
            return
        if self.loop:
            self.loop.end()
        self.loop = self.start(self.router, program("noop"), "--queue", "0", *flags).wait_ready()
        self.flags = flags

    def flush(self):
        pass


class Variant:
    """The lab of the empty loop, with other flags for the loop."""

    def __init__(self, lab, *flags):
        self.lab, self.flags = lab, flags

    def enter(self):
        self.lab.enter(*self.flags)

    def __getattr__(self, name):
        return getattr(self.lab, name)


class Peer(Lab):
    """A guest namespace behind a userspace network, in the router of a lab that is up.

    Made anew for each measurement: what slirp4netns keeps for minutes of a thousand flows would
    slow down whatever comes next to a tenth."""

    def __init__(self, kind, lab):
        self.kind, self.natemd, self.process = kind, None, None
        self.client = "bench-%d-%s-guest" % (os.getpid(), kind)
        self.server, self.router = lab.server, lab.router
        Lab.all.append(self)

    def enter(self):
        self.leave()
        call("ip", "netns", "add", self.client)
        self.process = self.start(self.router, *self.words())
        call("ip", "-n", self.client, "link", "set", "lo", "up")
        wait_for(lambda: " dev " in call("ip", "-n", self.client, "route"),
                 self.kind + " to come up")

    def leave(self):
        if self.process:
            self.process.end()
            self.process = None
        if os.path.exists("/run/netns/" + self.client):
            call("ip", "netns", "del", self.client)

    def down(self):
        self.leave()
        Lab.all.remove(self)


class Pasta(Peer):
    def words(self):
        # As root it would become nobody, who may not enter our namespace. The guest has the
        # router's own address; nothing of the router is reachable through it, as with the others.
        return ("pasta", "-f", "-e", "-q", "-4", "--runas", "0:0", "--config-net", "-m", "1500",
                "-i", "wan", "-a", "203.0.113.1", "-n", "24", "-g", "203.0.113.254", "-I", "eth0",
                "-t", "none", "-u", "none", "-T", "none", "-U", "none", "--no-map-gw",
                "--netns", self.client)


class Slirp(Peer):
    def words(self):
        return ("slirp4netns", "-c", "-m", "1500", "--disable-dns", "--netns-type=path",
                "/run/netns/" + self.client, "tap0")
