#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# fragments.bats - datagrams that come in pieces, in any order, from several hosts at once

# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell to bats; helpers.bash sets more names
load helpers

setup_file() { lab_up --clients 2; }

peer=203.0.113.10:7788

# text LENGTH MARK: so many characters, each place different from its neighbours, MARK among them.
text() {
	local all

	printf -v all "$2%05d " $(seq 10000 $((10000 + $1 / 7)))
	printf '%s' "${all:0:$1}"
}

# open_udp PORT: the client's socket a there and the server's socket s have spoken: what s saw is in
# $seen.
open_udp() {
	own=192.168.1.2:$1
	open_sockets client server
	tell server udp s "$peer"
	tell client udp a "$own"
	tell client sendto a "$peer" hello
	tell server recv s
	seen=${heard% hello}
}

# What was sent before it has been decided on when this arrives, both ways.
nothing_more() {
	tell client sendto a "$peer" "that was all"
	told "$seen that was all" server recv s
	tell server sendto s "$seen" "that was all"
	told "$peer that was all" client recv a
}

# Three fragments can come in these orders.
orders=("0,1,2" "0,2,1" "1,0,2" "1,2,0" "2,0,1" "2,1,0")

@test "RFC 4787 REQ-14: a ping of 5000 bytes, in four fragments each way, is answered" {
	run -0 client ping -n -c 3 -i 0.05 -s 5000 203.0.113.10
	equal 3 "$(grep -c '^5008 bytes from 203.0.113.10' <<<"$output")"
	run -0 in_host client2 ping -n -c 1 -s 65000 203.0.113.11
	[[ $output == *"65008 bytes from 203.0.113.11"* ]]
}

@test "RFC 4787 REQ-14: datagrams of 5000 bytes arrive both ways" {
	open_udp 6501
	out=$(text 5000 o) in=$(text 5000 i)
	for _ in 1 2 3; do
		tell client sendto a "$peer" "$out"
		told "$seen $out" server recv s
		tell server sendto s "$seen" "$in"
		told "$peer $in" client recv a
	done
}

@test "RFC 4787 REQ-14: three fragments from the client arrive whole in all six orders" {
	open_udp 6502
	for order in "${orders[@]}"; do
		out=$(text 2900 "${order//,/}")
		raw client "$own" "$peer" udp "ipid=$((++n))" split=1000 "order=$order" "text=$out"
		told "$seen $out" server recv s || complain "order $order"
	done
	nothing_more
}

@test "RFC 4787 REQ-14: three fragments to the client arrive whole in all six orders" {
	open_udp 6503
	for order in "${orders[@]}"; do
		in=$(text 2900 "${order//,/}")
		raw server "$peer" "$seen" udp "ipid=$((++n))" split=1000 "order=$order" "text=$in"
		told "$peer $in" client recv a || complain "order $order"
	done
	nothing_more
}

@test "RFC 4787 REQ-14: a first fragment that is long in coming brings those after it along" {
	open_udp 6504
	in=$(text 2900 i)
	raw server "$peer" "$seen" udp ipid=77 split=1000 order=2,1 "text=$in"
	for i in 1 2 3; do
		tell server sendto s "$seen" "meanwhile $i"
		told "$peer meanwhile $i" client recv a
	done
	raw server "$peer" "$seen" udp ipid=77 split=1000 order=0 "text=$in"
	told "$peer $in" client recv a
}

@test "RFC 4787 REQ-14: the fragments of a datagram that was filtered do not come in" {
	open_udp 6505
	open_raw client
	in=$(text 2900 i)
	raw server 203.0.113.11:7788 "$seen" udp ipid=78 split=1000 "text=$in"
	raw server 203.0.113.11:7788 "$seen" udp ipid=79 split=1000 order=reverse "text=$in"
	tell server sendto s "$seen" last
	arrived "udp $peer $own last" client udp
}

# Each piece of one client is followed by the same piece of the other, with the same IP ID.
pieces_of_both() {
	local order

	for order in "$@"; do
		raw client "$own" "$peer" udp ipid=4711 split=1000 "order=$order" "text=$one"
		raw client2 "$own2" "$peer" udp ipid=4711 split=1000 "order=$order" "text=$two"
	done
}

open_both() {
	open_udp "$1"
	own2=192.168.1.3:$1
	open_sockets client2
	tell client2 udp a "$own2"
	tell client2 sendto a "$peer" hello
	tell server recv s
	seen2=${heard% hello}
	one=$(text 2900 a) two=$(text 2900 b)
}

@test "RFC 6864: two clients' fragments with one IP ID arrive whole, in order and not" {
	open_both 6506
	pieces_of_both 0 1 2
	told "$seen $one" server recv s
	told "$seen2 $two" server recv s
	pieces_of_both 2 0 1
	told "$seen $one" server recv s
	told "$seen2 $two" server recv s
}

