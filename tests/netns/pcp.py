# SPDX-License-Identifier: GPL-2.0-or-later
"""pcp.py SERVER [FIELD=VALUE]... - one PCP request (RFC 6887), and its answer on one line

Asks SERVER for a mapping of its own address. The fields, and what they are if not given:

    opcode=1               1 is MAP, 0 ANNOUNCE
    version=2
    protocol=udp           udp, tcp or a number
    internal=5000          internal port
    external=0.0.0.0:0     suggested external endpoint
    lifetime=3600          seconds; 0 deletes
    nonce=1                a number
    client=ADDRESS         what the request says of its sender (default: the truth)
    prefer-failure         with that option
    option=CODE            with another option, without data
    raw=HEX                these bytes instead
    wait=2                 seconds to wait for an answer

Prints RESULT EXTERNAL LIFETIME EPOCH: RESULT 0 is granted, 2 not authorized, 10 over quota, 11 this
endpoint is not to be had; EXTERNAL is - where there is none; both times are seconds. Or "no answer" with
status 1: is pcp.server on?
"""
import socket
import struct
import sys

MAPPED = bytes(10) + b"\xff\xff"
MAP = 1
PROTOCOLS = {"udp": 17, "tcp": 6}
FIELDS = ("opcode", "version", "protocol", "internal", "external", "lifetime", "nonce", "client",
          "prefer-failure", "option", "raw", "wait")


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
        protocol = field.get("protocol", "udp")
        message += struct.pack(">B3xHH", PROTOCOLS.get(protocol) or int(protocol),
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


def misused(why):
    print("pcp.py: %s; --help tells more" % why, file=sys.stderr)
    sys.exit(2)


def main():
    if "--help" in sys.argv or "-h" in sys.argv:
        print(__doc__, end="")
        return
    if len(sys.argv) < 2:
        misused("whom to ask?")
    server = sys.argv[1]
    field = dict(word.partition("=")[::2] for word in sys.argv[2:])
    for name in field:
        if name not in FIELDS:
            misused("there is no field '%s'" % name)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(float(field.get("wait", 2)))
    try:
        s.connect((server, 5351))
        own = s.getsockname()[0]
        message = bytes.fromhex(field["raw"]) if "raw" in field else request(field, own)
    except (ValueError, OSError, struct.error, OverflowError) as error:
        misused(error)
    s.send(message)
    try:
        print(show(s.recv(1200)))
    except (socket.timeout, ConnectionRefusedError):
        print("no answer")
        sys.exit(1)


main()
