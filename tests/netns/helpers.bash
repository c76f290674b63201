# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# helpers.bash - what the namespace tests share; every .bats file here loads it
#
# A file has a lab of its own, named for the file and the run, so that files, runs and a user's lab
# live side by side:
#
#   LAB-client 192.168.1.2 --- 192.168.1.1 LAB-router 203.0.113.1 --- 203.0.113.10 .11 LAB-server
#
# A test starts its programs with start or open_talker, and makes changes to the lab with
# change_until_end; teardown ends and undoes exactly these. It waits with wait_for, never for a time.
# NATEM_BUILD names the directory with natemd and natem (default: build).

bats_require_minimum_version 1.5.0

PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH # the system's own programs, whatever the user has beside them
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
checkout=${here%/tests/netns}
build=$(cd "$checkout" && realpath "${NATEM_BUILD:-build}")

# Seconds until a condition is given up; sanitizers and a busy machine make everything slow.
patience=15

complain() { printf '%s\n' "$*" >&2; return 1; }

# wait_for WHAT CONDITION...: poll until the command succeeds, or say that WHAT never came.
wait_for() {
	local what=$1 deadline=$((SECONDS + patience))

	shift
	until "$@"; do
		if ((SECONDS >= deadline)); then
			complain "waited $patience s in vain: $what"
			return 1
		fi
		sleep 0.02
	done
}

# equal WANTED GOT
equal() { [[ $2 == "$1" ]] || complain "wanted '$1', got '$2'"; }

need_programs() {
	local program

	for program; do
		command -v "$program" >/dev/null || skip "$program is not installed"
	done
}

# --- the lab ---

natem() { "$build/natem" --lab "$LAB" "$@" 3>&-; }
knob() { natem set "$@" >/dev/null; }
# Whatever hangs is ended, or the tests would hang with it.
in_host() {
	timeout --foreground -k 5 60 "$checkout/netns-scripts/exec.sh" --lab "$LAB" "$@" 3>&-
}
client() { in_host client "$@"; }
server() { in_host server "$@"; }
router() { in_host router "$@"; }
daemon_pid() { cat "/run/natem/$LAB.pid"; }
daemon_program() { readlink "/proc/$(daemon_pid)/exe"; } 2>/dev/null # none once it is dead
daemon_runs() { [[ -n $(daemon_program) ]]; }
daemon_gone() { ! daemon_runs; }

