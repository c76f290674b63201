# SPDX-License-Identifier: GPL-2.0-or-later
"""conform.py SOCKET [METHOD PARAMS]... - is every answer as system.describe says?

Calls each method of the daemon at SOCKET: those named, with PARAMS (JSON), and then all there are, those
that change something with what changes little; something should pass meanwhile. Each answer and each notification is held against the
schema that the daemon gives of it, in which an object has its members and no others. Every method is also
given a parameter that it does not have. Prints each answer of the methods named, and at the end how many
answers there were. Status 1: something is not as described.
"""
import json
import socket
import sys

import jsonschema
from jsonschema.exceptions import best_match

PATIENCE = 15  # seconds without an answer or a notification

# A method that needs parameters, or that should be asked for more than it does without any, has its
# calls here; another is called without. Those that change something come in an order that undoes it.
CALLS = {
    "mappings.list": [{}, {"cursor": 0, "limit": 1}],
    "ports.who": [{"external": "203.0.113.1:80"}, {"external": "203.0.113.1:80", "protocol": "tcp"},
                  {"external": "198.51.100.1:80"}],
    "packets.explain": [
        {"protocol": "udp", "source": "192.168.1.2:999", "destination": "203.0.113.10:53"},
        {"protocol": "tcp", "source": "203.0.113.10:999", "destination": "203.0.113.1:80",
         "from": "external", "flags": "syn"},
        {"protocol": "icmp", "source": "192.168.1.2:7", "destination": "203.0.113.10"}],
    "events.list": [{}, {"from": 2, "limit": 1}],
    "events.subscribe": [{"from": 1}],
    "options.get": [{}, {"keys": ["udp.timeout"]}, {"keys": []}],
    "options.set": [{"options": {"udp.timeout": "299s"}}, {"options": {"udp.timeout": 300}}],
    "forwards.add": [{"kind": "tcp", "external": 64000, "internal": "192.168.1.2:80"},
                     {"kind": "exempt", "remote": "198.51.100.0/24:53"}],
    "forwards.del": [{"kind": "tcp", "external": "64000"},
                     {"kind": "exempt", "remote": "198.51.100.0/24:53"}],
    "mappings.flush": [{"host": "192.168.1.200", "protocol": "icmp"}],
    "clock.advance": [{"time": "1ms"}, {"time": 1}],
    "clock.scale": [{"factor": 2}, {"factor": "1"}],
}
# Calls that are right, but cannot be done.
FAILING = {
    "options.set": {"options": {"nat.lan": "nosuch"}},
    "forwards.add": {"kind": "exempt", "remote": "203.0.113.77"},  # the second time
    "forwards.del": {"kind": "tcp", "external": 63999},
    "mappings.flush": {"mapping": 4294967294},
}
# What fails only where the system has no memory or process left.
UNPROVOKED = {"packets.explain"}
# After the answer comes a file: its connection is of no more use.
FILES = {"capture.start"}


def complain(what):
    sys.exit(f"conform.py: {what}")


class Daemon:
    def __init__(self, path, description=None):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self.lines = self.socket.makefile()
        self.answers = 0
        self.heard = set()  # names of the notifications that have come
        self.description = description or {}
        if description is None:
            self.description = self.call("system.describe", None)

    def fits(self, path, value):
        """Is value as the schema at #/path says?"""
        schema = dict(self.description, **{"$ref": "#/" + path})
        jsonschema.Draft202012Validator.check_schema(schema)
        error = best_match(jsonschema.Draft202012Validator(schema).iter_errors(value))
        if error is not None:
            complain(f"{path}{error.json_path[1:]}: {error.message}")

    def hear(self):
        """The next line, which must be a response; notifications before it are looked at."""
        while True:
            line = self.lines.readline()
            if not line:
                complain("the daemon has closed the connection")
            message = json.loads(line)
            if "id" in message:
                return message
            self.notified(message)

    def notified(self, message):
        name = message["method"]
        if set(message) != {"jsonrpc", "method", "params"}:
            complain(f"notification {name} has the members {sorted(message)}")
        if name not in self.description["notifications"]:
            complain(f"nothing is said of notification {name}")
        self.fits(f"notifications/{name}/params", message["params"])
        self.heard.add(name)

    def send(self, method, params):
        request = {"jsonrpc": "2.0", "id": 1, "method": method}
        if params is not None:
            request["params"] = params
        self.socket.sendall(json.dumps(request).encode() + b"\n")

    def ask(self, method, params):
        self.send(method, params)
        message = self.hear()
        self.answers += 1
        return message

    def call(self, method, params):
        message = self.ask(method, params)
        if "result" not in message:
            complain(f"{method} {params}: {message['error']['message']}")
        if self.description:
            self.fits(f"methods/{method}/params", params or {})
            self.fits(f"methods/{method}/result", message["result"])
        return message["result"]

    def refused(self, method, params, code):
        message = self.ask(method, params)
        error = message.get("error", {})
        if error.get("code") != code or set(error) != {"code", "message"}:
            complain(f"{method} {params}: wanted error {code}, got {message}")
        if code not in self.description["methods"][method]["errors"]:
            complain(f"{method}: nothing is said of error {code}")

    def follow(self, method):
        """Subscribe, fail to do so again, and wait for what is promised to come."""
        promised = self.description["methods"][method]["notifications"]
        self.call(method, CALLS.get(method, [None])[0])
        self.refused(method, None, -32000)
        # What is missed is missed only by those who do not read.
        while not self.heard.issuperset(n for n in promised if not n.endswith(".missed")):
            try:
                self.notified(json.loads(self.lines.readline()))
            except TimeoutError:
                complain(f"{method}: of {promised} only {sorted(self.heard)} came")


def follow(path, description, method):
    """On a connection of its own; the number of answers."""
    stream = Daemon(path, description)
    if method in FILES:
        stream.call("trace.subscribe", None)
        stream.refused(method, None, -32000)
        other = Daemon(path, description)
        other.send(method, None)
        answer = other.socket.recv(4096).split(b"\n")[0]
        other.fits(f"methods/{method}/result", json.loads(answer)["result"])
        return stream.answers + 1
    stream.follow(method)
    return stream.answers


def main(path, *named):
    daemon = Daemon(path)
    daemon.fits("methods/system.describe/result", daemon.description)
    for method, params in zip(named[::2], named[1::2]):
        print(json.dumps(daemon.call(method, json.loads(params))))
    for method, spec in daemon.description["methods"].items():
        daemon.refused(method, {"no such parameter": 1}, -32602)
        if spec["notifications"] or method in FILES:
            continue
        for params in CALLS.get(method, [None]):
            daemon.call(method, params)
    for method, spec in daemon.description["methods"].items():
        if spec["failure"] is None or spec["notifications"] or method in FILES | UNPROVOKED:
            continue
        if method not in FAILING:
            complain(f"how does {method} fail? conform.py does not know")
        if method == "forwards.add":
            daemon.call(method, FAILING[method])
        daemon.refused(method, FAILING[method], -32000)
    daemon.call("forwards.del", FAILING["forwards.add"])
    answers = daemon.answers
    for method, spec in daemon.description["methods"].items():
        if spec["notifications"] or method in FILES:
            answers += follow(path, daemon.description, method)
    print(answers, "answers as described")


if __name__ == "__main__":
    main(*sys.argv[1:])
