#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# flush.bats - mappings removed under the feet of real programs

# shellcheck disable=SC2030,SC2031,SC2119,SC2120,SC2154
# (a test is a subshell to bats; helpers.bash sets more names)
load helpers

setup_file() { lab_up --clients 2; }

says() { [[ $output == *"$1"* ]] || complain "'$1' is not in: $output"; }
flushes() { equal "$1 mapping$([[ $1 == 1 ]] || echo s) flushed" "$(natem flush "${@:2}")"; }
internals() { look mappings internal "protocol=$1" | sort | paste -sd' '; }

# Both clients have spoken to the server's UDP socket s, and the first has a TCP connection and has
# sent a ping; there is nothing else in the table. What the server saw of the first is in $seen.
open_all() {
	tcp=192.168.1.2:$((6100 + BATS_TEST_NUMBER)) # one that an earlier test has used may linger
	natem flush all >/dev/null
	open_sockets client client2 server
	tell server udp s 203.0.113.10:7788
	tell client2 udp c 192.168.1.3:6001
	tell client2 sendto c 203.0.113.10:7788 hello
	tell server recv s
	tell client udp c 192.168.1.2:6001
	tell client sendto c 203.0.113.10:7788 hello
	tell server recv s
	seen=${heard% hello}
	tell server listen l 203.0.113.10:8989
	tell client tcp t "$tcp"
	tell client connect t 203.0.113.10:8989
	tell server accept t l
	wait_state ESTABLISHED "$tcp"
	client ping -n -q -c 1 -W "$patience" 203.0.113.10 >/dev/null
	equal 4 "$(look mappings id | wc -l)"
}

@test "flush all: nothing comes in any more, UDP begins anew and a TCP connection hangs" {
	open_all
	count no-mapping tcp-no-session
	flushes 4 all
	equal "" "$(look mappings id)$(look sessions id)"
	tell server sendto s "$seen" "too late"
	wait_risen no-mapping
	tell client send t "nobody hears this"
	wait_risen_at_all tcp-no-session
	tell client sendto c 203.0.113.10:7788 again
	tell server recv s
	tell server sendto s "${heard% again}" "welcome back"
	told "203.0.113.10:7788 welcome back" client recv c
}

@test "flush host: the other host's mapping goes on" {
	open_all
	flushes 3 host 192.168.1.2
	equal 192.168.1.3:6001 "$(internals udp)"
	equal "" "$(internals tcp)$(internals icmp)"
	tell server sendto s "$(external udp 192.168.1.3:6001)" "still here"
	told "203.0.113.10:7788 still here" client2 recv c
	flushes 0 host 192.168.1.2
}

@test "flush protocol: the other protocols go on" {
	open_all
	flushes 2 protocol udp
	equal "" "$(internals udp)"
	tell client send t "TCP is well"
	told "TCP is well" server recv t
	flushes 1 protocol icmp
	flushes 1 protocol tcp
	flushes 0 protocol tcp
}

@test "flush external and flush mapping take one" {
	local id

	open_all
	flushes 1 external "$seen"
	equal 192.168.1.3:6001 "$(internals udp)"
	id=$(look mappings id protocol=tcp)
	flushes 1 mapping "$id"
	equal "" "$(internals tcp)"
	run -1 natem flush mapping "$id"
	says "there is no mapping $id"
	equal 2 "$(look mappings id | wc -l)"
}

@test "flush of two selectors takes what both hold for" {
	open_all
	flushes 0 host 192.168.1.3 protocol tcp
	flushes 1 host 192.168.1.2 protocol udp
	equal 3 "$(look mappings id | wc -l)"
	equal '{"flushed":3}' "$(natem --json flush all)"
}

@test "flush without a selector, or with a wrong one, removes nothing and ends with status 2" {
	open_all
	run -2 natem flush
	says "all | host ADDRESS | protocol PROTO | external ADDRESS:PORT | mapping ID"
	run -2 natem flush everything
	says "no 'everything'"
	run -2 natem flush host
	run -2 natem flush host client
	says "an internal address is needed"
	run -2 natem flush protocol sctp
	says "udp, tcp, icmp or other"
	run -2 natem flush external 203.0.113.1
	run -2 natem flush mapping first
	run -2 natem flush all host 192.168.1.2
	equal 4 "$(look mappings id | wc -l)"
	run -0 natem flush --help
	says "host ADDRESS"
}
