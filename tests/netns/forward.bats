#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# forward.bats - what is said once and for all, and who has what: the server opens, the clients answer
#
# The lab starts with a configuration file that has one rule of each kind; the first test is about
# these, and every other takes them away first.

# shellcheck disable=SC2030,SC2031,SC2119,SC2120,SC2154
# (a test is a subshell to bats; helpers.bash sets more names)
load helpers

setup_file() {
	cat >"$BATS_FILE_TMPDIR/natem.conf" <<-EOF_CONF
		[nat]
		forwards = tcp:8080=192.168.1.2:80, udp:203.0.113.2:5000-5009=192.168.1.3:6000
		one-to-one = 203.0.113.3=192.168.1.3
		dmz = 192.168.1.2
		exempt = 203.0.113.11
	EOF_CONF
	lab_up --clients 2 --external 3 -- -c "$BATS_FILE_TMPDIR/natem.conf"
}

says() { [[ $output == *"$1"* ]] || complain "'$1' is not in: $output"; }
forward() { natem forward "$@" >/dev/null; }

# None of the file's rules, and nothing open.
clean() {
	knob nat.forwards=none nat.one-to-one=none nat.dmz=none nat.exempt=none
	natem flush all >/dev/null
}

# The server, from a port of its own, talks over TCP with what listens at INTERNAL in CLIENT:
# tcp_reaches CLIENT INTERNAL EXTERNAL
tcp_reaches() {
	local own=203.0.113.10:$((9000 + BATS_TEST_NUMBER))

	tell "$1" listen "l-$3" "$2"
	tell server tcp "t-$3" "$own"
	tell server connect "t-$3" "$3"
	told "$own" "$1" accept "c-$3" "l-$3"
	tell server send "t-$3" "你好 $3"
	told "你好 $3" "$1" recv "c-$3"
	tell "$1" send "c-$3" "Hello from $2"
	told "Hello from $2" server recv "t-$3"
}

# The same over UDP, with the sockets s in the server and NAME in CLIENT: udp_reaches CLIENT NAME
# EXTERNAL
udp_reaches() {
	tell server sendto s "$3" "你好 $3"
	told "203.0.113.10:7788 你好 $3" "$1" recv "$2"
	tell "$1" sendto "$2" 203.0.113.10:7788 "Hello $3"
	told "$3 Hello $3" server recv s
}

@test "rules of a configuration file are in force from the first packet on" {
	open_sockets server client client2
	tcp_reaches client 192.168.1.2:80 203.0.113.1:8080
	tell server udp s 203.0.113.10:7788
	tell client2 udp c 192.168.1.3:6009
	udp_reaches client2 c 203.0.113.2:5009
	tell client2 udp one 192.168.1.3:4000
	udp_reaches client2 one 203.0.113.3:4000
	tell client udp d 192.168.1.2:4001
	udp_reaches client d 203.0.113.1:4001
	run -0 natem forward list
	says "tcp        8080"
	says "udp        203.0.113.2:5000-5009"
	says "one-to-one 203.0.113.3"
	says "dmz        any"
	says "exempt     203.0.113.11"
}

@test "a TCP port leads to the client, until it is deleted" {
	clean
	open_sockets server client
	forward add tcp 8080 192.168.1.2:80
	tcp_reaches client 192.168.1.2:80 203.0.113.1:8080
	equal external "$(look sessions opened_by protocol=tcp)"
	equal True "$(look mappings fixed protocol=tcp)"
	run -0 natem forward del tcp 8080
	says "deleted: tcp 8080 to 192.168.1.2:80"
	count tcp-no-session syn-held
	equal "" "$(look sessions id)"
	tell client send c-203.0.113.1:8080 "nobody hears this"
	wait_risen_at_all tcp-no-session
	tell server tcp u 203.0.113.10:9999
	tell server connecting u 203.0.113.1:8080
	wait_risen_at_all syn-held
}

