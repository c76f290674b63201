#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""udp_server.py PORT - tell everybody who sends a datagram which endpoint it came from"""
import signal
import socket
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-c ends, without a traceback
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", int(sys.argv[1])))
print("bound to port", sys.argv[1], flush=True)
while True:
    data, (address, port) = s.recvfrom(2048)
    print(f"{address}:{port} says {data.decode()}", flush=True)
    s.sendto(f"you are {address}:{port}".encode(), (address, port))
