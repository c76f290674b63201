#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# daemon.bats - natemd as a program: how it starts, what it refuses, how it ends
#
# Most tests start a second natemd in the lab's router, on a queue that no rule leads to.

# shellcheck disable=SC2016,SC2030,SC2031,SC2119,SC2120,SC2154
# (a test is a subshell to bats; helpers.bash sets more names; what stands in single quotes is for a
# shell in a host)
load helpers

setup_file() { lab_up; }

socket() { printf '%s/natemd.sock' "$BATS_TEST_TMPDIR"; }
natemd=("$build/natemd" --queue 7)

# refused STATUS NATEMD-OPTION...: it ends at once, with that status, and says $output.
refused() {
	local status=$1

	shift
	run -"$status" router "${natemd[@]}" --socket "$(socket)" "$@"
	[[ ! -S $(socket) ]]
}

# begin [NATEMD-OPTION...]: a second natemd, whose process id is in $last.
begin() {
	start natemd router "${natemd[@]}" --socket "$(socket)" "$@"
	wait_for "natemd is ready" said natemd 'natemd: ready: '
}

ask_it() { "$build/natem" -s "$(socket)" "$@" 3>&-; }
says() { [[ $output == *"$1"* ]] || complain "'$1' is not in: $output"; }

# ends STATUS: the natemd that begin has started.
ends() {
	local status=0

	wait "$last" || status=$?
	equal "$1" "$status" || complain "$(<"$BATS_TEST_TMPDIR/natemd.err")"
}

pings() { client ping -n -q -c 1 -W "${1-$patience}" 203.0.113.10 >/dev/null; }

# untouched COMMAND...: the lab's natemd is the same before and after, and translates.
untouched() {
	local pid

	pid=$(daemon_pid)
	"$@"
	equal "$pid" "$(daemon_pid)"
	daemon_runs
	natem status >/dev/null
	pings
}

# --- starting ---

@test "a socket path where a natemd listens is refused, and that one goes on" {
	untouched refuse_live_socket
}
refuse_live_socket() {
	run -1 router "${natemd[@]}" --socket "/run/natem/$LAB.sock"
	says "/run/natem/$LAB.sock: another natemd listens there"
	says --socket
}

@test "a socket path where something else lies is refused, and that stays as it is" {
	echo precious >"$(socket)"
	refused 1
	says "something that is no socket lies there"
	equal precious "$(<"$(socket)")"
	rm "$(socket)"
	mkdir "$(socket)"
	refused 1
	says "something that is no socket lies there"
}

@test "a stale socket is replaced" {
	python3 -IS -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$(socket)"
	[[ -S $(socket) ]]
	begin
	ask_it status >/dev/null
}

@test "a directory for the socket that cannot be made is named" {
	run -1 router "${natemd[@]}" --socket "$BATS_TEST_TMPDIR/no/where/x.sock"
	says "$BATS_TEST_TMPDIR/no/where/x.sock: No such file or directory"
}

@test "a missing interface is named, and those there are" {
	refused 1 -o nat.lan=nosuch
	says "nat.lan: no interface 'nosuch' in this network namespace; there are: "
	says lan
	says wan
	refused 1 -o nat.wan=nosuch
	says "nat.wan: no interface 'nosuch'"
}

@test "nat.external=auto with a WAN interface that has no address is refused" {
	refused 1 -o nat.wan=client
	says "interface 'client' has no IPv4 address"
}

@test "an unknown knob is refused with the nearest there is" {
	refused 2 -o udp.maping=adm
	says "no knob 'udp.maping'; did you mean 'udp.mapping'?"
	refused 2 -o nothing.like.it=1
	says "no knob 'nothing.like.it'"
}

@test "an unknown value is refused with those there are" {
	refused 2 -o udp.mapping=cone
	says "udp.mapping: 'cone' is not allowed; allowed: endpoint-independent (eim)"
	refused 2 -o nat.preset=cone
	says "no preset 'cone'; there are: home, full-cone"
	refused 2 -o udp.timeout
	says KEY=VALUE
}

@test "knobs that contradict each other are refused" {
	refused 2 -o nat.lan=wan
	says "nat.lan and nat.wan are both 'wan'"
}

@test "a bad --queue, --socket or flag is refused" {
	local number

	for number in -1 65536 x 1x ''; do
		refused 2 --queue "$number"
		says "expected a number from 0 to 65535"
	done
	run -2 router "$build/natemd" --socket ''
	says "--socket"
	run -2 router "$build/natemd" --socket "/$(printf 'x%.0s' {1..200})"
	says "--socket"
	refused 2 --bogus
	says "natemd --help"
	refused 2 word
	says "'word' is not an option"
}

@test "a wrong line of a configuration file is named with FILE:LINE" {
	local file=$BATS_TEST_TMPDIR/c.ini

	printf '[udp]\nmapping = adm\n\ntimeout = soon\n' >"$file"
	refused 2 -c "$file"
	says "$file:4: udp.timeout: 'soon' is not allowed"
	refused 2 -c "$file.nosuch"
	says "$file.nosuch: No such file or directory"
	refused 2 -c "$BATS_TEST_TMPDIR"
	says "$BATS_TEST_TMPDIR: cannot be read"
}

