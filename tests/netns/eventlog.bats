#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# eventlog.bats - the mapping log of real traffic, and who had a port by it

# shellcheck disable=SC2016,SC2030,SC2031,SC2154
# (a test is a subshell to bats; helpers.bash sets more names; what stands in single quotes is for a
# shell elsewhere)
load helpers

setup_file() { lab_up --clients 2; }

# --- helpers ---

# log_on [KNOB=VALUE]...: into $log, which is new in each test.
log_on() {
	log=$BATS_TEST_TMPDIR/mappings.log
	natem flush all >/dev/null # what is open would be told as well
	change_until_end "knob log.file=none log.destinations=off" knob "log.file=$log" "$@"
}

# speak HOST PORT: a datagram from there to the server; where it came from is in $seen.
speak() {
	local host=$1 address=192.168.1.2

	[[ $host == client ]] || address=192.168.1.3
	open_sockets "$host" server
	tell server udp s 203.0.113.10:7788
	tell "$host" udp a "$address:$2"
	tell "$host" sendto a 203.0.113.10:7788 hello
	tell server recv s
	seen=${heard% hello}
}

# The daemon has a mount namespace of its own, and sees there what we do not.
file_of_daemon() { cat "/proc/$(daemon_pid)/root$1"; }
logged() { grep -qE -- "$1" "$log"; }
wait_logged() { wait_for "'$1' in the log" logged "$1"; }
now() { date -u +%FT%T.%3NZ; }
later_than() { [[ $(now) > $1 ]]; }

# had TIME WANTED [WHO-ARGUMENT]...: does `natem who`, without a daemon, say so of $seen?
had() {
	local time=$1 wanted=$2

	shift 2
	run -0 "$build/natem" -s /nonexistent who "$seen" --at "$time" "$@"
	[[ $output == *"$wanted"* ]] || complain "'$wanted' is not in: $output; the log: $(cat "$log"*)"
}

# status_of MEMBER: of the log.
status_of() {
	# shellcheck disable=SC2016 # Python
	natem --json status | python3 -IS -c '
import json, sys
print(json.load(sys.stdin)["log"][sys.argv[1]])
' "$1"
}
status_is() { [[ $(status_of "$1") == "$2" ]]; }

# --- records ---

@test "6888-log: who had an external endpoint, and when, is in the log and found there" {
	local before during after

	log_on
	before=$(now)
	wait_for "a later moment" later_than "$before"
	speak client 5001
	wait_logged "Z mapping-created udp 192\.168\.1\.2:5001 ${seen//./\\.} - -\$"
	during=$(now)
	had "$during" "udp    192.168.1.2:5001, from 20" --log "$log"
	had "$during" " on" --log "$log"
	had "$before" "nobody, by this log" --log "$log"
	natem flush external "$seen"
	wait_logged "Z mapping-ended udp 192\.168\.1\.2:5001 ${seen//./\\.} flushed [0-9]+\.[0-9]{3}\$"
	after=$(now)
	wait_for "a later moment" later_than "$after"
	after=$(now)
	had "$during" ": flushed" --log "$log"
	had "$after" "nobody, by this log" --log "$log"
	# The daemon that runs knows its log.
	run -0 natem who "$seen" udp --at "$during"
	[[ $output == *"192.168.1.2:5001"* ]]
}

@test "6888-log: two hosts that had one port after each other are told apart" {
	local first second port

	log_on udp.port-range=6000-6000
	speak client 5001
	port=$seen
	wait_logged "mapping-created udp 192.168.1.2:5001 "
	first=$(now)
	natem flush all
	wait_logged "mapping-ended udp 192.168.1.2:5001 "
	wait_for "a later moment" later_than "$first"
	open_sockets client2
	tell client2 udp b 192.168.1.3:5002
	tell client2 sendto b 203.0.113.10:7788 hello
	told "$port hello" server recv s
	wait_logged "mapping-created udp 192.168.1.3:5002 "
	second=$(now)
	had "$first" "192.168.1.2:5001" --log "$log"
	[[ $output != *192.168.1.3* ]]
	had "$second" "192.168.1.3:5002" --log "$log"
	[[ $output != *192.168.1.2* ]]
}

@test "6888-12: no destination is in the log, unless it is asked for" {
	log_on
	speak client 5001
	wait_logged "mapping-created udp 192.168.1.2:5001"
	natem flush all
	wait_logged "mapping-ended"
	! logged "203\.0\.113\.10" || complain "$(<"$log")"
	knob log.destinations=on
	tell client sendto a 203.0.113.10:7788 again
	tell server recv s
	wait_logged "session-created udp 192\.168\.1\.2:5001 203\.0\.113\.1:[0-9]+ - - 203\.0\.113\.10:7788\$"
}

@test "6888-14: a block is one record, whatever comes out of it" {
	local port at

	log_on nat.blocks=dynamic nat.block-size=64
	speak client 5001
	for port in 5002 5003 5004 5005; do
		tell client udp "a$port" "192.168.1.2:$port"
		tell client sendto "a$port" 203.0.113.10:7788 hello
		tell server recv s
	done
	wait_logged "block-allocated - 192\.168\.1\.2 203\.0\.113\.1:[0-9]+-[0-9]+ - -\$"
	at=$(now)
	natem flush all
	wait_logged "block-freed - 192\.168\.1\.2 "
	equal 1 "$(grep -c block-allocated "$log")"
	equal 1 "$(grep -c block-freed "$log")"
	equal 0 "$(grep -c mapping- "$log" || true)"
	had "$at" " of 192.168.1.2, from " --log "$log"
}

