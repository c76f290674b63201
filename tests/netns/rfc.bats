#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# rfc.bats - requirements that need a kernel: each test names its row of tests/rfc/requirements.tsv

# shellcheck disable=SC2154 # helpers.bash sets more names
load helpers

setup_file() { lab_up; }

# on_the_wire NAME PATTERN: the IPv4 packets of a capture that match, a line each.
on_the_wire() {
	python3 -I "$here/wire.py" list "$BATS_TEST_TMPDIR/$1.pcap" | grep -E "$2"
}

narrow_wan() {
	change_until_end "ip -n $LAB-router link set wan mtu 1500; client ip route flush cache" \
		ip -n "$LAB-router" link set wan mtu 1400
}

@test "4787-13: a datagram too big for the WAN: ICMP 3/4 about it as it was sent" {
	narrow_wan
	open_sockets client
	tell client udp a 192.168.1.2:6710
	tell client connect a 203.0.113.10:7788
	capture seen client
	tell client pad a 1472
	tell_fails EMSGSIZE client recv a
	told 1400 client mtu a
	end_capture seen client
	equal "icmp 192.168.1.1 > 192.168.1.2 3/4 (udp 192.168.1.2:6710 > 203.0.113.10:7788)" \
		"$(on_the_wire seen '^icmp.* 3/4')"
}

@test "4787-13a: the same where it may be fragmented: fragments arrive, the first one first" {
	narrow_wan
	text=$(printf 'x%.0s' {1..1472})
	open_sockets server
	tell server udp s 203.0.113.10:7788
	capture seen server
	client python3 -I "$here/rawsend.py" send 192.168.1.2:6711 203.0.113.10:7788 udp "text=$text"
	tell server recv s
	[[ $heard == "203.0.113.1:"*" $text" ]] || complain "it got '$heard'"
	end_capture seen server
	run on_the_wire seen '^udp 203.0.113.1(:[0-9]+)? > 203.0.113.10(:7788)?$'
	equal 2 "${#lines[@]}"
	[[ ${lines[0]} == *" > 203.0.113.10:7788" ]]
	[[ ${lines[1]} == "udp 203.0.113.1 > 203.0.113.10" ]]
}
