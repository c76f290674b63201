# SPDX-License-Identifier: GPL-2.0-or-later
"""sockets.py TIMEOUT - an ordinary program with sockets, led step by step

Reads commands, a line each with tabs between the words, and answers each with one line: what was
asked for, 'ok', or 'error NAME' with the errno's name. Whatever takes longer than TIMEOUT seconds is
'error TIMEOUT'. An address is ADDRESS:PORT; NAME is the socket's, and free to choose.

    udp NAME ADDRESS         a UDP socket bound there        -> its address
    tcp NAME ADDRESS         a TCP socket bound there        -> its address
    listen NAME ADDRESS      the same, listening, backlog 128 -> its address
    accept NAME LISTENER     -> the peer's address
    connect NAME ADDRESS     -> ok
    connecting NAME ADDRESS  only send the SYN               -> ok
    connected NAME           wait until that has become a connection -> ok
    peer NAME                -> the peer's address, as getpeername() has it
    send NAME TEXT           a datagram, or over TCP a line  -> ok
    sendto NAME ADDRESS TEXT -> ok
    recv NAME                -> UDP: the sender's address and the text; TCP: a line
    eof NAME                 wait for the other side's end   -> ok
    shutdown NAME            end our side, go on reading     -> ok
    close NAME               -> ok
    reset NAME               close with a RST                -> ok
    pad NAME BYTES           a datagram of that many bytes with DF -> ok
    mtu NAME                 the path MTU of a connected socket
    ttl NAME NUMBER          -> ok
    errors NAME              recv tells of every ICMP error from now on, not only of fatal ones -> ok
"""
import errno
import select
import socket
import struct
import sys

IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_RECVERR, IP_MTU = 10, 2, 11, 14

timeout = float(sys.argv[1])
sockets = {}
lines = {}  # bytes of a TCP socket read beyond its last line


def parse(address):
    host, port = address.rsplit(":", 1)
    return host, int(port)


def show(address):
    return "%s:%d" % address


def add(name, s):
    s.settimeout(timeout)
    sockets[name] = s
    lines[name] = b""


def bind(name, kind, address):
    s = socket.socket(socket.AF_INET, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if kind == socket.SOCK_STREAM:  # so that one port can both listen and connect
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind(parse(address))
    add(name, s)
    return show(s.getsockname())


def is_udp(s):
    return s.type == socket.SOCK_DGRAM


def udp(name, address):
    return bind(name, socket.SOCK_DGRAM, address)


def tcp(name, address):
    return bind(name, socket.SOCK_STREAM, address)


def listen(name, address):
    own = tcp(name, address)
    sockets[name].listen(128)
    return own


def accept(name, listener):
    s, peer = sockets[listener].accept()
    add(name, s)
    return show(peer)


def connect(name, address):
    sockets[name].connect(parse(address))


def connecting(name, address):
    sockets[name].setblocking(False)
    error = sockets[name].connect_ex(parse(address))
    if error != errno.EINPROGRESS:
        raise OSError(error, "")


def connected(name):
    s = sockets[name]
    if not select.select([], [s], [], timeout)[1]:
        raise socket.timeout
    error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, "")
    s.settimeout(timeout)


def peer(name):
    return show(sockets[name].getpeername())


def send(name, text):
    s = sockets[name]
    s.sendall(text.encode() + (b"" if is_udp(s) else b"\n"))


def sendto(name, address, text):
    sockets[name].sendto(text.encode(), parse(address))


def recv(name):
    s = sockets[name]
    if is_udp(s):
        data, sender = s.recvfrom(65535)
        return show(sender) + " " + data.decode()
    while b"\n" not in lines[name]:
        data = s.recv(65536)
        if not data:
            return "error EOF"
        lines[name] += data
    line, lines[name] = lines[name].split(b"\n", 1)
    return line.decode()


def eof(name):
    if lines[name] or sockets[name].recv(1):
        return "error DATA"


def shutdown(name):
    sockets[name].shutdown(socket.SHUT_WR)


def close(name):
    sockets.pop(name).close()


def reset(name):
    s = sockets.pop(name)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def pad(name, size):
    s = sockets[name]
    s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    s.send(bytes(int(size)))


def mtu(name):
    return str(sockets[name].getsockopt(socket.IPPROTO_IP, IP_MTU))


def ttl(name, number):
    sockets[name].setsockopt(socket.IPPROTO_IP, socket.IP_TTL, int(number))


def errors(name):
    sockets[name].setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)


commands = {
    f.__name__: f
    for f in (udp, tcp, listen, accept, connect, connecting, connected, peer, send, sendto, recv, eof,
              shutdown, close, reset, pad, mtu, ttl, errors)
}

for command in sys.stdin:
    words = command.rstrip("\n").split("\t")
    try:
        answer = commands[words[0]](*words[1:]) or "ok"
    except socket.timeout:
        answer = "error TIMEOUT"
    except OSError as e:
        answer = "error " + errno.errorcode.get(e.errno, str(e))
    print(answer, flush=True)
