#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tcp_client.py ADDRESS PORT LINE... - a new, short connection for every line"""
import socket
import sys

server = (sys.argv[1], int(sys.argv[2]))
for line in sys.argv[3:]:
    try:
        with socket.create_connection(server, timeout=5) as s:
            address, port = s.getsockname()
            s.sendall(line.encode() + b"\n")
            print(f"{address}:{port} got back: {s.makefile().readline().strip()}")
    except OSError as error:
        print(f"no connection for {line}: {error.strerror or error}")