@test "RFC 6864: with nat.ip-id=keep they mix, and neither arrives" {
	open_both 6507
	knob nat.ip-id=keep
	# The server's kernel takes the first piece that came for a place: one's 0 with two's 1 and 2.
	pieces_of_both 0
	raw client2 "$own2" "$peer" udp ipid=4711 split=1000 order=1,2 "text=$two"
	raw client "$own" "$peer" udp ipid=4711 split=1000 order=1,2 "text=$one"
	tell client sendto a "$peer" "after them"
	told "$seen after them" server recv s
}

@test "two clients send datagrams of 5000 bytes at once, and all arrive" {
	open_both 6508
	one=$(text 5000 a) two=$(text 5000 b)
	for _ in 1 2 3 4 5; do
		say client "sendto	a	$peer	$one"
		say client2 "sendto	a	$peer	$two"
		hear client
		hear client2
		for _ in 1 2; do
			tell server recv s
			arrivals+=("$heard")
		done
	done
	equal 5 "$(printf '%s\n' "${arrivals[@]}" | grep -cxF "$seen $one")"
	equal 5 "$(printf '%s\n' "${arrivals[@]}" | grep -cxF "$seen2 $two")"
}

@test "fragments.mode=in-order: in their order fragments pass, and no others" {
	open_udp 6509
	knob fragments.mode=in-order
	out=$(text 2900 o) in=$(text 2900 i)
	raw client "$own" "$peer" udp ipid=81 split=1000 "text=$out"
	told "$seen $out" server recv s
	raw server "$peer" "$seen" udp ipid=81 split=1000 "text=$in"
	told "$peer $in" client recv a
	raw client "$own" "$peer" udp ipid=82 split=1000 order=reverse "text=$out"
	raw server "$peer" "$seen" udp ipid=82 split=1000 order=reverse "text=$in"
	nothing_more
}

@test "fragments.mode=drop: no fragment passes, and a ping of 5000 bytes is not answered" {
	open_udp 6510
	knob fragments.mode=drop
	out=$(text 2900 o) in=$(text 2900 i)
	open_raw client server
	raw client "$own" "$peer" udp ipid=83 split=1000 "text=$out"
	tell client sendto a "$peer" "that was all"
	arrived "udp $seen $peer that was all" server udp
	told "$seen that was all" server recv s
	raw server "$peer" "$seen" udp ipid=83 split=1000 "text=$in"
	tell server sendto s "$seen" "that was all"
	arrived "udp $peer $own that was all" client udp
	run -1 client ping -n -q -c 1 -W 0.2 -s 5000 203.0.113.10
	client ping -n -q -c 1 -W "$patience" -s 500 203.0.113.10
}

@test "udp.fragments=off: UDP in fragments does not pass, a ping does" {
	open_udp 6511
	knob udp.fragments=off
	tell client sendto a "$peer" "$(text 5000 o)"
	tell server sendto s "$seen" "$(text 5000 i)"
	nothing_more
	client ping -n -q -c 1 -W "$patience" -s 5000 203.0.113.10
}

@test "RFC 4787 REQ-13a: what may be fragmented and does not fit into the WAN goes in pieces, in order" {
	change_until_end "ip -n $LAB-router link set wan mtu 1500" ip -n "$LAB-router" link set wan mtu 1400
	open_udp 6512
	open_raw server
	out=$(text 1472 o)
	raw client "$own" "$peer" udp ipid=84 "text=$out"
	arrives server udp 203.0.113.1 203.0.113.10 fragment
	[[ $heard =~ \ fragment\ ([0-9]+)\ 0\+1376\ more$ ]]
	arrived "udp 203.0.113.1 203.0.113.10 fragment ${BASH_REMATCH[1]} 1376+104 last" server udp
	told "$seen $out" server recv s
}

@test "a lone fragment is forgotten after fragments.timeout" {
	open_udp 6513
	in=$(text 2900 i)
	count fragment-held fragment-expired
	raw server "$peer" "$seen" udp ipid=85 split=1000 order=2 "text=$in"
	wait_risen fragment-held
	natem clock advance 9s >/dev/null
	risen fragment-expired 0
	natem clock advance 1s >/dev/null
	wait_risen fragment-expired
	raw server "$peer" "$seen" udp ipid=85 split=1000 order=0,1 "text=$in"
	nothing_more # these are two pieces, and wait for a third
}

@test "RFC 4787 REQ-14a: a flood of lone fragments harms nobody else's, nor what comes in order" {
	open_udp 6514
	knob fragments.max-per-source=8
	in=$(text 2900 i)
	count fragment-held fragments-full
	raw server 203.0.113.10:9 "$seen" udp ipid=1000 repeat=2000 split=1000 order=1 "text=$in"
	wait_risen fragments-full 1992
	wait_risen fragment-held 8
	tell server sendto s "$seen" "$(text 5000 i)"
	told "$peer $(text 5000 i)" client recv a
	raw client "$own" "$peer" udp ipid=86 split=1000 order=reverse "text=$in"
	told "$seen $in" server recv s
	tell server udp other 203.0.113.11:7799
	tell client sendto a 203.0.113.11:7799 hello
	told "$seen hello" server recv other
	raw server 203.0.113.11:7799 "$seen" udp ipid=86 split=1000 order=reverse "text=$in"
	told "203.0.113.11:7799 $in" client recv a
}
