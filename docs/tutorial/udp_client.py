#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""udp_client.py ADDRESS PORT TEXT [OWN-PORT] - send one datagram and print the answer"""
import socket
import sys

server = (sys.argv[1], int(sys.argv[2]))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if len(sys.argv) > 4:
    s.bind(("", int(sys.argv[4])))
s.connect(server)  # UDP: nothing is sent, it only fixes who is on the other side
address, port = s.getsockname()
print(f"I am {address}:{port}")
s.send(sys.argv[3].encode())
s.settimeout(2)
print("the server says:", s.recv(2048).decode())
