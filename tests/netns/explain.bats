#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# explain.bats - what is foretold of a packet, and then what happens to a real one

# shellcheck disable=SC2030,SC2031,SC2119,SC2120,SC2154
# (a test is a subshell to bats; helpers.bash sets more names)
load helpers

setup_file() { lab_up --clients 2; }

peer=203.0.113.10:7788

says() { [[ $output == *"$1"* ]] || complain "'$1' is not in: $output"; }

# All that can be seen of the tables; with the clock frozen, nothing of it changes by itself.
tables() {
	local list

	for list in mappings sessions hosts events counters options; do
		natem --json "$list"
	done
	natem --json status | python3 -IS -c '
import json, sys
status = json.load(sys.stdin)
del status["uptime_ms"], status["clock"]
print(status)
'
}

# The processes that natemd has started and those of them that nobody has buried, and its descriptors.
brood() {
	cat "/proc/$(daemon_pid)/task/$(daemon_pid)/children"
	# shellcheck disable=SC2012 # numbers
	ls "/proc/$(daemon_pid)/fd" | wc -l
}

packets_so_far() { natem --json status | python3 -IS -c 'import json, sys; print(json.load(sys.stdin)["queue"]["packets"])'; }

# foretell WORD...: ask about a packet, want that nothing changes by it, and leave the answer's members in
# $reason, $source and $destination (as it would go on), $knob, $mapping, $session, $before, $after.
foretell() {
	local at=$BATS_TEST_TMPDIR packets='' brood answer

	natem clock freeze >/dev/null
	brood=$(brood)
	# A connection that an earlier test has left may still have something to say: then once more.
	until [[ $packets == "$(packets_so_far)" ]]; do
		packets=$(packets_so_far)
		tables >"$at/before"
		answer=$(natem --json explain "$@")
		tables >"$at/after"
	done
	cmp "$at/before" "$at/after" || complain "explain has changed: $(diff "$at/before" "$at/after" | cut -c 1-500)"
	equal "$brood" "$(brood)"
	natem clock resume >/dev/null
	IFS=$'\t' read -r reason source destination knob mapping session before after < <(
		python3 -IS -c '
import json, sys
a = json.load(sys.stdin)
of = lambda member, name: (a[member] or {}).get(name)
print(a["reason"], of("after", "source"), of("after", "destination"), of("knob", "key"),
      of("mapping", "id"), of("session", "id"), of("session", "tcp_before"), of("session", "tcp_after"), sep="\t")
' <<<"$answer"
	)
}

# foretells REASON KNOB WORD...: these two are in the answer.
foretells() {
	foretell "${@:3}"
	equal "$1 $2" "$reason $knob"
}

# open_udp HOST ADDRESS: a socket a there that has sent a word to the server's socket s; its external
# endpoint is in $seen.
open_udp() {
	tell "$1" udp a "$2"
	tell "$1" sendto a "$peer" hello
	tell server recv s
	seen=${heard% hello}
}

open_server() {
	open_sockets client client2 server
	tell server udp s "$peer"
	natem flush all >/dev/null
}

@test "the very port of the next mapping is foretold, whatever the strategy" {
	local strategy port=6300

	open_server
	for strategy in random preserve sequential contiguous overload; do
		knob udp.ports="$strategy"
		for _ in 1 2 3; do
			((++port))
			foretells mapping-created udp.mapping udp "192.168.1.2:$port" "$peer"
			tell client udp "c$port" "192.168.1.2:$port"
			tell client sendto "c$port" "$peer" "port $port"
			told "$source port $port" server recv s
			equal "$peer" "$destination"
			equal "$mapping" "$(look mappings id "external=$source")"
			equal "$session" "$(look sessions id "external=$source")"
		done
	done
}

@test "a known session, and a mapping that meets another remote" {
	open_server
	open_udp client 192.168.1.2:6320
	foretells translated None udp 192.168.1.2:6320 "$peer"
	equal "$seen" "$source"
	foretells translated None udp "$peer" "$seen" --inbound
	equal "$peer 192.168.1.2:6320" "$source $destination"
	foretells session-created udp.mapping udp 192.168.1.2:6320 203.0.113.11:7788
	tell client sendto a 203.0.113.11:7788 "another"
	equal "$session" "$(look sessions id "internal=192.168.1.2:6320" remote=203.0.113.11:7788)"
	knob udp.mapping=apdm
	foretells mapping-created udp.mapping udp 192.168.1.2:6320 203.0.113.11:7789
	tell server udp s2 203.0.113.11:7789
	tell client sendto a 203.0.113.11:7789 "symmetric"
	told "$source symmetric" server recv s2
}

