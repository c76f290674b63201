#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""dns_lookup.py NAME - ask the name server of the lab for an address; RFC 1035 over UDP"""
import secrets
import socket
import struct
import sys

NAME_SERVER = ("203.0.113.10", 53)
A, IN, RECURSION_DESIRED = 1, 1, 0x0100

name = sys.argv[1]
number = secrets.token_bytes(2)
query = number + struct.pack("!5H", RECURSION_DESIRED, 1, 0, 0, 0)
for label in name.split("."):
    query += bytes([len(label)]) + label.encode()
query += b"\0" + struct.pack("!HH", A, IN)

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.connect(NAME_SERVER)
s.send(query)
answer = s.recv(512)
print(f"sent {len(query)} bytes, received {len(answer)}")
flags, _, answers = struct.unpack("!3H", answer[2:8])
if answer[:2] != number:
    sys.exit("that answers another question")
if answers == 0:
    sys.exit(f"{name}: no such name" if flags & 15 == 3 else f"{name}: no address")
# One record, and its address at the very end: all that our name server ever answers.
print(f"{name} is {socket.inet_ntoa(answer[-4:])}")
