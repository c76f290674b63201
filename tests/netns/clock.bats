#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# clock.bats - NAT time moved by hand while real programs go on in real time

# shellcheck disable=SC2016,SC2030,SC2031,SC2119,SC2120,SC2154
# (a test is a subshell to bats; helpers.bash sets more names; what stands in single quotes is for
# Python or for the end of the test)
load helpers

setup_file() { lab_up; }

says() { [[ $output == *"$1"* ]] || complain "'$1' is not in: $output"; }

# clock WORD...: natem clock, undone at the end of the test as far as it can be.
clock() {
	change_until_end 'natem clock scale 1 >/dev/null; natem clock resume >/dev/null' \
		natem clock "$@" >/dev/null
}

# of_clock FIELD
of_clock() {
	natem --json clock show | python3 -IS -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}
real_ms_reach() { (($(of_clock real_ms) >= $1)); }
# Real time goes on by $1 ms, whatever NAT time does.
let_pass() { wait_for "$1 ms pass" real_ms_reach $(($(of_clock real_ms) + $1)); }

# Records that natemd holds, due or not: the lists leave out what is due.
held() {
	natem --json status | python3 -IS -c 'import json, sys; print(json.load(sys.stdin)["sessions"]["live"])'
}
holds() { equal "$1" "$(held)" 2>/dev/null; }

# speak PORT: the client on that port speaks to 203.0.113.10:7788, where the server's socket s is.
# The client's own endpoint is in $own, the one the server saw in $seen.
speak() {
	own=192.168.1.2:$1
	open_sockets client server
	tell server udp s 203.0.113.10:7788
	tell client udp c "$own"
	tell client sendto c 203.0.113.10:7788 hello
	tell server recv s
	seen=${heard% hello}
}

# tcp_open PORT: a connection from there to 203.0.113.10:8989, sockets c and s.
tcp_open() {
	own=192.168.1.2:$1
	open_sockets client server
	tell server listen l 203.0.113.10:8989
	tell client tcp c "$own"
	tell client connect c 203.0.113.10:8989
	tell server accept s l
	wait_state ESTABLISHED "$own"
}

@test "RFC 4787 REQ-5: advanced by 301 s, an idle UDP mapping of 300 s is gone at once" {
	speak 6001
	clock advance 299s
	equal "$own" "$(look mappings internal "internal=$own")" # idle, but not for long enough
	clock advance 2s
	equal "" "$(look mappings id "internal=$own")"
	equal 0 "$(held)"
	count no-mapping
	tell server sendto s "$seen" "too late"
	wait_risen no-mapping
	# The sockets know nothing of it, and begin anew.
	tell client sendto c 203.0.113.10:7788 again
	tell server recv s
	tell server sendto s "${heard% again}" "in time"
	told "203.0.113.10:7788 in time" client recv c
}

@test "RFC 5382 REQ-5: an idle TCP connection lives 2 h 4 min of NAT time" {
	tcp_open 6002
	clock advance 2h3m
	equal ESTABLISHED "$(state "$own")"
	# Two hours later for the NAT, no time at all for the two programs; their words restart its timer.
	tell client send c "still here"
	told "still here" server recv s
	tell server send s "so am I"
	told "so am I" client recv c
	clock advance 2h3m
	equal ESTABLISHED "$(state "$own")"
	clock advance 1m
	equal "" "$(state "$own")"
	count tcp-no-session
	tell client send c "too late"
	wait_risen_at_all tcp-no-session # TCP sends it again and again
}

@test "uptime and the programs' clocks are real time" {
	local before

	before=$(of_clock nat_ms)
	clock advance 10d
	(($(of_clock nat_ms) >= before + 864000000))
	(($(of_clock real_ms) < 864000000))
	run -0 natem status
	[[ ${lines[0]} =~ ,\ up\ ([0-9]+m)?[0-9]+s$ ]]
	[[ ${lines[7]} =~ ^clock\ +runs,\ scale\ 1,\ .*\ ahead$ ]]
}

@test "frozen, nothing ages, and packets pass; resumed, it ages again" {
	clock advance 1d # what other tests have left
	clock freeze
	knob udp.timeout=100ms
	speak 6003
	let_pass 500
	equal 100 "$(look mappings expires_in_ms "internal=$own")"
	tell server sendto s "$seen" "frozen, not dead"
	told "203.0.113.10:7788 frozen, not dead" client recv c
	equal 1 "$(held)"
	natem clock resume >/dev/null
	wait_for "the mapping ends" holds 0
}

@test "advanced while frozen, what is due is gone, and no more" {
	clock freeze
	speak 6004
	clock advance 299s
	equal 1000 "$(look mappings expires_in_ms "internal=$own")"
	clock advance 1s
	equal "" "$(look mappings id "internal=$own")"
	equal True "$(of_clock frozen)"
}

# Seconds of real time until natemd's own timer wakes it.
armed_for() { sed -n 's/^it_value: (\([0-9]*\),.*/\1/p' /proc/"$(daemon_pid)"/fdinfo/*; }

@test "scaled by 10, natemd wakes up for 300 s within 30 s of real time" {
	clock advance 1d
	speak 6005
	clock scale 10
	(($(armed_for) <= 30))
	(($(armed_for) > 30 - patience))
}

@test "scaled by 1000, 300 s are over in a moment" {
	clock advance 1d
	speak 6007
	equal 1 "$(held)"
	clock scale 1000
	wait_for "the mapping ends" holds 0
}

@test "scaled by a thousandth, 100 ms last" {
	clock advance 1d
	clock scale 0.001
	knob udp.timeout=100ms
	speak 6006
	let_pass 500
	tell server sendto s "$seen" "in good time"
	told "203.0.113.10:7788 in good time" client recv c
	clock scale 1
	wait_for "the mapping ends" holds 0
}

@test "clock shows itself whatever it did, as text and as JSON" {
	run -0 natem clock freeze
	change_until_end 'natem clock scale 1; natem clock resume' true
	[[ ${lines[0]} =~ ^clock\ +frozen$ ]]
	run -0 natem clock scale 2.5
	[[ ${lines[0]} =~ ^clock\ +frozen$ ]]
	[[ ${lines[1]} =~ ^scale\ +2\.5$ ]]
	run -0 natem clock advance 1h
	[[ ${lines[2]} =~ ^NAT\ time\ +[0-9dhms]+,\ [0-9dhms]+\ ahead$ ]]
	[[ ${lines[3]} =~ ^real\ time\ +[0-9ms]+\ since\ natemd\ started$ ]]
	run -0 natem clock resume
	[[ ${lines[0]} =~ ^clock\ +runs$ ]]
	run -0 natem --json clock show
	equal 1 "${#lines[@]}"
	says '"scale":"2.5"'
}

@test "a time, a scale or a word that clock does not take is refused with status 2" {
	run -2 natem clock
	says "advance TIME | scale FACTOR | freeze | resume | show"
	run -2 natem clock stop
	says "it has advance, scale, freeze, resume and show"
	run -2 natem clock advance
	says "needs a time"
	run -2 natem clock advance soon
	says "'soon' is not allowed; allowed: a time from 1ms to 3650d"
	run -2 natem clock advance 0
	run -2 natem clock scale 0
	says "from 0.001 to 10000"
	says "freeze"
	run -2 natem clock scale fast
	run -2 natem clock freeze now
	says "takes no 'now'"
	run -2 natem clock advance 1s 2s
	equal False "$(of_clock frozen)"
	equal 1 "$(of_clock scale)"
	run -0 natem clock --help
	says "timers of"
	says "go by real time"
}
