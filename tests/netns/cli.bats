#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# cli.bats - the command natem: what it prints, what it returns, how it finds its daemon

# shellcheck disable=SC2016,SC2030,SC2031,SC2119,SC2120,SC2154
# (a test is a subshell to bats; helpers.bash sets more names; what stands in single quotes is for a
# shell in a host)
load helpers

setup_file() { lab_up; }

commands=(status mappings sessions counters explain options get set preset flush clock hosts who events forward
	describe trace capture top draw metrics)

says() { [[ $output == *"$1"* ]] || complain "'$1' is not in: $output"; }
says_not() { [[ $output != *"$1"* ]] || complain "'$1' is in: $output"; }
is_json() { python3 -IS -m json.tool <<<"$1" >/dev/null || complain "no JSON: $1"; }
one_line() { equal 1 "$(wc -l <<<"$1")"; }

send_udp() { client bash -c 'echo hello >"/dev/udp/203.0.113.10/$1"' - "${1-7000}"; }
has_mapping() { [[ -n $(look mappings id protocol=udp) ]]; }

# tcp_open: a connection from 192.168.1.2:5000 to 203.0.113.10:8989.
tcp_open() {
	open_sockets client server
	tell server listen l 203.0.113.10:8989
	tell client tcp c 192.168.1.2:5000
	tell client connect c 203.0.113.10:8989
	tell server accept s l
	wait_state ESTABLISHED 192.168.1.2:5000
}

# --- what is printed ---

@test "status prints the daemon, its interfaces, addresses, tables and queue" {
	run -0 natem status
	[[ ${lines[0]} =~ ^natemd\ +[0-9.]+,\ pid\ $(daemon_pid),\ up\  ]]
	[[ ${lines[1]} =~ ^lan\ +lan$ ]]
	[[ ${lines[2]} =~ ^wan\ +wan$ ]]
	[[ ${lines[3]} =~ ^external\ +203\.0\.113\.1$ ]]
	[[ ${lines[4]} =~ ^mappings\ +[0-9]+\ of\ 262144$ ]]
	[[ ${lines[5]} =~ ^sessions\ +[0-9]+\ of\ 262144$ ]]
	[[ ${lines[6]} =~ ^queue\ +0:\ [0-9]+\ packets,\ 0\ overruns ]]
}

@test "every answer with --json is one line of JSON, wherever the flag stands" {
	local answer command

	send_udp
	wait_for "a mapping" has_mapping
	for command in status mappings sessions hosts events counters options "get udp.timeout" \
		"set udp.timeout=9s" "who 203.0.113.1:80" "forward list"; do
		# shellcheck disable=SC2086 # words
		answer=$(natem --json $command)
		is_json "$answer"
		one_line "$answer"
		# shellcheck disable=SC2086
		is_json "$(natem ${command%% *} -j ${command#"${command%% *}"})"
		# shellcheck disable=SC2086
		is_json "$(natem $command --json)"
	done
}

@test "mappings prints a row for each, with lifetime and traffic each way" {
	local external

	open_sockets client server
	tell server udp s 203.0.113.10:7000
	tell client udp c 192.168.1.2:5001
	tell client sendto c 203.0.113.10:7000 hello
	tell server recv s
	external=${heard% hello}
	tell server sendto s "$external" "hello yourself"
	tell client recv c
	run -0 natem mappings
	[[ ${lines[0]} =~ ^PROTO\ +INTERNAL\ +EXTERNAL\ +STATE\ +SESS[A-Z]*\ +LEFT\ +OUT\ +IN$ ]]
	run -0 grep -F '192.168.1.2:5001 ' <<<"$output" # not :50010, which any program may have
	[[ $output =~ ^udp\ +192\.168\.1\.2:5001\ +$external\ +-\ +1\ +[45]m[0-9][0-9]s\ +1/33\ +1/42$ ]] ||
		complain "the row is: $output"
}

