#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# icmp.bats - ping, traceroute, path MTU, closed ports: what ICMP tells across the NAT

# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell to bats; helpers.bash sets more names
load helpers

setup_file() { lab_up; }

# speak PORT: the client's socket a, connected to the server's socket s; what s saw is in $seen.
speak() {
	own=192.168.1.2:$1
	open_sockets client server
	tell server udp s 203.0.113.10:7788
	tell client udp a "$own"
	tell client connect a 203.0.113.10:7788
	tell client send a hello
	tell server recv s
	seen=${heard% hello}
}

# error OPTION...: an ICMP error from the server about what the client's socket a has sent it.
error() { server python3 -I "$here/wire.py" error --from "$seen" --to 203.0.113.10:7788 "$@"; }

answered() {
	tell server sendto s "$seen" "$1"
	told "203.0.113.10:7788 $1" client recv a
}

# hops_to ADDRESS TRACEROUTE-OPTION...: the addresses on the way there.
hops_to() {
	client traceroute -n -q 1 -w 3 -m 5 "${@:2}" "$1" |
		awk 'NR > 1 { printf "%s%s", sep, $2; sep = " " }'
}
hops() { hops_to 203.0.113.10 "$@"; }

client_mtu() { client ip route get "$1" | sed -nE 's/.* mtu ([0-9]+).*/\1/p'; }
forget_mtu='client ip route flush cache'

# upload ADDRESS HOST: 5 MB from the client to HOST, compared.
upload() {
	local at=$BATS_TEST_TMPDIR listener

	head -c 5000000 /dev/urandom >"$at/sent"
	start listener "$2" nc -nl "$1" 8989
	listener=$last
	wait_listening "$2" tcp 8989
	client timeout "$patience" nc -nN "$1" 8989 <"$at/sent"
	finishes listener "$listener"
	cmp "$at/sent" "$at/listener.out"
}

@test "RFC 5508 REQ-1: ping is answered" {
	run -0 client ping -n -c 3 -i 0.05 203.0.113.10
	[[ $output == *"3 received"* ]]
	run -0 client ping -n -c 1 -s 1472 -M 'do' 203.0.113.11
}

@test "traceroute with UDP shows the router and the server" {
	equal "192.168.1.1 203.0.113.10" "$(hops)"
}

@test "traceroute with ICMP shows the router and the server" {
	equal "192.168.1.1 203.0.113.10" "$(hops -I)"
}

@test "traceroute with TCP shows the router and the server, closed port and open" {
	equal "192.168.1.1 203.0.113.10" "$(hops -T -p 8989)"
	open_sockets server
	tell server listen l 203.0.113.10:8989
	equal "192.168.1.1 203.0.113.10" "$(hops -T -p 8989)"
}

@test "RFC 5508 REQ-4: the client's traceroute sees a hop beyond the NAT" {
	# A router behind the server: what expires there is quoted as the NAT sent it.
	add_second_hop
	run client traceroute -n -q 1 -w 3 -m 5 198.51.100.2
	[[ $output == *192.168.1.1*203.0.113.10*198.51.100.2* ]]
}

@test "RFC 5508 REQ-10: traceroute -U, -I and -T see a router beyond the NAT, and what is behind it" {
	local way

	add_second_hop
	for way in "-U -p 33434" -I "-T -p 8997"; do
		# shellcheck disable=SC2086 # two words
		equal "192.168.1.1 203.0.113.10 198.51.100.2" "$(hops_to 198.51.100.2 $way)" ||
			complain "traceroute $way"
	done
}

# server2 198.51.100.2, which is behind the server; what goes to it must fit into an MTU of $1.
add_second_hop() {
	change_until_end "ip netns del $LAB-server2" ip netns add "$LAB-server2"
	ip -n "$LAB-server2" link set lo up
	ip -n "$LAB-server" link add further mtu "${1-1500}" type veth \
		peer name eth0 netns "$LAB-server2"
	ip -n "$LAB-server" address add 198.51.100.1/24 dev further
	ip -n "$LAB-server" link set further up
	ip -n "$LAB-server2" address add 198.51.100.2/24 dev eth0
	ip -n "$LAB-server2" link set eth0 up
	ip -n "$LAB-server2" route add default via 198.51.100.1
	change_until_end "server sysctl -qw net.ipv4.ip_forward=0" \
		server sysctl -qw net.ipv4.ip_forward=1
	change_until_end "ip -n $LAB-router route del 198.51.100.0/24" \
		ip -n "$LAB-router" route add 198.51.100.0/24 via 203.0.113.10
}

@test "RFC 4787 REQ-13: the client learns the WAN's smaller MTU, and a big TCP transfer finishes" {
	change_until_end "ip -n $LAB-router link set wan mtu 1500; $forget_mtu" \
		ip -n "$LAB-router" link set wan mtu 1400
	upload 203.0.113.10 server
	equal 1400 "$(client_mtu 203.0.113.10)"
}

