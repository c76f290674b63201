# SPDX-License-Identifier: GPL-2.0-or-later
"""streams.py - many conversations at once, each with content of its own

    streams.py serve tcp|udp ADDRESS PEERS   sends every peer its own bytes back, but only once there
                                             are PEERS of them; prints the address of each
    streams.py talk tcp|udp OWN ADDRESS NAME sends what only NAME would say, and wants the same back
    streams.py short ADDRESS COUNT           COUNT connections, one after the other

An address is ADDRESS:PORT. Exit status: 0 all as it should be, 1 not.
"""
import hashlib
import socket
import sys
import threading

TIMEOUT = 20
PIECE = 1024
PIECES = 512
WINDOW = 8  # UDP pieces on their way at once: no socket's buffer overflows


def parse(address):
    host, port = address.rsplit(":", 1)
    return host, int(port)


def piece(name, number):
    """Any two names or numbers differ in every byte, but for chance."""
    block = hashlib.sha256(b"%s %d" % (name.encode(), number)).digest()
    return (b"%s %d " % (name.encode(), number) + block * PIECE)[:PIECE]


def bound(kind, address):
    s = socket.socket(socket.AF_INET, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.settimeout(TIMEOUT)
    s.bind(parse(address))
    return s


def say_peer(peer):
    print("%s:%d" % peer, flush=True)


def echo(connection):
    connection.settimeout(TIMEOUT)
    with connection:
        while data := connection.recv(65536):
            connection.sendall(data)


def serve_tcp(address, peers):
    listener = bound(socket.SOCK_STREAM, address)
    listener.listen(128)
    listener.settimeout(None)
    waiting = []
    while True:
        connection, peer = listener.accept()
        say_peer(peer)
        waiting.append(connection)
        if len(waiting) >= peers:
            for c in waiting:
                threading.Thread(target=echo, args=[c], daemon=True).start()
            waiting, peers = [], 1


def serve_udp(address, peers):
    s = bound(socket.SOCK_DGRAM, address)
    s.settimeout(None)
    seen, waiting = set(), []
    while True:
        data, peer = s.recvfrom(65535)
        if peer not in seen:
            seen.add(peer)
            say_peer(peer)
        waiting.append((data, peer))
        if len(seen) >= peers:
            for data, peer in waiting:
                s.sendto(data, peer)
            waiting = []


def talk_tcp(s, name):
    def send_all():
        for i in range(PIECES):
            s.sendall(piece(name, i))
        s.shutdown(socket.SHUT_WR)

    threading.Thread(target=send_all, daemon=True).start()
    stream = s.makefile("rb")
    for i in range(PIECES):
        if stream.read(PIECE) != piece(name, i):
            sys.exit("%s: piece %d is not what was sent" % (name, i))
    if stream.read(1):
        sys.exit("%s: more came than was sent" % name)


def talk_udp(s, name):
    for first in range(0, PIECES, WINDOW):
        for i in range(first, first + WINDOW):
            s.send(piece(name, i))
        for i in range(first, first + WINDOW):
            if s.recv(65535) != piece(name, i):
                sys.exit("%s: datagram %d is not what was sent" % (name, i))


def talk(kind, own, address, name):
    s = bound(socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM, own)
    s.connect(parse(address))
    (talk_tcp if kind == "tcp" else talk_udp)(s, name)


def short(address, count):
    for i in range(count):
        with socket.create_connection(parse(address), TIMEOUT) as s:
            s.sendall(piece("short", i))
            s.shutdown(socket.SHUT_WR)
            if s.makefile("rb").read() != piece("short", i):
                sys.exit("connection %d: not what was sent" % i)


what, *words = sys.argv[1:]
if what == "serve":
    (serve_tcp if words[0] == "tcp" else serve_udp)(words[1], int(words[2]))
elif what == "talk":
    talk(*words)
else:
    short(words[0], int(words[1]))