@test "sessions prints remote endpoint and the TCP state by its RFC name" {
	tcp_open
	run -0 natem sessions
	[[ ${lines[0]} =~ ^PROTO\ +INTERNAL\ +EXTERNAL\ +REMOTE\ +STATE\ +LEFT\ +OUT\ +IN$ ]]
	run -0 grep -F '192.168.1.2:5000 ' <<<"$output"
	[[ $output =~ ^tcp\ .*\ 203\.0\.113\.10:8989\ +ESTABLISHED\ +2h0[34]m\  ]] ||
		complain "the row is: $output"
	run -0 natem mappings
	[[ $output =~ tcp\ +192\.168\.1\.2:5000\ +203\.0\.113\.1:[0-9]+\ +ESTABLISHED ]]
	tell client close c
	tell server close s
	wait_state TIME_WAIT 192.168.1.2:5000
	run -0 natem mappings
	[[ $output =~ TIME_WAIT ]]
}

@test "mappings shows the remote part of an address-dependent mapping" {
	knob udp.mapping=apdm
	client bash -c 'exec 5<>/dev/udp/203.0.113.11/7001; echo x >&5'
	run -0 natem mappings
	[[ ${lines[0]} =~ EXTERNAL\ +REMOTE\ +STATE ]]
	says 203.0.113.11:7001
}

@test "counters prints value, verdict and meaning of each" {
	send_udp
	run -0 natem counters
	[[ ${lines[0]} =~ ^COUNTER\ +PACKETS\ +VERDICT\ +MEANING$ ]]
	[[ $output =~ mapping-created\ +[1-9][0-9]*\ +pass\ +first ]]
	[[ $output =~ port-zero\ +[0-9]+\ +drop\ + ]]
}

@test "options prints every knob, with a mark where the default holds" {
	knob udp.timeout=77s
	run -0 natem options
	[[ ${lines[0]} =~ ^KNOB\ +VALUE\ +DEFAULT\ +MEANING$ ]]
	[[ $output =~ udp.timeout\ +77s\ +300s\ +silence ]]
	[[ $output =~ tcp.mapping\ +endpoint-independent\ +=\ +remote ]]
	equal 262144 "$(awk '$1 == "nat.max-mappings" { print $2 }' <<<"$output")"
}

@test "get prints the value alone" {
	equal 300s "$(natem get udp.timeout)"
	equal endpoint-independent "$(natem get udp.mapping)"
	equal 203.0.113.1 "$(natem get nat.external)"
}

@test "set changes knobs and prints what changed" {
	run -0 natem set udp.timeout=2m tcp.filtering=eif icmp.timeout=60s
	equal $'udp.timeout = 120s\ntcp.filtering = endpoint-independent' "$output"
	equal 120s "$(natem get udp.timeout)"
	run -0 natem set udp.timeout=120s
	says "nothing changed"
	run -0 natem set nat.preset=symmetric
	says "udp.mapping = address-and-port-dependent"
	says "udp.timeout = 300s"
}

@test "set takes effect at once" {
	send_udp
	wait_for "a mapping" has_mapping
	knob udp.timeout=100ms
	wait_for "it has expired" looks "" mappings id protocol=udp
}

# --- exit status ---

@test "an unknown knob or value is refused with status 2 and nothing changes" {
	run -2 natem get udp.timout
	says "no knob 'udp.timout'; did you mean 'udp.timeout'?"
	run -2 natem set udp.timeout=7s udp.maping=adm
	says "did you mean 'udp.mapping'?"
	run -2 natem set udp.timeout=7s udp.mapping=cone
	says "udp.mapping: 'cone' is not allowed; allowed: endpoint-independent (eim)"
	run -2 natem set udp.timeout=7s nat.preset=cone
	says "there are: home, full-cone"
	run -2 natem set udp.timeout=7s nat.lan=wan
	says "a router has two sides"
	equal 300s "$(natem get udp.timeout)"
}

@test "set without KEY=VALUE is refused with status 2" {
	local word

	for word in udp.timeout =5s ''; do
		run -2 natem set "$word"
		says "expected KEY=VALUE"
	done
	run -2 natem set $'udp.timeout=\xff'
	says "not UTF-8"
}

@test "an interface that is not there is refused with status 1 and nothing changes" {
	run -1 natem set udp.timeout=7s nat.lan=nosuch
	says "no interface 'nosuch'"
	says "there are: "
	equal lan "$(natem get nat.lan)"
	equal 300s "$(natem get udp.timeout)"
}

