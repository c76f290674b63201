#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# clients.bats - three internal hosts behind one external address, all at once

# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell to bats; helpers.bash sets more names
load helpers

setup_file() { lab_up --clients 3; }

hosts=(client client2 client3) # 192.168.1.2 and on

# all_talk tcp|udp: every client says what only it would say, from port 6789; the server answers
# nobody before all have come.
all_talk() {
	local i pids=()

	start server server python3 -I "$here/streams.py" serve "$1" 203.0.113.10:8989 3
	wait_listening server "$1" 8989
	for i in 0 1 2; do
		start "${hosts[i]}" "${hosts[i]}" python3 -I "$here/streams.py" \
			talk "$1" "192.168.1.$((i + 2)):6789" 203.0.113.10:8989 "${hosts[i]}"
		pids[i]=$last
	done
	for i in 0 1 2; do
		finishes "${hosts[i]}" "${pids[i]}"
	done
}

# The server saw three endpoints of one address, and the table says whose they are.
three_endpoints() {
	local i

	equal 3 "$(output server | grep -cE '^203\.0\.113\.1:[0-9]+$')"
	equal 3 "$(output server | sort -u | wc -l)"
	for i in 2 3 4; do
		output server | grep -xF "$(external "$1" "192.168.1.$i:6789")"
	done
}

@test "RFC 4787 REQ-3: three clients with one source port talk UDP at once, each gets its own bytes" {
	all_talk udp
	three_endpoints udp
}

@test "RFC 5382 REQ-7: three clients with one source port talk TCP at once, each gets its own bytes" {
	all_talk tcp
	three_endpoints tcp
}

@test "three clients talk UDP and TCP from one port at once" {
	start echo server python3 -I "$here/streams.py" serve tcp 203.0.113.10:8990 3
	wait_listening server tcp 8990
	for i in 0 1 2; do
		start "${hosts[i]}-tcp" "${hosts[i]}" python3 -I "$here/streams.py" \
			talk tcp "192.168.1.$((i + 2)):6799" 203.0.113.10:8990 "${hosts[i]}-tcp"
		pids[i]=$last
	done
	all_talk udp
	for i in 0 1 2; do
		finishes "${hosts[i]}-tcp" "${pids[i]}"
	done
	equal 3 "$(output echo | sort -u | wc -l)"
}

@test "RFC 5508 REQ-1: two clients ping with one identifier at once, each gets its own replies" {
	start one client ping -n -e 4242 -c 3 -i 0.1 -s 100 203.0.113.10
	one=$last
	start two client2 ping -n -e 4242 -c 3 -i 0.1 -s 200 203.0.113.10
	two=$last
	finishes one "$one"
	finishes two "$two"
	equal 3 "$(output one | grep -c '^108 bytes from 203.0.113.10')"
	equal 3 "$(output two | grep -c '^208 bytes from 203.0.113.10')"
	# Another host's reply would be a duplicate or a wrong size.
	run ! grep -E 'DUP|wrong|^208' "$BATS_TEST_TMPDIR/one.out"
	run ! grep -E 'DUP|wrong|^108' "$BATS_TEST_TMPDIR/two.out"
	first=$(external icmp 192.168.1.2:4242)
	second=$(external icmp 192.168.1.3:4242)
	[[ $first == 203.0.113.1:* && $second == 203.0.113.1:* && $first != "$second" ]]
}

@test "RFC 5508 REQ-1a: one identifier keeps its external identifier for two remotes" {
	client ping -n -e 4243 -c 1 203.0.113.10
	before=$(external icmp 192.168.1.2:4243)
	client ping -n -e 4243 -c 1 203.0.113.11
	equal "$before" "$(external icmp 192.168.1.2:4243)"
	equal 2 "$(look mappings sessions protocol=icmp internal=192.168.1.2:4243)"
}

@test "a client's answers never reach another client with the same port" {
	open_sockets client client2 server
	tell server udp s 203.0.113.10:7788
	tell client udp a 192.168.1.2:6800
	tell client2 udp a 192.168.1.3:6800
	tell client sendto a 203.0.113.10:7788 "from the first"
	tell server recv s
	first=${heard%% *}
	tell client2 sendto a 203.0.113.10:7788 "from the second"
	tell server recv s
	second=${heard%% *}
	[[ $first != "$second" ]]
	tell server sendto s "$second" "to the second"
	tell server sendto s "$first" "to the first"
	told "203.0.113.10:7788 to the first" client recv a
	told "203.0.113.10:7788 to the second" client2 recv a
}
