#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# chat.sh - talk across the NAT and watch its table
#
#   +--------------------+--------------------+
#   | client: nc         | server: nc         |
#   +--------------------+--------------------+
#   | the table: natem mappings --watch       |
#   +-----------------------------------------+
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

natem=$build_dir/natem
server=203.0.113.10
declare -A ports=([udp]=7890 [tcp]=8989)
declare -A nc_options=([udp]=-nu [tcp]=-nN)
declare -A ends=([udp]='Ctrl-c ends.' [tcp]='Ctrl-d ends.')

# The client has the first word and every other one.
lines=(
	"Hello from behind the NAT!"
	"Hello! What is your address?"
	"我是 192.168.1.2。"
	"奇怪，我看到的是路由器的地址。"
	"Then somebody must have changed it on the way."
	"是 natemd。Goodbye, 再见！"
)
# While a demo runs: its files, its programs, and the descriptors of the pipes to and from them.
demo_dir=
talkers=()
declare -A pipes

usage() {
	cat <<-EOF
	usage: chat.sh [--lab NAME] [udp|tcp]
	       chat.sh [--lab NAME] --demo

	Opens a terminal split in three: nc in the client and nc in the server of lab NAME (default:
	\$NATEM_LAB, or natem), and the NAT's live table below. UDP (the default) uses port ${ports[udp]},
	TCP port ${ports[tcp]}. Ctrl-b and an arrow key, or a click, changes sides; Ctrl-b d leaves.

	  --demo   needs no terminal: plays a conversation over UDP and one over TCP, prints each line
	           as the other side received it, and then who saw whom

	Exit status: 0 done, 1 failed, 2 wrong usage.
	EOF
}

# What the kernel knows about sockets of this protocol: sockets HOST SS-ARGUMENT...
sockets() { in_host "$1" ss -Hn "--$protocol" "${@:2}"; }
server_listens() { [[ -n $(sockets server --listening "sport = :$port") ]]; }

use_protocol() {
	protocol=$1
	port=${ports[$protocol]}
	! server_listens || fail "a program in the server already listens on $protocol port $port: end it first"
}

# --- in a terminal ---

chat_tmux() { tmux -u -f /dev/null -S "$run_dir/$lab.$protocol.tmux" "$@"; }

# set_pane HOST HINT NC-ARGUMENT...: the command line of a pane, in the array pane. It shows what it
# runs, in lines short enough for half of a small terminal.
set_pane() {
	local host=$1 hint=$2 nc

	nc=(nc "${nc_options[$protocol]}" "${@:3}")
	# shellcheck disable=SC2016 # for the pane's own shell to expand
	pane=(bash -c 'printf "$ %s\n%s\n\n" "$1" "$2"; exec "${@:3}"' "$host"
		"${nc[*]}" "$hint" ip netns exec "$lab-$host" "${nc[@]}")
}

open_server_pane() {
	local pane

	set_pane server "Answer here. ${ends[$protocol]}" -v -l "$server" "$port"
	chat_tmux start-server \; \
		set-option -g remain-on-exit on \; \
		set-option -gq remain-on-exit-format 'This side has ended. Ctrl-b d leaves.' \; \
		set-option -g mouse on \; \
		set-option -g pane-border-status top \; \
		set-option -g pane-border-format ' #{pane_title}#{?pane_dead, - ended,} ' \; \
		set-option -g status-left-length 50 \; \
		set-option -g status-left " lab $lab, chat over ${protocol^^}" \; \
		set-option -g status-right-length 50 \; \
		set-option -g status-right 'Ctrl-b arrow: other side   Ctrl-b d: leave ' \; \
		set-option -g window-status-current-format '' \; \
		new-session -d -x "$(tput cols)" -y "$(tput lines)" "${pane[@]}"
	chat_tmux select-pane -T 'server 203.0.113.10'
}

open_client_pane() {
	local pane

	set_pane client "Write first. ${ends[$protocol]}" "$server" "$port"
	chat_tmux split-window -h -b "${pane[@]}"
	chat_tmux select-pane -T 'client 192.168.1.2'
}

open_table_pane() {
	chat_tmux split-window -f -v -l 40% "$natem" --lab "$lab" mappings --watch
	chat_tmux select-pane -T "the NAT's mappings"
	chat_tmux select-pane -t '{top-left}'
}