@test "wrong usage is refused with status 2" {
	run -2 natem
	says "no command given"
	run -2 natem mapings
	says "no command 'mapings'; did you mean 'mappings'?"
	run -2 natem help mapp
	says "did you mean 'mappings'?"
	run -2 natem frobnicate
	says "no command 'frobnicate'; try 'natem --help'"
	run -2 natem status now
	run -2 natem get
	run -2 natem get udp.timeout tcp.mapping
	run -2 natem set
	run -2 natem --bogus status
	run -2 natem status --bogus
	run -2 natem status --watch
	says "no --watch"
	run -2 natem --json
	run -2 "$build/natem" --lab
	run -2 "$build/natem" -s
}

@test "a bad interval is refused with status 2" {
	local interval

	for interval in 0 -1 0.09 3601 x '' 1x nan inf; do
		run -2 natem mappings "--watch=$interval"
		says "from 0.1 to 3600 seconds"
	done
}

# --- help ---

@test "--help and --version answer with status 0" {
	local command

	run -0 "$build/natem" --help
	for command in "${commands[@]}"; do
		says "  $command "
	done
	run -0 "$build/natem" -h
	run -0 "$build/natem" help
	says "Usage: natem"
	for command in "${commands[@]}"; do
		run -0 "$build/natem" "$command" --help
		says "Usage: natem [--lab NAME | -s PATH] [--json] $command"
	done
	run -0 "$build/natem" mappings --help
	says --watch
	run -0 "$build/natem" --version
	[[ $output =~ ^natem\ [0-9.]+$ ]]
}

@test "an answer that cannot be written is a failure" {
	local command

	for command in status mappings sessions counters options "get udp.timeout" "options --json" \
		--help; do
		# shellcheck disable=SC2016 # for the inner shell
		# shellcheck disable=SC2086 # words
		run -1 bash -c 'exec "$@" >/dev/full' - "$build/natem" --lab "$LAB" $command
		says "cannot write the answer"
	done
}

# --- finding the daemon ---

@test "-s, --lab, NATEM_SOCKET and NATEM_LAB: the command line wins, the last word of it; then the socket" {
	local socket=/run/natem/$LAB.sock

	run -0 "$build/natem" -s "$socket" status
	run -0 "$build/natem" --socket "$socket" status
	run -0 "$build/natem" -l "$LAB" status
	run -0 "$build/natem" status --lab "$LAB"
	export NATEM_LAB=$LAB
	run -0 "$build/natem" status
	run -1 "$build/natem" --lab "$LAB-nosuch" status
	export NATEM_LAB=$LAB-nosuch
	run -1 "$build/natem" status
	run -0 "$build/natem" --lab "$LAB" status
	export NATEM_SOCKET=$socket
	run -0 "$build/natem" status
	run -1 "$build/natem" --lab "$LAB-nosuch" status
	run -1 "$build/natem" -s "$socket.nosuch" status
	export NATEM_SOCKET=/nonexistent/x.sock
	run -1 "$build/natem" status
	says /nonexistent/x.sock
	run -0 "$build/natem" --lab "$LAB" status
	run -0 "$build/natem" -s "$socket" status
	run -0 "$build/natem" --lab "$LAB-nosuch" -s "$socket" status
	run -0 "$build/natem" -s /nonexistent --lab "$LAB" status
}

@test "without a daemon the message says how to get one" {
	run -1 "$build/natem" --lab "$LAB-nosuch" status
	says "/run/natem/$LAB-nosuch.sock: No such file or directory"
	says "netns-scripts/setup.sh"
	python3 -IS -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' \
		"$BATS_TEST_TMPDIR/dead"
	run -1 "$build/natem" -s "$BATS_TEST_TMPDIR/dead" mappings
	says "its natemd has ended"
	says "netns-scripts/restart.sh"
	run -1 "$build/natem" -s "$BATS_TEST_TMPDIR/dead" mappings --watch
	says "its natemd has ended"
}

@test "nat.preset can be set, but not got; the help of set names the presets" {
	run -2 natem get nat.preset
	says "can only be set"
	run -0 natem set --help
	says "nat.preset=port-restricted-cone"
	equal "$output" "$(natem help set)"
}