# let_in FILTERING SAME PORT OTHER: is it foretold that a packet from the peer, from its address with another port, and
# from another address comes in ('translated', 'admitted') or not ('filtered')? And so it is.
let_in() {
	local i=0 remote

	knob "udp.filtering=$1"
	for remote in "$peer" 203.0.113.10:7789 203.0.113.11:7788; do
		((++i))
		foretell udp "$remote" "$seen" --inbound
		equal "${@:i+1:1}" "$reason"
		count "$reason"
		tell server sendto "s$i" "$seen" "from $remote"
		wait_risen "$reason"
		[[ $reason == filtered ]] || told "$remote from $remote" client recv a
	done
}

@test "who comes in is foretold for each kind of filtering" {
	open_sockets client server
	tell server udp s1 "$peer"
	tell server udp s2 203.0.113.10:7789
	tell server udp s3 203.0.113.11:7788
	tell client udp a 192.168.1.2:6330
	tell client sendto a "$peer" hello
	tell server recv s1
	seen=${heard% hello}
	let_in endpoint-independent translated admitted admitted
	let_in address-dependent translated admitted filtered
	let_in address-and-port-dependent translated filtered filtered
}

@test "a hairpin is foretold at both ends" {
	open_server
	knob udp.filtering=eif
	open_udp client2 192.168.1.3:6340
	foretells hairpin nat.hairpin udp 192.168.1.2:6341 "$seen"
	equal 192.168.1.3:6340 "$destination"
	tell client udp c 192.168.1.2:6341
	tell client sendto c "$seen" "from within"
	told "$source from within" client2 recv a
	knob nat.hairpin=off
	foretells hairpin-off nat.hairpin udp 192.168.1.2:6341 "$seen"
	count hairpin-off
	tell client sendto c "$seen" "no more"
	wait_risen hairpin-off
}

