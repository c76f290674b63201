#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# leak.bats - no packet on the WAN side carries an internal address anywhere, and all checksums are right
#
# Every test captures at the server and at the client. At each end only what comes from the other side
# is held to right checksums: it has passed natemd; one's own are often completed after the capture.

# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell to bats; helpers.bash sets more names
load helpers

setup_file() { lab_up; }

watch_wires() {
	capture wan server
	capture lan client
}

# nothing_leaked PATTERN...: and for each PATTERN there is a packet on the WAN side, or the test would
# prove nothing. wire.py tells how packets are written.
nothing_leaked() {
	local at=$BATS_TEST_TMPDIR pattern

	end_capture wan server
	end_capture lan client
	python3 -I "$here/wire.py" leaks "$at/wan.pcap"
	python3 -I "$here/wire.py" sums "$at/wan.pcap" 203.0.113.10 203.0.113.11 203.0.113.12
	python3 -I "$here/wire.py" sums "$at/lan.pcap" 192.168.1.2
	python3 -I "$here/wire.py" list "$at/wan.pcap" >"$at/wan.list"
	for pattern; do
		grep -qE -- "$pattern" "$at/wan.list" ||
			complain "no packet '$pattern' among: $(<"$at/wan.list")"
	done
}

# Nothing that the client has sent so far came through: only now does a first packet.
nothing_came_through() {
	client bash -c 'echo "the first" >/dev/udp/203.0.113.11/9'
	end_capture wan server
	nothing_leaked
	[[ $(grep -v ' 203\.0\.113\.1[0-2]\(:[0-9]*\)\? > ' "$BATS_TEST_TMPDIR/wan.list" | head -n 1) == \
		"udp 203.0.113.1:"*" > 203.0.113.11:9" ]]
}

# open_mapping PORT: the client's socket a has a mapping, which the server's s sees as $seen.
open_mapping() {
	own=192.168.1.2:$1
	open_sockets client server
	tell server udp s 203.0.113.10:7788
	tell server udp stranger 203.0.113.11:7788
	tell client udp a "$own"
	tell client sendto a 203.0.113.10:7788 hello
	tell server recv s
	seen=${heard% hello}
}

# on_the_way: what a datagram of the server's to $seen is, where an ICMP error quotes it.
on_the_way() { printf '\\(udp %s > %s\\)' "$1" "$seen"; }

@test "the check does find internal addresses, where there are some" {
	watch_wires
	client ping -n -c 1 203.0.113.10
	nothing_leaked '^icmp 203.0.113.1 > 203.0.113.10 8/0$'
	run -1 python3 -I "$here/wire.py" leaks "$BATS_TEST_TMPDIR/lan.pcap"
	[[ $output == *"address of icmp 192.168.1.2 > 203.0.113.10 8/0"* ]]
}

# Virtual interfaces carry packets whose checksum nobody has computed yet; natemd then computes it
# whole. With this the senders complete it, as real interfaces do, and natemd has to update it.
complete_checksums() {
	local host

	for host in client server; do
		change_until_end "$host python3 -I \"\$here/wire.py\" checksums link" \
			"$host" python3 -I "$here/wire.py" checksums self
	done
}

udp_both_ways() {
	watch_wires
	open_mapping "$1"
	tell server sendto s "$seen" answer
	told "203.0.113.10:7788 answer" client recv a
	tell client sendto a 203.0.113.11:7788 "odd size"
	tell server recv stranger
	nothing_leaked "^udp $seen > 203.0.113.10:7788" "^udp 203.0.113.10:7788 > $seen" \
		"^udp $seen > 203.0.113.11:7788"
}

@test "nothing leaks: UDP both ways" {
	udp_both_ways 6900
}

@test "RFC 1624: nothing leaks: UDP both ways, with checksums that the senders have completed" {
	complete_checksums
	udp_both_ways 6920
}

# tcp_both_ways PORT PORT: the first connection is closed half by half, the second reset.
tcp_both_ways() {
	watch_wires
	open_sockets client server
	tell server listen l 203.0.113.10:8989
	for port; do
		tell client tcp a "192.168.1.2:$port"
		tell client connect a 203.0.113.10:8989
		tell server accept b l
		seen=$heard
		tell client send a "one way"
		tell server recv b
		tell server send b "and the other"
		tell client recv a
		if ((port == $1)); then
			tell client shutdown a
			tell server eof b
			tell server close b
			tell client eof a
		else
			tell client reset a
			tell_fails ECONNRESET server recv b
		fi
	done
	nothing_leaked "^tcp $seen > 203.0.113.10:8989" "^tcp 203.0.113.10:8989 > $seen"
}

