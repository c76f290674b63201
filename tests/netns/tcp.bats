#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# tcp.bats - TCP programs on both sides of the NAT

# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell to bats; helpers.bash sets more names
load helpers

setup_file() { lab_up; }

server_address=203.0.113.10:8989

# open_connection PORT: the client's socket a on that port and the server's socket b are connected;
# the client's own endpoint is in $own, the one the server sees in $seen.
open_connection() {
	own=192.168.1.2:$1
	open_sockets client server
	tell server listen l "$server_address"
	tell client tcp a "$own"
	tell client connect a "$server_address"
	tell server accept b l
	seen=$heard
}

# One line each way.
talk_both_ways() {
	tell client send a "$1 out"
	told "$1 out" server recv b
	tell server send b "$1 in"
	told "$1 in" client recv a
}

# withhold CHAIN RULE...: the server's kernel drops such packets, until let_through with the same
# words, or the end of the test.
withhold() {
	local rule
	printf -v rule '%q ' "$@"
	change_until_end "server iptables -w -D $rule -j DROP 2>/dev/null" \
		server iptables -w -A "$@" -j DROP
}
let_through() { server iptables -w -D "$@" -j DROP; }

# left OWN: milliseconds until the session with the server ends.
left() { look sessions expires_in_ms "internal=$1" "remote=$server_address"; }
left_below() { (($(left "$1") < $2)); }

connections() { look sessions id protocol=tcp "remote=$1" "state=$2" | wc -l; }
all_in_state() { (($(connections "$1" "$2") == $3)); }

@test "text in UTF-8 and GBK passes byte by byte, SO_REUSEADDR and a backlog of 128 on port 8989" {
	local at=$BATS_TEST_TMPDIR

	printf '你好，世界！ Grüße, natem.\n%.0s' {1..500} >"$at/utf8"
	iconv -f UTF-8 -t GBK >"$at/gbk" < <(printf '地址转换：我是 192.168.1.2。\n%.0s' {1..500})
	cp "$at/gbk" "$at/listener.in"
	start listener server socat -t "$patience" - \
		TCP4-LISTEN:8989,bind=203.0.113.10,reuseaddr,backlog=128
	last_listener=$last
	wait_listening server tcp 8989
	equal 128 "$(server ss -Hltn 'sport = :8989' | awk '{ print $3 }')" # of a listener, the backlog
	client nc -N 203.0.113.10 8989 <"$at/utf8" >"$at/received"
	finishes listener "$last_listener"
	cmp "$at/gbk" "$at/received"
	cmp "$at/utf8" "$at/listener.out"
}

@test "two people chat over TCP port 8989, in English and Chinese" {
	open_talker alice server nc -nlv 203.0.113.10 8989
	wait_listening server tcp 8989
	open_talker bob client nc -n -p 6780 203.0.113.10 8989
	converse
	seen=$(awk '/received on/ { print $(NF - 1) ":" $NF }' "$BATS_TEST_TMPDIR/alice.err")
	equal "$(external tcp 192.168.1.2:6780)" "$seen"
}

@test "RFC 5382 REQ-1: one port keeps its external endpoint for two remotes" {
	open_connection 6781
	[[ $seen =~ ^203\.0\.113\.1:[0-9]{4,5}$ ]]
	tell server listen other 203.0.113.11:8989
	tell client tcp c 192.168.1.2:6781
	tell client connect c 203.0.113.11:8989
	told "$seen" server accept d other
	equal "$seen" "$(external tcp 192.168.1.2:6781)"
	talk_both_ways "the first connection goes on"
}

@test "the table says INTERNAL_SYN while the server's SYN-ACK is missing, then ESTABLISHED" {
	open_sockets client server
	tell server listen l "$server_address"
	tell client tcp a 192.168.1.2:6782
	withhold OUTPUT -p tcp --sport 8989
	tell client connecting a "$server_address"
	wait_state INTERNAL_SYN 192.168.1.2:6782
	(($(left 192.168.1.2:6782) <= 240000))
	natem mappings | grep -F 192.168.1.2:6782 | grep -w INTERNAL_SYN
	let_through OUTPUT -p tcp --sport 8989
	tell client connected a
	wait_state ESTABLISHED 192.168.1.2:6782
	(($(left 192.168.1.2:6782) > 7430000))
	natem sessions | grep -F 192.168.1.2:6782 | grep -w ESTABLISHED
}

@test "half-close: the client ends first, INTERNAL_FIN, and the server goes on sending for a while" {
	open_connection 6783
	talk_both_ways open
	wait_state ESTABLISHED "$own"
	tell client shutdown a
	tell server eof b
	wait_state INTERNAL_FIN "$own"
	# One FIN is not closing: the long timer stays.
	for i in {1..20}; do
		tell server send b "still here $i"
		told "still here $i" client recv a
	done
	has_state INTERNAL_FIN "$own"
	(($(left "$own") > 7430000))
	tell server close b
	tell client eof a
	wait_state TIME_WAIT "$own"
	(($(left "$own") <= 240000))
	natem mappings | grep -F "$own" | grep -w TIME_WAIT
}

@test "half-close: the server ends first, EXTERNAL_FIN, and the client goes on sending for a while" {
	open_connection 6784
	talk_both_ways open
	tell server shutdown b
	tell client eof a
	wait_state EXTERNAL_FIN "$own"
	for i in {1..20}; do
		tell client send a "still here $i"
		told "still here $i" server recv b
	done
	has_state EXTERNAL_FIN "$own"
	tell client close a
	tell server eof b
	wait_state TIME_WAIT "$own"
}

