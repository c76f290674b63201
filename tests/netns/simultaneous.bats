#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# simultaneous.bats - TCP connections that both sides open at once (RFC 5382 REQ-2)
#
# With packets made one by one, so that each crosses the other's in the NAT, and with two kernels.

# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell to bats; helpers.bash sets more names
load helpers

setup_file() { lab_up; }

peer=203.0.113.10:7000

# open_ends PORT: raw ends, own 192.168.1.2:PORT and the peer, whose kernels keep silent.
open_ends() {
	own=192.168.1.2:$1
	mute_resets client server
	open_raw client server
}

# SEQ of the client's SYN is 1000, of the server's 5000; the ACK of a SYN is one more.
client_sends() { raw client "$own" "$peer" tcp "$@"; }
server_sends() { raw server "$peer" "$seen" tcp "$@"; }
client_gets() { arrived "tcp $peer $own $*" client tcp "$peer" "$own"; }
server_gets() { arrived "tcp $seen $peer $*" server tcp "$seen" "$peer"; }

syn=0x02 syn_ack=0x12 push=0x18

# Both SYNs have passed. The SYN-ACKs cross, as both SYNs are answered, and then all is as usual.
finish_opening() {
	client_sends flags=$syn_ack seq=1000 ack=5001
	server_sends flags=$syn_ack seq=5000 ack=1001
	server_gets SA seq=1000 ack=5001
	client_gets SA seq=5000 ack=1001
	has_state ESTABLISHED "$own" "$peer"
	client_sends flags=$push seq=1001 ack=5001 text=out
	server_gets PA seq=1001 ack=5001 out
	server_sends flags=$push seq=5001 ack=1004 text=in
	client_gets PA seq=5001 ack=1004 in
	has_state ESTABLISHED "$own" "$peer"
	# The long timer, not that of a connection that is opening.
	(($(look sessions expires_in_ms "internal=$own" "remote=$peer") > 7000000))
	equal 1 "$(look sessions id "internal=$own" "remote=$peer" | wc -l)"
}

# The client's SYN comes to the NAT first; the server's is no answer to it.
cross_client_first() {
	open_ends "$1"
	client_sends flags=$syn seq=1000
	arrives server tcp
	[[ $heard =~ ^tcp\ (203\.0\.113\.1:[0-9]+)\ $peer\ S\ seq=1000\ ack=0$ ]]
	seen=${BASH_REMATCH[1]}
	equal "$seen" "$(external tcp "$own")"
	wait_state INTERNAL_SYN "$own" "$peer"
	server_sends flags=$syn seq=5000
	client_gets S seq=5000 ack=0
	wait_state ESTABLISHED "$own" "$peer" # RFC 6146 3.5.2.2: it waits for no SYN-ACK
}

@test "RFC 5382 REQ-2: SYNs cross, the client's first, and then SYN-ACKs" {
	cross_client_first 6301
	finish_opening
}

@test "RFC 5382 REQ-2: the same where SYNs are lost and sent again" {
	cross_client_first 6302
	client_sends flags=$syn seq=1000
	server_gets S seq=1000 ack=0
	server_sends flags=$syn seq=5000
	client_gets S seq=5000 ack=0
	finish_opening
}

@test "RFC 5382 REQ-2: SYNs cross, the server's first, to a mapping that is there already" {
	knob tcp.filtering=eif
	open_ends 6303
	raw client "$own" 203.0.113.11:7000 tcp
	arrives server tcp
	seen=$(external tcp "$own")
	server_sends flags=$syn seq=5000
	client_gets S seq=5000 ack=0
	wait_state EXTERNAL_SYN "$own" "$peer"
	client_sends flags=$syn seq=1000
	server_gets S seq=1000 ack=0
	wait_state ESTABLISHED "$own" "$peer"
	client_sends flags=$syn_ack seq=1000 ack=5001
	server_sends flags=$syn_ack seq=5000 ack=1001
	server_gets SA seq=1000 ack=5001
	client_gets SA seq=5000 ack=1001
	has_state ESTABLISHED "$own" "$peer"
}

@test "RFC 5382 REQ-2: SYNs cross through symmetric, where only the peer may send" {
	knob nat.preset=symmetric
	cross_client_first 6304
	finish_opening
}

@test "RFC 5382 REQ-2: a SYN crosses, but from a port that was not called: it does not come in" {
	knob tcp.unsolicited-syn=drop # one that is held would speak up in another test
	open_ends 6305
	client_sends flags=$syn seq=1000
	arrives server tcp
	seen=$(external tcp "$own")
	raw server 203.0.113.10:7001 "$seen" tcp flags=$syn seq=5000
	server_sends flags=$syn seq=6000
	arrived "tcp $peer $own S seq=6000 ack=0" client tcp # and none before it
	equal "" "$(state "$own" 203.0.113.10:7001)"
}

# The server's SYN comes first, to a mapping that does not let it in: 203.0.113.11 was called by it.
uninvited() {
	open_ends "$1"
	raw client "$own" 203.0.113.11:7000 tcp
	arrives server tcp
	seen=$(external tcp "$own")
	count syn-held
	server_sends flags=$syn seq=5000
	wait_risen syn-held
	equal "" "$(state "$own" "$peer")"
}

@test "RFC 5382 REQ-4b: a SYN that comes too early is held, until the client's own takes its place" {
	local before

	before=$(icmp_at server)
	uninvited 6307
	natem clock advance 5s >/dev/null
	client_sends flags=$syn seq=1000
	server_gets S seq=1000 ack=0
	natem clock advance 10s >/dev/null
	server_sends flags=$syn seq=5000
	arrived "tcp $peer $own S seq=5000 ack=0" client tcp # the first that comes to the client
	finish_opening
	equal "$before" "$(icmp_at server)" # and no word about the early one
}

@test "RFC 5382 REQ-4c: a SYN that nobody meets is refused, after six seconds and not before" {
	local before

	before=$(icmp_at server)
	uninvited 6308
	natem clock advance 5s >/dev/null
	raw client 192.168.1.2:6309 203.0.113.11:7000 tcp
	arrives server tcp # when that has come, all before it has
	equal "$before" "$(icmp_at server)"
	natem clock advance 1s >/dev/null
	arrived "icmp 203.0.113.1 203.0.113.10 3/3 (tcp $peer $seen S seq=5000 ack=0)" server icmp
}

@test "RFC 5382 REQ-2: two kernels open one connection at once, and talk" {
	own=192.168.1.2:6306
	open_sockets client server
	# Another connection of that port tells the server where to call.
	tell server listen l 203.0.113.11:7000
	tell client tcp first "$own"
	tell client connect first 203.0.113.11:7000
	tell server accept first l
	seen=$heard
	change_until_end "server iptables -w -D INPUT -p tcp --dport 7000 --syn -j DROP" \
		server iptables -w -A INPUT -p tcp --dport 7000 --syn -j DROP
	tell client tcp a "$own"
	tell client connecting a "$peer"
	wait_state INTERNAL_SYN "$own" "$peer"
	[[ $(client ss -Htn "sport = :6306" "dport = :7000") == *SYN-SENT*"$peer"* ]]
	tell server tcp b "$peer"
	tell server connecting b "$seen"
	tell client connected a
	tell server connected b
	wait_state ESTABLISHED "$own" "$peer"
	tell client send a "from the client"
	told "from the client" server recv b
	tell server send b "from the server"
	told "from the server" client recv a
}
