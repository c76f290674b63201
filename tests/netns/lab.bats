#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# lab.bats - the scripts: labs come up, stand side by side, and go without a trace
#
# The file's own lab stays as it is; tests that build or break one take another name, $LAB-x.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154
# (a test is a subshell to bats; helpers.bash sets more names; what stands in single quotes is for a
# shell in a host)
load helpers

# All that a lab might have changed on the machine itself; what other programs change all the time
# is left out.
machine() {
	local table

	set +e # a machine may lack some of it
	ip -o link | sed 's/ state [A-Z]*//'
	ip -o addr | sed 's/valid_lft.*//'
	ip rule
	ip route show table all | grep -v '^broadcast\|expires'
	for table in filter nat mangle raw; do
		iptables -w -t "$table" -S 2>/dev/null
	done
	sysctl -a 2>/dev/null | grep -E '^net\.(ipv[46]|bridge|core)\.' |
		grep -vE '\.(stable_secret|route\.gc|fib_|tcp_mem|udp_mem|inet_peer|netdev_rss_key)'
	find /etc/netns /etc/resolv.conf /etc/hosts -maxdepth 1 -printf '%p %s %t\n' 2>/dev/null
	set -e
}

setup_file() {
	# Before any lab: what the first one does to the machine, the next might only repeat.
	machine >"$BATS_FILE_TMPDIR/machine"
	lab_up
}

scripts=$checkout/netns-scripts

says() { [[ $output == *"$1"* ]] || complain "'$1' is not in: $output"; }

# script NAME ARGUMENT...
script() { "$scripts/$1.sh" "${@:2}" 3>&-; }

# other_lab NAME [SETUP.SH-OPTION...]: a lab for this test alone.
other_lab() {
	change_until_end "script teardown --lab '$1' >/dev/null" true
	script setup --no-install --lab "$1" "${@:2}" >"$BATS_TEST_TMPDIR/setup-$1" 2>&1 ||
		complain "$(<"$BATS_TEST_TMPDIR/setup-$1")"
}

# in_lab NAME HOST COMMAND...
in_lab() { script exec --lab "$@"; }
natem_of() { "$build/natem" --lab "$@" 3>&-; }
pings() { in_lab "$1" "${2-client}" ping -n -q -c 1 -W "$patience" 203.0.113.10 >/dev/null; }

# What a lab of that name, and no other, has left behind.
remains() {
	ip netns list | grep -E "^$1-(client|router|server)[0-9]*( |\$)"
	compgen -G "/run/natem/$1.*"
	pgrep -fx ".*/natemd .*/run/natem/$1\.sock .*"
}
leaves_nothing() { [[ -z $(remains "$1") ]] || complain "left behind: $(remains "$1")"; }

# unharmed COMMAND...: our own lab is the same one afterwards, and translates.
unharmed() {
	local pid

	pid=$(daemon_pid)
	"$@"
	equal "$pid" "$(daemon_pid)"
	pings "$LAB"
}

# --- nothing outside ---

@test "nothing outside the lab's namespaces changes, while it is up and after" {
	local x=$LAB-x at=$BATS_TEST_TMPDIR

	other_lab "$x" --clients 2 --external 2
	pings "$x" client2
	machine >"$at/machine-up"
	script chat --lab "$x" --demo >/dev/null
	script teardown --lab "$x" >/dev/null
	machine >"$at/machine-after"
	diff "$BATS_FILE_TMPDIR/machine" "$at/machine-up"
	diff "$BATS_FILE_TMPDIR/machine" "$at/machine-after"
	leaves_nothing "$x"
}

# --- setup ---

@test "NATEM_LAB names the lab where --lab does not" {
	local x=$LAB-x

	change_until_end "script teardown --lab '$x' >/dev/null" true
	NATEM_LAB=$x script setup --no-install >"$BATS_TEST_TMPDIR/setup-$x" 2>&1
	NATEM_LAB=$x script exec client ping -n -q -c 1 -W "$patience" 203.0.113.10 >/dev/null
	NATEM_LAB=$x script teardown --lab "$LAB-nosuch" >/dev/null
	pings "$x"
	NATEM_LAB=$x unharmed script teardown >/dev/null
	leaves_nothing "$x"
}

