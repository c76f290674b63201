#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""strangers_client.py - from port 6789, ask two servers how they see us, and note who else gets in"""
import socket

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 6789))
s.settimeout(5)
for server in ("203.0.113.10", 7890), ("203.0.113.11", 7890):
    s.sendto(b"who am I?", server)
    while True:
        data, (address, port) = s.recvfrom(2048)
        print(f"{address}:{port} says: {data.decode()}")
        if (address, port) == server:
            break
