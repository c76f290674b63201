#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# hairpin.bats - internal hosts that talk to each other through their external endpoints

# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell to bats; helpers.bash sets more names
load helpers

# The second address is nobody's until a test gives it to client2.
setup_file() { lab_up --clients 2 --external 2 -- -o nat.external=203.0.113.1; }

peer=203.0.113.10:7788

# open_udp HOST ADDRESS:PORT: its socket a there has a mapping, by a word to the server; the endpoint
# is in $seen.
open_udp() {
	tell "$1" udp a "$2"
	tell "$1" sendto a "$peer" hello
	tell server recv s
	seen=${heard% hello}
}

# open_both PORT: the sockets a of client and client2 on that port; their mappings are $one and $two.
open_both() {
	open_sockets client client2 server
	tell server udp s "$peer"
	open_udp client "192.168.1.2:$1"
	one=$seen
	open_udp client2 "192.168.1.3:$1"
	two=$seen
}

# nothing_before HOST: what was sent to its socket a before this has not come and will not.
nothing_before() {
	tell server sendto s "$([[ $1 == client ]] && echo "$one" || echo "$two")" "and no other"
	told "$peer and no other" "$1" recv a
}

# map_tcp HOST ADDRESS:PORT: a connection from there to the server has made a mapping, in $seen.
map_tcp() {
	tell server listen "l-$2" "203.0.113.10:0"
	remote=$heard
	tell "$1" tcp "m-$2" "$2"
	tell "$1" connect "m-$2" "$remote"
	tell server accept "m-$2" "l-$2"
	seen=$heard
}

@test "RFC 4787 REQ-9: two clients talk UDP through their external endpoints, and see only those" {
	knob udp.filtering=eif
	open_both 6601
	tell client sendto a "$two" "you there?"
	told "$one you there?" client2 recv a
	tell client2 sendto a "$one" "here!"
	told "$two here!" client recv a
	tell client connect a "$two"
	told "$two" client peer a
	tell client send a "and connected"
	told "$one and connected" client2 recv a
}

@test "RFC 4787 REQ-9: a hairpinned datagram makes a mapping where there was none" {
	knob udp.filtering=eif
	open_both 6602
	tell client udp b 192.168.1.2:6603
	tell client sendto b "$two" "from a new port"
	equal "$(external udp 192.168.1.2:6603) from a new port" "$(tell client2 recv a && echo "$heard")"
	[[ $(external udp 192.168.1.2:6603) == 203.0.113.1:* ]]
}

@test "the target's filter counts: a hairpinned datagram comes in only when it was called" {
	open_both 6604
	count filtered
	tell client sendto a "$two" "uninvited"
	wait_risen filtered
	tell client2 sendto a "$one" "come in" # which the client has invited by its own
	told "$two come in" client recv a
	tell client sendto a "$two" "thank you"
	told "$one thank you" client2 recv a
}

@test "RFC 5382 REQ-8: a client connects to the other's external endpoint; 1 MB each way" {
	local at=$BATS_TEST_TMPDIR

	knob tcp.filtering=eif
	open_sockets client client2 server
	map_tcp client2 192.168.1.3:6605
	map_tcp client 192.168.1.2:6606
	[[ $seen == "$(external tcp 192.168.1.2:6606)" ]]
	head -c 1000000 /dev/urandom >"$at/out"
	head -c 1000000 /dev/urandom >"$at/listener.in"
	start listener client2 socat -d -d -t "$patience" - \
		TCP4-LISTEN:6605,bind=192.168.1.3,reuseaddr,reuseport
	listener=$last
	wait_listening client2 tcp 6605
	target=$(external tcp 192.168.1.3:6605)
	in_host client timeout "$patience" socat -t "$patience" - \
		"TCP4:$target,bind=192.168.1.2:6606,reuseaddr,reuseport" <"$at/out" >"$at/in"
	finishes listener "$listener"
	cmp "$at/out" "$at/listener.out"
	cmp "$at/listener.in" "$at/in"
	grep -F "accepting connection from AF=2 $seen " "$at/listener.err"
}