@test "a range of UDP ports of one address leads port by port" {
	clean
	open_sockets server client2
	forward add udp 203.0.113.2:5000-5009 192.168.1.3:6000
	tell server udp s 203.0.113.10:7788
	tell client2 udp first 192.168.1.3:6000
	tell client2 udp last 192.168.1.3:6009
	udp_reaches client2 first 203.0.113.2:5000
	udp_reaches client2 last 203.0.113.2:5009
	equal "[{'sessions': 2}]" "$(natem --json forward list | python3 -IS -c '
import json, sys
print([{"sessions": f["sessions"]} for f in json.load(sys.stdin)["forwards"]])')"
	# The port after the range, and the same port of another address, lead nowhere.
	count no-mapping
	tell server sendto s 203.0.113.2:5010 "beyond"
	wait_risen_at_all no-mapping
	tell server sendto s 203.0.113.1:5000 "another address"
	tell server sendto s 203.0.113.2:5000 "in the range"
	told "203.0.113.10:7788 in the range" client2 recv first
	equal "udp    nobody" "$(natem who 203.0.113.2:5010 udp)"
	equal "udp    nobody" "$(natem who 203.0.113.1:5000 udp)"
}

@test "what the host sends from a forwarded port comes from the forward" {
	clean
	open_sockets server client2
	forward add udp 203.0.113.2:5000-5009 192.168.1.3:6000
	tell server udp s 203.0.113.10:7788
	tell client2 udp c 192.168.1.3:6004
	tell client2 sendto c 203.0.113.10:7788 "I begin"
	told "203.0.113.2:5004 I begin" server recv s
}

@test "a forward has its port at once, whoever had it, and goes on when flushed" {
	clean
	open_sockets server client
	tell server udp s 203.0.113.10:7788
	tell client udp c 192.168.1.2:6001
	tell client sendto c 203.0.113.10:7788 hello
	tell server recv s
	seen=${heard% hello}
	tell client udp d 192.168.1.2:6002
	forward add udp "$seen" 192.168.1.2:6002
	udp_reaches client d "$seen"
	tell client sendto c 203.0.113.10:7788 "from another port"
	tell server recv s
	[[ ${heard% from another port} != "$seen" ]] || complain "two hosts have $seen"
	run -0 natem flush external "$seen"
	says "1 mapping flushed"
	udp_reaches client d "$seen"
}

@test "one-to-one: ping, UDP and TCP both ways, ports untouched" {
	clean
	open_sockets server client2
	forward add one-to-one 203.0.113.3 192.168.1.3
	run -0 server ping -n -q -c 2 -W "$patience" 203.0.113.3
	says "2 received"
	run -0 in_host client2 ping -n -q -c 2 -W "$patience" 203.0.113.10
	says "2 received"
	tcp_reaches client2 192.168.1.3:80 203.0.113.3:80
	tell server udp s 203.0.113.10:7788
	tell client2 udp c 192.168.1.3:4711
	tell client2 sendto c 203.0.113.10:7788 out
	told "203.0.113.3:4711 out" server recv s
	run -0 natem status
	says "external  203.0.113.1, 203.0.113.2, 203.0.113.3"
	run -0 natem hosts
	[[ $output =~ 192\.168\.1\.3\ +203\.0\.113\.3 ]] || complain "$output"
}

@test "the DMZ host gets what nobody else has, and nothing else" {
	clean
	open_sockets server client client2
	forward add udp 5000 192.168.1.3:5000
	forward add dmz 192.168.1.2
	tell server udp s 203.0.113.10:7788
	tell client udp any 192.168.1.2:12345
	tell client2 udp five 192.168.1.3:5000
	udp_reaches client any 203.0.113.1:12345
	udp_reaches client2 five 203.0.113.1:5000
	tcp_reaches client 192.168.1.2:2323 203.0.113.2:2323
}

@test "an exempt destination sees the private address, and its answers come back" {
	clean
	open_sockets server client
	change_until_end 'server ip route del 192.168.1.0/24' \
		server ip route add 192.168.1.0/24 via 203.0.113.1
	forward add exempt 203.0.113.11:7788
	tell server udp e 203.0.113.11:7788
	tell server udp s 203.0.113.11:7789
	tell client udp c 192.168.1.2:6001
	count exempt
	tell client sendto c 203.0.113.11:7788 "as I am"
	told "192.168.1.2:6001 as I am" server recv e
	tell server sendto e 192.168.1.2:6001 "I see you"
	told "203.0.113.11:7788 I see you" client recv c
	wait_risen exempt 2
	equal "" "$(look mappings id)"
	# Another port of it is translated.
	tell client sendto c 203.0.113.11:7789 "in disguise"
	tell server recv s
	equal "203.0.113" "${heard%.*}"
	# No other address of the server's may come in.
	count not-ours
	tell server udp o 203.0.113.10:7788
	tell server sendto o 192.168.1.2:6001 "let me in"
	wait_risen not-ours
}