@test "nothing leaks: TCP both ways, half-close, reset" {
	tcp_both_ways 6901 6902
}

@test "RFC 1624: nothing leaks: TCP both ways, with checksums that the senders have completed" {
	complete_checksums
	tcp_both_ways 6921 6922
}

@test "nothing leaks: ping from inside, large and small, and from outside" {
	watch_wires
	client ping -n -c 2 -i 0.05 203.0.113.10
	client ping -n -c 1 -s 1472 203.0.113.11
	client ping -n -c 1 -s 0 203.0.113.11
	run -1 server ping -n -c 1 -W 0.1 203.0.113.1
	router ping -n -c 1 -I 192.168.1.1 203.0.113.10
	nothing_leaked '^icmp 203.0.113.1 > 203.0.113.10 8/0' '^icmp 203.0.113.10 > 203.0.113.1 8/0'
}

@test "nothing leaks: traceroute with UDP, ICMP and TCP" {
	watch_wires
	client traceroute -n -q 1 -w 3 -m 5 203.0.113.10
	client traceroute -n -q 1 -w 3 -m 5 -I 203.0.113.10
	client traceroute -n -q 1 -w 3 -m 5 -T -p 8989 203.0.113.10
	nothing_leaked '^udp 203.0.113.1:[0-9]+ > 203.0.113.10:' \
		'^icmp 203.0.113.10 > 203.0.113.1 3/3 \(udp 203.0.113.1:[0-9]+ > 203.0.113.10:[0-9]+\)' \
		'^icmp 203.0.113.1 > 203.0.113.10 8/0' '^tcp 203.0.113.1:[0-9]+ > 203.0.113.10:8989'
}

@test "nothing leaks: closed ports of the server" {
	watch_wires
	open_sockets client
	tell client udp a 192.168.1.2:6903
	tell client connect a 203.0.113.10:7799
	tell client send a "anybody there?"
	tell_fails ECONNREFUSED client recv a
	tell client tcp b 192.168.1.2:6903
	tell_fails ECONNREFUSED client connect b 203.0.113.10:8999
	nothing_leaked '^icmp 203.0.113.10 > 203.0.113.1 3/3' '^tcp 203.0.113.10:8999 > 203.0.113.1:'
}

@test "RFC 5508 REQ-5: nothing leaks where the client refuses a datagram of its peer" {
	watch_wires
	open_mapping 6904
	tell client close a
	tell server connect s "$seen"
	tell server send s "anybody there?"
	tell_fails ECONNREFUSED server recv s
	nothing_leaked "^icmp 203.0.113.1 > 203.0.113.10 3/3 $(on_the_way 203.0.113.10:7788)"
}

@test "RFC 5508 REQ-5: nothing leaks where the client refuses a stranger's datagram under full-cone" {
	knob nat.preset=full-cone
	watch_wires
	open_mapping 6905
	tell client close a
	tell server connect stranger "$seen"
	tell server send stranger "anybody there?"
	tell_fails ECONNREFUSED server recv stranger
	nothing_leaked "^icmp 203.0.113.1 > 203.0.113.11 3/3 $(on_the_way 203.0.113.11:7788)"
}

@test "nothing leaks where the client refuses a stranger's connection under full-cone" {
	knob nat.preset=full-cone
	watch_wires
	open_sockets client server
	tell server listen l 203.0.113.10:8989
	tell client tcp a 192.168.1.2:6906
	tell client connect a 203.0.113.10:8989
	tell server accept b l
	seen=$heard
	tell server tcp stranger 203.0.113.11:7000
	tell_fails ECONNREFUSED server connect stranger "$seen"
	nothing_leaked "^tcp $seen > 203.0.113.11:7000"
}

@test "nothing leaks where the router itself says that an inbound packet's time is over" {
	watch_wires
	open_mapping 6907
	tell server connect s "$seen"
	tell server errors s
	tell server ttl s 1
	tell server send s "not far"
	tell_fails EHOSTUNREACH server recv s
	knob nat.preset=full-cone
	tell server connect stranger "$seen"
	tell server errors stranger
	tell server ttl stranger 1
	tell server send stranger "not far either"
	tell_fails EHOSTUNREACH server recv stranger
	nothing_leaked "^icmp 203.0.113.1 > 203.0.113.10 11/0 $(on_the_way 203.0.113.10:7788)" \
		"^icmp 203.0.113.1 > 203.0.113.11 11/0 $(on_the_way 203.0.113.11:7788)"
}

