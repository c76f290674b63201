#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tcp_fill.py ADDRESS PORT - send to one who does not receive, until the buffers are full"""
import select
import socket
import sys

with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
    s.connect((sys.argv[1], int(sys.argv[2])))
    s.setblocking(False)
    taken = 0
    while select.select([], [s], [], 0.5)[1]:  # is there room, or will there be soon?
        taken += s.send(bytes(1000))
    print(f"{taken} bytes taken, and no more", flush=True)
    select.select([], [s], [])
    print("there is room again", flush=True)