@test "RFC 5382 REQ-8a: getpeername() at both ends of a hairpinned connection is external" {
	knob tcp.filtering=eif
	open_sockets client client2 server
	map_tcp client2 192.168.1.3:6607
	two=$seen
	tell client2 listen l 192.168.1.3:6607
	tell client tcp a 192.168.1.2:6608
	tell client connect a "$two"
	tell client2 accept b l
	one=$(external tcp 192.168.1.2:6608)
	[[ $one == 203.0.113.1:* ]]
	equal "$one" "$heard"
	told "$one" client2 peer b
	told "$two" client peer a
	wait_state ESTABLISHED 192.168.1.2:6608 "$two"
	wait_state ESTABLISHED 192.168.1.3:6607 "$one"
	tell client send a "out"
	told "out" client2 recv b
	tell client2 send b "and back"
	told "and back" client recv a
	tell client close a
	tell client2 eof b
	tell client2 close b
	wait_state TIME_WAIT 192.168.1.2:6608 "$two"
	wait_state TIME_WAIT 192.168.1.3:6607 "$one"
}

@test "RFC 5508 REQ-7: a closed port behind a hairpin: the error is about the packet that was sent" {
	knob udp.filtering=eif
	open_both 6609
	open_raw client
	tell client2 close a
	tell client connect a "$two"
	tell client send a "anybody there?"
	tell_fails ECONNREFUSED client recv a
	arrived "icmp 203.0.113.1 192.168.1.2 3/3 (udp 192.168.1.2:6609 $two anybody there?)" \
		client icmp
}

@test "RFC 5508 REQ-7: the same between two that have called each other, under their filter" {
	open_both 6621
	open_raw client
	tell client sendto a "$two" "knock"
	tell client2 sendto a "$one" "knock"
	told "$two knock" client recv a
	tell client2 close a
	tell client sendto a "$two" "anybody there?"
	arrived "icmp 203.0.113.1 192.168.1.2 3/3 (udp 192.168.1.2:6621 $two anybody there?)" \
		client icmp
}

@test "RFC 5508 REQ-7: what expires at the router after the hairpin is told of as it was sent" {
	knob udp.filtering=eif
	open_both 6622
	open_raw client
	raw client 192.168.1.2:6622 "$two" udp ttl=1 text="not far"
	arrived "icmp 203.0.113.1 192.168.1.2 11/0 (udp 192.168.1.2:6622 $two not far)" client icmp
}

@test "RFC 5508 REQ-7: a client that is gone, behind a hairpin: EHOSTUNREACH" {
	knob udp.filtering=eif
	open_both 6623
	change_until_end "in_host client2 sysctl -qw net.ipv4.conf.eth0.arp_ignore=0" \
		in_host client2 sysctl -qw net.ipv4.conf.eth0.arp_ignore=8
	change_until_end "router sysctl -qw net.ipv4.neigh.lan.retrans_time_ms=1000" \
		router sysctl -qw net.ipv4.neigh.lan.retrans_time_ms=50
	ip -n "$LAB-router" neigh flush dev lan
	open_raw client
	tell client sendto a "$two" "still there?"
	arrived "icmp 203.0.113.1 192.168.1.2 3/1 (udp 192.168.1.2:6623 $two still there?)" client icmp
}

@test "a closed TCP port behind a hairpin refuses" {
	knob tcp.filtering=eif
	open_sockets client client2 server
	map_tcp client2 192.168.1.3:6610
	tell client tcp a 192.168.1.2:6611
	tell_fails ECONNREFUSED client connect a "$seen"
}

@test "RFC 4787 REQ-9: a host talks to itself through its external endpoint, UDP and TCP" {
	open_both 6612
	# It has called its own endpoint, and so may come in by any filter.
	tell client sendto a "$one" "to myself"
	told "$one to myself" client recv a
	knob udp.filtering=eif tcp.filtering=eif
	tell client udp b 192.168.1.2:6613
	tell client sendto b "$one" "to my other port"
	told "$(external udp 192.168.1.2:6613) to my other port" client recv a
	map_tcp client 192.168.1.2:6614
	tell client listen l 192.168.1.2:6614
	tell client tcp c 192.168.1.2:6615
	tell client connect c "$seen"
	told "$(external tcp 192.168.1.2:6615)" client accept d l
	tell client send c "over TCP"
	told "over TCP" client recv d
}