@test "a second natemd on the same queue is refused, and the first one goes on" {
	untouched refuse_second
}
refuse_second() {
	run -1 router "$build/natemd" --queue 0 --socket "$(socket)"
	says "queue 0 of this network namespace is taken by another process"
	says --queue
	[[ ! -e $(socket) ]]
}

@test "a second natemd with nothing but defaults does not touch the first one's socket" {
	untouched refuse_same
}
refuse_same() {
	run -1 router "$build/natemd" --socket "/run/natem/$LAB.sock"
	says "is taken by another process"
}

@test "without privileges natemd says what it needs" {
	run -1 router setpriv --bounding-set -all --inh-caps -all "${natemd[@]}" --socket "$(socket)"
	says "natemd needs root (CAP_NET_ADMIN)"
}

@test "natemd -n prints the whole configuration, exits 0, and reads back" {
	local preset file=$BATS_TEST_TMPDIR/c.ini key

	for preset in home full-cone restricted-cone port-restricted-cone symmetric; do
		"$build/natemd" -n -o "nat.preset=$preset" -o nat.external=203.0.113.1-203.0.113.9 \
			-o nat.seed=5 -o udp.timeout=1500ms >"$file"
		"$build/natemd" -n -c "$file" | diff "$file" -
	done
	for key in $(natem options | awk 'NR > 1 { print $1 }'); do
		grep -q "^${key#*.} = " "$file" || complain "$key is missing"
	done
	refused 0 -n -o nat.lan=nosuch # about this machine it says nothing
}

@test "natemd -n reads back a list of addresses longer than a line" {
	local file=$BATS_TEST_TMPDIR/c.ini list

	list=$(printf '203.0.113.%d,' {1..99..2})
	"$build/natemd" -n -o "nat.external=${list%,}" >"$file"
	"$build/natemd" -n -c "$file" | diff "$file" -
}

@test "natemd --help and --version answer and exit 0" {
	run -0 "$build/natemd" --help
	says "Usage: natemd"
	says udp.timeout
	says port-restricted-cone
	run -0 "$build/natemd" --version
	[[ $output =~ ^natemd\ [0-9.]+$ ]]
}

@test "an answer that cannot be written is a failure" {
	run -1 bash -c '"$1" -n >/dev/full' - "$build/natemd"
	run -1 bash -c '"$1" --help >/dev/full' - "$build/natemd"
}

@test "--ready-fd gets a newline when natemd is ready, and its end" {
	local fifo=$BATS_TEST_TMPDIR/ready got

	mkfifo "$fifo"
	start natemd router bash -c 'exec "$@" 5>"$0"' "$fifo" "${natemd[@]}" --socket "$(socket)" \
		--ready-fd 5
	# Everything that is ever written there: the newline alone.
	got=$(timeout "$patience" od -An -c "$fifo")
	[[ $got =~ ^\ *\\n$ ]] || complain "it got: $got"
	ask_it status >/dev/null
}

@test "--ready-fd must be an open descriptor" {
	local number

	for number in x -1 ''; do
		refused 2 --ready-fd "$number"
		says --ready-fd
	done
	# Not open: natemd's own sockets will have such numbers.
	for number in 3 5 7 9; do
		run -2 router bash -c 'exec "$@" 3>&- 5>&- 7>&- 9>&-' - "${natemd[@]}" \
			--socket "$(socket)" --ready-fd "$number"
		says --ready-fd
	done
}

@test "nobody left to read --ready-fd or the log does not end natemd" {
	start natemd router bash -c 'exec {fd}> >(exit); wait $!; exec 5>&$fd; exec "$@" 2>&5' - \
		"${natemd[@]}" --socket "$(socket)" --ready-fd 5
	wait_for "it answers" it_answers
	kill -TERM "$last"
	ends 0
	[[ ! -e $(socket) ]]
}
it_answers() { ask_it status >/dev/null 2>&1; }

# --- ending ---

@test "SIGTERM and SIGINT end natemd well: status 0, and the socket is gone" {
	local signal

	for signal in TERM INT; do
		begin
		[[ -S $(socket) ]]
		kill -s "$signal" "$last"
		ends 0
		said natemd "ended by SIG$signal"
		[[ ! -e $(socket) ]]
	done
}

@test "after kill -9, restart.sh brings natemd back with the options it had" {
	local before

	natem set udp.timeout=7s >/dev/null
	pings
	before=$(daemon_pid)
	kill -KILL "$before"
	wait_for "natemd is dead" daemon_gone
	run -1 natem status
	[[ -S /run/natem/$LAB.sock ]] # nobody has cleared it away
	"$checkout/netns-scripts/restart.sh" --lab "$LAB" 3>&-
	[[ $(daemon_pid) != "$before" ]]
	pings
	equal 300s "$(natem get udp.timeout)"
	equal lan "$(natem get nat.lan)"
	equal 203.0.113.1 "$(natem get nat.external)"
}