@test "setup.sh ends with three commands to try, and they are right" {
	local try

	mapfile -t try < <(sed -n '/^Try next:/,/^Take it down:/{/^  /p}' "$BATS_FILE_TMPDIR/setup")
	equal 3 "${#try[@]}"
	[[ ${try[0]} == *"netns-scripts/chat.sh --lab $LAB udp" ]]
	[[ ${try[1]} == *"natem --lab $LAB mappings --watch" ]]
	[[ ${try[2]} == *"netns-scripts/exec.sh --lab $LAB client ping 203.0.113.10" ]]
	cd "$checkout"
	run -0 bash -c "exec 3>&-; ${try[2]} -c 1"
	run -0 bash -c "exec 3>&-; ${try[1]} | head -n 1"
	says PROTO
}

@test "the hosts have the addresses of the design, and the server no way to the LAN" {
	equal "192.168.1.2/24" "$(client ip -4 -o addr show dev eth0 | awk '{ print $4 }')"
	equal "192.168.1.1/24" "$(router ip -4 -o addr show dev lan | awk '{ print $4 }')"
	equal "203.0.113.1/24" "$(router ip -4 -o addr show dev wan | awk '{ print $4 }')"
	equal "203.0.113.10/24 203.0.113.11/24" \
		"$(server ip -4 -o addr show dev eth0 | awk '{ print $4 }' | paste -sd ' ')"
	run server ip route get 192.168.1.2
	[[ $status -ne 0 ]]
	# The kernel's own NAT has no part in it, and no rule lets anything by without natemd.
	equal "" "$(router iptables -w -t nat -S | grep -v '^-P' || true)"
	equal "" "$(router iptables -w -t mangle -S | grep -e --queue-bypass || true)"
}

@test "a second setup.sh replaces the first" {
	local x=$LAB-x first

	other_lab "$x" --clients 3 -- -o udp.timeout=33s
	first=$(<"/run/natem/$x.pid")
	pings "$x" client3
	script setup --no-install --lab "$x" >/dev/null 2>&1
	run ! readlink "/proc/$first/exe" # dead, if perhaps not reaped
	[[ ! -e /run/netns/$x-client2 ]]
	equal 300s "$(natem_of "$x" get udp.timeout)"
	pings "$x"
}

@test "labs of different names run side by side, and one goes without the other" {
	local x=$LAB-x lab

	other_lab "$x"
	for lab in "$LAB" "$x"; do
		in_lab "$lab" client bash -c 'exec 5<>/dev/udp/203.0.113.10/7000; echo hello >&5'
		pings "$lab"
	done
	# $LAB is the beginning of $LAB-x: what belongs to one is not the other's.
	knob udp.timeout=55s
	equal 300s "$(natem_of "$x" get udp.timeout)"
	unharmed script teardown --lab "$x" >/dev/null
	leaves_nothing "$x"
	equal 55s "$(natem get udp.timeout)"
}

@test "teardown.sh of a lab whose name begins another's leaves that one alone" {
	local x=$LAB-x

	other_lab "$x-y"
	run -0 script teardown --lab "$x"
	says "not up"
	pings "$x-y"
}

@test "--clients makes so many hosts, and each of them gets through" {
	local x=$LAB-x host

	other_lab "$x" --clients 3
	for host in client client2 client3; do
		pings "$x" "$host"
	done
	equal "192.168.1.4/24" "$(in_lab "$x" client3 ip -4 -o addr show dev eth0 | awk '{ print $4 }')"
	[[ ! -e /run/netns/$x-client4 ]]
	equal "192.168.1.2 192.168.1.3 192.168.1.4" \
		"$(natem_of "$x" mappings | awk '$1 == "icmp" { sub(":.*", "", $2); print $2 }' |
			sort -u | paste -sd ' ')"
}

