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

# logged LINE: lines of the log that match, since the test began.
logged() { tail -n "+$((log_lines + 1))" "/run/natem/$LAB.log" | grep -E -- "$1"; }
stamp='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z'
begin_log() { log_lines=$(wc -l <"/run/natem/$LAB.log"); }

@test "6888-10: what there is and what became of every packet can be read, by people and programs" {
	local name

	open_sockets client server
	tell server udp s 203.0.113.10:7788
	tell client udp a 192.168.1.2:6712
	count mapping-created translated
	tell client sendto a 203.0.113.10:7788 one
	tell client sendto a 203.0.113.10:7788 two
	wait_risen mapping-created
	wait_risen translated
	equal 2 "$(look mappings outbound.packets protocol=udp internal=192.168.1.2:6712)"
	equal 203.0.113.10:7788 "$(look sessions remote protocol=udp internal=192.168.1.2:6712)"
	# Every counter has a name, a verdict and a meaning.
	natem counters | awk 'NR > 1 { if (NF < 4 || $2 !~ /^[0-9]+$/ || $3 !~ /^(pass|drop)$/) exit 1 }'
	for name in mappings sessions; do
		run -0 natem status
		[[ $output =~ $name\ +[0-9]+\ of\ [0-9]+ ]] || complain "$output"
	done
}

@test "6888-log: a block of ports given and taken back stands in the log, with its host and time" {
	begin_log
	knob nat.blocks=dynamic nat.block-size=64 udp.timeout=200ms
	open_sockets client server
	tell server udp s 203.0.113.10:7788
	tell client udp a 192.168.1.2:6713
	tell client sendto a 203.0.113.10:7788 hello
	tell server recv s
	wait_for "the block is recorded" logged "$stamp ports 203\.0\.113\.1:[0-9]+-[0-9]+ are a block of 192\.168\.1\.2"
	wait_for "its end is recorded" logged "$stamp ports 203\.0\.113\.1:[0-9]+-[0-9]+ were a block of 192\.168\.1\.2"
	run logged 203.0.113.10
	equal "" "$output"
}

@test "7422-chg: a change of the formula stands in the log, with its time" {
	begin_log
	knob nat.blocks=deterministic nat.internal=192.168.1.0/25
	wait_for "the change is recorded" logged "$stamp knobs changed"
}