@test "nothing leaks where the router itself says that the client cannot be reached" {
	watch_wires
	open_mapping 6908
	# The router's kernel tells an address of this only once in a while: use one of our own.
	change_until_end "ip -n $LAB-server address del 203.0.113.12/24 dev eth0" \
		ip -n "$LAB-server" address add 203.0.113.12/24 dev eth0
	tell server udp far 203.0.113.12:7788
	tell client sendto a 203.0.113.12:7788 hello
	tell server recv far
	change_until_end "ip -n $LAB-router route del unreachable 192.168.1.2" \
		ip -n "$LAB-router" route add unreachable 192.168.1.2
	tell server connect far "$seen"
	tell server errors far
	tell server send far "where are you?"
	tell_fails EHOSTUNREACH server recv far
	nothing_leaked "^icmp 203.0.113.1 > 203.0.113.12 3/1 $(on_the_way 203.0.113.12:7788)"
}

@test "nothing leaks where the router itself says that an inbound packet is too big" {
	change_until_end "ip -n $LAB-router link set lan mtu 1500; server ip route flush cache" \
		ip -n "$LAB-router" link set lan mtu 1400
	watch_wires
	open_mapping 6909
	tell server connect s "$seen"
	tell server pad s 1472
	tell_fails EMSGSIZE server recv s
	told 1400 server mtu s
	nothing_leaked "^icmp 203.0.113.1 > 203.0.113.10 3/4 $(on_the_way 203.0.113.10:7788)"
}

@test "RFC 5508 REQ-10: ping with a recorded route is dropped, not leaked" {
	watch_wires
	count address-option
	run -1 client ping -n -R -c 1 -W 0.1 203.0.113.10
	wait_risen address-option
	run -1 client ping -n -T tsandaddr -c 1 -W 0.1 203.0.113.10
	wait_risen address-option 2
	nothing_came_through
}

@test "fragments that are not translated do not leak" {
	knob fragments.mode=drop
	watch_wires
	count fragment
	run -1 client ping -n -c 1 -W 0.1 -s 4000 203.0.113.10
	wait_risen fragment 3
	nothing_came_through
}

@test "a packet of an unknown protocol is dropped, not leaked" {
	watch_wires
	count protocol
	client python3 -I "$here/wire.py" unknown 203.0.113.10
	wait_risen protocol
	nothing_came_through
}

@test "multicast and broadcast from the client do not leak" {
	watch_wires
	for to in 224.0.0.251 239.1.2.3 255.255.255.255 192.168.1.255 203.0.113.255; do
		client socat -u - "UDP4-DATAGRAM:$to:5353,broadcast,ip-multicast-ttl=8" <<<"who is there?"
	done
	client python3 -I "$here/wire.py" unknown 224.0.0.251
	nothing_came_through
}

@test "ICMP from the client that belongs to nothing does not leak" {
	watch_wires
	count icmp-error-no-session
	client python3 -I "$here/wire.py" error --from 203.0.113.10:7788 --to 192.168.1.2:6999
	wait_risen icmp-error-no-session
	nothing_came_through
}

@test "segments of a forgotten connection do not leak" {
	open_sockets client server
	tell server listen l 203.0.113.10:8989
	tell client tcp a 192.168.1.2:6910
	tell client connect a 203.0.113.10:8989
	tell server accept b l
	tell client send a hello
	tell server recv b
	knob tcp.timeout-established=100ms tcp.timeout-transitory=100ms
	wait_for "it is forgotten" looks "" sessions id protocol=tcp internal=192.168.1.2:6910
	watch_wires
	count tcp-no-session
	tell client send a "nobody knows me"
	tell client reset a
	wait_risen_at_all tcp-no-session
	nothing_came_through
}

@test "without natemd the router passes nothing, and restart.sh brings it back" {
	watch_wires
	kill -KILL "$(daemon_pid)"
	wait_for "natemd dies" daemon_gone
	run -1 client ping -n -c 1 -W 0.1 203.0.113.10
	client bash -c 'echo lost >/dev/udp/203.0.113.10/9'
	"$checkout/netns-scripts/restart.sh" --lab "$LAB" 3>&-
	nothing_came_through
}
