#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# udp.bats - UDP programs on both sides of the NAT

# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell to bats; helpers.bash sets more names
load helpers

setup_file() { lab_up; }

# is_external ADDRESS:PORT: what the server should see of any client.
is_external() {
	[[ $1 =~ ^203\.0\.113\.1:([0-9]+)$ && ${BASH_REMATCH[1]} -ge 1024 ]] ||
		complain "$1 is not 203.0.113.1 with a port from 1024 on"
}

# The client on port $1 speaks to 203.0.113.10:7788; the address the server saw is in $seen.
# The server has sockets peer (that one), other-port (.10:7799) and other-address (.11:7788).
speak_once() {
	open_sockets client server
	tell server udp peer 203.0.113.10:7788
	tell server udp other-port 203.0.113.10:7799
	tell server udp other-address 203.0.113.11:7788
	tell client udp a "192.168.1.2:$1"
	tell client sendto a 203.0.113.10:7788 hello
	tell server recv peer
	seen=${heard% hello}
	is_external "$seen"
}

# passing: which of the three send to $seen and reach the client. The peer comes last and always
# does; what has not come before it never will.
passing() {
	local socket pass=()

	for socket in other-address other-port peer; do
		tell server sendto "$socket" "$seen" "$socket"
	done
	until [[ $heard == *\ peer ]]; do
		tell client recv a
		pass+=("${heard#* }")
	done
	passed="${pass[*]}"
}

@test "a datagram that the client sends arrives at the server" {
	start inbox server socat -u UDP4-RECV:7788,bind=203.0.113.10 STDOUT
	wait_listening server udp 7788
	client socat -u - UDP4-SENDTO:203.0.113.10:7788 <<<"only sent"
	wait_for "the datagram" said inbox "only sent"
}

@test "a datagram is answered and the answer arrives at the client" {
	start echo server socat UDP4-RECVFROM:7788,bind=203.0.113.10,fork PIPE
	wait_listening server udp 7788
	run -0 client timeout "$patience" nc -u -W 1 203.0.113.10 7788 <<<"sent and received"
	equal "sent and received" "$output"
}

@test "RFC 4787 REQ-1: a server bound to 7788 sees the external endpoint, never the client's own" {
	speak_once 6789
	equal "$seen" "$(external udp 192.168.1.2:6789)"
	tell server sendto peer "$seen" "to the address I saw"
	told "203.0.113.10:7788 to the address I saw" client recv a
	equal 1 "$(look mappings outbound.packets protocol=udp internal=192.168.1.2:6789)"
	equal 1 "$(look mappings inbound.packets protocol=udp internal=192.168.1.2:6789)"
}

@test "two people chat over UDP port 7890, in English and Chinese" {
	open_talker alice server nc -nluv 203.0.113.10 7890
	wait_listening server udp 7890
	open_talker bob client nc -nu -p 6790 203.0.113.10 7890
	converse
	# nc names the address it saw: "Connection received on 203.0.113.1 40000"
	seen=$(awk '/received on/ { print $(NF - 1) ":" $NF }' "$BATS_TEST_TMPDIR/alice.err")
	is_external "$seen"
	equal "$seen" "$(external udp 192.168.1.2:6790)"
}

@test "RFC 4787 REQ-1: one socket keeps its external endpoint for two remotes" {
	speak_once 6791
	tell client sendto a 203.0.113.11:7788 "hello too"
	told "$seen hello too" server recv other-address
	tell client sendto a 203.0.113.10:7799 "and you"
	told "$seen and you" server recv other-port
	equal 1 "$(look mappings id protocol=udp internal=192.168.1.2:6791 | wc -l)"
	equal 3 "$(look sessions id protocol=udp internal=192.168.1.2:6791 | wc -l)"
}

