# SPDX-License-Identifier: GPL-2.0-or-later
"""rawsend.py - packets as no honest program sends them

    rawsend.py send FROM TO PROTOCOL [FIELD=VALUE]...
                                one packet on eth0; FROM and TO are ADDRESS[:PORT]
    rawsend.py flood SEED COUNT FROM TO
                                COUNT packets of random bytes, the IP header mostly right
    rawsend.py serve [TIMEOUT]  the same words from standard input, a line for each packet with tabs
                                between the words; each is answered with 'ok'. The first line said
                                is 'ready': what comes from then on is heard. A line "await" with
                                the beginning of a description (below) is answered with the next
                                packet that came to eth0 and is described so; those before it are
                                forgotten. After TIMEOUT seconds (10) it is 'error TIMEOUT'
    rawsend.py show FILE        a line for every IPv4 packet of a capture: protocol, from, to, how
                                far its transport checksum is from right (0 is right), the checksum
                                itself, and the text in it

PROTOCOL is udp, tcp, icmp or a number. Fields, each instead of the right value:

    version= ihl= total= frag= proto= ipid= ttl=   of the IP header; ipsum= is added to the right checksum
    options=HEX      IP options, a multiple of four bytes
    length=          UDP length
    offset= flags= seq= ack=   TCP data offset in words, TCP flags and numbers
    type= code= id=  of ICMP
    sum=             added to the right transport checksum; nosum=1 leaves it 0
    text=            payload; hex= the same as hexadecimal; quote=FROM,TO,PROTOCOL[,FIELD=VALUE]...
                     is a packet as payload
    cut=             send only so many bytes of the transport header and payload, with a total
                     length that fits; tail= bytes sent behind the packet's end
    bytes=           send only so many bytes of the packet, whatever its header says
    split=N          send it in fragments of N bytes (a multiple of eight) behind the header, by
                     order=0,1,2... in another order, or only some of them; order=reverse
    repeat=N         send it all N times, each with the next IP ID

Descriptions, of what await waits for:

    udp FROM TO TEXT
    tcp FROM TO FLAGS seq=N ack=N TEXT          flags as letters, such as SA
    icmp FROM TO TYPE/CODE id=N TEXT
    icmp FROM TO TYPE/CODE mtu=N (...)          an error; mtu= if there is one; in () what it is about
    PROTOCOL FROM TO fragment ID OFFSET+LENGTH more|last      FROM and TO without ports

Packets go to the gateway, or where there is none to the address itself, by AF_PACKET: the kernel
neither looks at them nor completes them.
"""
import random
import socket
import struct
import sys
import time

NUMBERS = {"icmp": 1, "tcp": 6, "udp": 17}
ETH_P_IP = 0x0800


def add(data, total=0):
    """One's complement sum."""
    data = bytes(data)
    if len(data) % 2:
        data += b"\0"
    total += sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def address_of(text):
    return socket.inet_aton(text.split(":")[0])


def port_of(text):
    return int(text.split(":")[1]) if ":" in text else 0


def number(fields, name, right):
    return int(fields[name], 0) if name in fields else right


def payload_of(fields):
    if "hex" in fields:
        return bytes.fromhex(fields["hex"])
    if "quote" in fields:
        source, destination, protocol, *inner = fields["quote"].split(",")
        return packet(source, destination, protocol, dict(f.split("=", 1) for f in inner))
    return fields.get("text", "").encode()


def pseudo(source, destination, protocol, length):
    return add(source + destination + struct.pack("!HH", protocol, length))


def put_sum(segment, at, start, fields):
    """The right checksum at that offset, or as wrong as the fields want it."""
    if "nosum" in fields:
        return
    right = 0xFFFF - add(segment, start)
    if right == 0 and at == 6:
        right = 0xFFFF
    wrong = number(fields, "sum", 0)
    if wrong:
        right = add(struct.pack("!HH", right, wrong & 0xFFFF))
    segment[at:at + 2] = struct.pack("!H", right)