@test "deterministic blocks are found without a record of any mapping" {
	local at

	log_on nat.blocks=deterministic nat.internal=192.168.1.0/29
	speak client2 5001
	wait_logged "deterministic - 192\.168\.1\.0-192\.168\.1\.7 203\.0\.113\.1 0 -\$"
	at=$(now)
	had "$at" " of 192.168.1.3, deterministic, from " --log "$log"
	equal 0 "$(grep -c mapping- "$log" || true)"
}

@test "events flows shows what the log is made of" {
	log_on
	speak client 5001
	run -0 natem events flows
	[[ $output == *"udp 192.168.1.2:5001 is $seen"* ]] || complain "$output"
}

@test "a preset and a forward are events of their own" {
	change_until_end "natem forward del tcp 8080" \
		natem forward add tcp 8080 192.168.1.2:80
	natem preset symmetric
	run -0 natem events
	[[ $output == *"forward added: tcp 8080 leads to 192.168.1.2:80"* ]] || complain "$output"
	[[ $output == *"preset symmetric changed: "* ]] || complain "$output"
}

# --- the file ---

@test "SIGHUP makes a file that was moved away anew, and both tell who it was" {
	local first second old

	log_on
	speak client 5001
	old=$seen
	wait_logged "mapping-created udp 192.168.1.2:5001"
	first=$(now)
	mv "$log" "$log.1"
	kill -HUP "$(daemon_pid)"
	wait_for "a new file" test -e "$log"
	daemon_runs
	tell client udp b 192.168.1.2:5002
	tell client sendto b 203.0.113.10:7788 hello
	tell server recv s
	wait_logged "mapping-created udp 192.168.1.2:5002"
	! grep -q 5002 "$log.1" || complain "to the old one"
	second=$(now)
	natem flush all
	wait_logged "mapping-ended udp 192.168.1.2:5001"
	seen=$old
	had "$first" "192.168.1.2:5001, from 20" --log "$log.1"
	had "$second" "192.168.1.2:5001, from 20" --log "$log" --log "$log.1"
	[[ $output == *": flushed"* ]]
	# The new one alone has the end, and the duration tells the beginning.
	had "$second" "192.168.1.2:5001, from about 20" --log "$log"
}

@test "SIGHUP without a log changes nothing" {
	local pid

	pid=$(daemon_pid)
	kill -HUP "$pid"
	natem status >/dev/null
	equal "$pid" "$(daemon_pid)"
	wait_for "a word about it" grep -q "SIGHUP: there is no log.file" "/run/natem/$LAB.log"
}

@test "after a crash the next start ends what was open" {
	local at

	log_on
	speak client 5001
	wait_logged "mapping-created udp 192.168.1.2:5001"
	at=$(now)
	kill -KILL "$(daemon_pid)"
	wait_for "its end" daemon_gone
	"$checkout/netns-scripts/restart.sh" --lab "$LAB" 3>&-
	knob "log.file=$log"
	equal 2 "$(grep -c log-started "$log")"
	had "$at" ": log-started" --log "$log"
	run -0 "$build/natem" -s /nonexistent who "$seen" --at "2100-01-01T00:00:00Z" --log "$log"
	[[ ${lines[0]} == "nobody, by this log" ]] || complain "$output"
}

@test "a full file system: said once, counted, and the log goes on when there is room" {
	local directory=$BATS_TEST_TMPDIR/small pid lost at written

	pid=$(daemon_pid)
	mkdir "$directory"
	[[ $(readlink /proc/self/ns/mnt) != "$(readlink "/proc/$pid/ns/mnt")" ]]
	change_until_end "nsenter -t $pid -m umount $directory" \
		nsenter -t "$pid" -m mount -t tmpfs -o size=16k small "$directory"
	change_until_end "knob log.file=none" knob "log.file=$directory/log"
	nsenter -t "$pid" -m dd if=/dev/zero of="$directory/filler" bs=4k 2>/dev/null || true
	speak client 5001
	# A page may still have room for the first records.
	for ((i = 0; i < 200; i++)); do
		tell client udp "f$i" "192.168.1.2:$((10000 + i))"
		tell client sendto "f$i" 203.0.113.10:7788 x
	done
	wait_for "the disk is full" status_is failing True
	(($(status_of waiting) > 0))
	(($(status_of errors) > 0))
	client ping -n -q -c 1 -W "$patience" 203.0.113.10 # packets go on
	run -0 natem status
	[[ $output == *"log       $directory/log: "*"; it cannot be written now"* ]] || complain "$output"
	at=$(now)
	lost=$(status_of lost)
	nsenter -t "$pid" -m rm "$directory/filler"
	nsenter -t "$pid" -m mount -o remount,size=1m "$directory"
	wait_for "all is written" status_is failing False
	wait_for "nothing waits" status_is waiting 0
	equal 0 "$lost"
	written=$(file_of_daemon "$directory/log" | grep -c "mapping-created udp 192.168.1.2:1")
	equal 200 "$written"
	equal 1 "$(grep -c "log.file $directory/log: No space left on device" "/run/natem/$LAB.log")"
	grep -q "log.file $directory/log: written again" "/run/natem/$LAB.log"
	file_of_daemon "$directory/log" >"$BATS_TEST_TMPDIR/copy"
	log=$BATS_TEST_TMPDIR/copy
	had "$at" "192.168.1.2:5001" --log "$log"
	[[ $output != *"left out"* ]]
}

@test "a log that cannot be is refused, and nothing changes" {
	run -1 natem set log.file=/nonexistent/log udp.timeout=7s
	[[ $output == *"log.file: cannot write to /nonexistent/log: No such file"* ]] || complain "$output"
	equal none "$(natem get log.file)"
	equal 300s "$(natem get udp.timeout)"
	run -2 natem set log.file=relative
	[[ $output == *"log.file: 'relative' is not allowed; allowed: none, or a path from / on"* ]]
}
