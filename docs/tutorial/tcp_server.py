#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tcp_server.py PORT - give every connection its lines back"""
import signal
import socket
import sys
import threading


def serve(connection):
    with connection, connection.makefile("rb") as lines:
        for line in lines:             # until the other side has closed
            connection.sendall(line)


signal.signal(signal.SIGINT, signal.SIG_DFL)
with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("", int(sys.argv[1])))
    s.listen()
    print("listening at port", sys.argv[1], flush=True)
    while True:
        connection, (address, port) = s.accept()
        print(f"connection from {address}:{port}", flush=True)
        threading.Thread(target=serve, args=[connection]).start()