@test "a full pool and a quota are foretold, with the error that the host gets" {
	open_server
	open_raw client
	knob udp.port-range=5000-5000
	open_udp client2 192.168.1.3:6350
	foretells ports-exhausted nat.external udp 192.168.1.2:6351 "$peer"
	run -0 natem explain udp 192.168.1.2:6351 "$peer"
	output=${output//$'\n'/ }
	says "The NAT itself would answer with an ICMP error: communication prohibited (code 13)."
	says "Add addresses to nat.external, widen udp.port-range"
	tell client udp c 192.168.1.2:6351
	tell client sendto c "$peer" "no port"
	arrives client icmp 192.168.1.1 192.168.1.2 3/13
	knob udp.port-range=1024-65535 udp.max-mappings-per-host=1
	foretells host-quota udp.max-mappings-per-host udp 192.168.1.3:6352 "$peer"
	count host-quota
	tell client2 udp d 192.168.1.3:6352
	tell client2 sendto d "$peer" "too many"
	wait_risen host-quota
	foretells mapping-created udp.mapping udp 192.168.1.2:6351 "$peer"
	tell client sendto c "$peer" "now there is"
	told "$source now there is" server recv s
}

@test "what comes in by a forward is foretold, and what does not without it" {
	open_server
	foretells syn-held tcp.unsolicited-syn tcp 203.0.113.10:9360 203.0.113.1:8080 --inbound
	natem forward add tcp 8080 192.168.1.2:80 >/dev/null
	foretells session-created nat.forwards tcp 203.0.113.10:9360 203.0.113.1:8080 --inbound
	equal 192.168.1.2:80 "$destination"
	equal "CLOSED EXTERNAL_SYN" "$before $after"
	tell client listen l 192.168.1.2:80
	tell server tcp t 203.0.113.10:9360
	tell server connect t 203.0.113.1:8080
	told 203.0.113.10:9360 client accept c l
	equal "$mapping" "$(look mappings id protocol=tcp)"
	equal "$session" "$(look sessions id protocol=tcp)"
	tell server reset t
	natem forward del tcp 8080 >/dev/null
	foretells syn-held tcp.unsolicited-syn tcp 203.0.113.10:9361 203.0.113.1:8080 --inbound
}

@test "TCP: each segment's state is foretold, and the RST would be believed" {
	open_sockets client server
	natem flush all >/dev/null
	tell server listen l 203.0.113.10:8989
	foretell tcp 192.168.1.2:6370 203.0.113.10:8989
	equal "mapping-created CLOSED INTERNAL_SYN" "$reason $before $after"
	tell client tcp t 192.168.1.2:6370
	tell client connect t 203.0.113.10:8989
	told "$source" server accept t l
	wait_state ESTABLISHED 192.168.1.2:6370
	tell client send t "some bytes"
	told "some bytes" server recv t
	seen=$source
	foretell tcp 192.168.1.2:6370 203.0.113.10:8989
	equal "translated ESTABLISHED ESTABLISHED" "$reason $before $after"
	foretell tcp 203.0.113.10:8989 "$seen" --inbound --flags rst
	equal "translated ESTABLISHED TRANS" "$reason $before $after"
	foretell tcp 192.168.1.2:6370 203.0.113.10:8989 --flags fin,ack
	equal "translated ESTABLISHED INTERNAL_FIN" "$reason $before $after"
	tell client shutdown t
	wait_state INTERNAL_FIN 192.168.1.2:6370
	foretell tcp 203.0.113.10:8989 "$seen" --inbound --flags 'rst|ack'
	equal "translated INTERNAL_FIN TRANS" "$reason $before $after"
	tell server reset t
	wait_state TRANS 192.168.1.2:6370
	foretells tcp-no-session tcp.non-syn tcp 192.168.1.2:6371 203.0.113.10:8989 --flags ack
}

@test "ICMP and other protocols are foretold" {
	natem flush all >/dev/null
	foretells mapping-created icmp.mapping icmp 192.168.1.2:777 203.0.113.10
	raw client 192.168.1.2 203.0.113.10 icmp type=8 id=777
	wait_for "the ping's mapping" looks "$source" mappings external protocol=icmp internal=192.168.1.2:777
	foretells translated None icmp 203.0.113.10 "$source" --inbound
	equal 192.168.1.2:777 "$destination"
	foretells protocol other.protocols other 47 192.168.1.2 203.0.113.10
	knob other.protocols=47
	foretells mapping-created other.protocols other 47 192.168.1.2 203.0.113.10
	equal 203.0.113.1 "$source"
}

@test "what a fault would do is foretold and not done" {
	open_server
	open_udp client 192.168.1.2:6380
	knob udp.kill-on-unsolicited=on
	foretells mapping-killed udp.kill-on-unsolicited udp 203.0.113.11:1 "$seen" --inbound
	tell server sendto s "$seen" "still there"
	told "$peer still there" client recv a
	knob udp.ports=overload
	foretells mapping-created udp.mapping udp "192.168.1.3:${seen#*:}" "$peer"
	equal "$seen" "$source"
	tell server sendto s "$seen" "still his"
	told "$peer still his" client recv a
}

@test "explain says it in words, a reason without any daemon" {
	natem flush all >/dev/null
	run -0 natem explain udp 192.168.1.2:6789 203.0.113.10:7890
	[[ $output == "A UDP datagram from 192.168.1.2:6789 to 203.0.113.10:7890, coming from the LAN,
would go on as 203.0.113.1:"* ]] || complain "it says: $output"
	run -0 natem explain udp 203.0.113.10:7890 203.0.113.1:9 --inbound
	[[ ${lines[0]} == "A UDP datagram from 203.0.113.10:7890 to 203.0.113.1:9, coming from the WAN,"* ]]
	[[ $output == *$'\n\n'"Let an internal host send first, or lead the port to one: nat.forwards for a"* ]] ||
		complain "it says: $output"
	run -0 env NATEM_SOCKET=/nonexistent "$build/natem" explain syn-held
	[[ ${lines[0]} == "syn-held (dropped): unsolicited inbound SYN"* ]]
	run -0 env NATEM_SOCKET=/nonexistent "$build/natem" explain --list
	[[ ${lines[0]} =~ ^REASON\ +VERDICT\ +CLAUSE\ +MEANING$ ]]
	run -2 natem explain fitered
	says "did you mean 'filtered'?"
	run -2 natem explain udp 192.168.1.2 203.0.113.10:1
	says "source: an IPv4 address with a port, such as 192.168.1.2:6789, is needed"
	run -2 natem explain udp 192.168.1.2:1 203.0.113.10:1 --flags syn
	says "flags: only tcp has them"
	run -2 natem mappings --inbound
}

@test "counters --explain tells how fast they rise, and the clauses" {
	local answer

	open_server
	open_udp client 192.168.1.2:6390
	start rate router "$build/natem" --lab "$LAB" --json counters --explain --interval 1
	local reader=$last
	# Until the second reading has been taken, however long that is.
	while kill -0 "$reader" 2>/dev/null; do
		tell client sendto a "$peer" again
		tell server recv s
	done
	finishes rate "$reader"
	output rate | python3 -IS -c '
import json, sys
answer = json.load(sys.stdin)
assert 1000 <= answer["interval_ms"] < 15000, answer["interval_ms"]
assert answer["counters"]["translated"]["rate"] > 1, answer["counters"]["translated"]
assert answer["counters"]["port-zero"]["rate"] == 0
'
	run -0 natem counters --explain --interval=0.1
	[[ ${lines[0]} =~ ^COUNTER\ +PACKETS\ +RATE/S\ +VERDICT\ +CLAUSE\ +MEANING$ ]]
	[[ $output =~ filtered\ +[0-9]+\ +[0-9]+\ drop\ +RFC\ 4787\ REQ-8\ +inbound ]]
	need_programs script # on a terminal, who waits for more than two seconds is told how long
	run -0 script -qec "$build/natem --lab $LAB counters --explain --interval 2.1" /dev/null
	says "counting packets: 2 s left"
	[[ $output == *filtered* ]]
	run -0 natem counters
	[[ ${lines[0]} =~ ^COUNTER\ +PACKETS\ +VERDICT\ +MEANING$ ]]
	run -2 natem counters --interval 1
	run -2 natem counters --explain --interval 0
	run -2 natem status --explain
}
