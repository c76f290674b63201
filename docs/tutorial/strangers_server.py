#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
strangers_server.py - whoever writes to 203.0.113.10:7890 or 203.0.113.11:7890 is told how it is seen

With the answer from 203.0.113.10:7890 come calls to the same endpoint from others that it never
wrote to: another address, and another port of the same address.
"""
import select
import signal
import socket


def at(address, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, port))
    return s


signal.signal(signal.SIGINT, signal.SIG_DFL)
called, second = at("203.0.113.10", 7890), at("203.0.113.11", 7890)
strangers = [at("203.0.113.11", 7891), at("203.0.113.10", 7891)]
print("ready", flush=True)
while True:
    for s in select.select([called, second], [], [])[0]:
        _, client = s.recvfrom(2048)
        if s is called:
            for stranger in strangers:
                stranger.sendto(b"a stranger", client)
        # Last, so that who has this has all that got through.
        s.sendto(f"you are {client[0]}:{client[1]}".encode(), client)
