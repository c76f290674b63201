#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# behaviour.bats - what kind of NAT it is, told by programs that know nothing of natem
#
# All nine pairs of mapping and filtering, by the knobs' short names, for UDP, TCP and ICMP queries.
# For UDP by coturn's turnutils_natdiscovery, which asks a STUN server with two addresses and two
# ports (RFC 5780). For TCP and ICMP the same questions are asked with sockets and raw packets.

# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell to bats; helpers.bash sets more names
load helpers

setup_file() { lab_up; }

stun_sockets() { server ss -Hlun 'sport = :3478 or sport = :3479'; }
stun_listens() { (($(stun_sockets | wc -l) == 4)); }

start_turnserver() {
	start turnserver server turnserver -n --stun-only --no-tcp --no-tls --no-dtls --no-cli \
		--listening-ip 203.0.113.10 --listening-ip 203.0.113.11 --relay-threads 0 \
		--proc-user root --log-file stdout --userdb "$BATS_TEST_TMPDIR/turndb" \
		--pidfile "$BATS_TEST_TMPDIR/turnserver.pid"
	wait_for "turnserver has its four sockets" stun_listens
}

seen=() accepted=() passed=()
declare -gA words=(
	[eim]="Endpoint Independent Mapping" [adm]="Address Dependent Mapping"
	[apdm]="Address and Port Dependent Mapping"
	[eif]="Endpoint Independent Filtering" [adf]="Address Dependent Filtering"
	[apdf]="Address and Port Dependent Filtering"
)

# udp_is MAPPING FILTERING PORT: what the STUN client finds when natemd is set so. It asks for the
# mapping from PORT, which nothing has used before, and for the filtering from a port of the kernel's
# choice: other tests' PORTs lie outside of those, or what was once sent to would let answers in.
udp_is() {
	need_programs turnserver turnutils_natdiscovery
	start_turnserver
	knob "udp.mapping=$1" "udp.filtering=$2"
	run -0 client turnutils_natdiscovery -m -f -L 192.168.1.2 -l "$3" 203.0.113.10
	equal "NAT with ${words[$1]}!
NAT with ${words[$2]}!" "$(grep -E '^(No )?NAT' <<<"$output")" || complain "$output"
}

@test "UDP: coturn names eim, eif" { udp_is eim eif 6001; }
@test "UDP: coturn names eim, adf" { udp_is eim adf 6002; }
@test "UDP: coturn names eim, apdf" { udp_is eim apdf 6003; }
@test "UDP: coturn names adm, eif" { udp_is adm eif 6004; }
@test "UDP: coturn names adm, adf" { udp_is adm adf 6005; }
@test "UDP: coturn names adm, apdf" { udp_is adm apdf 6006; }
@test "UDP: coturn names apdm, eif" { udp_is apdm eif 6007; }
@test "UDP: coturn names apdm, adf" { udp_is apdm adf 6008; }
@test "UDP: coturn names apdm, apdf" { udp_is apdm apdf 6009; }

# same ENDPOINT...: for each, which of them was the first to be like it: "1 1 3" is two alike and
# another.
same() {
	local endpoint n=0 first=()
	local -A number=()

	for endpoint; do
		n=$((n + 1))
		: "${number[$endpoint]:=$n}"
		first+=("${number[$endpoint]}")
	done
	printf '%s' "${first[*]}"
}

# What of 203.0.113.10:8101, 203.0.113.10:8102 and 203.0.113.11:8101 sees the same endpoint.
declare -gA alike=([eim]="1 1 1" [adm]="1 1 3" [apdm]="1 2 3")

# connect_thrice PORT: from the client's PORT to each of the three; what they saw is in ${seen[@]}.
connect_thrice() {
	local remote

	seen=()
	for remote in 203.0.113.10:8101 203.0.113.10:8102 203.0.113.11:8101; do
		tell server listen "l-$remote" "$remote"
		tell client tcp "a-$remote" "192.168.1.2:$1"
		tell client connect "a-$remote" "$remote"
		tell server accept "b-$remote" "l-$remote"
		seen+=("$heard")
	done
}

# Who may connect to the client after it has connected to 203.0.113.10:8103, in this order.
declare -gA welcome=(
	[eif]="203.0.113.11:8103 203.0.113.10:8104 203.0.113.10:8103"
	[adf]="203.0.113.10:8104 203.0.113.10:8103"
	[apdf]="203.0.113.10:8103"
)

