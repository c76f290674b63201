#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# badinput.bats - packets that lie: each has its drop counter, none is repaired, natemd lives on
#
# What the kernel throws away before it asks anybody (a wrong IP version, header length, total
# length or header checksum: ip_rcv()) never reaches natemd, whose own checks of these are tested
# on the core. Outbound packets have also been routed before they are queued; inbound ones have not.

# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell to bats; helpers.bash sets more names
load helpers

setup_file() { lab_up; }

outward() { raw client 192.168.1.2:5000 203.0.113.10:7000 "$@"; }
inward() { raw server 203.0.113.10:7000 203.0.113.1:5000 "$@"; }

# queue.packets of the status.
queued() { natem status | awk '$1 == "queue" { print $3 }'; }

# After whatever came: it answers, and it translates.
still_well() {
	natem status >/dev/null
	client ping -n -q -c 1 -W "$patience" 203.0.113.10 >/dev/null
}

# dropped_as COUNTER COMMAND...: COMMAND sends one packet, and it is dropped as that and as nothing
# else.
dropped_as() {
	local name=$1 before

	shift
	before=$(drops "$name")
	"$@"
	wait_for "a drop" drops_are_not "$before" "$name" || complain "after $*"
	equal "$((${before% *} + 1)) $((${before#* } + 1))" "$(drops "$name")" || complain "after $*"
}

# drops COUNTER: that one, and all drops together.
drops() {
	natem counters | awk -v name="$1" '
		$3 == "drop" { all += $2 }
		$1 == name { own = $2 }
		END { print own, all }'
}
drops_are_not() { [[ $(drops "$2") != "$1" ]]; }

# kernel_drops COMMAND...: COMMAND sends one packet, and natemd never sees it. A ping, sent after it
# the same way, has been seen.
kernel_drops() {
	local before after

	before=$(queued)
	"$@"
	client ping -n -q -c 1 -W "$patience" 203.0.113.10 >/dev/null
	after=$(queued)
	equal "$((before + 2))" "$after" || complain "after $*"
}

