# SPDX-License-Identifier: GPL-2.0-or-later
"""wire.py - packets as they lie on the wire

    wire.py list FILE           one line for every IPv4 packet of a capture
    wire.py leaks FILE          no frame may hold an internal address (192.168.1.x) anywhere
    wire.py sums FILE OWN...    every checksum right, quoted IP headers too, but for packets from
                                the addresses OWN: their sender's kernel leaves sums to the interface
    wire.py error OPTION...     send an ICMP error about a packet, as one sees it here, to its sender;
                                error --help tells the options
    wire.py checksums self|link who completes what eth0 sends: the sending kernel, or the interface
                                (as is usual, and for a virtual one means: nobody)
    wire.py unknown TO          send a packet of a protocol that no NAT knows (253)

Exit status: 0 all right, 1 not.
"""
import argparse
import array
import fcntl
import socket
import struct
import sys

ICMP, TCP, UDP = 1, 6, 17
NAMES = {ICMP: "icmp", TCP: "tcp", UDP: "udp"}
INTERNAL = bytes([192, 168, 1])
# Where an address of the lab may show up by chance, in a sequence number say, only whole ones count.
HOSTS = [INTERNAL + bytes([n]) for n in range(1, 6)]
ICMP_ERRORS = (3, 4, 5, 11, 12)
IP_OPTIONS_LONG = 20


def frames(path):
    with open(path, "rb") as f:
        data = f.read()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at + 16 <= len(data):
        captured, original = struct.unpack(order + "II", data[at + 8:at + 16])
        if at + 16 + captured > len(data):
            break  # half written
        if captured < original:
            sys.exit("a frame was cut short")
        yield data[at + 16:at + 16 + captured]
        at += 16 + captured


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


class Packet:
    """An IPv4 packet; of a quoted one, often only the beginning is there."""

    def __init__(self, data):
        header = (data[0] & 15) * 4
        total, = struct.unpack("!H", data[2:4])
        self.data = data[:total]
        self.header = self.data[:header]
        self.payload = self.data[header:]
        self.whole = len(data) >= total
        self.fragment, = struct.unpack("!H", data[6:8])
        self.fragment &= 0x3FFF
        self.protocol = data[9]
        self.source = socket.inet_ntoa(data[12:16])
        self.destination = socket.inet_ntoa(data[16:20])

    def quote(self):
        if self.protocol == ICMP and not self.fragment & 0x1FFF and self.payload[0] in ICMP_ERRORS:
            return Packet(self.payload[8:])
        return None

    def __str__(self):
        name = NAMES.get(self.protocol, str(self.protocol))
        ends = [self.source, self.destination]
        if self.protocol in (TCP, UDP) and not self.fragment & 0x1FFF:
            ports = struct.unpack("!HH", self.payload[:4])
            ends = ["%s:%d" % end for end in zip(ends, ports)]
        text = "%s %s > %s" % (name, *ends)
        if self.protocol == ICMP and not self.fragment & 0x1FFF:
            text += " %d/%d" % (self.payload[0], self.payload[1])
        if self.quote():
            text += " (%s)" % self.quote()
        return text

    def transport_sum_is_right(self):
        pseudo = self.header[12:20] + struct.pack("!HH", self.protocol, len(self.payload))
        if self.fragment or self.protocol not in NAMES:
            return True
        if self.protocol == ICMP:
            return checksum(self.payload) == 0
        if self.protocol == UDP and self.payload[6:8] == b"\0\0":
            return True
        return checksum(pseudo + self.payload) == 0

    def faults(self):
        if checksum(self.header) != 0:
            yield "IP checksum"
        if not self.transport_sum_is_right():
            yield "%s checksum" % NAMES[self.protocol]
        if self.quote() and checksum(self.quote().header) != 0:
            yield "quoted IP checksum"


def packets(path):
    for frame in frames(path):
        if frame[12:14] == b"\x08\0":
            yield Packet(frame[14:])


def leaks_of(packet):
    while packet:
        if packet.header[12:15] == INTERNAL or packet.header[16:19] == INTERNAL:
            yield "address"
        if INTERNAL in packet.header[IP_OPTIONS_LONG:]:
            yield "option"
        packet = packet.quote()


def check_leaks(path):
    found = ["%s of %s" % (what, p) for p in packets(path) for what in leaks_of(p)]
    found += ["bytes of %s" % frame.hex() for frame in frames(path) for h in HOSTS if h in frame]
    return found


def check_sums(path, own):
    return ["%s of %s: %s" % (fault, p, p.data.hex())
            for p in packets(path) if p.source not in own for fault in p.faults()]


def ip_header(source, destination, protocol, length, identifier=0x1234, ttl=64):
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + length, identifier, 0x4000, ttl, protocol, 0,
                         socket.inet_aton(source), socket.inet_aton(destination))
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:]


def endpoint(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def send_error(words):
    parser = argparse.ArgumentParser(prog="wire.py error")
    parser.add_argument("--type", type=int, default=3)
    parser.add_argument("--code", type=int, default=3)
    parser.add_argument("--mtu", type=int, default=0, help="next hop's, for 3/4")
    parser.add_argument("--protocol", choices=["tcp", "udp"], default="udp")
    parser.add_argument("--from", dest="source", type=endpoint, required=True, help="of the packet")
    parser.add_argument("--to", type=endpoint, required=True, help="of the packet")
    parser.add_argument("--wrong-checksum", action="store_true")
    parser.add_argument("--wrong-quoted-checksum", action="store_true")
    o = parser.parse_args(words)
    ports = struct.pack("!HH", o.source[1], o.to[1])
    transport = ports + (struct.pack("!I", 0) if o.protocol == "tcp" else struct.pack("!HH", 13, 0))
    number = TCP if o.protocol == "tcp" else UDP
    quote = ip_header(o.source[0], o.to[0], number, 13) + transport
    if o.wrong_quoted_checksum:
        quote = quote[:10] + bytes([quote[10] ^ 1]) + quote[11:]
    body = struct.pack("!HH", 0, o.mtu) + quote
    head = struct.pack("!BB", o.type, o.code)
    total = checksum(head + b"\0\0" + body)
    if o.wrong_checksum:
        total ^= 1
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, ICMP) as s:
        s.sendto(head + struct.pack("!H", total) + body, (o.source[0], 0))


def send_unknown(destination):
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, 253) as s:
        s.sendto(b"what is this?", (destination, 0))


def checksums_by(who):
    siocethtool, ethtool_stxcsum = 0x8946, 0x17
    value = array.array("I", [ethtool_stxcsum, int(who == "link")])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, siocethtool, struct.pack("16sP16x", b"eth0", value.buffer_info()[0]))


what, *words = sys.argv[1:]
wrong = []
if what == "list":
    print("\n".join(map(str, packets(words[0]))))
elif what == "leaks":
    wrong = check_leaks(words[0])
elif what == "sums":
    wrong = check_sums(words[0], words[1:])
elif what == "error":
    send_error(words)
elif what == "checksums":
    checksums_by(words[0])
elif what == "unknown":
    send_unknown(words[0])
else:
    sys.exit(__doc__)
if wrong:
    sys.exit("\n".join(wrong))