# connect_back PORT: the client's PORT has a connection to 203.0.113.10:8103, which is reset, and
# listens. Then it is tried from another address, another port, and the peer, which is always let in:
# when it is, natemd has decided about those before it, and its table tells who else will come. Who
# was accepted is in ${accepted[@]}.
connect_back() {
	local own=192.168.1.2:$1 peer=203.0.113.10:8103 remote endpoint coming

	tell server listen l $peer
	tell client tcp a "$own"
	tell client connect a $peer
	tell server accept b l
	endpoint=$heard
	tell client reset a
	tell_fails ECONNRESET server recv b
	tell server close b
	tell server close l
	tell client listen l "$own"
	accepted=()
	for remote in 203.0.113.11:8103 203.0.113.10:8104 $peer; do
		tell server tcp "to-$remote" "$remote"
		tell server connecting "to-$remote" "$endpoint"
	done
	tell server connected "to-$peer"
	coming=$(look sessions id protocol=tcp "external=$endpoint" | wc -l)
	while ((${#accepted[@]} < coming)); do
		tell client accept "c-${#accepted[@]}" l
		accepted+=("$heard")
	done
	for remote in "${accepted[@]}"; do
		tell server connected "to-$remote"
	done
}

# tcp_is MAPPING FILTERING PORT: and PORT + 1 is used too.
tcp_is() {
	local sorted

	knob "tcp.mapping=$1" "tcp.filtering=$2"
	open_sockets client server
	connect_thrice "$3"
	equal "${alike[$1]}" "$(same "${seen[@]}")" || complain "${seen[*]}"
	connect_back $(($3 + 1))
	sorted=$(printf '%s\n' "${accepted[@]}" | sort | paste -sd ' ')
	equal "$(tr ' ' '\n' <<<"${welcome[$2]}" | sort | paste -sd ' ')" "$sorted"
}

@test "TCP: eim, eif" { tcp_is eim eif 6101; }
@test "TCP: eim, adf" { tcp_is eim adf 6103; }
@test "TCP: eim, apdf" { tcp_is eim apdf 6105; }
@test "TCP: adm, eif" { tcp_is adm eif 6107; }
@test "TCP: adm, adf" { tcp_is adm adf 6109; }
@test "TCP: adm, apdf" { tcp_is adm apdf 6111; }
@test "TCP: apdm, eif" { tcp_is apdm eif 6113; }
@test "TCP: apdm, adf" { tcp_is apdm adf 6115; }
@test "TCP: apdm, apdf" { tcp_is apdm apdf 6117; }

# ping_seen ID REMOTE: the client pings, and the identifier that REMOTE saw is in $id, as id=NUMBER.
ping_seen() {
	client ping -n -q -e "$1" -c 1 -W "$patience" "$2"
	arrives server icmp 203.0.113.1 "$2" 8/0
	[[ $heard =~ id=[0-9]+ ]]
	id=${BASH_REMATCH[0]}
}

# icmp_is MAPPING FILTERING ID: two pings of one identifier, to both addresses of the server; there
# are no ports, so that two classes of three are alike. Another identifier, ID + 1, is then sent to
# the first address only, and both send a reply to it that nobody asked for, the first one last.
icmp_is() {
	local ids="1 2" texts="one" remote

	[[ $1 != eim ]] || ids="1 1"
	[[ $2 != eif ]] || texts="other one"
	knob "icmp.mapping=$1" "icmp.filtering=$2"
	open_raw client server
	seen=()
	for remote in 203.0.113.10 203.0.113.11; do
		ping_seen "$3" "$remote"
		seen+=("$id")
	done
	equal "$ids" "$(same "${seen[@]}")" || complain "${seen[*]}"

	ping_seen $(($3 + 1)) 203.0.113.10
	arrives client icmp 203.0.113.10 192.168.1.2 0/0 "id=$(($3 + 1))" # ping's own
	raw server 203.0.113.11 203.0.113.1 icmp type=0 "$id" text=other
	raw server 203.0.113.10 203.0.113.1 icmp type=0 "$id" text=one
	passed=()
	until [[ ${passed[*]} == *one ]]; do
		arrives client icmp
		passed+=("${heard##* }")
	done
	equal "$texts" "${passed[*]}"
}

@test "ICMP: eim, eif" { icmp_is eim eif 6201; }
@test "ICMP: eim, adf" { icmp_is eim adf 6203; }
@test "ICMP: eim, apdf" { icmp_is eim apdf 6205; }
@test "ICMP: adm, eif" { icmp_is adm eif 6207; }
@test "ICMP: adm, adf" { icmp_is adm adf 6209; }
@test "ICMP: adm, apdf" { icmp_is adm apdf 6211; }
@test "ICMP: apdm, eif" { icmp_is apdm eif 6213; }
@test "ICMP: apdm, adf" { icmp_is apdm adf 6215; }
@test "ICMP: apdm, apdf" { icmp_is apdm apdf 6217; }