@test "preset turns the running NAT into another, sessions and all" {
	send_udp
	wait_for "a mapping" has_mapping
	run -0 natem preset symmetric
	says "udp.mapping = address-and-port-dependent"
	equal address-and-port-dependent "$(natem get udp.mapping)"
	has_mapping
	run -0 natem preset symmetric
	says "nothing changed"
	run -0 natem preset home
	equal endpoint-independent "$(natem get udp.mapping)"
	run -2 natem preset nosuch
	says "no preset 'nosuch'; there are: home,"
	run -2 natem preset simetric
	says "no preset 'simetric'; did you mean 'symmetric'?"
	run -2 natem preset
	says "natem preset --list"
	run -2 natem status --list
	says "'status' has no --list"
}

@test "preset --list is a table of all presets, with a daemon or without one" {
	local name

	run -0 "$build/natem" --lab "$LAB-nosuch" preset --list
	[[ ${lines[0]} =~ ^PRESET\ +MAPPING\ +FILTERING\ +PORTS\ .*UDP\ +TCP\ +ICMP\ +SOURCE$ ]]
	[[ ${lines[1]} =~ ^home\ +eim\ +apdf\ +random\ .*300s\ +7440s/240s/240s\ +60s\ .*RFC\ 4787 ]]
	for name in full-cone restricted-cone port-restricted-cone symmetric; do
		grep -q "^$name " <<<"$output"
	done
	equal "$output" "$(natem preset --list)"
	run -0 "$build/natem" --lab "$LAB-nosuch" --json preset --list
	is_json "$output"
	one_line "$output"
	run -2 natem preset --list home
}

@test "a socket that is another's is named with the way out" {
	start natemd router "$build/natemd" --queue 7 --socket "$BATS_TEST_TMPDIR/s"
	wait_for "natemd is ready" said natemd ready:
	chown 65534 "$BATS_TEST_TMPDIR/s"
	run -1 setpriv --bounding-set -all --inh-caps -all "$build/natem" -s "$BATS_TEST_TMPDIR/s" status
	says "Permission denied"
	says "sudo natem"
}

@test "what is no natemd is told so" {
	start impostor router socat "UNIX-LISTEN:$BATS_TEST_TMPDIR/s,fork" SYSTEM:'read line; echo hello'
	wait_for "it listens" test -S "$BATS_TEST_TMPDIR/s"
	run -1 "$build/natem" -s "$BATS_TEST_TMPDIR/s" status
	says "not an answer of natemd"
	start mute router socat "UNIX-LISTEN:$BATS_TEST_TMPDIR/m,fork" SYSTEM:true
	wait_for "it listens" test -S "$BATS_TEST_TMPDIR/m"
	run -1 "$build/natem" -s "$BATS_TEST_TMPDIR/m" status
}

@test "a name that no lab can have, or a path that is no socket's, is refused with status 2" {
	local long name

	long=$(printf 'x%.0s' {1..200})
	for name in '' . .. a/b 'a b' "$long"; do
		run -2 "$build/natem" --lab "$name" status
		says "not the name of a lab"
	done
	run -2 "$build/natem" -s '' status
	run -2 "$build/natem" -s "/$long" status
	says "not a socket path"
	run -2 env NATEM_SOCKET="/$long" "$build/natem" status
	says NATEM_SOCKET
	run -2 env NATEM_LAB=a/b "$build/natem" status
	says NATEM_LAB
}

# --- watching ---

@test "--watch in a pipe prints one table after the other, until nobody reads" {
	local tables

	send_udp
	wait_for "a mapping" has_mapping
	tables=$(natem mappings --watch=0.1 | head -n 6)
	(($(grep -c ^PROTO <<<"$tables") >= 2))
	[[ $tables != *$'\e'* ]]
	tables=$(natem --json sessions --watch=0.1 | head -n 3)
	is_json "$(head -n 1 <<<"$tables")"
	equal 3 "$(wc -l <<<"$tables")"
}