def segment_of(source, destination, protocol, fields):
    """Transport header and payload."""
    data = payload_of(fields)
    ports = port_of(source), port_of(destination)
    ends = address_of(source), address_of(destination)
    if protocol == 17:
        length = number(fields, "length", 8 + len(data))
        segment = bytearray(struct.pack("!HHHH", *ports, length, 0) + data)
        covered = segment if length >= len(segment) or length < 8 else segment[:length]
        part = bytearray(covered)
        put_sum(part, 6, pseudo(*ends, 17, len(part)), fields)
        segment[6:8] = part[6:8]
    elif protocol == 6:
        segment = bytearray(struct.pack("!HHIIBBHHH", *ports, number(fields, "seq", 1000),
                                        number(fields, "ack", 0),
                                        number(fields, "offset", 5) << 4,
                                        number(fields, "flags", 2), 65535, 0, 0) + data)
        put_sum(segment, 16, pseudo(*ends, 6, len(segment)), fields)
    elif protocol == 1:
        segment = bytearray(struct.pack("!BBHHH", number(fields, "type", 8),
                                        number(fields, "code", 0), 0, number(fields, "id", 7), 1)
                            + data)
        put_sum(segment, 2, 0, fields)
    else:
        segment = bytearray(data)
    if "cut" in fields:
        del segment[int(fields["cut"]):]
    return segment


