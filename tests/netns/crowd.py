# SPDX-License-Identifier: GPL-2.0-or-later
"""crowd.py SOCKET PID - as many clients as natemd serves, half of which never read

64 clients connect. 32 of them ask for the longest answer there is, again and again, until the daemon takes
no more from them, and read nothing. The other 32 must be served all the same, and one more be told that
there is no room. What the daemon PID takes of memory must never exceed what one full input and one answer of
each client take. Status 1: something was not so.
"""
import json
import os
import socket
import sys

CLIENTS, LAZY = 64, 32
REQUEST_MAX = 64 * 1024


def complain(what):
    sys.exit(f"crowd.py: {what}")


def request(method):
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method}).encode() + b"\n"


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(15)
    s.connect(path)
    return s


def ask(s, method):
    """The length of the answer, which must be a result."""
    s.sendall(request(method))
    line = s.makefile().readline()
    if "result" not in json.loads(line):
        complain(f"{method}: {line}")
    return len(line)


def memory(pid):
    with open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def is_sanitized(pid):
    """Its freed memory is kept, so that a use of it is found."""
    with open(f"/proc/{pid}/maps") as f:
        return "libasan" in f.read()


def flood(s, method):
    """Send until the socket takes no more; how many requests went."""
    s.setblocking(False)
    sent = 0
    while True:
        try:
            s.send(request(method))
        except BlockingIOError:
            return sent
        sent += 1


def main(path, pid):
    clients = [connect(path)]
    length = ask(clients[0], "presets.list")
    allowed = memory(pid) + CLIENTS * (REQUEST_MAX + length)
    clients += [connect(path) for _ in range(CLIENTS - 1)]
    lazy, others = clients[:LAZY], clients[LAZY:]
    # When each of the others has been answered, the daemon has taken what it takes from the lazy ones.
    total = sent = 1
    while sent > 0:
        sent = sum(flood(s, "presets.list") for s in lazy)
        total += sent
        for s in others:
            ask(s, "status")
        if memory(pid) > allowed and not is_sanitized(pid):
            complain(f"after {total} requests it has {memory(pid)} bytes, more than {allowed}")
    more = connect(path)
    answer = json.loads(more.makefile().readline())
    if answer["error"]["code"] != -32000 or "too many clients" not in answer["error"]["message"]:
        complain(f"the 65th client was answered {answer}")
    for s in lazy:
        s.close()
    for s in others:
        ask(s, "status")
    print("served, and", total, "requests of those who do not read were taken")


if __name__ == "__main__":
    main(*sys.argv[1:])
