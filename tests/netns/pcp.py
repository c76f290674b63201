# SPDX-License-Identifier: GPL-2.0-or-later
"""pcp.py SERVER [FIELD=VALUE]... - one PCP request (RFC 6887), and its answer on one line

Asks SERVER for a mapping of its own address. The fields, and what they are if not given:

    opcode=1               1 is MAP, 0 ANNOUNCE
    version=2
    protocol=17            17 UDP, 6 TCP
    internal=5000          internal port
    external=0.0.0.0:0     suggested external endpoint
    lifetime=3600          seconds; 0 deletes
    nonce=1                a number
    client=ADDRESS         what the request says of its sender (default: the truth)
    prefer-failure         with that option
    option=CODE            with another option, without data
    raw=HEX                these bytes instead
    wait=2                 seconds to wait for an answer

Prints RESULT EXTERNAL LIFETIME EPOCH, EXTERNAL - where there is none, or "no answer" with status 1.
"""
import socket
import struct
import sys

MAPPED = bytes(10) + b"\xff\xff"
MAP = 1


def mapped(address):
    return MAPPED + socket.inet_aton(address)


def request(field, own):
    client = mapped(field.get("client", own))
    opcode = int(field.get("opcode", MAP))
    lifetime = int(field.get("lifetime", 3600))
    message = struct.pack(">BBHI", int(field.get("version", 2)), opcode, 0, lifetime) + client
    if opcode != 0:
        address, port = field.get("external", "0.0.0.0:0").rsplit(":", 1)
        message += int(field.get("nonce", 1)).to_bytes(12, "big")
        message += struct.pack(">B3xHH", int(field.get("protocol", 17)),
                               int(field.get("internal", 5000)), int(port)) + mapped(address)
    if "prefer-failure" in field:
        message += struct.pack(">BBH", 2, 0, 0)
    if "option" in field:
        message += struct.pack(">BBH", int(field["option"]), 0, 0)
    return message


def show(answer):
    _, opcode, _, result, lifetime, epoch = struct.unpack(">BBBBII", answer[:12])
    external = "-"
    if result == 0 and opcode & 0x7F == MAP:
        external = "%s:%d" % (socket.inet_ntoa(answer[56:60]), struct.unpack(">H", answer[42:44])[0])
    return "%d %s %d %d" % (result, external, lifetime, epoch)


def main():
    server = sys.argv[1]
    field = dict(word.partition("=")[::2] for word in sys.argv[2:])
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(float(field.get("wait", 2)))
    s.connect((server, 5351))
    own = s.getsockname()[0]
    s.send(bytes.fromhex(field["raw"]) if "raw" in field else request(field, own))
    try:
        print(show(s.recv(1200)))
    except (socket.timeout, ConnectionRefusedError):
        print("no answer")
        sys.exit(1)


main()