close_chat() {
	chat_tmux kill-server 2>/dev/null || true
	rm -f "$run_dir/$lab.$protocol.tmux"
}

chat() {
	[[ -t 0 && -t 1 ]] || fail "there is no terminal here; this needs none: $(call netns-scripts/chat.sh) --demo"
	use_protocol "$1"
	! chat_tmux has-session 2>/dev/null || fail "a chat over $protocol is already open in lab '$lab'"
	trap close_chat EXIT
	trap : HUP # the terminal may go away; tmux ends with it, and then it is for us to clean up
	open_server_pane
	wait_for 5 server_listens || fail "nc does not listen in the server"
	open_client_pane
	open_table_pane
	# The session ends with its terminal, however that goes away, and its programs end with it.
	chat_tmux attach-session \; set-option destroy-unattached on
}

# --- without a terminal ---

# open_pipe NAME: we keep both ends open, so that nothing written is lost before its reader has come.
open_pipe() {
	local descriptor

	mkfifo "$demo_dir/pipe"
	exec {descriptor}<>"$demo_dir/pipe"
	rm "$demo_dir/pipe"
	pipes[$1]=$descriptor
}

# start_talker HOST NC-ARGUMENT...
start_talker() {
	local host=$1

	shift
	open_pipe "to $host"
	open_pipe "from $host"
	ip netns exec "$lab-$host" nc "${nc_options[$protocol]}" "$@" \
		<&"${pipes["to $host"]}" >&"${pipes["from $host"]}" 2>"$demo_dir/$protocol-$host.err" &
	talkers+=($!)
}

end_demo() {
	{ kill "${talkers[@]}" && wait; } 2>/dev/null || true
	rm -rf "$demo_dir"
}

# pass_line FROM TO LINE
pass_line() {
	local heard=

	printf '%s\n' "$3" >&"${pipes["to $1"]}"
	read -r -t 5 -u "${pipes["from $2"]}" heard || true
	[[ $heard == "$3" ]] || fail "over $protocol the $2 should have received '$3' but got '$heard';" \
		"if natemd has died: $(call netns-scripts/restart.sh)"
	printf '  %s received: %s\n' "$2" "$heard"
}

who_saw_whom() {
	local own seen table row

	own=$(sockets client state established "dst $server:$port" | awk '{ print $3 }')
	seen=$(awk '/^Connection received on / { print $4 ":" $5 }' "$demo_dir/$protocol-server.err")
	table=$("$natem" --lab "$lab" mappings) || fail "natem could not show the mappings"
	row=$(grep -wi "$protocol" <<<"$table" | grep -wF -- "$own" | grep -wF -- "$seen") ||
		fail "no mapping joins the client's own $own with $seen, which the server saw:"$'\n'"$table"
	cat <<-EOF

	  the client's own address:  $own
	  the server saw:            $seen
	  natem's row joins them:
	    $(head -n 1 <<<"$table")
	    $row

	EOF
}

converse() {
	local i

	use_protocol "$1"
	log "Over ${protocol^^}, port $port:"
	start_talker server -v -l "$server" "$port"
	wait_for 5 server_listens ||
		fail "nc does not listen in the server: $(<"$demo_dir/$protocol-server.err")"
	start_talker client "$server" "$port"
	for ((i = 0; i < ${#lines[@]}; i += 2)); do
		pass_line client server "${lines[i]}"
		pass_line server client "${lines[i + 1]}"
	done
	who_saw_whom
}

demo() {
	demo_dir=$(mktemp -d)
	trap end_demo EXIT
	converse udp
	converse tcp
}

args=("$@")
what=
while (($#)); do
	case $1 in
	--lab) need_value "$@"; lab=$2; shift ;;
	udp | tcp | --demo) [[ -z $what ]] || misuse "'$what' and '$1': say one"; what=$1 ;;
	-h | --help) usage; exit 0 ;;
	*) misuse "'$1' is neither 'udp' nor 'tcp' nor an option" ;;
	esac
	shift
done
check_lab_name
need_root "${args[@]}"
need_lab
case $what in
--demo) demo ;;
*) chat "${what:-udp}" ;;
esac