@test "--watch in a pipe ends with the daemon, and says so" {
	local daemon status=0

	start natemd router "$build/natemd" --queue 7 --socket "$BATS_TEST_TMPDIR/s"
	daemon=$last
	wait_for "natemd is ready" said natemd ready:
	start watch router "$build/natem" -s "$BATS_TEST_TMPDIR/s" mappings --watch=0.1
	wait_for "a table" said watch PROTO
	kill "$daemon"
	wait "$last" || status=$?
	equal 1 "$status"
	said watch "no natemd runs there"
}

tmux_here() { tmux -u -f /dev/null -S "$BATS_TEST_TMPDIR/tmux" "$@" 3>&-; }
screen() { tmux_here capture-pane -p; }
shows() { [[ $(screen) == *"$1"* ]]; }
shows_not() { ! shows "$1"; }

# watch_in_tmux COMMAND...: on a terminal of its own; when it ends, its status stands there, and
# what the terminal was set to before and after lies in the files before and after.
watch_in_tmux() {
	need_programs tmux
	change_until_end 'tmux_here kill-server 2>/dev/null' true
	tmux_here new-session -d -x 110 -y 12 bash -c 'cd "$0"; echo "before it"; stty -g >before; "$@"
		echo "status $?"; stty -g >after; exec sleep 100' "$BATS_TEST_TMPDIR" "$@"
	wait_for "the table" shows PROTO
	shows_not "before it"
}

# ended_well: with status 0, and the terminal as it was found.
ended_well() {
	wait_for "it has ended" shows "status "
	shows "status 0" || complain "$(screen)"
	shows "before it" || complain "the screen is not restored: $(screen)"
	shows_not PROTO
	wait_for "stty" test -s "$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	equal 1 "$(tmux_here display-message -p '#{cursor_flag}')"
}

@test "--watch on a terminal redraws in place, shows a new mapping, and q ends it" {
	local row

	watch_in_tmux "$build/natem" --lab "$LAB" mappings --watch=0.2
	open_sockets client
	tell client udp c 192.168.1.2:5077
	shows_not '192.168.1.2:5077 '
	tell client sendto c 203.0.113.10:7000 hello
	wait_for "the new mapping" shows '192.168.1.2:5077 '
	equal 1 "$(screen | grep -c PROTO)"
	row=$(screen | grep -F '192.168.1.2:5077 ')
	[[ $row == *" 1/33 "* ]]
	tell client sendto c 203.0.113.10:7000 hello
	wait_for "its traffic" shows " 2/66 "
	equal 1 "$(screen | grep -cF '192.168.1.2:5077 ')"
	knob udp.timeout=100ms
	wait_for "it goes when it expires" shows_not '192.168.1.2:5077 '
	tmux_here send-keys q
	ended_well
}

@test "--watch on a terminal ends with Ctrl-C, with the terminal restored" {
	watch_in_tmux "$build/natem" --lab "$LAB" sessions --watch=60
	tmux_here send-keys C-c
	ended_well
}

@test "--watch on a terminal shows what fits, and says how many do not" {
	local i

	open_sockets client
	for i in {1..20}; do
		tell client udp "s$i" "192.168.1.2:$((6100 + i))"
		tell client sendto "s$i" 203.0.113.10:7000 hello
	done
	watch_in_tmux "$build/natem" --lab "$LAB" mappings --watch=0.2
	wait_for "the rest is counted" shows " more"
	shows 192.168.1.2:6120 # the newest is on top
	tmux_here resize-window -x 110 -y 60
	wait_for "a larger screen is used" shows 192.168.1.2:6101
	tmux_here resize-window -x 20 -y 3
	wait_for "a small one too" shows " more"
	tmux_here send-keys q
	wait_for "it has ended" shows "status 0"
}

@test "--watch on a terminal waits for a daemon that has gone" {
	start natemd router "$build/natemd" --queue 7 --socket "$BATS_TEST_TMPDIR/s"
	wait_for "natemd is ready" said natemd ready:
	watch_in_tmux "$build/natem" -s "$BATS_TEST_TMPDIR/s" mappings --watch=0.2
	end "$last"
	wait_for "it says so" shows "no natemd runs there"
	start again router "$build/natemd" --queue 7 --socket "$BATS_TEST_TMPDIR/s"
	wait_for "the table is back" shows PROTO
	tmux_here send-keys q
	ended_well
}