@test "symmetric: one socket gets another external endpoint for every remote endpoint" {
	knob nat.preset=symmetric
	speak_once 6792
	tell client sendto a 203.0.113.11:7788 hello
	tell server recv other-address
	second=${heard% hello}
	tell client sendto a 203.0.113.10:7799 hello
	tell server recv other-port
	third=${heard% hello}
	is_external "$second"
	is_external "$third"
	[[ $seen != "$second" && $seen != "$third" && $second != "$third" ]]
	# Each is answered through its own.
	tell server sendto other-address "$second" "hello back"
	told "203.0.113.11:7788 hello back" client recv a
}

@test "RFC 4787 REQ-8: an address that was never sent to cannot send in, until eif is set" {
	speak_once 6793
	count filtered
	tell server sendto other-address "$seen" "uninvited"
	wait_risen filtered
	tell server sendto peer "$seen" "invited"
	told "203.0.113.10:7788 invited" client recv a
	knob udp.filtering=eif
	count admitted
	tell server sendto other-address "$seen" "now welcome"
	told "203.0.113.11:7788 now welcome" client recv a
	wait_risen admitted
	knob udp.filtering=apdf
	tell server sendto other-address "$seen" "uninvited again"
	wait_risen filtered 2
}

@test "a packet from the WAN straight to an internal host is dropped, whatever the filter" {
	knob nat.preset=full-cone
	speak_once 6805
	change_until_end "ip -n $LAB-server route del 192.168.1.0/24" \
		ip -n "$LAB-server" route add 192.168.1.0/24 via 203.0.113.1
	count not-ours
	tell server sendto peer 192.168.1.2:6805 "straight"
	wait_risen not-ours
	tell server sendto peer "$seen" "through the mapping"
	told "203.0.113.10:7788 through the mapping" client recv a # and nothing came before it
}

@test "full-cone: other addresses and other ports of the peer may send to the mapping" {
	knob nat.preset=full-cone
	speak_once 6801
	passing
	equal "other-address other-port peer" "$passed"
}

@test "restricted-cone: other ports of the peer may send to the mapping, other addresses not" {
	knob nat.preset=restricted-cone
	speak_once 6802
	count filtered
	passing
	equal "other-port peer" "$passed"
	wait_risen filtered 1
}

@test "port-restricted-cone: only the peer may send to the mapping" {
	knob nat.preset=port-restricted-cone
	speak_once 6803
	count filtered
	passing
	equal "peer" "$passed"
	wait_risen filtered 2
}

@test "symmetric: only the peer may send to the mapping" {
	knob nat.preset=symmetric
	speak_once 6804
	count filtered
	passing
	equal "peer" "$passed"
	wait_risen filtered 2
}

@test "RFC 4787 REQ-5: a silent mapping is gone after udp.timeout, and nothing comes in by it" {
	speak_once 6794
	equal 1 "$(look mappings sessions internal=192.168.1.2:6794)"
	[[ $(look mappings expires_in_ms internal=192.168.1.2:6794) -gt 290000 ]]
	knob udp.timeout=1s
	wait_for "the mapping ends" looks "" mappings id internal=192.168.1.2:6794
	count no-mapping
	tell server sendto peer "$seen" "too late"
	wait_risen no-mapping
	# It can begin anew, and what comes then is not what came too late.
	tell client sendto a 203.0.113.10:7788 again
	tell server recv peer
	seen=${heard% again}
	tell server sendto peer "$seen" "in time"
	told "203.0.113.10:7788 in time" client recv a
}

# Half a second has passed since the timer was last restarted?
aged() { (($(look mappings expires_in_ms internal=192.168.1.2:6795) < 299500)); }

@test "RFC 4787 REQ-6: outbound packets restart a mapping's timer, inbound ones do not" {
	speak_once 6795
	wait_for "half a second passes" aged
	tell server sendto peer "$seen" "does not count"
	told "203.0.113.10:7788 does not count" client recv a
	aged
	tell client sendto a 203.0.113.10:7788 counts
	told "$seen counts" server recv peer
	run ! aged
}
