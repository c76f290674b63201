#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# reasons.bats - every reason there is to drop a packet, provoked and read off "natem trace drops"
#
# A test begins with the name of its reason: dropped takes it from there, and the last test compares
# these names with natemd's own.

# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell to bats; helpers.bash sets more names
load helpers

setup_file() { lab_up; }

own=192.168.1.2:5000 peer=203.0.113.10:7000 other=203.0.113.11:7000 us=203.0.113.1:5000

outward() { raw client "$own" "$peer" "$@"; }
inward() { raw server "$peer" "$us" "$@"; }

# look_on [KEY=VALUE]...: at what is dropped, with these knobs until the test ends, and no mapping.
look_on() {
	local setting

	for setting; do
		undo+=("knob '${setting%%=*}=$(natem get "${setting%%=*}")'")
	done
	natem flush all >/dev/null
	(($# == 0)) || knob "$@"
	watch t trace drops
}

# open_session PROTOCOL [REMOTE]: from $own; its external endpoint is in $seen.
open_session() {
	local remote=${2-$peer}

	raw client "$own" "$remote" "$1"
	wait_for "the session" has_session "$1" "$remote"
	seen=$(look sessions external "protocol=$1" "internal=$own" "remote=$remote")
}
has_session() { [[ -n $(look sessions external "protocol=$1" "internal=$own" "remote=$2") ]]; }

# dropped PACKET [WHY]: the trace shows that PACKET, its direction, protocol and ends, was dropped for
# the reason that begins the test's name. WHY is what it says of that: the knob, the RFC's clause.
dropped() {
	local packet why=${2:+ ($2)}

	packet=$(as_pattern "$1") why=$(as_pattern "$why")
	wait_has t "^[0-9:.]{15} $packet( mapping [0-9]+)? +${BATS_TEST_DESCRIPTION%%:*} DROPPED$why\$"
}
# Columns are as wide as they are.
as_pattern() { sed 's/[.?()]/\\&/g; s/ / +/g' <<<"$1"; }

# --- what the packet is ---

# a_lie OFFSET HEX: a datagram that is changed so between the kernel's checks and natemd.
a_lie() {
	local rule="PREROUTING -i wan -p udp --dport 5999 -j NFQUEUE --queue-num 1"

	start requeue router python3 -IS "$here/requeue.py" 1 "$@"
	wait_for "requeue.py listens" said requeue ready
	# shellcheck disable=SC2086 # words
	change_until_end "router iptables -w -t mangle -D $rule" router iptables -w -t mangle -I $rule
	raw server "$peer" 203.0.113.1:5999 udp text=lie
}

@test "cut-packet: the kernel passes on 65531 bytes of a packet, and this one has more" {
	look_on
	# Only over lo do so many fit. ICMP errors of the router's own are natemd's there.
	router python3 -I -c '
import socket
socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).sendto(b"\3\1" + bytes(65513), ("203.0.113.1", 0))'
	dropped in
}

@test "ip-header: its length says 16" {
	look_on
	a_lie 0 44
	dropped in "RFC 1812 5.2.2"
}

@test "not-ipv4: the version is 6" {
	look_on
	a_lie 0 65
	dropped in "RFC 1812 5.2.2"
}

@test "total-length: beyond the packet's end" {
	look_on
	a_lie 2 ffff
	dropped in "RFC 1812 5.2.2"
}

@test "transport-short: seven bytes of a UDP header" {
	look_on
	inward udp cut=7
	dropped "in udp 203.0.113.10:0 > 203.0.113.1:0"
}

@test "transport-length: a TCP data offset of 16 bytes" {
	look_on
	outward tcp offset=4
	dropped "out tcp $own > $peer"
}

@test "wrong-interface: queued on its way to the router itself, by a rule of somebody else's" {
	local rule="INPUT -i lan -p udp --dport 5998 -j NFQUEUE --queue-num 0"

	look_on
	# shellcheck disable=SC2086 # words
	change_until_end "router iptables -w -t mangle -D $rule" router iptables -w -t mangle -A $rule
	raw client "$own" 192.168.1.1:5998 udp
	dropped "? udp $own > 192.168.1.1:5998"
}

@test "not-unicast: from a reserved address" {
	look_on
	raw server 240.0.0.1:7000 "$us" udp
	dropped "in udp 240.0.0.1:7000 > $us" "RFC 1812 5.3.7"
}

@test "address-option: record route" {
	look_on
	outward udp options=0707040000000000
	dropped "out udp $own > $peer" "RFC 5508 REQ-10b"
}

@test "not-ours: straight from the WAN to an internal address" {
	look_on
	change_until_end 'server ip route del 192.168.1.0/24' \
		server ip route add 192.168.1.0/24 via 203.0.113.1
	open_sockets server
	tell server udp s "$peer"
	tell server sendto s "$own" "round the NAT"
	dropped "in udp $peer > $own" "nat.external, RFC 3022 2.2"
}

@test "protocol: GRE" {
	look_on
	outward 47 text=01234567
	dropped "out other 192.168.1.2:0 > 203.0.113.10:0" "other.protocols"
}

@test "port-zero: UDP from port 0" {
	look_on
	raw client 192.168.1.2:0 "$peer" udp
	dropped "out udp 192.168.1.2:0 > $peer" "udp.port-zero, RFC 4787 4.2.1"
}

@test "icmp-type: a ping, where no queries pass" {
	look_on icmp.queries=none
	outward icmp type=8 id=7
	dropped "out icmp 8/0 192.168.1.2:7 > 203.0.113.10:7" "icmp.queries, RFC 5508 REQ-10, REQ-11"
}

# --- fragments ---

the_later="in udp frag@1024 203.0.113.10:0 > 203.0.113.1:0"
the_first="in udp frag@0 $peer > $us"
later() { inward udp frag=0x2080 text=0123456789abcdef "$@"; }
first() { inward udp frag=0x2000 text=0123456789abcdef "$@"; }

@test "fragment: where none passes" {
	look_on fragments.mode=drop
	first
	dropped "$the_first" "fragments.mode, RFC 4787 REQ-14"
}

@test "fragment-order: a later one before the first, where they pass in order only" {
	look_on fragments.mode=in-order
	later ipid=101
	dropped "$the_later" "fragments.mode, RFC 4787 REQ-14"
}

@test "fragment-tiny: one that would overwrite the flags of a TCP segment" {
	look_on
	inward tcp frag=0x0001 text=01234567
	dropped "in tcp frag@8 203.0.113.10:0 > 203.0.113.1:0" "RFC 1858, RFC 3128"
}

@test "fragment-length: nine bytes, and more to come" {
	look_on
	inward udp frag=0x2080 text=1
	dropped "$the_later" "RFC 791 3.2"
}

@test "fragment-overlap: the same bytes a second time" {
	look_on
	first ipid=102
	first ipid=102
	dropped "$the_first" "RFC 1858 4"
}

@test "fragment-refused: its first was for nobody" {
	look_on
	first ipid=103
	later ipid=103
	dropped "$the_later" "RFC 3022 4.1"
}

@test "fragment-discarded: it waited, and its first was for nobody" {
	look_on
	later ipid=104
	first ipid=104
	dropped "$the_later" "RFC 3022 4.1"
}

@test "fragment-expired: it waited, and its first did not come in time" {
	look_on
	count fragment-held
	later ipid=105
	wait_risen fragment-held
	natem clock advance 10s >/dev/null
	dropped "$the_later" "RFC 4787 REQ-14"
}

@test "fragments-full: the second that would wait, where one may" {
	look_on fragments.max-held=1
	later ipid=106
	later ipid=107
	dropped "$the_later" "fragments.max-held, RFC 4787 REQ-14"
}

# --- what the table says ---

@test "no-mapping: to a port that stands for nobody" {
	look_on
	inward udp
	dropped "in udp $peer > $us" "nat.unmatched, RFC 3022 2.2"
}

@test "unmatched-rejected: the same, refused openly" {
	look_on nat.unmatched=reject
	inward udp
	dropped "in udp $peer > $us" "nat.unmatched, RFC 5382 REQ-4"
}

@test "filtered: from a stranger" {
	look_on
	open_session udp
	raw server "$other" "$seen" udp
	dropped "in udp $other > $seen" "udp.filtering, RFC 4787 REQ-8"
}

@test "mapping-killed: from a stranger, who ends the mapping" {
	look_on udp.kill-on-unsolicited=on
	open_session udp
	raw server "$other" "$seen" udp
	dropped "in udp $other > $seen" "udp.kill-on-unsolicited, RFC 4787 REQ-8"
	[[ -z $(external udp "$own") ]]
}

@test "syn-held: a SYN for nobody" {
	look_on
	inward tcp
	dropped "in tcp SYN $peer > $us" "tcp.unsolicited-syn, RFC 5382 REQ-4"
}

@test "syns-full: the second SYN for nobody, where one may wait" {
	look_on tcp.max-held-syns=1
	inward tcp
	raw server "$other" "$us" tcp
	dropped "in tcp SYN $other > $us" "tcp.max-held-syns, RFC 5382 REQ-4A"
}

@test "syn-answered: a SYN for nobody gets its RST at once" {
	look_on tcp.unsolicited-syn=reset
	inward tcp
	dropped "in tcp SYN $peer > $us" "tcp.unsolicited-syn, RFC 5382 REQ-4"
}

@test "hairpin-off: to an external address of the own NAT" {
	look_on nat.hairpin=off
	raw client "$own" "$us" udp
	dropped "out udp $own > $us" "nat.hairpin, RFC 4787 REQ-9"
}

@test "tcp-no-session: an ACK of no connection" {
	look_on
	outward tcp flags=16
	dropped "out tcp ACK $own > $peer" "tcp.non-syn, RFC 6146 3.5.2.2"
}

@test "tuple-taken: a SYN from a remote that the host has through another mapping" {
	look_on tcp.mapping=apdm tcp.filtering=eif
	mute_resets client server
	open_session tcp "$peer"
	open_session tcp "$other"
	raw server "$peer" "$seen" tcp
	dropped "in tcp SYN $peer > $seen" "RFC 3022 2.2"
}

# --- ICMP errors ---

error="in icmp 3/0 203.0.113.10:0 > 203.0.113.1:0"
quote=quote=$us,$peer,udp,text=0123

@test "icmp-errors-off: where none pass" {
	look_on icmp.errors=drop
	inward icmp type=3 "$quote"
	dropped "$error" "icmp.errors, RFC 5508 REQ-4"
}

@test "icmp-error-checksum: its own is wrong" {
	look_on
	inward icmp type=3 "$quote" sum=1
	dropped "$error" "icmp.error-checks, RFC 5508 REQ-3"
}

@test "icmp-quote: three bytes are no packet" {
	look_on
	inward icmp type=3 text=abc
	dropped "$error" "RFC 5508 REQ-3"
}

@test "icmp-quote-checksum: that of the quoted IP header is wrong" {
	look_on
	inward icmp type=3 "$quote,ipsum=1"
	dropped "$error" "icmp.error-checks, RFC 5508 REQ-3a"
}

@test "icmp-error-no-session: about a packet that nobody sent" {
	look_on
	inward icmp type=3 "$quote"
	dropped "$error" "RFC 5508 REQ-4, REQ-5"
}

# --- limits ---

# second_port: the first gets a mapping, this one does not.
second_port() {
	outward udp
	raw client 192.168.1.2:5001 "$peer" udp
}
refused="out udp 192.168.1.2:5001 > $peer"

@test "ports-exhausted: one port, and two want it" {
	look_on udp.port-range=5000-5000
	second_port
	dropped "$refused" "nat.external, RFC 6888 REQ-11"
}

@test "block-exhausted: a block of one port, and two want it" {
	look_on nat.blocks=dynamic nat.block-size=1
	second_port
	dropped "$refused" "nat.blocks, RFC 6888 REQ-4, RFC 7422"
}

@test "no-block: a host that the formula does not know" {
	look_on nat.blocks=deterministic nat.internal=192.168.1.128-192.168.1.255
	outward udp
	dropped "out udp $own > $peer" "nat.internal, RFC 7422"
}

@test "host-quota: a second mapping of a host that may have one" {
	look_on udp.max-mappings-per-host=1
	second_port
	dropped "$refused" "udp.max-mappings-per-host, RFC 6888 REQ-4"
}

@test "rate-quota: a second mapping at the same moment" {
	look_on udp.new-mappings-per-second=1
	change_until_end "natem clock resume >/dev/null" natem clock freeze >/dev/null
	second_port
	dropped "$refused" "udp.new-mappings-per-second, RFC 6888 REQ-4C"
}

@test "mapping-quota: a second remote of a mapping that may have one" {
	look_on nat.max-sessions-per-mapping=1
	outward udp
	raw client "$own" "$other" udp
	dropped "out udp $own > $other" "nat.max-sessions-per-mapping, RFC 6888 REQ-5"
}

@test "mappings-full: a second mapping, where there may be one" {
	look_on nat.max-mappings=1
	second_port
	dropped "$refused" "nat.max-mappings, RFC 6888 REQ-11"
}

@test "sessions-full: a second session, where there may be one" {
	look_on nat.max-mappings=1 nat.max-sessions=1 # each mapping has a session
	outward udp
	raw client "$own" "$other" udp
	dropped "out udp $own > $other" "nat.max-sessions, RFC 6888 REQ-5"
}

# --- all of them ---

@test "every reason to drop that natemd has is provoked here, once" {
	natem --json counters | python3 -IS -c '
import json, sys
counters = json.load(sys.stdin)["counters"]
print(*sorted(name for name, c in counters.items() if c["drop"]), sep="\n")' >"$BATS_TEST_TMPDIR/reasons"
	sed -n 's/^@test "\([a-z0-9-]*\): .*/\1/p' "$BATS_TEST_FILENAME" | LC_ALL=C sort |
		diff "$BATS_TEST_TMPDIR/reasons" -
}