def packet(source, destination, protocol, fields):
    proto = NUMBERS.get(protocol) or int(protocol, 0)
    options = bytes.fromhex(fields.get("options", ""))
    segment = segment_of(source, destination, proto, fields)
    length = 20 + len(options)
    header = bytearray(struct.pack(
        "!BBHHHBBH4s4s", number(fields, "version", 4) << 4 | number(fields, "ihl", length // 4), 0,
        number(fields, "total", length + len(segment)), number(fields, "ipid", 4787),
        number(fields, "frag", 0), number(fields, "ttl", 64),
        number(fields, "proto", proto), 0, address_of(source), address_of(destination)) + options)
    header[10:12] = struct.pack("!H", (0xFFFF - add(header) + number(fields, "ipsum", 0)) & 0xFFFF)
    whole = bytes(header + segment) + bytes(number(fields, "tail", 0))
    return whole[:number(fields, "bytes", len(whole))]


def fragments_of(whole, size):
    """A packet without IP options, in pieces."""
    data = whole[20:]
    pieces = []
    for at in range(0, len(data), size):
        piece = data[at:at + size]
        header = bytearray(whole[:20])
        more = 0x2000 if at + size < len(data) else 0
        header[2:4] = struct.pack("!H", 20 + len(piece))
        header[6:8] = struct.pack("!H", more | at // 8)
        header[10:12] = b"\0\0"
        header[10:12] = struct.pack("!H", 0xFFFF - add(header))
        pieces.append(bytes(header) + piece)
    return pieces


# --- sending ---


def gateway_of(destination):
    with open("/proc/net/route") as f:
        for line in list(f)[1:]:
            words = line.split()
            if words[1] == "00000000":
                return socket.inet_ntoa(struct.pack("<I", int(words[2], 16)))
    return destination.split(":")[0]


def mac_of(neighbour):
    """Its hardware address; a ping's answer, which nobody answers, makes the kernel ask for it."""
    packet = struct.pack("!BBHI", 0, 0, 0xFFFF, 0)
    deadline = time.monotonic() + 10
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, 1) as s:
        while time.monotonic() < deadline:
            with open("/proc/net/arp") as f:
                for line in list(f)[1:]:
                    words = line.split()
                    if words[0] == neighbour and words[2] != "0x0":
                        return bytes.fromhex(words[3].replace(":", ""))
            s.sendto(packet, (neighbour, 0))
            time.sleep(0.01)
    sys.exit("no hardware address for " + neighbour)


class Sender:
    def __init__(self, destination):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        self.to = ("eth0", ETH_P_IP, 0, 0, mac_of(gateway_of(destination)))

    def send(self, data):
        self.socket.sendto(data, self.to)

    def send_words(self, source, destination, protocol, *fields):
        fields = dict(f.split("=", 1) for f in fields)
        identifier = number(fields, "ipid", 4787)
        for n in range(number(fields, "repeat", 1)):
            self.send_once(source, destination, protocol, {**fields, "ipid": str(identifier + n)})

    def send_once(self, source, destination, protocol, fields):
        whole = packet(source, destination, protocol, fields)
        pieces = fragments_of(whole, int(fields["split"])) if "split" in fields else [whole]
        order = fields.get("order", ",".join(map(str, range(len(pieces)))))
        if order == "reverse":
            pieces, order = pieces[::-1], ",".join(map(str, range(len(pieces))))
        for index in order.split(","):
            self.send(pieces[int(index)])


def send(source, destination, *words):
    Sender(destination).send_words(source, destination, *words)


def printable(data):
    return "".join(c for c in data.decode("ascii", "replace") if c.isprintable())


def describe(ip):
    header = (ip[0] & 15) * 4
    total, identifier, fragment = struct.unpack("!HHH", ip[2:8])
    segment, protocol = ip[header:total], ip[9]
    name = {v: k for k, v in NUMBERS.items()}.get(protocol, str(protocol))
    ends = [socket.inet_ntoa(ip[12:16]), socket.inet_ntoa(ip[16:20])]
    if fragment & 0x3FFF:
        return "%s %s %s fragment %d %d+%d %s" % (name, *ends, identifier, (fragment & 0x1FFF) * 8,
                                                  len(segment),
                                                  "more" if fragment & 0x2000 else "last")
    if protocol in (6, 17):
        ends = ["%s:%d" % e for e in zip(ends, struct.unpack("!HH", segment[:4]))]
    words = [name, *ends]
    if protocol == 6 and len(segment) >= 20:
        words.append("".join(c for i, c in enumerate("FSRPAU") if segment[13] >> i & 1) or "-")
        words += ["seq=%d" % struct.unpack("!I", segment[4:8]),
                  "ack=%d" % struct.unpack("!I", segment[8:12]),
                  printable(segment[(segment[12] >> 4) * 4:])]
    elif protocol == 17:
        words.append(printable(segment[8:]))
    elif protocol == 1:
        words.append("%d/%d" % tuple(segment[:2]))
        identifier, mtu = struct.unpack("!HH", segment[4:8])
        if segment[0] in (3, 4, 5, 11, 12):
            words += ["mtu=%d" % mtu] if mtu else []
            words.append("(%s)" % describe(segment[8:]))
        else:
            words += ["id=%d" % identifier, printable(segment[8:])]
    return " ".join(words).rstrip()


class Receiver:
    def __init__(self, timeout):
        self.timeout = timeout
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        self.socket.bind(("eth0", ETH_P_IP))

    def await_words(self, *words):
        deadline = time.monotonic() + self.timeout
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                found = describe(self.socket.recv(65535))
            except socket.timeout:
                break
            if found.split(" ")[:len(words)] == list(words):
                return found
        return "error TIMEOUT"


def serve(timeout="10"):
    sender = None
    receiver = Receiver(float(timeout))
    print("ready", flush=True)
    for line in sys.stdin:
        words = line.rstrip("\n").split("\t")
        if words[0] == "await":
            print(receiver.await_words(*filter(None, words[1:])), flush=True)
            continue
        sender = sender or Sender(words[1])  # one neighbour for all
        sender.send_words(*words)
        print("ok", flush=True)


def random_packet(r, source, destination):
    """Mostly near enough to a packet to be looked at closely."""
    protocol = r.choice(["udp", "tcp", "icmp", "icmp", str(r.randrange(256))])
    data = r.randbytes(r.choice([0, 1, 7, 8, 19, 20, 28, 40, r.randrange(200)]))
    fields = {"hex": data.hex()}
    if protocol == "icmp":
        fields["type"] = str(r.choice([0, 3, 3, 5, 8, 11, 12, 13, 14, r.randrange(256)]))
        if data and r.random() < 0.7:
            quote = ["203.0.113.1:%d" % r.randrange(65536), "203.0.113.10:%d" % r.randrange(65536),
                     r.choice(["udp", "tcp", "icmp", "47"]), "hex=" + data.hex()]
            if r.random() < 0.5:
                quote.append(r.choice(["ihl=15", "ihl=1", "version=6", "frag=5", "total=1",
                                       "ipsum=1", "bytes=%d" % r.randrange(40)]))
            del fields["hex"]
            fields["quote"] = ",".join(quote)
    if r.random() < 0.3:
        fields.update([r.choice([
            ("frag", str(r.randrange(65536))), ("length", str(r.randrange(65536))),
            ("offset", str(r.randrange(16))), ("flags", str(r.randrange(256))),
            ("cut", str(r.randrange(24))), ("sum", str(r.randrange(65535))),
            ("options", r.randbytes(4 * r.randrange(1, 11)).hex()),
            ("total", str(r.randrange(300))),
            ("ihl", str(r.randrange(16))), ("version", "6"), ("tail", str(r.randrange(60)))])])
    ports = r.choice([0, 7, 80, r.randrange(65536)]), r.choice([0, 53, 7000, r.randrange(65536)])
    data = bytearray(packet("%s:%d" % (source, ports[0]), "%s:%d" % (destination, ports[1]),
                            protocol, fields))
    if r.random() < 0.3:  # a byte behind the IP header
        at = r.randrange(20, max(21, len(data)))
        data[at:at + 1] = r.randbytes(1)
    return bytes(data)


def flood(seed, count, source, destination):
    r = random.Random(int(seed))
    sender = Sender(destination)
    for _ in range(int(count)):
        sender.send(random_packet(r, source, destination))


# --- looking ---


def frames(path):
    with open(path, "rb") as f:
        data = f.read()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at + 16 <= len(data):
        length, = struct.unpack(order + "I", data[at + 8:at + 12])
        yield data[at + 16:at + 16 + length]
        at += 16 + length


def show(path):
    at_sum = {17: 6, 6: 16, 1: 2}
    names = {v: k for k, v in NUMBERS.items()}
    for frame in frames(path):
        if frame[12:14] != b"\x08\x00":
            continue
        ip = frame[14:]
        header = (ip[0] & 15) * 4
        ip = ip[:struct.unpack("!H", ip[2:4])[0]]
        segment, protocol = ip[header:], ip[9]
        ends = [socket.inet_ntoa(ip[12:16]), socket.inet_ntoa(ip[16:20])]
        if protocol not in at_sum or len(segment) < at_sum[protocol] + 2:
            print(names.get(protocol, protocol), *ends, "-", "-")
            continue
        covered, start = segment, 0
        if protocol != 1:
            ends = ["%s:%d" % e for e in zip(ends, struct.unpack("!HH", segment[:4]))]
            udp = struct.unpack("!H", segment[4:6])[0] if protocol == 17 else 0
            covered = segment[:udp] if 8 <= udp < len(segment) else segment
            start = pseudo(ip[12:16], ip[16:20], protocol, len(covered))
        error = add(covered, start) % 0xFFFF
        check, = struct.unpack_from("!H", segment, at_sum[protocol])
        text = printable(segment[20 if protocol == 6 else 8:])
        print(names[protocol], *ends, error, check, text)


if __name__ == "__main__":
    {"send": send, "serve": serve, "flood": flood, "show": show}[sys.argv[1]](*sys.argv[2:])
