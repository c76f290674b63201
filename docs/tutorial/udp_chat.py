#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
udp_chat.py PORT           wait at PORT for somebody who has the first word
udp_chat.py ADDRESS PORT   have the first word

The two take turns; "bye" ends the chat.
"""
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
mine = len(sys.argv) == 3  # is it my turn?
if mine:
    other = (sys.argv[1], int(sys.argv[2]))
else:
    s.bind(("", int(sys.argv[1])))
    print("waiting at port", sys.argv[1], flush=True)
while True:
    if mine:
        text = input("> ")
        s.sendto(text.encode(), other)
    else:
        data, other = s.recvfrom(2048)
        text = data.decode()
        print(f"{other[0]}:{other[1]} {text}", flush=True)
    if text == "bye":
        break
    mine = not mine