# lab_up [SETUP.SH-OPTION...]: for setup_file.
lab_up() {
	local file=${BATS_TEST_FILENAME##*/} daemon

	((EUID == 0)) || skip "network namespaces need root"
	export LAB=t-${file%.bats}-$$
	"$checkout/netns-scripts/setup.sh" --no-install --lab "$LAB" "$@" \
		>"$BATS_FILE_TMPDIR/setup" 2>&1 3>&- || complain "$(<"$BATS_FILE_TMPDIR/setup")"
	daemon=$(daemon_program)
	# Deleted it is when somebody builds just now, and in a chroot the path begins further up.
	[[ ${daemon% (deleted)} == *"$build/natemd" ]] || complain "the lab runs '$daemon'"
	# Linux limits the ICMP errors it sends to one address; tests that follow each other would
	# run into that.
	router sysctl -qw net.ipv4.icmp_ratelimit=0
	server sysctl -qw net.ipv4.icmp_ratelimit=0
}

# Ask natemd to end, so that a sanitizer can count what was not freed, and look what it said.
ends_well() {
	local log=/run/natem/$LAB.log

	daemon_runs || { complain "natemd has died"; return 1; }
	kill "$(daemon_pid)"
	wait_for "natemd ends" daemon_gone || return 1
	grep -q 'ended by SIGTERM' "$log" || { complain "natemd did not end well"; return 1; }
	! grep -E 'Sanitizer|runtime error' "$log" || complain "a sanitizer has found something"
}

teardown_file() {
	local well=yes log=/run/natem/${LAB-}.log

	[[ -n ${LAB-} ]] || return 0
	# Where setup.sh has failed, there is no daemon.
	[[ ! -e /run/natem/$LAB.pid ]] || ends_well || { well=; tail -n 100 "$log" >&2 || true; }
	# No output in files: when bats is interrupted, it has removed its directories already.
	"$checkout/netns-scripts/teardown.sh" --lab "$LAB" >&2 3>&- || well=
	[[ -n $well ]]
}

# --- one test ---

started=()    # process groups
undo=()       # commands, run last first
declare -gA to=() from=() # talkers: the pipes to and from them (-g: bats loads us in a function)
declare -gA counted=()

setup() {
	SECONDS=0
	daemon_runs || complain "natemd has died; its log: $(tail -n 50 "/run/natem/$LAB.log")"
	knob nat.preset=home # all knobs as they were
}

# end GROUP: what start has started, with its children.
end() {
	local signal deadline=$((SECONDS + patience))

	for signal in TERM KILL; do
		kill -s "$signal" -- "-$1" 2>/dev/null || return 0
		while ((SECONDS < deadline)); do
			kill -0 -- "-$1" 2>/dev/null || return 0
			sleep 0.02
		done
	done
}

teardown() {
	local i

	for i in "${started[@]}"; do
		end "$i"
	done
	for ((i = ${#undo[@]} - 1; i >= 0; i--)); do
		eval "${undo[i]}" || true
	done
	daemon_runs || complain "natemd has died; its log: $(tail -n 50 "/run/natem/$LAB.log")"
}

# change_until_end UNDO COMMAND...: UNDO is one word, evaluated when the test is over.
change_until_end() {
	undo+=("$1")
	shift
	"$@"
}

# start NAME HOST COMMAND...: in the background; input, output and errors are the files
# $BATS_TEST_TMPDIR/NAME.in (if there is one), .out and .err. The process id is in $last.
start() {
	local at=$BATS_TEST_TMPDIR/$1 host=$2

	shift 2
	[[ -e $at.in ]] || : >"$at.in"
	# Its own session: its id is then that of a group, which holds its children too.
	setsid "$checkout/netns-scripts/exec.sh" --lab "$LAB" "$host" "$@" \
		<"$at.in" >"$at.out" 2>"$at.err" 3>&- &
	last=$!
	started+=("$last")
}

output() { cat "$BATS_TEST_TMPDIR/$1.out"; }
said() { grep -qF -- "$2" "$BATS_TEST_TMPDIR/$1.out" "$BATS_TEST_TMPDIR/$1.err"; }

# listens HOST tcp|udp PORT
listens() { [[ -n $(in_host "$1" ss -Hln "--$2" "sport = :$3") ]]; }
wait_listening() { wait_for "$1 listens on $2 port $3" listens "$@"; }

# finishes NAME PID: wait for the end of a program that start has started, and want success.
finishes() {
	wait "$2" || complain "$1 failed: $(output "$1") $(<"$BATS_TEST_TMPDIR/$1.err")"
}

# --- programs one talks with, line by line ---

# open_talker NAME HOST COMMAND...
open_talker() {
	local name=$1 at=$BATS_TEST_TMPDIR/$1 fd

	mkfifo "$at.in" "$at.out"
	start "$@"
	exec {fd}>"$at.in"
	to[$name]=$fd
	exec {fd}<"$at.out"
	from[$name]=$fd
}

say() { printf '%s\n' "$2" >&"${to[$1]}"; }

# hear NAME: its next line, in $heard.
hear() {
	heard=
	read -r -t "$patience" -u "${from[$1]}" heard ||
		complain "no word from $1: $(<"$BATS_TEST_TMPDIR/$1.err")"
}

# Bob, who has the first word, and Alice: three lines each way, in English and Chinese.
converse() {
	local line

	for line in "Hello from behind the NAT!" "我是 192.168.1.2。" "Goodbye, 再见！"; do
		say bob "$line"
		hear alice
		equal "$line" "$heard"
		say alice "You said: $line"
		hear bob
		equal "You said: $line" "$heard"
	done
}

# Sockets on command: open_sockets HOST... starts sockets.py there, and tell HOST COMMAND... has it
# do something; the answer is in $heard. See sockets.py for the commands.
open_sockets() {
	local host

	for host; do
		open_talker "$host" "$host" python3 -I "$here/sockets.py" $((patience - 5))
	done
}

ask() {
	local host=$1 IFS=$'\t'

	shift
	say "$host" "$*"
	hear "$host"
}

tell() {
	ask "$@"
	[[ $heard != error* ]] || complain "$*: $heard"
}

# tell_fails ERROR HOST COMMAND...
tell_fails() {
	local error=$1

	shift
	ask "$@"
	equal "error $error" "$heard"
}

# told WANTED HOST COMMAND...: the same, with the answer that is wanted.
told() {
	local wanted=$1

	shift
	tell "$@"
	equal "$wanted" "$heard"
}

# --- packets that no program sends ---

declare -gA raw_there=()

# open_raw HOST...: a rawsend.py that stays there, and hears what comes there from now on.
open_raw() {
	local host

	for host; do
		[[ -z ${raw_there[$host]-} ]] || continue
		open_talker "raw-$host" "$host" python3 -IS "$here/rawsend.py" serve $((patience - 5))
		hear "raw-$host"
		equal ready "$heard"
		raw_there[$host]=yes
	done
}

# raw HOST FROM TO PROTOCOL [FIELD=VALUE]...: one packet.
raw() {
	local host=$1 IFS=$'\t'

	shift
	open_raw "$host"
	say "raw-$host" "$*"
	hear "raw-$host"
	equal ok "$heard"
}

# arrives HOST WORD...: the next packet there whose description begins so; it is in $heard. See
# rawsend.py for the words. The host's rawsend.py must have been open when the packet came.
arrives() {
	local host=$1 IFS=$'\t'

	shift
	say "raw-$host" "await	$*"
	hear "raw-$host"
	[[ $heard != error* ]] || complain "$host never got '$*'"
}

# arrived WANTED HOST WORD...: the same, with the whole description.
arrived() {
	local wanted=$1

	shift
	arrives "$@"
	equal "$wanted" "$heard"
}

# icmp_at HOST: how many ICMP messages have come there, of all kinds.
icmp_at() { in_host "$1" cat /proc/net/snmp | awk '$1 == "Icmp:" { n = $2 } END { print n }'; }

# Kernels answer packets of connections they do not know with a RST.
mute_resets() {
	local host

	for host; do
		change_until_end "in_host $host iptables -w -D OUTPUT -p tcp --tcp-flags RST RST -j DROP" \
			in_host "$host" iptables -w -A OUTPUT -p tcp --tcp-flags RST RST -j DROP
	done
}

# --- natemd's tables ---

# look mappings|sessions FIELD [FIELD=VALUE]...: FIELD of every record with these values, a line
# each. A field may lie in another: outbound.packets.
look() {
	# shellcheck disable=SC2016 # Python
	natem --json "$1" | python3 -IS -c '
import json, sys

def field(record, path):
    for name in path.split("."):
        record = record[name]
    return str(record)

table, wanted, *conditions = sys.argv[1:]
for record in json.load(sys.stdin)[table]:
    if all(field(record, c.split("=")[0]) == c.split("=")[1] for c in conditions):
        print(field(record, wanted))
' "$@"
}

# looks WANTED LOOK-ARGUMENT...: is that what look prints?
looks() {
	local wanted=$1

	shift
	[[ $(look "$@") == "$wanted" ]]
}

# external PROTOCOL INTERNAL: the external endpoint that stands for it.
external() { look mappings external "protocol=$1" "internal=$2"; }

# state INTERNAL [REMOTE]: of a TCP session.
state() { look sessions state protocol=tcp "internal=$1" "remote=${2-203.0.113.10:8989}"; }
has_state() { [[ $(state "$2" "${@:3}") == "$1" ]]; }
# wait_state STATE INTERNAL [REMOTE]
wait_state() { wait_for "TCP state $1" has_state "$@" || complain "it is '$(state "${@:2}")'"; }

counter() {
	# shellcheck disable=SC2016 # Python
	natem --json counters | python3 -IS -c '
import json, sys
print(json.load(sys.stdin)["counters"][sys.argv[1]]["value"])
' "$1"
}

# count NAME..., then something happens, then wait_risen NAME [BY].
count() {
	local name

	for name; do
		counted[$name]=$(counter "$name")
	done
}
risen() { (($(counter "$1") == counted[$1] + ${2-1})); }
wait_risen() { wait_for "counter $1 rises by ${2-1}" risen "$@"; }
# The same where the kernel may send a packet again.
risen_at_all() { (($(counter "$1") > counted[$1])); }
wait_risen_at_all() { wait_for "counter $1 rises" risen_at_all "$1"; }

# --- what natem tells as it happens ---

# watch NAME COMMAND...: natem's own, in the background, once it listens.
watch() {
	start "$1" router "$build/natem" --lab "$LAB" "${@:2}"
	wait_for "natem ${*:2} listens" said "$1" listening
}
# end_watch NAME PID
end_watch() {
	kill -INT -- "-$2"
	finishes "$1" "$2"
}

# has NAME PATTERN: a line of what NAME has written matches the extended regular expression.
has() { grep -qE -- "$2" "$BATS_TEST_TMPDIR/$1.out"; }
wait_has() { wait_for "a line like '$2'" has "$@" || complain "there is: $(output "$1")"; }

# --- captures ---

tcpdump_ready() { said "$1" 'listening on'; }
capture_has() { grep -qaF -- "$2" "$1"; }

# capture NAME HOST: all that passes eth0 of HOST, whole, into $BATS_TEST_TMPDIR/NAME.pcap.
capture() {
	start "$1" "$2" tcpdump -i eth0 -s 0 -U --immediate-mode -Z root -w "$BATS_TEST_TMPDIR/$1.pcap"
	wait_for "tcpdump captures" tcpdump_ready "$1"
}

# end_capture NAME HOST: when a last packet, sent for that, has come to the file, all before it has.
end_capture() {
	local neighbour=203.0.113.1 mark="the end of $1"

	[[ $2 == server ]] || neighbour=192.168.1.1
	# shellcheck disable=SC2016 # for the shell in the host
	in_host "$2" bash -c 'printf %s "$1" >"/dev/udp/$2/9"' - "$mark" "$neighbour"
	wait_for "the capture is complete" capture_has "$BATS_TEST_TMPDIR/$1.pcap" "$mark"
}