@test "the table says BOTH_FIN while the second FIN is not acknowledged, then TIME_WAIT" {
	open_connection 6785
	tell server shutdown b
	tell client eof a
	wait_state EXTERNAL_FIN "$own"
	withhold INPUT -p tcp --dport 8989
	tell client close a
	wait_state BOTH_FIN "$own"
	let_through INPUT -p tcp --dport 8989
	wait_state TIME_WAIT "$own"
}

@test "a server that closes first can listen on its port again at once" {
	open_connection 6786
	talk_both_ways open
	tell server close b
	tell client eof a
	tell client close a
	wait_state TIME_WAIT "$own"
	[[ -n $(server ss -Htn state time-wait "sport = :8989") ]]
	tell server close l
	tell server listen l "$server_address"
	tell client tcp a 192.168.1.2:6787
	tell client connect a "$server_address"
	tell server accept b l
	talk_both_ways "once more"
}

@test "RFC 7857 section 2.2: a RST from the client arrives, and leads to TRANS" {
	open_connection 6788
	talk_both_ways open
	tell client reset a
	tell_fails ECONNRESET server recv b
	wait_state TRANS "$own"
	(($(left "$own") <= 240000 && $(left "$own") > 230000))
}

@test "RFC 7857 section 2.2: a RST from the server arrives, and leads to TRANS" {
	open_connection 6789
	talk_both_ways open
	tell server reset b
	tell_fails ECONNRESET client recv a
	wait_state TRANS "$own"
	natem mappings | grep -F "$own" | grep -w TRANS
}

@test "a new connection from the same port after TIME_WAIT keeps the external endpoint" {
	open_connection 6790
	first=$seen
	tell server close b
	tell client eof a
	tell client close a
	wait_state TIME_WAIT "$own"
	# The server, which closed first, still has the old connection.
	tell client tcp a "$own"
	tell client connect a "$server_address"
	told "$first" server accept b l
	talk_both_ways again
	wait_state ESTABLISHED "$own"
}

@test "RFC 5382 REQ-5: a long connection goes on after each pause, with its timer restarted" {
	open_connection 6791
	for i in 1 2 3 4; do
		talk_both_ways "line $i"
		(($(left "$own") > 7439500))
		wait_for "a pause of half a second" left_below "$own" 7439500
	done
	talk_both_ways "last line"
	equal ESTABLISHED "$(state "$own")"
}

@test "a connection silent for tcp.timeout-established is forgotten, and its packets are dropped" {
	open_connection 6792
	talk_both_ways open
	count tcp-no-session
	knob tcp.timeout-established=300ms
	wait_for "it is forgotten" looks "" sessions id "internal=$own"
	tell client send a "nobody knows me"
	wait_risen_at_all tcp-no-session
}

@test "500 short connections in a row all succeed and all end in TIME_WAIT" {
	start many server python3 -I "$here/streams.py" serve tcp 203.0.113.10:8990 1
	wait_listening server tcp 8990
	client python3 -I "$here/streams.py" short 203.0.113.10:8990 500
	equal 500 "$(output many | sort -u | wc -l)"
	wait_for "500 sessions in TIME_WAIT" all_in_state 203.0.113.10:8990 TIME_WAIT 500
	natem sessions | grep -F 203.0.113.10:8990 | grep -cw TIME_WAIT | grep -x 500
}

@test "a closed port refuses the connection" {
	open_sockets client
	tell client tcp a 192.168.1.2:6793
	tell_fails ECONNREFUSED client connect a 203.0.113.10:8991
	wait_state TRANS 192.168.1.2:6793 203.0.113.10:8991 # and not INTERNAL_SYN, as if nobody had answered
	run -1 client nc -nv 203.0.113.10 8991
	[[ $output == *refused* ]]
}

@test "RFC 5382 REQ-3: a SYN from another address is dropped under home and admitted under full-cone" {
	open_connection 6794
	tell client listen l "$own"
	count syn-held
	tell server tcp probe 203.0.113.11:7000
	tell server connecting probe "$seen"
	wait_risen_at_all syn-held
	looks "" sessions id "internal=$own" remote=203.0.113.11:7000
	tell server close probe
	knob nat.preset=full-cone
	tell server tcp probe 203.0.113.11:7001
	tell server connect probe "$seen"
	told 203.0.113.11:7001 client accept incoming l
	wait_state ESTABLISHED "$own" 203.0.113.11:7001
	tell server send probe "let me in"
	told "let me in" client recv incoming
	talk_both_ways "the first connection goes on"
}

@test "RFC 7857: the table says EXTERNAL_SYN while an admitted SYN is not answered" {
	open_connection 6795
	knob tcp.filtering=eif
	change_until_end "client iptables -w -D INPUT -s 203.0.113.11 -j DROP" \
		client iptables -w -A INPUT -s 203.0.113.11 -j DROP
	tell server tcp probe 203.0.113.11:7002
	tell server connecting probe "$seen"
	wait_state EXTERNAL_SYN "$own" 203.0.113.11:7002
}

@test "a SYN to an external endpoint that stands for nobody is dropped" {
	open_sockets server
	count no-mapping
	tell server tcp probe 203.0.113.11:7003
	tell server connecting probe 203.0.113.1:1023 # below the range of external ports
	wait_risen_at_all no-mapping
}
