# SPDX-License-Identifier: GPL-2.0-or-later
"""requeue.py QUEUE OFFSET HEX - packets that only a broken kernel would hand over

Changes every packet of that netfilter queue: the bytes HEX at OFFSET of its IP header take the place
of those there, as they are, and no checksum follows. Then it goes on to queue 0, natemd's, from the
same hook. Such a lie on the wire would end in ip_rcv() instead. The one line said is 'ready'.
"""
import socket
import struct
import sys

NETLINK_NETFILTER = 12
# linux/netfilter/nfnetlink_queue.h
PACKET, VERDICT, CONFIG = (3 << 8 | n for n in (0, 1, 2))  # of NFNL_SUBSYS_QUEUE
PACKET_HDR, VERDICT_HDR, PAYLOAD = 1, 2, 10
CFG_CMD, CFG_PARAMS, CMD_BIND, COPY_PACKET = 1, 2, 1, 2
NF_QUEUE = 3  # in the low half of a verdict; the queue's number is the high one
NLMSG_ERROR = 2


def attribute(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def message(kind, queue, *attributes):
    body = struct.pack("!BBH", socket.AF_UNSPEC, 0, queue) + b"".join(attributes)
    return struct.pack("=IHHII", 16 + len(body), kind, 1, 0, 0) + body  # 1: NLM_F_REQUEST


def attributes_of(data):
    found, at = {}, 20
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        found[kind & 0x3FFF] = data[at + 4:at + length]
        at += length + 3 & ~3
    return found


def main(queue, offset, change):
    queue, offset, change = int(queue), int(offset), bytes.fromhex(change)
    kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    kernel.bind((0, 0))
    kernel.send(message(CONFIG, queue, attribute(CFG_CMD, struct.pack("!BBH", CMD_BIND, 0,
                                                                      socket.AF_INET))))
    kernel.send(message(CONFIG, queue, attribute(CFG_PARAMS, struct.pack("!IB", 65535,
                                                                         COPY_PACKET))))
    print("ready", flush=True)
    while True:
        data = kernel.recv(70000)
        kind, = struct.unpack_from("=H", data, 4)
        if kind == NLMSG_ERROR:
            sys.exit("netlink error %d" % struct.unpack_from("=i", data, 16))
        found = attributes_of(data)
        packet = bytearray(found[PAYLOAD])
        packet[offset:offset + len(change)] = change
        kernel.send(message(VERDICT, queue, attribute(PAYLOAD, bytes(packet)), attribute(
            VERDICT_HDR, struct.pack("!I", NF_QUEUE) + found[PACKET_HDR][:4])))


if __name__ == "__main__":
    main(*sys.argv[1:])