# open_mapping PORT: from the client's PORT to 203.0.113.10:7000; the external port is in
# $external_port.
open_mapping() {
	raw client "192.168.1.2:$1" 203.0.113.10:7000 udp text=open
	wait_for "the mapping" has_mapping "$1"
	external_port=$(external udp "192.168.1.2:$1")
	external_port=${external_port#*:}
}
has_mapping() { [[ -n $(external udp "192.168.1.2:$1") ]]; }

@test "a lie in the IP header ends in the kernel and natemd lives on" {
	local lie

	still_well # and the neighbours know each other
	for lie in version=6 version=0 ihl=4 ihl=0 ihl=15 total=19 total=65535 ipsum=1 bytes=1 bytes=19; do
		kernel_drops outward udp text=lie "$lie"
		kernel_drops inward udp text=lie "$lie"
	done
}

@test "an IP packet with nothing behind its header is transport-short" {
	local protocol

	for protocol in udp tcp icmp; do
		dropped_as transport-short outward "$protocol" cut=0
		dropped_as transport-short inward "$protocol" cut=0
	done
	still_well
}

@test "a truncated UDP, TCP or ICMP header is transport-short" {
	local side

	for side in outward inward; do
		dropped_as transport-short "$side" udp cut=1
		dropped_as transport-short "$side" udp cut=7
		dropped_as transport-short "$side" tcp cut=7
		dropped_as transport-short "$side" tcp cut=19
		dropped_as transport-short "$side" icmp cut=7
		dropped_as transport-short "$side" icmp type=3 cut=4
	done
	still_well
}

@test "a header cut off by a total length that lies is transport-short" {
	dropped_as transport-short outward udp text=0123456789 total=27
	dropped_as transport-short inward udp text=0123456789 total=27
	dropped_as transport-short outward tcp text=0123456789 total=39
	still_well
}

@test "a UDP length that lies is transport-length" {
	local side length

	for side in outward inward; do
		for length in 0 7 13 65535; do
			dropped_as transport-length "$side" udp text=four length="$length"
		done
		# What lies behind the packet's end is no part of it.
		dropped_as transport-length "$side" udp text=four length=13 tail=20
	done
	still_well
}

@test "a TCP data offset that lies is transport-length" {
	local side offset

	for side in outward inward; do
		for offset in 0 4 6 15; do
			dropped_as transport-length "$side" tcp offset="$offset"
		done
	done
	still_well
}

@test "a protocol that is neither TCP, UDP nor ICMP is dropped as protocol" {
	local number

	# GRE, ESP, SCTP, UDP-Lite, one for experiments
	for number in 47 50 132 136 253; do
		dropped_as protocol outward "$number" text=01234567890123456789
		dropped_as protocol inward "$number" text=01234567890123456789
	done
	dropped_as protocol outward 47 cut=0
	still_well
}

@test "fragments are dropped as fragment where the knobs let none pass" {
	local protocol

	knob fragments.mode=drop
	for protocol in udp tcp icmp; do
		dropped_as fragment outward "$protocol" frag=0x2000 text=12345678
		dropped_as fragment outward "$protocol" frag=0x2001 text=12345678
		dropped_as fragment inward "$protocol" frag=0x0001 text=12345678
		dropped_as fragment inward "$protocol" frag=0x1fff cut=1
	done
	still_well
}

@test "RFC 1858: fragments that no honest host sends are dropped under their names" {
	local protocol side

	for side in outward inward; do
		dropped_as fragment-tiny "$side" tcp frag=0x2000 cut=19
		dropped_as fragment-tiny "$side" tcp frag=0x0001 text=12345678
		dropped_as fragment-tiny "$side" udp frag=0x2000 cut=7
		for protocol in udp tcp icmp; do
			dropped_as fragment-length "$side" "$protocol" frag=0x2010 text=1
			dropped_as fragment-length "$side" "$protocol" frag=0x1fff text=123456789
			dropped_as fragment-length "$side" "$protocol" frag=0x0010 cut=0
		done
	done
	still_well
}

@test "port 0 is dropped as port-zero" {
	local protocol

	for protocol in udp tcp; do
		dropped_as port-zero raw client 192.168.1.2:0 203.0.113.10:7000 "$protocol"
		dropped_as port-zero raw client 192.168.1.2:5000 203.0.113.10:0 "$protocol"
		dropped_as port-zero raw server 203.0.113.10:0 203.0.113.1:5000 "$protocol"
		dropped_as port-zero raw server 203.0.113.10:7000 203.0.113.1:0 "$protocol"
	done
	still_well
}

@test "an address that is not unicast is dropped as not-unicast" {
	local address

	for address in 0.0.0.1 127.0.0.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255; do
		dropped_as not-unicast raw server "$address:7000" 203.0.113.1:5000 udp
	done
	dropped_as not-unicast raw client 240.0.0.1:5000 203.0.113.10:7000 udp
	still_well
}

@test "an IP option that holds an address is dropped as address-option" {
	dropped_as address-option outward udp options=07070400000000"00" # record route
	dropped_as address-option inward udp options=440c050100000000"00000000"
	dropped_as address-option inward udp options=83070400000000"00" # loose source route
	still_well
}

@test "an IP option whose length lies does no harm" {
	local option

	# Inbound ones are queued before the kernel looks; the mapping is missing, so they end there.
	for option in 9400"0000" 9401"0000" 94ff"0000" 01010194 0094"0000"; do
		dropped_as no-mapping inward udp options="$option"
		still_well
	done
}

@test "an ICMP type that has no business here is dropped as icmp-type" {
	local type

	for type in 1 4 5 9 10 15 16 17 18 30 40 42 255; do
		dropped_as icmp-type outward icmp type="$type"
		dropped_as icmp-type inward icmp type="$type"
	done
	dropped_as icmp-type outward icmp type=0
	dropped_as icmp-type outward icmp type=14
	still_well
}

@test "an echo request from outside is for nobody" {
	dropped_as no-mapping inward icmp type=8
	dropped_as no-mapping inward icmp type=13
	dropped_as no-mapping inward icmp type=0 id=1
	still_well
}

@test "an ICMP error that quotes garbage is dropped as icmp-quote" {
	local side type q=203.0.113.1:5000,203.0.113.10:7000

	for side in outward inward; do
		for type in 3 11 12; do
			dropped_as icmp-quote "$side" icmp type="$type"
			dropped_as icmp-quote "$side" icmp type="$type" text="this is no packet at all"
			dropped_as icmp-quote "$side" icmp type="$type" hex=45
			dropped_as icmp-quote "$side" icmp type="$type" quote="$q,udp,cut=7"
			dropped_as icmp-quote "$side" icmp type="$type" quote="$q,tcp,cut=7"
			dropped_as icmp-quote "$side" icmp type="$type" quote="$q,udp,ihl=15"
			dropped_as icmp-quote "$side" icmp type="$type" quote="$q,udp,ihl=1"
			dropped_as icmp-quote "$side" icmp type="$type" quote="$q,udp,version=6"
			dropped_as icmp-quote "$side" icmp type="$type" quote="$q,udp,frag=1"
			dropped_as icmp-error-no-session "$side" icmp type="$type" quote="$q,47,text=01234567"
			dropped_as icmp-quote "$side" icmp type="$type" quote="$q,icmp,type=3"
		done
	done
	still_well
}

@test "RFC 5508 REQ-3: an ICMP error with a wrong checksum is dropped under its name" {
	local side q=203.0.113.1:5000,203.0.113.10:7000,udp,text=0123

	for side in outward inward; do
		dropped_as icmp-error-checksum "$side" icmp type=3 quote="$q" sum=1
		dropped_as icmp-quote-checksum "$side" icmp type=3 quote="$q,ipsum=1"
		dropped_as icmp-error-no-session "$side" icmp type=3 quote="$q"
	done
	still_well
}

@test "a TCP segment of no connection is dropped as tcp-no-session" {
	local flags

	# none, FIN, RST, ACK, FIN-ACK, all
	for flags in 0 1 4 16 17 255; do
		dropped_as tcp-no-session outward tcp flags="$flags"
	done
	dropped_as syn-held inward tcp
	dropped_as no-mapping inward tcp flags=16
	still_well
}

@test "a packet to an external endpoint that stands for nobody is dropped as no-mapping" {
	dropped_as no-mapping inward udp text=nobody
	dropped_as no-mapping inward udp text=nobody sum=1
	dropped_as no-mapping inward udp text=nobody nosum=1
	still_well
}

# shown NAME: what rawsend.py makes of the capture NAME.
shown() { python3 -IS "$here/rawsend.py" show "$BATS_TEST_TMPDIR/$1.pcap"; }

# error_of TEXT, on standard input what shown prints: how far from right the packet's checksum is.
# An ICMP error's text is what it quotes, headers and all; a blank in those makes it more than one word.
error_of() { awk -v text="$1" 'NF == 6 && $NF == text { print $4 }'; }

# The same sums before and after the NAT: as_wrong SENDER RECEIVER LEAST COMMAND..., where COMMAND sends
# packets with texts ending in "!", at least LEAST of them.
as_wrong() {
	local sender=$1 receiver=$2 least=$3 when

	shift 3
	capture before "$sender"
	capture after "$receiver"
	"$@"
	end_capture before "$sender"
	end_capture after "$receiver"
	for when in before after; do
		shown "$when" | awk 'NF == 6 && $NF ~ /^[a-z0-9-]+!$/ { print $1, $4, $NF }' | sort \
			>"$BATS_TEST_TMPDIR/wrong-$when"
	done
	(($(wc -l <"$BATS_TEST_TMPDIR/wrong-before") >= least))
	diff "$BATS_TEST_TMPDIR/wrong-before" "$BATS_TEST_TMPDIR/wrong-after"
}

send_wrong_sums_out() {
	local wrong

	for wrong in 0 1 2 0x1234 0x7fff 0xfffd 0xfffe; do
		raw client 192.168.1.2:5001 203.0.113.10:7000 udp sum=$wrong "text=udp$wrong!"
		raw client "192.168.1.2:$((6000 + wrong % 50))" 203.0.113.10:7000 tcp sum=$wrong \
			"text=tcp$wrong!"
		raw client 192.168.1.2 203.0.113.10 icmp id=77 sum=$wrong "text=icmp$wrong!"
	done
	raw client 192.168.1.2:5001 203.0.113.10:7000 udp length=20 "text=short-length!"
}

send_wrong_sums_in() {
	local wrong id

	id=$(external icmp 192.168.1.2:78)
	for wrong in 0 1 2 0x1234 0x7fff 0xfffd 0xfffe; do
		raw server 203.0.113.10:7000 "203.0.113.1:$external_port" udp sum=$wrong \
			"text=udp$wrong!"
		raw server 203.0.113.10 203.0.113.1 icmp type=0 "id=${id#*:}" sum=$wrong \
			"text=icmp$wrong!"
	done
}

@test "a wrong transport checksum leaves as wrong as it came, never repaired: outbound" {
	local error

	as_wrong client server 22 send_wrong_sums_out
	# And they were wrong: all but those with a difference of 0.
	error=$(shown after | error_of 'udp0x1234!')
	equal $((0x1234)) "$error"
	equal 0 "$(shown after | error_of 'tcp0!')"
	still_well
}

@test "a wrong transport checksum leaves as wrong as it came, never repaired: inbound" {
	open_mapping 5002
	raw client 192.168.1.2 203.0.113.10 icmp id=78
	wait_for "the mapping" has_icmp_mapping 78
	as_wrong server client 14 send_wrong_sums_in
	equal $((0x1234)) "$(shown after | error_of 'udp0x1234!')"
	still_well
}
has_icmp_mapping() { [[ -n $(external icmp "192.168.1.2:$1") ]]; }

@test "a UDP checksum of 0 means none and stays 0" {
	open_mapping 5003
	capture there server
	raw client 192.168.1.2:5003 203.0.113.10:7000 udp nosum=1 text=none-out
	end_capture there server
	capture here client
	raw server 203.0.113.10:7000 "203.0.113.1:$external_port" udp nosum=1 text=none-in
	end_capture here client
	equal "203.0.113.1:$external_port 203.0.113.10:7000 0" \
		"$(shown there | awk 'NF == 6 && $NF == "none-out" { print $2, $3, $5 }')"
	equal "203.0.113.10:7000 192.168.1.2:5003 0" \
		"$(shown here | awk 'NF == 6 && $NF == "none-in" { print $2, $3, $5 }')"
}

@test "bytes behind a packet's end do not go along" {
	capture there server
	raw client 192.168.1.2:5004 203.0.113.10:7000 udp text=padded tail=100
	end_capture there server
	equal 0 "$(shown there | error_of padded)"
}

adds_up() {
	local counters status

	counters=$(natem --json counters)
	status=$(natem --json status)
	python3 -IS -c '
import json, sys
counters, status = map(json.loads, sys.argv[1:])
twice = ("fragment-released", "fragment-discarded", "fragment-expired") # held before
total = sum(c["value"] for name, c in counters["counters"].items() if name not in twice)
sys.exit(total != status["queue"]["packets"] or status["queue"]["lost_verdicts"])' \
		"$counters" "$status"
}

@test "20000 random packets: natemd lives on, and its counters add up to the packets of its queue" {
	local before flood

	before=$(queued)
	start flood server python3 -IS "$here/rawsend.py" flood 5382 10000 203.0.113.10 203.0.113.1
	flood=$last
	client python3 -IS "$here/rawsend.py" flood 4787 10000 192.168.1.2 203.0.113.10
	finishes flood "$flood"
	wait_for "the counters add up" adds_up
	still_well
	# Most of them came as far as natemd.
	(($(queued) - before > 10000)) || complain "only $(($(queued) - before)) packets were queued"
	natem --json mappings | python3 -IS -m json.tool >/dev/null
	natem --json sessions | python3 -IS -m json.tool >/dev/null
}
