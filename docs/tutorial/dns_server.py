#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""dns_server.py - a name server that knows two names; RFC 1035, queries of type A over UDP"""
import signal
import socket
import struct

NAMES = {"server.lab": "203.0.113.10", "other.lab": "203.0.113.11"}
A, IN, NO_SUCH_NAME, TTL = 1, 1, 3, 60


def read_name(message, at):
    """The name at that place, and the place after it."""
    labels = []
    while length := message[at]:           # a name is labels, each after its length; 0 ends it
        labels.append(message[at + 1:at + 1 + length].decode())
        at += 1 + length
    return ".".join(labels), at + 1


def answer(query):
    number = query[:2]                     # the asker knows its answer by that
    name, end = read_name(query, 12)       # behind a header of 12 bytes
    question = query[12:end + 4]           # the name, its type and its class
    address = NAMES.get(name.lower())
    if address is None:                    # 0x8400: an answer, of one who owns these names
        return name, "no such name", number + struct.pack(
            "!5H", 0x8400 | NO_SUCH_NAME, 1, 0, 0, 0) + question
    record = struct.pack("!HHHIH", 0xC00C, A, IN, TTL, 4)  # 0xC00C: the name is that at byte 12
    return name, address, (number + struct.pack("!5H", 0x8400, 1, 1, 0, 0) + question +
                           record + socket.inet_aton(address))


signal.signal(signal.SIGINT, signal.SIG_DFL)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("203.0.113.10", 53))
print("answering at port 53", flush=True)
while True:
    query, (address, port) = s.recvfrom(512)
    name, result, message = answer(query)
    print(f"{address}:{port} asks for {name}: {result}", flush=True)
    s.sendto(message, (address, port))