@test "forward refuses what is taken, what is not there and what contradicts, and changes nothing" {
	clean
	forward add tcp 8080 192.168.1.2:80
	forward add one-to-one 203.0.113.3 192.168.1.3
	before=$(natem forward list)
	run -1 natem forward add tcp 203.0.113.1:8000-9000 192.168.1.3:80
	says "tcp 8080 already leads to 192.168.1.2:80; 'natem forward del tcp 8080' ends that"
	run -1 natem forward del udp 8080
	says "there is no forward 'udp 8080'; there are: tcp 8080, one-to-one 203.0.113.3"
	run -2 natem forward add tcp 203.0.113.3:80 192.168.1.2:80
	says "nat.one-to-one and nat.forwards (tcp:203.0.113.3:80=192.168.1.2:80) both use 203.0.113.3"
	run -2 natem forward add tcp 80800 192.168.1.2:80
	says "80800"
	run -2 natem forward add tcp 8081 192.168.1.2
	says "such as 192.168.1.2:80"
	run -2 natem forward
	run -2 natem forward add
	run -2 natem forward open tcp 8080
	equal "$before" "$(natem forward list)"
	run -0 natem forward --help
	says "natem forward add tcp 8080 192.168.1.2:80"
}

# --- who ---

@test "who names the mapping of a live port, the rule of a forward, and nobody" {
	clean
	open_sockets server client
	forward add tcp 8080 192.168.1.2:80
	tell server udp s 203.0.113.10:7788
	tell client udp c 192.168.1.2:6001
	tell client sendto c 203.0.113.10:7788 hello
	tell server recv s
	run -0 natem who "${heard% hello}"
	[[ ${lines[0]} == "udp    192.168.1.2:6001, mapping "*", 1 session" ]] || complain "$output"
	equal "tcp    nobody" "${lines[1]}"
	run -0 natem who 203.0.113.1:8080 tcp
	equal "tcp    192.168.1.2:80, by forward tcp 8080" "$output"
	run -0 natem who 203.0.113.77:80
	says "none of the NAT's external addresses"
	run -2 natem who 203.0.113.1
	says "an endpoint is needed"
	run -2 natem who
}

@test "who names the host of a deterministic block, whether it uses it or not" {
	clean
	open_sockets server client2
	knob nat.blocks=deterministic nat.internal=192.168.1.0/30
	tell server udp s 203.0.113.10:7788
	tell client2 udp c 192.168.1.3:6001
	tell client2 sendto c 203.0.113.10:7788 hello
	tell server recv s
	run -0 natem who "${heard% hello}" udp
	says "udp    192.168.1.3:6001, mapping "
	says " of 192.168.1.3, deterministic"
	natem flush all >/dev/null
	run -0 natem who "${heard% hello}" udp
	says "udp    nobody"
	says " of 192.168.1.3, deterministic"
}

# --- quotas ---

@test "a quota that is reached shows in hosts, events and counters, and the others go on" {
	clean
	open_sockets server client client2
	knob udp.max-mappings-per-host=2
	tell server udp s 203.0.113.10:7788
	for port in 6001 6002; do
		tell client udp "c$port" "192.168.1.2:$port"
		tell client sendto "c$port" 203.0.113.10:7788 "from $port"
		tell server recv s
	done
	before=$(natem --json events | python3 -IS -c 'import json, sys; print(json.load(sys.stdin)["next"])')
	count host-quota
	tell client udp c6003 192.168.1.2:6003
	tell client errors c6003
	tell client sendto c6003 203.0.113.10:7788 "one too many"
	wait_risen host-quota
	tell_fails EHOSTUNREACH client recv c6003 # ICMP 3/13
	run -0 natem hosts
	[[ $output =~ 192\.168\.1\.2\ .*udp\ 2/2 ]] || complain "$output"
	run -0 natem events "$before"
	equal 2 "${#lines[@]}"
	says "limit reached by 192.168.1.2, udp: host-quota: "
	says "(udp.max-mappings-per-host)"
	tell client2 udp c 192.168.1.3:6001
	tell client2 sendto c 203.0.113.10:7788 "not me"
	tell server recv s
	tell client sendto c6001 203.0.113.10:7788 "I go on"
	tell server recv s
	equal "I go on" "${heard#* }"
	run -0 natem status
	says "own       "
}
