#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# top.bats - natem top on a terminal of tmux's, driven by keys; natem draw

# shellcheck disable=SC2016,SC2030,SC2031,SC2154
# (a test is a subshell to bats; helpers.bash sets more names; what stands in single quotes is for a
# shell elsewhere)
load helpers

setup_file() {
	need_programs tmux
	lab_up --clients 2
}

# A server of its own: a user's tmux is not touched.
tmux_here() { tmux -u -f /dev/null -L "$LAB" "$@" 3>&-; }
screen() { tmux_here capture-pane -p; }
shows() { [[ $(screen) == *"$1"* ]]; }
shows_not() { ! shows "$1"; }
keys() { tmux_here send-keys "$@"; }
# see TEXT, see_no TEXT: wait for it.
see() { wait_for "'$1' on the screen" shows "$1" || complain "$(screen)"; }
see_no() { wait_for "no '$1' on the screen" shows_not "$1" || complain "$(screen)"; }
# row TEXT: the line it stands in.
row() { screen | grep -F -- "$1"; }

# top WIDTH HEIGHT [COMMAND...]: start it there, by default with the lab's socket. When it ends, its
# status stands on the screen.
top() {
	local width=$1 height=$2

	shift 2
	(($#)) || set -- "$build/natem" --lab "$LAB" top 0.2
	change_until_end 'tmux_here kill-server 2>/dev/null' true
	tmux_here new-session -d -x "$width" -y "$height" bash -c 'cd "$0"; echo "before it"
		stty -g >before; "$@"; echo "status $?"; stty -g >after; exec sleep 100' "$BATS_TEST_TMPDIR" "$@"
}

# ended STATUS: and the terminal is as it was found.
ended() {
	see "status $1"
	wait_for "stty" test -s "$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	equal 1 "$(tmux_here display-message -p '#{cursor_flag}')"
}
restored() {
	shows "before it" || complain "$(screen)"
	shows_not "natem top" || complain "$(screen)"
}

# Mappings of 192.168.1.2: 6001 sends once, 6002 three times, 6003 twice.
three_mappings() {
	local i

	natem flush all >/dev/null
	open_sockets client
	for i in 1 2 3; do
		tell client udp "c$i" "192.168.1.2:600$i"
	done
	for i in 1 2 2 3 2 3; do
		tell client sendto "c$i" 203.0.113.10:7000 hello
	done
}

# order_is PORT...: the rows' order from top to bottom.
order_of() { screen | grep -oE '192\.168\.1\.2:600[1-3]' | grep -oE '[1-3]$' | tr -d '\n'; }
order_is() { [[ $(order_of) == "$1" ]]; }
wait_order() { wait_for "the order $1" order_is "$1" || complain "$(screen)"; }

mapping_id() { look mappings id "internal=$1"; }
is_gone() { [[ -z $(mapping_id "$1") ]]; }

# --- what is shown ---

@test "top shows mappings with their traffic, at 80x24" {
	three_mappings
	top 80 24
	see 192.168.1.2:6002
	see "[m mappings]"
	[[ $(row 192.168.1.2:6002) == "udp "*" $(external udp 192.168.1.2:6002) "*" 99 "* ]]
	[[ $(row "mappings  ") == *" 3 of 262144 "*pkt/s* ]]
	[[ $(row "udp ports") == *" 3 of 64512 "* ]]
	see "q quit"
	# The screen has a last line, and nothing is wider than it.
	equal 24 "$(screen | wc -l)"
	tell client sendto c2 203.0.113.10:7000 hello
	wait_for "its traffic" row_has 192.168.1.2:6002 " 132 "
	keys q
	ended 0
	restored
}
row_has() { [[ $(row "$1") == *"$2"* ]]; }

@test "top shows sessions, hosts and drops" {
	three_mappings
	top 100 30
	see 192.168.1.2:6003
	keys s
	see "[s sessions]"
	see 203.0.113.10:7000
	keys h
	see "[h hosts]"
	wait_for "its mappings" row_has "192.168.1.2 " " 3 "
	see "MAPPINGS/QUOTA"
	knob nat.max-mappings-per-host=9
	wait_for "its quota" row_has "192.168.1.2 " " 3/9 "
	keys Enter
	see "filter: 192.168.1.2:"
	keys Escape d
	see "[d drops]"
	server bash -c 'for i in 1 2 3; do echo hi >/dev/udp/203.0.113.1/999; done'
	wait_for "the reason" row_has "no-mapping " "no-mapping "
	see "inbound to an external endpoint"
	see "no-mapping: inbound to" # in full, with what to do about it
	see "knobs changed: nat.max-mappings-per-host" # the last event
	keys q
	ended 0
}

@test "top sorts by bytes, age and time left, and the other way round" {
	three_mappings
	top 80 24
	see 192.168.1.2:6003
	keys o
	see "by bytes"
	wait_order 231
	keys r
	see "by bytes, reversed"
	wait_order 132
	keys r o
	see "by age"
	wait_order 321
	knob udp.timeout=60s
	tell client sendto c2 203.0.113.10:7000 hello
	natem clock freeze >/dev/null
	change_until_end "natem clock resume >/dev/null" natem clock advance 1s >/dev/null
	tell client sendto c1 203.0.113.10:7000 hello
	keys o
	see "by time left"
	wait_order 321
	see "clock frozen"
	keys '<'
	see "by age"
	keys q
	ended 0
}

@test "top filters as one types, and Esc clears it" {
	three_mappings
	top 80 24
	see 192.168.1.2:6003
	keys / ':6002'
	see_no 192.168.1.2:6003
	see 192.168.1.2:6002
	keys Enter
	see "filter: :6002"
	keys / C-u "nothing like it" Enter
	see "nothing has 'nothing like it' in it"
	keys / C-u "UDP :6003" Escape # leaves the filter as it was
	see "filter: nothing like it"
	keys Escape
	see 192.168.1.2:6003
	see_no "filter:"
	keys q
	ended 0
}

@test "top stands still while it is paused" {
	local before

	three_mappings
	top 80 24
	see 192.168.1.2:6003
	keys Space
	see PAUSED
	before=$(screen)
	tell client udp new 192.168.1.2:6009
	tell client sendto new 203.0.113.10:7000 hello
	wait_for "natemd has it" looks 192.168.1.2:6009 mappings internal internal=192.168.1.2:6009
	keys o r o r '<' '<' # keys go on working
	see "by rate"
	equal "$before" "$(screen)"
	keys Space
	see 192.168.1.2:6009
	see_no PAUSED
	keys q
	ended 0
}

@test "top opens a mapping and shows its sessions, and goes back" {
	three_mappings
	tell client sendto c1 203.0.113.11:7001 hello
	tell client sendto c3 203.0.113.11:7003 hello
	top 80 24
	see 192.168.1.2:6003
	keys / :6001 Enter Enter
	see "[mapping $(mapping_id 192.168.1.2:6001)]"
	see 203.0.113.10:7000
	see 203.0.113.11:7001
	shows_not 203.0.113.11:7003
	tell client sendto c1 203.0.113.11:7002 hello
	see 203.0.113.11:7002
	natem flush mapping "$(mapping_id 192.168.1.2:6001)" >/dev/null
	see "has ended"
	keys Escape
	see "[m mappings]"
	keys q
	ended 0
}

# --- what changes the NAT ---

@test "top flushes the chosen mapping after y, and not after n" {
	three_mappings
	top 80 24
	see 192.168.1.2:6003
	keys o Down # by bytes: 2, 3, 1
	wait_order 231
	keys f
	see "Flush udp 192.168.1.2:6003 = $(external udp 192.168.1.2:6003) "
	keys n
	see_no "Flush"
	[[ -n $(mapping_id 192.168.1.2:6003) ]]
	keys f
	see "Flush udp 192.168.1.2:6003 "
	keys y
	see "1 mapping flushed"
	is_gone 192.168.1.2:6003
	[[ -n $(mapping_id 192.168.1.2:6001) && -n $(mapping_id 192.168.1.2:6002) ]]
	see_no 192.168.1.2:6003
	keys q
	ended 0
}

@test "top says why a flush has failed" {
	three_mappings
	top 80 24
	see 192.168.1.2:6003
	keys Space
	see PAUSED
	keys o f
	see "Flush udp 192.168.1.2:6002 "
	natem flush all >/dev/null
	keys y
	see "failed: "
	keys q
	ended 0
}

@test "top changes the preset" {
	local mapping

	top 80 24
	see "[m mappings]"
	keys p
	see "> home"
	keys Down Down Down Down
	see "> symmetric"
	mapping=$(natem get udp.mapping)
	keys Enter
	see "preset symmetric: "
	run -0 natem get udp.mapping
	[[ $output != "$mapping" && $output == *address-and-port-dependent* ]]
	keys p Escape
	see "[m mappings]"
	keys q
	ended 0
}

@test "top refreshes as often as one wants" {
	top 80 24
	see "every 0.2s"
	keys + +
	see "every 1s"
	keys -
	see "every 0.5s"
	keys "?"
	see "natem top: keys"
	keys q # any key
	see "[m mappings]"
	keys q
	ended 0
}

# --- terminals ---

@test "top follows the size of the terminal, however small" {
	local size

	three_mappings
	top 80 24
	see 192.168.1.2:6003
	tmux_here resize-window -x 160 -y 50
	see "AGE"
	see "OUT/S"
	for size in "80 12" "60 8" "40 5" "20 3" "8 2" "2 1"; do
		# shellcheck disable=SC2086 # two words
		tmux_here resize-window -x ${size% *} -y ${size#* }
	done
	tmux_here resize-window -x 60 -y 10
	see 192.168.1.2:6003
	see_no "pkt/s"
	tmux_here resize-window -x 80 -y 24
	see "pkt/s"
	keys q
	ended 0
}

@test "top on a vt100 without colours and without UTF-8 says the same" {
	three_mappings
	top 80 24 env TERM=vt100 NO_COLOR=1 LC_ALL=C "$build/natem" --lab "$LAB" top 0.2
	see 192.168.1.2:6003
	see "mappings  #..........."
	[[ $(tmux_here capture-pane -pe) != *$'\e[3'[0-7]* ]]
	LC_ALL=C grep -q '[^ -~]' <<<"$(screen)" && complain "not ASCII: $(screen)"
	keys q
	ended 0
}

@test "top with NO_COLOR has no colours, without it it has" {
	top 80 24 env TERM=tmux-256color "$build/natem" --lab "$LAB" top 0.2
	see "[m mappings]"
	[[ $(tmux_here capture-pane -pe) == *$'\e[3'[0-7]* ]]
	tmux_here kill-server
	wait_for "tmux has ended" no_tmux
	top 80 24 env TERM=tmux-256color NO_COLOR=1 "$build/natem" --lab "$LAB" top 0.2
	see "[m mappings]"
	[[ $(tmux_here capture-pane -pe) != *$'\e[3'[0-7]* ]]
	keys q
	ended 0
}
no_tmux() { ! tmux_here list-sessions >/dev/null 2>&1; }

@test "top ends with Ctrl-C and with SIGTERM, and leaves the terminal as it was" {
	top 80 24
	see "[m mappings]"
	keys C-c
	ended 0
	restored
	tmux_here kill-server
	wait_for "tmux has ended" no_tmux
	rm -f "$BATS_TEST_TMPDIR/after"
	top 80 24 bash -c 'echo $$ >pid; exec "$@"' - "$build/natem" --lab "$LAB" top 0.2
	see "[m mappings]"
	kill "$(<"$BATS_TEST_TMPDIR/pid")"
	ended 0
	restored
}

@test "top ends when its daemon does, paused or not, and says so" {
	local pause

	for pause in "" Space; do
		start natemd router "$build/natemd" --queue 7 --socket "$BATS_TEST_TMPDIR/s"
		wait_for "natemd is ready" said natemd ready:
		rm -f "$BATS_TEST_TMPDIR/after"
		top 100 24 "$build/natem" -s "$BATS_TEST_TMPDIR/s" top 0.2
		see "[m mappings]"
		[[ -z $pause ]] || { keys "$pause"; see PAUSED; }
		end "$last"
		ended 1
		restored
		see "natemd has ended; netns-scripts/restart.sh"
		tmux_here kill-server
		wait_for "tmux has ended" no_tmux
	done
}

@test "top answers keys while its daemon does not answer, and says that it does not" {
	local daemon

	start natemd router "$build/natemd" --queue 7 --socket "$BATS_TEST_TMPDIR/s"
	wait_for "natemd is ready" said natemd ready:
	daemon=$last # a process group
	top 100 24 "$build/natem" -s "$BATS_TEST_TMPDIR/s" top 0.2
	see "[m mappings]"
	change_until_end "kill -CONT -- -$daemon 2>/dev/null" kill -STOP -- "-$daemon"
	see "NO ANSWER for"
	keys h
	see "[h hosts]"
	kill -CONT -- "-$daemon"
	see_no "NO ANSWER"
	keys q
	ended 0
}

@test "top without a terminal, or without a daemon, says what to do" {
	run -2 natem top
	[[ $output == *"natem mappings"* ]]
	run -2 natem top 0.01
	[[ $output == *"from 0.2 to 60 seconds"* ]]
	top 100 24 "$build/natem" -s "$BATS_TEST_TMPDIR/none" top
	see "no natemd runs there"
	ended 1
}

# --- draw ---

has_sessions() { [[ $(look sessions id | wc -l) == "$1" ]]; }

@test "draw shows client, router and server, with the ports of each mapping" {
	natem flush all >/dev/null
	open_sockets client
	tell client udp c 192.168.1.2:6789
	tell client sendto c 203.0.113.10:7890 hello
	tell client sendto c 203.0.113.11:7890 hello
	wait_for "both sessions" has_sessions 2
	LC_ALL=C.UTF-8 run -0 natem draw
	[[ ${lines[2]} == *"│ 192.168.1.1 │ "*" 203.0.113.1 "* ]] || complain "$output" # the port is as wide as it is
	[[ $output == *"│ 192.168.1.2 │"* ]]
	[[ $output == *":6789 ├─udp─┼─────────────┼─$(external udp 192.168.1.2:6789) "*"▶│ 203.0.113.10:7890 │"* ]]
	[[ $output == *"▶│ 203.0.113.11:7890 │"* ]]
	[[ $output == *"203.0.113.10:7890 believes it talks to $(external udp 192.168.1.2:6789)."* ]]
	equal "$output" "$(LC_ALL=C.UTF-8 natem draw)"
	LC_ALL=C run -0 natem draw
	[[ $output == *":6789 +-udp-+--"* ]]
	run -0 natem draw --json
	equal "192.168.1.1 2" "$(python3 -IS -c '
import json, sys
data = json.load(sys.stdin)
print(data["lan_address"], len(data["mappings"][0]["sessions"]))' <<<"$output")"
}

@test "draw --watch redraws, whole lines of line characters too" {
	natem flush all >/dev/null
	open_sockets client
	tell client udp c 192.168.1.2:6789
	top 80 24 env LC_ALL=C.UTF-8 "$build/natem" --lab "$LAB" draw --watch=0.2
	see "No mapping yet"
	tell client sendto c 203.0.113.10:7890 hello
	see "▶│ 203.0.113.10:7890 │"
	keys q
	ended 0
}