@test "--external makes a pool: several addresses are used, and each host is paired with one" {
	local x=$LAB-x host port used

	other_lab "$x" --clients 6 --external 3 -- -o nat.seed=4787
	equal "external  203.0.113.1, 203.0.113.2, 203.0.113.3" "$(natem_of "$x" status | grep ^external)"
	for host in client client{2..6}; do
		pings "$x" "$host"
		for port in 7001 7002 7003; do
			in_lab "$x" "$host" bash -c 'echo hello >"/dev/udp/203.0.113.10/$1"' - "$port"
		done
	done
	# Internal and external address of every mapping, each pair once.
	used=$(natem_of "$x" mappings | awk 'NR > 1 { print $2, $3 }' | sed 's/:[0-9]*//g' | sort -u)
	equal 6 "$(wc -l <<<"$used")" || complain "$used"
	(($(cut -d ' ' -f 2 <<<"$used" | sort -u | wc -l) > 1)) || complain "$used"
}

@test "each of the five presets makes the NAT it is called after" {
	local x=$LAB-x preset mapping filtering protocol

	while read -r preset mapping filtering; do
		other_lab "$x" --preset "$preset"
		for protocol in udp tcp icmp; do
			equal "$mapping" "$(natem_of "$x" get "$protocol.mapping")"
			equal "$filtering" "$(natem_of "$x" get "$protocol.filtering")"
		done
		pings "$x"
	done <<-EOF
	home                 endpoint-independent       address-and-port-dependent
	full-cone            endpoint-independent       endpoint-independent
	restricted-cone      endpoint-independent       address-dependent
	port-restricted-cone endpoint-independent       address-and-port-dependent
	symmetric            address-and-port-dependent address-and-port-dependent
	EOF
}

@test "natemd's own options come after --, and restart.sh keeps them" {
	local x=$LAB-x

	other_lab "$x" --preset symmetric -- -o udp.timeout=33s -o tcp.mapping=eim --busy-poll 0
	equal 33s "$(natem_of "$x" get udp.timeout)"
	script restart --lab "$x" >/dev/null
	tr "\0" "\n" <"/proc/$(<"/run/natem/$x.pid")/cmdline" | grep -qxFe --busy-poll
	equal 33s "$(natem_of "$x" get udp.timeout)"
	equal endpoint-independent "$(natem_of "$x" get tcp.mapping)"
	equal address-and-port-dependent "$(natem_of "$x" get udp.mapping)"
}

misused() {
	run -2 script "$@"
	[[ -n $output ]]
}

@test "bad options are refused with status 2, and the lab of that name stays" {
	unharmed misuse_setup
}
misuse_setup() {
	local value

	for value in 0 -1 201 x 1x '' 99999; do
		misused setup --no-install --lab "$LAB" --clients "$value"
	done
	for value in 0 10 x; do
		misused setup --no-install --lab "$LAB" --external "$value"
	done
	misused setup --no-install --lab "$LAB" --preset nosuch
	says "there are: home, full-cone"
	misused setup --no-install --lab "$LAB" --topology double
	misused setup --no-install --lab "$LAB" -- -o udp.maping=adm
	says "did you mean 'udp.mapping'?"
	misused setup --no-install --lab "$LAB" -- -o udp.mapping=cone
	for value in --queue --socket --ready-fd -n -h -V now; do
		misused setup --no-install --lab "$LAB" -- -o udp.timeout=9s "$value" 7
		says "'$value' after --"
	done
	misused setup --bogus
	misused setup --lab
	misused setup --preset
	for value in '' A a.b a/b 'a b' -a "$(printf 'x%.0s' {1..33})"; do
		misused setup --no-install --lab "$value"
		misused teardown --lab "$value"
		misused restart --lab "$value"
		misused exec --lab "$value" client true
		misused chat --lab "$value" --demo
	done
	misused teardown now
	misused restart now
	misused chat sctp
	misused chat --bogus
	misused exec --lab "$LAB"
	misused exec --lab "$LAB" client
	misused deps
	misused deps everything
}

@test "a lab that cannot come up leaves nothing, and says why" {
	local x=$LAB-x

	change_until_end "script teardown --lab '$x' >/dev/null" true
	run -1 script setup --no-install --lab "$x" -- -o nat.lan=nosuch
	says "no interface 'nosuch'"
	leaves_nothing "$x"
}

@test "every script explains itself" {
	local name

	for name in setup teardown restart exec chat deps; do
		run -0 script "$name" --help
		says "usage: $name.sh"
		says "Exit status"
		run -0 script "$name" -h
	done
}