@test "restart.sh ends a natemd that runs and starts another" {
	local before

	before=$(daemon_pid)
	run -0 "$checkout/netns-scripts/restart.sh" --lab "$LAB" 3>&-
	says "$(daemon_pid)"
	[[ $(daemon_pid) != "$before" ]]
	pings
}

# packets_of NAME: the IPv4 packets of a capture, but for the mark that ends it and its answer.
packets_of() {
	tcpdump -n -r "$BATS_TEST_TMPDIR/$1.pcap" 'ip and not port 9 and not host 192.168.1.1' 2>/dev/null
}

@test "without natemd the router fails closed: nothing passes and no private address leaks" {
	change_until_end '"$checkout/netns-scripts/restart.sh" --lab "$LAB" 3>&-' \
		kill -KILL "$(daemon_pid)"
	wait_for "natemd is dead" daemon_gone
	capture leaks server
	run ! pings 1
	client bash -c 'echo leak >/dev/udp/203.0.113.10/7000; echo leak >/dev/udp/203.0.113.10/7000'
	run client timeout 0.3 bash -c 'echo leak >/dev/tcp/203.0.113.10/7000'
	[[ $status -ne 0 ]]
	end_capture leaks server
	equal "" "$(packets_of leaks)"
	capture inbound client
	server bash -c 'echo in >/dev/udp/203.0.113.1/5000'
	run server ping -n -q -c 1 -W 0.2 203.0.113.1
	[[ $status -ne 0 ]]
	run server ip route get 192.168.1.2
	[[ $status -ne 0 ]]
	end_capture inbound client
	equal "" "$(packets_of inbound)"
}

# --- control ---

# hold COUNT: so many clients that say nothing, until the program is told to go on.
hold() {
	open_talker "holder$1" router python3 -IS -c '
import socket, sys
clients = [socket.socket(socket.AF_UNIX) for _ in range(int(sys.argv[2]))]
for c in clients:
    c.connect(sys.argv[1])
    c.sendall(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}\n")
    c.recv(65536)
print("held", flush=True)
sys.stdin.readline()
for c in clients:
    c.close()
print("gone", flush=True)' "$(socket)" "$1"
	hear "holder$1"
	equal held "$heard"
}

# let_go COUNT: those that hold COUNT has made.
let_go() {
	say "holder$1" go
	hear "holder$1"
	equal gone "$heard"
}

@test "64 control clients are served, and the next one is told" {
	local i

	begin
	hold 63
	ask_it status >/dev/null
	let_go 63
	wait_for "there is room again" it_answers
	hold 64
	for i in {1..30}; do
		run -1 ask_it status
		says "too many clients"
	done
	let_go 64
	wait_for "there is room again" it_answers
}

@test "a client that sends garbage is answered, and natemd lives on" {
	local answer

	begin
	answer=$(printf 'GET / HTTP/1.1\r\n' | timeout "$patience" socat -t 5 - "UNIX:$(socket)")
	[[ $answer == *-32700* ]]
	answer=$(printf '\377\376\0\n{}\n[]\n' | timeout "$patience" socat -t 5 - "UNIX:$(socket)")
	equal 3 "$(wc -l <<<"$answer")"
	head -c 200000 /dev/zero | timeout "$patience" socat -t 5 - "UNIX:$(socket)" || true
	head -c 200000 /dev/urandom | timeout "$patience" socat -t 5 - "UNIX:$(socket)" >/dev/null || true
	ask_it status >/dev/null
}

@test "a request that is too long is refused with the reason" {
	begin
	run -1 ask_it set "udp.timeout=$(printf 'x%.0s' {1..70000})"
	says "longer than 64 KiB"
	ask_it status >/dev/null
}

@test "a text that is cut in the middle of a character is answered too" {
	begin
	run -2 timeout "$patience" "$build/natem" -s "$(socket)" set \
		"udp.timeout=$(printf '中%.0s' {1..50})"
	says "is not allowed"
}

@test "control requests hold up no packet while packets flow" {
	local flow i

	start flow client ping -n -q -i 0.002 -c 500 203.0.113.10
	flow=$last
	for i in {1..40}; do
		natem --json mappings >/dev/null
		natem --json counters >/dev/null
		natem set "udp.timeout=$((100 + i))s" >/dev/null
	done
	finishes flow "$flow"
	said flow "500 packets transmitted, 500 received"
}

@test "the table of a natemd that has forgotten everything is empty" {
	natem set icmp.timeout=100ms udp.timeout=100ms tcp.timeout-transitory=100ms >/dev/null
	pings
	client bash -c 'echo x >/dev/udp/203.0.113.10/7000'
	run client timeout 1 bash -c 'echo x >/dev/tcp/203.0.113.10/7000'
	wait_for "the tables are empty" tables_are_empty
	daemon_runs
}
tables_are_empty() {
	[[ $(natem mappings | wc -l) == 1 && $(natem sessions | wc -l) == 1 ]]
}