@test "RFC 4787 REQ-13: a datagram too big for the WAN is refused with the MTU that fits" {
	change_until_end "ip -n $LAB-router link set wan mtu 1500; $forget_mtu" \
		ip -n "$LAB-router" link set wan mtu 1400
	speak 6700
	tell client pad a 1472
	tell_fails EMSGSIZE client recv a
	told 1400 client mtu a
	tell_fails EMSGSIZE client pad a 1373
	tell client pad a 1372
	tell server recv s
	answered "a datagram that fits arrived"
}

# 1500 bytes with DF, of which a router's error quotes the first 548: headers and 520 bytes.
big=$(printf 'natem %.0s' {1..246})
big=${big:0:1472}
quoted=${big:0:520}

@test "RFC 4787 REQ-13: what does not fit into the WAN is told of to its sender as it was sent" {
	change_until_end "ip -n $LAB-router link set wan mtu 1500; $forget_mtu" \
		ip -n "$LAB-router" link set wan mtu 1400
	open_raw client
	raw client 192.168.1.2:6710 203.0.113.10:7788 udp frag=0x4000 text="$big"
	arrived "icmp 192.168.1.1 192.168.1.2 3/4 mtu=1400 \
(udp 192.168.1.2:6710 203.0.113.10:7788 $quoted)" client icmp
}

@test "RFC 5508 REQ-4: an ICMP 3/4 from a router beyond the NAT holds the packet as it was sent" {
	undo+=("$forget_mtu")
	add_second_hop 1300
	open_raw client
	raw client 192.168.1.2:6711 198.51.100.2:7788 udp frag=0x4000 text="$big"
	arrived "icmp 203.0.113.10 192.168.1.2 3/4 mtu=1300 \
(udp 192.168.1.2:6711 198.51.100.2:7788 $quoted)" client icmp
}

@test "RFC 5382 REQ-9: the client learns a smaller MTU further on, and a big TCP transfer finishes" {
	undo+=("$forget_mtu")
	add_second_hop 1300
	count icmp-error-translated
	upload 198.51.100.2 server2
	equal 1300 "$(client_mtu 198.51.100.2)"
	wait_risen_at_all icmp-error-translated
}

@test "the server learns a LAN's smaller MTU, and a big TCP transfer to the client finishes" {
	change_until_end "ip -n $LAB-router link set lan mtu 1500; server ip route flush cache" \
		ip -n "$LAB-router" link set lan mtu 1400
	head -c 5000000 /dev/urandom >"$BATS_TEST_TMPDIR/sent"
	cp "$BATS_TEST_TMPDIR/sent" "$BATS_TEST_TMPDIR/listener.in"
	start listener server nc -nlN 203.0.113.10 8989
	wait_listening server tcp 8989
	client timeout "$patience" nc -n -d 203.0.113.10 8989 >"$BATS_TEST_TMPDIR/received"
	cmp "$BATS_TEST_TMPDIR/sent" "$BATS_TEST_TMPDIR/received"
	[[ $(server ip route get 203.0.113.1) == *"mtu 1400"* ]]
}

@test "RFC 5508 REQ-4: an ICMP 3/4 from outside lowers the path MTU of the socket it is about" {
	undo+=("$forget_mtu")
	speak 6701
	count icmp-error-translated
	error --code 4 --mtu 1300
	wait_risen icmp-error-translated
	equal 1300 "$(client_mtu 203.0.113.10)"
	told 1300 client mtu a
}

@test "a closed UDP port gives the client's connected socket ECONNREFUSED" {
	open_sockets client
	tell client udp a 192.168.1.2:6702
	tell client connect a 203.0.113.10:7799
	tell client send a "anybody there?"
	tell_fails ECONNREFUSED client recv a
}

@test "a closed TCP port gives the client ECONNREFUSED" {
	open_sockets client
	tell client tcp a 192.168.1.2:6703
	tell_fails ECONNREFUSED client connect a 203.0.113.10:8999
}

@test "an ICMP error about a SYN gives the client an error at once" {
	change_until_end "server iptables -w -D INPUT -p tcp --dport 8998 -j REJECT" \
		server iptables -w -A INPUT -p tcp --dport 8998 -j REJECT
	open_sockets client
	tell client tcp a 192.168.1.2:6704
	tell_fails ECONNREFUSED client connect a 203.0.113.10:8998
}

@test "RFC 4787 REQ-12, RFC 5508 REQ-6: ICMP errors neither end nor refresh a mapping" {
	speak 6705
	count icmp-error-translated
	before=$(look sessions expires_in_ms "internal=$own")
	for type_code in 3/0 3/1 3/2 3/3 3/9 3/10 3/13 11/0 11/1 12/0; do
		error --type "${type_code%/*}" --code "${type_code#*/}"
	done
	wait_risen icmp-error-translated 10
	(($(look sessions expires_in_ms "internal=$own") <= before))
	equal "$seen" "$(external udp "$own")"
	# A new socket on the same port, because this one has errors to report.
	tell client close a
	tell client udp a "$own"
	tell client connect a 203.0.113.10:7788
	answered "still there"
}