# --- teardown and restart ---

@test "teardown.sh ends the lab's programs and removes all of it, and may run twice" {
	local x=$LAB-x sleeper

	other_lab "$x" --clients 2
	in_lab "$x" client2 setsid sleep 1000 >/dev/null 2>&1 &
	sleeper=$!
	wait_for "it runs" in_client2 sleep
	run -0 script teardown --lab "$x"
	says "lab '$x' is down"
	leaves_nothing "$x"
	wait "$sleeper" || true
	[[ ! -e /proc/$sleeper ]]
	run -0 script teardown --lab "$x"
	says "nothing to take down"
}
in_client2() { [[ -n $(ip netns pids "$LAB-x-client2") ]]; }

@test "teardown.sh takes down a lab that is half built" {
	local x=$LAB-x

	change_until_end "script teardown --lab '$x' >/dev/null" ip netns add "$x-server"
	run -0 script teardown --lab "$x"
	leaves_nothing "$x"
	: >"/run/natem/$x.log"
	run -0 script teardown --lab "$x"
	leaves_nothing "$x"
}

@test "without a lab, restart.sh, exec.sh and chat.sh say how to get one" {
	local name x=$LAB-nosuch

	for name in "restart --lab $x" "exec --lab $x client true" "chat --lab $x --demo"; do
		# shellcheck disable=SC2086 # words
		run -1 script $name
		says "no lab '$x' is up"
		says "setup.sh"
	done
}

# --- exec ---

@test "exec.sh gives the program its input, its words and its exit status" {
	run -7 client bash -c 'exit 7'
	run -137 client bash -c 'kill -9 $$'
	run client "$BATS_TEST_TMPDIR/nosuch"
	[[ $status -ne 0 ]]
	equal "in and out" "$(client cat <<<"in and out")"
	equal $'a b\n\n--lab\n*' "$(client printf '%s\n' 'a b' '' --lab '*')"
	equal 192.168.1.1 "$(client ip route show default | awk '{ print $3 }')"
}

@test "exec.sh names the hosts there are" {
	run -2 script exec --lab "$LAB" nosuch true
	says "no host 'nosuch'; it has: client router server"
	run -2 script exec --lab "$LAB" client2 true
}

# --- chat ---

# The programs that run in a host.
programs() { ip netns pids "$LAB-$1" | xargs -r ps -o comm= -p | sort | paste -sd ' '; }

@test "chat.sh --demo plays three lines and more each way over UDP and TCP, in two languages" {
	local protocol part

	run -0 script chat --lab "$LAB" --demo
	for protocol in UDP TCP; do
		part=$(sed -n "/^Over $protocol/,/^Over [^${protocol:0:1}]/p" <<<"$output")
		(($(grep -c 'server received: ' <<<"$part") >= 3)) || complain "$part"
		(($(grep -c 'client received: ' <<<"$part") >= 3)) || complain "$part"
		grep -q 'server received: .*[a-z]' <<<"$part"
		grep -q 'client received: .*[a-z]' <<<"$part"
		# Chinese is there, whole
		grep -qP 'server received: .*\p{Han}' <<<"$part"
		grep -qP 'client received: .*\p{Han}' <<<"$part"
		who_saw_whom "$part" "${protocol,,}"
	done
	[[ $output == *"port 7890"*"port 8989"* ]]
	equal natemd "$(programs router)"
	equal "" "$(programs client)$(programs server)"
}

# who_saw_whom TEXT PROTOCOL: the client's own endpoint, the one the server saw, the row that joins
# them.
who_saw_whom() {
	local own seen

	own=$(grep -oE '192\.168\.1\.2:[0-9]+' <<<"$1" | head -n 1)
	seen=$(grep -oE '203\.0\.113\.1:[0-9]+' <<<"$1" | head -n 1)
	[[ -n $own && -n $seen ]] || complain "$1"
	grep -qE "^ *$2 +$own +$seen " <<<"$1" || complain "no row joins $own and $seen: $1"
	equal "$seen" "$(look mappings external "protocol=$2" "internal=$own")"
}

