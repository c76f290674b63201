#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# completion.bats - what may be typed next: `natem complete`, and how bash and zsh ask for it; needs no
# root and no daemon

# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell to bats, which sets output and lines
bats_require_minimum_version 1.5.0

cd "$BATS_TEST_DIRNAME/../.." || exit
build=$(realpath "${NATEM_BUILD:-build}")
patience=15

complain() { printf '%s\n' "$*" >&2; return 1; }
equal() { [[ $2 == "$1" ]] || complain "wanted '$1', got '$2'"; }

setup() {
	SECONDS=0
	# No lab of this machine is to be seen but these, and no daemon.
	export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run NATEM_SOCKET=/nonexistent
	mkdir -p "$XDG_RUNTIME_DIR/natem" "$BATS_TEST_TMPDIR/bin"
	touch "$XDG_RUNTIME_DIR/natem/"{zoo-one.sock,zoo-two.sock,zoo-three.log,.sock,sock}
	ln -s "$build/natem" "$BATS_TEST_TMPDIR/bin/natem"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

# --- natem complete ---

answers() { natem complete "$@" | cut -f 1 | paste -sd ' '; }

# offers WANTED WORD...: exactly these.
offers() {
	local wanted=$1

	shift
	equal "$wanted" "$(answers "$@")"
}

@test "commands, each with its meaning, and help" {
	offers "mappings" ma
	offers "clock" clo
	offers "" nosuch
	offers "" nosuch ""
	offers "hosts help" h
	run -0 natem complete stat
	equal $'status\tversion, interfaces, use of tables and queue' "$output"
	equal "$(natem --help | sed -nE '/^Commands/,$ s/^  ([a-z]+) .*/\1/p'; echo help)" \
		"$(natem complete '' | cut -f 1)"
	offers "flush" help fl
	offers "" help flush ""
	run -0 natem complete
	((${#lines[@]} >= 15))
}

@test "flags of all commands and of one" {
	offers "--lab --socket --json --help --version" --
	offers "--watch --lab --socket --json --help --version" mappings -
	offers "--watch" sessions --w
	offers "--list" preset --li
	offers "" status --w
	offers "--json" --lab x get --j
	offers "mappings" -j --lab x ma
	offers "mappings" --lab=x ma
}

@test "labs, by the sockets that lie there" {
	offers "zoo-one zoo-two" --lab zoo
	offers "zoo-one zoo-two" -l zoo
	offers "zoo-two" status --lab zoo-t
	offers "--lab=zoo-one --lab=zoo-two" --lab=zoo
	offers "udp.refresh" --lab zoo get udp.refr
	run -0 natem complete --lab zoo-o
	equal $'zoo-one\t'"$XDG_RUNTIME_DIR/natem" "$output"
	touch "$XDG_RUNTIME_DIR/natem/zoo-many"-{1..600}.sock # more than there is room for
	run -0 natem complete --lab zoo
	((${#lines[@]} == 512)) || complain "${#lines[@]} labs"
	unset XDG_RUNTIME_DIR
	offers "" --lab zoo
}

@test "knobs and their values" {
	offers "udp.mapping" get udp.map
	offers "" get udp.mapping u
	offers "udp.mapping=" set udp.map
	offers "udp.mapping=address-dependent udp.mapping=address-and-port-dependent" set udp.mapping=ad
	offers "tcp.timeout-opening=transitory" set tcp.timeout-opening=
	offers "udp.timeout=300s" set udp.filtering=eif udp.timeout=
	offers "udp.parity=off udp.parity=on" set udp.parity=
	offers "nat.preset=" set nat.pre
	offers "nat.preset=symmetric nat.preset=symmetric-hard" set nat.preset=sy
	offers "" get nat.pre
	offers "" set nosuch=
	offers "" set udp=
	equal "$("$build/natemd" -n | awk -F ' = ' '/^\[/ { s = substr($0, 2, length - 2) } NF == 2 { print s "." $1 }')" \
		"$(natem complete get '' | cut -f 1)"
}

# Every word that is offered for a value is one.
@test "what is offered for a knob is what the daemon takes" {
	local word words

	mapfile -t words < <(for key in $(answers get ''); do natem complete set "$key="; done | cut -f 1)
	((${#words[@]} > 150))
	for word in "${words[@]}"; do
		case $word in
		# What contradicts the defaults of others is a value all the same.
		*.port-overlap=* | *.ports=* | nat.blocks=* | nat.pooling=* | nat.protocol-scope=*) continue ;;
		esac
		"$build/natemd" -n -o "$word" >/dev/null || complain "natemd does not take $word"
	done
}

@test "presets" {
	offers "full-cone" preset ful
	offers "" preset full-cone ""
	equal "$(natem preset --list | awk 'NR > 1 && !/^\(/ { print $1 }')" \
		"$(natem complete preset '' | cut -f 1)"
}

@test "the words of forward, flush, clock, who, trace and capture" {
	offers "list add del" forward ""
	offers "tcp udp one-to-one dmz exempt" forward add ""
	offers "tcp udp one-to-one dmz exempt" forward del ""
	offers "" forward add tcp ""
	offers "" forward list ""
	offers "" forward nosuch ""
	offers "all host protocol external mapping" flush ""
	offers "" flush host ""
	offers "udp tcp icmp other" flush host 192.168.1.2 protocol ""
	offers "mapping" flush protocol udp m
	offers "advance scale freeze resume show" clock ""
	offers "" clock advance ""
	offers "" clock show ""
	offers "udp" who 203.0.113.1:80 u
	offers "host port protocol reason drops" trace ""
	offers "port protocol" trace drops host 192.168.1.2 p
	offers "filtered" trace reason filt
	offers "--count" trace --c
	offers "" trace --count ""
	offers "drops" trace --count 3 dr
	offers ":files" capture ""
	offers "drops" capture x.pcapng d
	offers ":files" -s ""
	run -0 natem complete forward add dm
	equal $'dmz\tthe host that gets the TCP and UDP nobody else has' "$output"
	run -0 natem complete forward ad
	equal $'add\t' "$output" # it has many
}

@test "completion asks no daemon, and words that are strange do no harm" {
	local long

	long=$(printf 'x%.0s' {1..5000})
	offers "" "$long"
	offers "" set "$long="
	offers "" --lab "$long"
	offers "" "--$long="
	offers "" trace "$long" "$long" ""
	# shellcheck disable=SC2046 # words
	offers "host port protocol reason drops" trace $(printf 'host x %.0s' {1..20}) ""
	# shellcheck disable=SC2046
	run -0 natem complete trace $(printf 'host x %.0s' {1..500}) ""
	run -0 natem complete -- ""
	run -0 natem complete $'\xff' ""
	run ! grep -q complete <<<"$(natem --help)"
}

# --- bash ---

# complete_bash LINE: with the cursor at the end, as bash would call it. The replies are in COMPREPLY,
# the options that were set in $options. Blanks separate words, = and : are words of their own.
complete_bash() {
	# shellcheck source=completion/natem.bash
	source completion/natem.bash
	options=
	compopt() { options+="$* "; }
	COMP_LINE=$1 COMP_POINT=${#1}
	local split=$1 i

	split=${split//=/ = }
	[[ $COMP_WORDBREAKS != *:* ]] || split=${split//:/ : }
	read -ra COMP_WORDS <<<"$split"
	[[ $1 != *[[:space:]] ]] || COMP_WORDS+=("")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_natem
	replies=${COMPREPLY[*]}
}

bash_offers() {
	complete_bash "$2"
	equal "$1" "$replies"
}

@test "bash: words, knobs, values, presets and labs" {
	bash_offers mappings "natem map"
	bash_offers "tcp udp one-to-one dmz exempt" "natem forward add "
	bash_offers mappings "natem  --json   map"
	bash_offers zoo-two "natem --lab zoo-t"
	bash_offers full-cone "natem preset ful"
	bash_offers "mappings" "$BATS_TEST_TMPDIR/bin/natem map"
	bash_offers "" "natem nosuch "
	bash_offers "" "$BATS_TEST_TMPDIR/nosuch map"
}

@test "bash: a word that = or : takes apart is gone on with behind it" {
	COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
	bash_offers "udp.mapping=" "natem set udp.map"
	equal "-o nospace " "$options"
	bash_offers "address-dependent address-and-port-dependent" "natem set udp.mapping=ad"
	equal "" "$options"
	bash_offers "endpoint-independent address-dependent address-and-port-dependent" \
		"natem set udp.mapping="
	bash_offers "zoo-one zoo-two" "natem --lab=zoo"
	bash_offers "udp" "natem who 203.0.113.1:80 u"
	bash_offers "drops" "natem trace host a:b d"
	bash_offers "symmetric symmetric-hard" "natem set udp.timeout=30s nat.preset=sy"
	# Who has no = there gets whole words.
	COMP_WORDBREAKS=$' \t\n'
	source completion/natem.bash
	COMP_WORDS=(natem set udp.mapping=ad) COMP_CWORD=2 COMP_LINE="natem set udp.mapping=ad" COMP_POINT=24
	_natem
	equal "udp.mapping=address-dependent udp.mapping=address-and-port-dependent" "${COMPREPLY[*]}"
}

@test "bash: what stands behind the cursor does not count" {
	source completion/natem.bash
	compopt() { :; }
	COMP_LINE="natem forward add tcpnosuch 80" COMP_POINT=19
	COMP_WORDS=(natem forward add tcpnosuch 80) COMP_CWORD=3
	_natem
	equal tcp "${COMPREPLY[*]}"
}

@test "bash: names of files" {
	cd "$BATS_TEST_TMPDIR"
	touch "some file.pcapng"
	# shellcheck source=completion/natem.bash
	source "$BATS_TEST_DIRNAME/../../completion/natem.bash"
	options=
	compopt() { options+="$* "; }
	COMP_LINE="natem capture some" COMP_POINT=18 COMP_WORDS=(natem capture some) COMP_CWORD=2
	_natem
	equal 1 "${#COMPREPLY[@]}"
	equal "some file.pcapng" "${COMPREPLY[0]}"
	equal "-o filenames " "$options"
}

# --- live shells, on a terminal of their own ---

tmux_here() { tmux -u -f /dev/null -S "$BATS_TEST_TMPDIR/tmux" "$@" 3>&-; }
shows() { [[ $(tmux_here capture-pane -p) == *"$1"* ]]; }
wait_shows() {
	until shows "$1"; do
		((SECONDS < patience)) || complain "waited in vain for '$1': $(tmux_here capture-pane -p)"
		sleep 0.05
	done
}
teardown() { tmux_here kill-server 2>/dev/null || true; }

# type KEYS WANTED: that is what the line becomes.
type_keys() {
	tmux_here send-keys "$1" Tab
	wait_shows "$2"
}

@test "bash, live: a knob, its value and the next word with the tab key" {
	command -v tmux >/dev/null || skip "tmux is not installed"
	tmux_here new-session -d -x 150 -y 40 env PS1='ready> ' bash --norc --noprofile -i
	wait_shows "ready>"
	tmux_here send-keys "source completion/natem.bash; clear; bind 'set bell-style none'" Enter
	type_keys "natem se" "> natem se" # sessions or set
	type_keys "t udp.mapp" "> natem set udp.mapping="
	type_keys "endp" "> natem set udp.mapping=endpoint-independent"
	type_keys "nat.preset=full" "> natem set udp.mapping=endpoint-independent nat.preset=full-cone"
	tmux_here send-keys C-c
	type_keys "natem status --lab zoo-o" "> natem status --lab zoo-one"
}

@test "zsh, live: a knob, its value, words with their meaning" {
	command -v tmux >/dev/null || skip "tmux is not installed"
	command -v zsh >/dev/null || skip "zsh is not installed"
	tmux_here new-session -d -x 150 -y 40 env PS1='ready> ' zsh -f -i
	wait_shows "ready>"
	tmux_here send-keys "fpath=($PWD/completion \$fpath); autoload -U compinit; compinit -D -u; clear" Enter
	wait_shows "ready>"
	type_keys "natem map" "> natem mappings"
	tmux_here send-keys C-u
	type_keys "natem set udp.mapp" "> natem set udp.mapping="
	type_keys "endp" "> natem set udp.mapping=endpoint-independent"
	type_keys "nat.preset=full" "> natem set udp.mapping=endpoint-independent nat.preset=full-cone"
	tmux_here send-keys C-u
	type_keys "natem status --lab zoo-o" "> natem status --lab zoo-one"
	tmux_here send-keys C-u
	type_keys "natem clock fr" "> natem clock freeze"
	tmux_here send-keys C-u
	type_keys "natem forward add " "the host that gets the TCP and UDP nobody else has"
	tmux_here send-keys C-u
	touch "$BATS_TEST_TMPDIR/a file.pcapng"
	type_keys "natem capture $BATS_TEST_TMPDIR/a" "> natem capture $BATS_TEST_TMPDIR/a\\ file.pcapng"
}

@test "zsh finds no fault with the script" {
	command -v zsh >/dev/null || skip "zsh is not installed"
	run -0 zsh -n completion/_natem
	equal "" "$output"
}