@test "RFC 5508 REQ-7: a ping of another client that has an external address of its own" {
	change_until_end "knob nat.one-to-one=none" knob nat.one-to-one=203.0.113.2=192.168.1.3
	open_raw client2
	run -0 client ping -n -c 3 -i 0.05 -e 4711 203.0.113.2
	[[ $output == *"3 received"* && $output == *"64 bytes from 203.0.113.2: icmp_seq=1"* ]]
	arrives client2 icmp 203.0.113.1 192.168.1.3 8/0 # and not from 192.168.1.2
	run -0 client ping -n -c 1 -s 5000 203.0.113.2
	# It calls as the address it has.
	open_raw server
	in_host client2 ping -n -q -c 1 -W "$patience" 203.0.113.10
	arrives server icmp 203.0.113.2 203.0.113.10 8/0
	server ping -n -q -c 1 -W "$patience" 203.0.113.2
}

@test "nat.hairpin=internal-source: the other client sees the internal endpoint, and answers straight" {
	knob udp.filtering=eif nat.hairpin=internal-source
	open_both 6616
	tell client sendto a "$two" "who am I?"
	told "192.168.1.2:6616 who am I?" client2 recv a
	tell client2 sendto a 192.168.1.2:6616 "not whom you called"
	told "192.168.1.3:6616 not whom you called" client recv a
	# A connection cannot come about: the answer is not from whom the client has called.
	knob tcp.filtering=eif
	map_tcp client2 192.168.1.3:6617
	two=$seen
	tell client2 listen l 192.168.1.3:6617
	tell client tcp t 192.168.1.2:6618
	open_raw client client2
	tell client connecting t "$two"
	arrives client2 tcp 192.168.1.2:6618 192.168.1.3:6617 S
	arrives client tcp 192.168.1.3:6617 192.168.1.2:6618 SA
	arrives client2 tcp 192.168.1.2:6618 192.168.1.3:6617 R
}

@test "nat.hairpin=off: nothing comes to the other client, nor to the router itself" {
	knob udp.filtering=eif nat.hairpin=off
	open_both 6619
	open_raw client
	before=$(icmp_at client)
	count hairpin-off
	tell client sendto a "$two" "off"
	wait_risen hairpin-off
	nothing_before client2
	nothing_before client
	arrived "udp $peer 192.168.1.2:6619 and no other" client udp
	equal "$before" "$(icmp_at client)" # no error either
	knob nat.hairpin=external-source
	tell client sendto a "$two" "on again"
	told "$one on again" client2 recv a
}

@test "RFC 4787 REQ-14: hairpinned datagrams of 5000 bytes, and pieces in reverse order" {
	knob udp.filtering=eif
	open_both 6620
	printf -v big 'natem%05d' {1..500}
	tell client sendto a "$two" "$big"
	told "$one $big" client2 recv a
	raw client2 192.168.1.3:6620 "$one" udp split=1480 order=reverse "text=$big"
	told "$two $big" client recv a
}

@test "coturn finds that hairpinning is supported, and that it is not when it is off" {
	need_programs turnserver turnutils_natdiscovery
	start turnserver server turnserver -n --stun-only --no-tcp --no-tls --no-dtls --no-cli \
		--listening-ip 203.0.113.10 --listening-ip 203.0.113.11 --relay-threads 0 \
		--proc-user root --log-file stdout --userdb "$BATS_TEST_TMPDIR/turndb" \
		--pidfile "$BATS_TEST_TMPDIR/turnserver.pid"
	wait_listening server udp 3479
	knob udp.filtering=eif
	run -0 client turnutils_natdiscovery -H -L 192.168.1.2 203.0.113.10
	[[ $output == *"Received a request (maybe a successful hairpinning)"* ]] || complain "$output"
	knob nat.hairpin=off
	run -0 client turnutils_natdiscovery -H -L 192.168.1.2 203.0.113.10
	[[ $output == *"STUN receive timeout"* && $output != *"Received a request"* ]] || complain "$output"
}
