#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# pcp.bats - hosts ask for mappings by PCP, and programs outside reach them there

# shellcheck disable=SC2030,SC2031,SC2119,SC2120,SC2154
# (a test is a subshell to bats; helpers.bash sets more names)
load helpers

setup_file() { lab_up --clients 2; }

says() { [[ $output == *"$1"* ]] || complain "'$1' is not in: $output"; }

# Nothing open, everybody filtered, and hosts may ask.
begin() {
	natem flush all >/dev/null
	knob pcp.server=on udp.filtering=apdf tcp.filtering=apdf
}

# pcp HOST [FIELD=VALUE]...: see pcp.py; asks the router, by the address in $router if that is set.
pcp() { in_host "$1" python3 -IS "$here/pcp.py" "${router:-192.168.1.1}" "${@:2}"; }

# granted HOST [FIELD=VALUE]...: the external endpoint is in $external, the lifetime in $lifetime.
granted() {
	local result _

	read -r result external lifetime _ <<<"$(pcp "$@")"
	equal 0 "$result"
}

# result_of WANTED HOST [FIELD=VALUE]...
result_of() {
	local answer

	answer=$(pcp "${@:2}") || true
	equal "$1" "${answer%% *}"
}

# silent HOST [FIELD=VALUE]...: nobody answers, nor will; a refusal of the kernel's is quicker.
silent() {
	run -1 pcp "$@" wait=0.5
	equal "no answer" "$output"
}

clock_advance() { natem clock advance "$1" >/dev/null; }

@test "6888-9: a UDP program is reached where its host asked for it, by whoever comes" {
	begin
	open_sockets server client
	tell client udp c 192.168.1.2:5000
	granted client internal=5000
	equal 3600 "$lifetime"
	equal "203.0.113.1" "${external%:*}"
	for address in 203.0.113.10:7788 203.0.113.11:7789; do
		tell server udp "s$address" "$address"
		tell server sendto "s$address" "$external" "你好"
		told "$address 你好" client recv c
		tell client sendto c "$address" "Hello from inside"
		told "$external Hello from inside" server recv "s$address"
	done
}

@test "6888-9: a TCP server is reached where its host asked for it" {
	begin
	open_sockets server client
	tell client listen l 192.168.1.2:8000
	granted client protocol=6 internal=8000 external=0.0.0.0:8080
	equal "203.0.113.1:8080" "$external"
	tell server tcp t 203.0.113.10:9001
	tell server connect t "$external"
	told 203.0.113.10:9001 client accept c l
	tell server send t "你好"
	told "你好" client recv c
	tell client send c "Hello from a server"
	told "Hello from a server" server recv t
}

@test "6888-9: nobody is let in where nobody asked" {
	begin
	open_sockets server client
	tell client udp c 192.168.1.2:5001
	tell client sendto c 203.0.113.10:7788 hello
	wait_for "the mapping" looks 192.168.1.2:5001 mappings internal
	tell server udp s 203.0.113.11:7789
	count filtered
	tell server sendto s "$(external udp 192.168.1.2:5001)" "may I?"
	wait_risen filtered
}

@test "6888-9: the port of a flow that is there is kept" {
	begin
	open_sockets server client
	tell server udp s 203.0.113.10:7788
	tell client udp c 192.168.1.2:5002
	tell client sendto c 203.0.113.10:7788 hello
	tell server recv s
	seen=${heard% hello}
	granted client internal=5002
	equal "$seen" "$external"
}

@test "6888-9: a lease that is not renewed ends with its time, and one that is does not" {
	begin
	granted client internal=5003 lifetime=120
	granted client internal=5004 lifetime=120
	clock_advance 119s
	granted client internal=5004 lifetime=120
	clock_advance 1s
	equal "" "$(look mappings id internal=192.168.1.2:5003)"
	equal udp "$(look mappings protocol internal=192.168.1.2:5004)"
	clock_advance 119s
	equal "" "$(look mappings id)"
}