@test "RFC 4787 REQ-12: an ICMP error comes in from an address that was never sent to" {
	speak 6706
	add_second_hop
	ip netns exec "$LAB-server2" python3 -I "$here/wire.py" error \
		--from "$seen" --to 203.0.113.10:7788
	tell_fails ECONNREFUSED client recv a
}

@test "RFC 5508 REQ-3: an ICMP error with a wrong checksum is dropped" {
	speak 6707
	count icmp-error-checksum
	error --wrong-checksum
	wait_risen icmp-error-checksum
	answered "the client has heard of no error"
}

@test "RFC 5508 REQ-3: an ICMP error whose quoted IP header has a wrong checksum is dropped" {
	speak 6708
	count icmp-quote-checksum
	error --wrong-quoted-checksum
	wait_risen icmp-quote-checksum
	answered "the client has heard of no error"
}

@test "RFC 5508 REQ-4: an ICMP error about a packet that was never sent is dropped" {
	speak 6709
	count icmp-error-no-session
	server python3 -I "$here/wire.py" error --from "$seen" --to 203.0.113.11:7788
	wait_risen icmp-error-no-session
	server python3 -I "$here/wire.py" error --from 203.0.113.1:1023 --to 203.0.113.10:7788
	wait_risen icmp-error-no-session 2
	answered "the client has heard of no error"
}

@test "RFC 5508 REQ-2: a silent ping session is gone after icmp.timeout" {
	client ping -n -e 4244 -c 1 203.0.113.10
	[[ -n $(external icmp 192.168.1.2:4244) ]]
	knob icmp.timeout=200ms
	wait_for "the session ends" looks "" sessions id protocol=icmp internal=192.168.1.2:4244
}

# unreachable HOST: it answers no ARP, and the router finds that out at once, not after three seconds.
unreachable() {
	change_until_end "in_host $1 sysctl -qw net.ipv4.conf.eth0.arp_ignore=0" \
		in_host "$1" sysctl -qw net.ipv4.conf.eth0.arp_ignore=8
	hurry_up lan
	ip -n "$LAB-router" neigh flush dev lan
}

hurry_up() {
	change_until_end "router sysctl -qw net.ipv4.neigh.$1.retrans_time_ms=1000" \
		router sysctl -qw "net.ipv4.neigh.$1.retrans_time_ms=50"
}

@test "nobody has that address on the WAN: the client's ping says Destination Host Unreachable" {
	hurry_up wan
	run -1 client ping -n -c 1 -W "$patience" 203.0.113.77
	[[ $output == *"icmp_seq=1 Destination Host Unreachable"* ]] || complain "$output"
}

@test "nobody has that address on the WAN: the client's sockets say EHOSTUNREACH" {
	hurry_up wan
	open_sockets client
	open_raw client
	tell client udp a 192.168.1.2:6712
	tell client connect a 203.0.113.77:7788
	tell client errors a
	tell client send a "is anybody there?"
	tell_fails EHOSTUNREACH client recv a
	arrived "icmp 203.0.113.1 192.168.1.2 3/1 (udp 192.168.1.2:6712 203.0.113.77:7788 is anybody there?)" \
		client icmp
	tell client tcp b 192.168.1.2:6713
	tell_fails EHOSTUNREACH client connect b 203.0.113.77:7788
}

@test "RFC 5508 REQ-5: a closed port of the client: the server's error quotes what it has sent" {
	speak 6714
	open_raw server
	tell client close a
	tell server sendto s "$seen" "closed"
	arrived "icmp 203.0.113.1 203.0.113.10 3/3 (udp 203.0.113.10:7788 $seen closed)" server icmp
	# Also to whom the client has never sent anything.
	knob udp.filtering=eif
	tell server udp other 203.0.113.11:7799
	tell server connect other "$seen"
	tell server send other "closed for all"
	tell_fails ECONNREFUSED server recv other
	arrived "icmp 203.0.113.1 203.0.113.11 3/3 (udp 203.0.113.11:7799 $seen closed for all)" server icmp
}

@test "RFC 5508 REQ-5: a client that is gone: the server's error quotes what it has sent" {
	speak 6720
	open_raw server
	unreachable client
	tell server sendto s "$seen" "still there?"
	arrived "icmp 203.0.113.1 203.0.113.10 3/1 (udp 203.0.113.10:7788 $seen still there?)" server icmp
}

@test "RFC 5508 REQ-5: what expires at the router behind the NAT is told of as the server sent it" {
	speak 6721
	raw server 203.0.113.10:7788 "$seen" udp ttl=1 text="not far"
	arrived "icmp 203.0.113.1 203.0.113.10 11/0 (udp 203.0.113.10:7788 $seen not far)" server icmp
}

@test "an echo request from outside is not mapped to anybody" {
	count no-mapping
	run -1 server ping -n -c 1 -W 0.1 203.0.113.1
	wait_risen no-mapping
}