@test "chat.sh --demo twice in a row works" {
	script chat --lab "$LAB" --demo >/dev/null
	script chat --lab "$LAB" --demo >/dev/null
}

@test "chat.sh says when its port is taken, and leaves that program alone" {
	start nc server nc -l -k 203.0.113.10 8989
	wait_listening server tcp 8989
	run -1 script chat --lab "$LAB" --demo
	says "already listens on tcp port 8989"
	equal nc "$(programs server)"
	equal "" "$(programs client)"
}

@test "a script that is called through a link finds its way" {
	ln -s "$scripts/exec.sh" "$BATS_TEST_TMPDIR/in"
	run -0 "$BATS_TEST_TMPDIR/in" --lab "$LAB" client ip -br address show eth0
	says 192.168.1.2
}

@test "chat.sh without a terminal says what needs none" {
	run -1 script chat --lab "$LAB" udp </dev/null
	says "--demo"
	run -2 script chat --lab "$LAB" --demo tcp
	says "say one"
}

tmux_here() { tmux -u -f /dev/null -S "$BATS_TEST_TMPDIR/tmux" "$@" 3>&-; }
screen() { tmux_here capture-pane -p; }
# shows_times NUMBER TEXT: it stands on that many lines.
shows_times() { (($(screen | grep -oF -- "$2" | wc -l) == $1)); }
shows() { [[ $(screen) == *"$1"* ]]; }

# typed TEXT: into the side that is chosen; it appears there and on the other.
typed() {
	tmux_here send-keys -l "$1"
	tmux_here send-keys Enter
	wait_for "'$1' on both sides" shows_times 2 "$1"
}

chat_in_tmux() {
	need_programs tmux
	change_until_end 'tmux_here kill-server 2>/dev/null' true
	tmux_here new-session -d -x 150 -y 40 \
		bash -c '"$@"; echo "status $?"; exec sleep 1000' - "$scripts/chat.sh" --lab "$LAB" "$1"
	wait_for "the table" shows PROTO
	wait_for "the client" shows "Write first."
}

chat_is_over() { [[ ! -e /run/natem/$LAB.$1.tmux && -z $(programs client)$(programs server) ]]; }

# chat_over PROTOCOL
chat_over() {
	knob udp.timeout=100ms tcp.timeout-transitory=100ms
	wait_for "the table is empty" looks "" mappings id "protocol=$1"
	knob nat.preset=home
	chat_in_tmux "$1"
	typed "hello from the client"
	typed "你好，服务器"
	wait_for "the mapping" shows "192.168.1.2:"
	shows " 203.0.113.1:"
	tmux_here send-keys C-b Right
	typed "hello from the server"
	typed "你好，客户"
	tmux_here send-keys C-b Left
	typed "back again"
	[[ $1 == udp ]] || shows ESTABLISHED
	equal 1 "$(look mappings id "protocol=$1" | wc -l)" || complain "$(natem mappings)"
	tmux_here send-keys C-b d
	wait_for "its end" shows "status 0"
	wait_for "all of it is gone" chat_is_over "$1"
}

@test "chat.sh udp: what is typed appears on the other side, the table shows it, leaving cleans up" {
	chat_over udp
}

@test "chat.sh tcp: the same, and the state is named" {
	chat_over tcp
}

@test "chat.sh cleans up when its terminal goes away" {
	chat_in_tmux udp
	tmux_here kill-server
	wait_for "all of it is gone" chat_is_over udp
}

# --- packages ---

@test "make deps and make deps-check do nothing when all is there" {
	local before

	"$scripts/deps.sh" run --no-install >/dev/null 2>&1 || skip "packages are missing"
	"$scripts/deps.sh" check --no-install >/dev/null 2>&1 || skip "packages for tests are missing"
	before=$(stat -c '%Y %s' /var/lib/dpkg/status; find /usr/sbin -name 'policy-rc.d*' -ls)
	run -0 make -s -C "$checkout" deps
	says "all there"
	run -0 make -s -C "$checkout" deps-check
	says "all there"
	equal "$before" "$(stat -c '%Y %s' /var/lib/dpkg/status; find /usr/sbin -name 'policy-rc.d*' -ls)"
}