@test "6888-9: who asked can delete, and nobody else" {
	begin
	granted client internal=5005 nonce=7
	result_of 2 client internal=5005 lifetime=0 nonce=8
	result_of 12 client2 internal=5005 lifetime=0 nonce=7 client=192.168.1.2
	result_of 0 client2 internal=5005 lifetime=0 nonce=7 # his own, which there is not
	equal "$external" "$(external udp 192.168.1.2:5005)"
	result_of 0 client internal=5005 lifetime=0 nonce=7
	equal "" "$(look mappings id)"
}

@test "6888-9: the port of another host is not to be had" {
	begin
	granted client internal=5006 external=203.0.113.1:4711
	equal "203.0.113.1:4711" "$external"
	result_of 11 client2 internal=5006 external=203.0.113.1:4711 prefer-failure
	granted client2 internal=5006 external=203.0.113.1:4711
	[[ $external != "203.0.113.1:4711" ]] || complain "two hosts have $external"
}

@test "6888-9: quotas count what was asked for" {
	begin
	knob udp.max-mappings-per-host=1
	granted client internal=5007
	result_of 10 client internal=5008
	granted client2 internal=5007
}

@test "nobody outside is answered" {
	begin
	change_until_end 'server ip route del 192.168.1.0/24' \
		server ip route add 192.168.1.0/24 via 203.0.113.1
	for router in 203.0.113.1 192.168.1.1; do
		silent server
	done
	router=203.0.113.1 # it is the NAT's, not the router's, for those inside too
	silent client
	equal 0 "$(look mappings lease_ms | grep -vc None)"
	unset router
	granted client
}

@test "whoever speaks anything else is told so, or nothing" {
	begin
	result_of 1 client version=0
	result_of 1 client raw=0000
	result_of 3 client raw=0201
	result_of 4 client opcode=2
	result_of 5 client option=100
	result_of 9 client protocol=132
	silent client raw=02
	silent client raw=0281
	run -0 pcp client opcode=0
	[[ $output =~ ^"0 - 0 "[0-9]+$ ]] || complain "$output"
	granted client option=200
}

@test "pcp.server=off answers nobody, and what was granted goes on" {
	begin
	granted client internal=5009
	knob pcp.server=off
	silent client internal=5009
	open_sockets server client
	tell client udp c 192.168.1.2:5009
	tell server udp s 203.0.113.10:7788
	tell server sendto s "$external" "still there?"
	told "203.0.113.10:7788 still there?" client recv c
}

@test "a port that another program has is a reason that is told, and nothing changes" {
	knob pcp.server=off
	open_talker other router python3 -IS -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 5351))
print("ready", flush=True)
sys.stdin.read()'
	hear other
	run -1 natem set pcp.server=on udp.timeout=77s
	says "pcp.server=on: another process has UDP port 5351 on 'lan'"
	run -0 natem get udp.timeout
	[[ $output != *77s* ]] || complain "$output"
}

@test "mappings and who show what is leased" {
	begin
	granted client internal=5010 lifetime=600
	run -0 natem mappings
	[[ $output =~ udp\ +192\.168\.1\.2:5010\ .*leased ]] || complain "$output"
	run -0 natem who "$external" udp
	says ", leased for another "
	lease=$(look mappings lease_ms)
	((lease > 540000 && lease <= 600000)) || complain "lease_ms is $lease"
	equal None "$(look mappings state)"
	equal 0 "$(look mappings sessions)"
}

@test "epoch: goes on while nothing is lost, and restarts when leases are flushed" {
	begin
	pcp client >/dev/null
	clock_advance 1000s
	read -r _ _ _ epoch <<<"$(pcp client)"
	((epoch >= 1000)) || complain "epoch $epoch"
	natem flush all >/dev/null
	read -r _ _ _ epoch <<<"$(pcp client)"
	((epoch < 100)) || complain "epoch $epoch"
}

@test "the preset for carriers answers PCP" {
	natem flush all >/dev/null
	knob nat.preset=cgn-rfc6888
	granted client
	knob nat.preset=home
	silent client
}
