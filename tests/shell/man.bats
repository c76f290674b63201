#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# man.bats - the man pages: well-formed, and telling all that the programs have; needs no root

# shellcheck disable=SC2154 # bats sets output and lines
bats_require_minimum_version 1.5.0

cd "$BATS_TEST_DIRNAME/../.." || exit
build=$(realpath "${NATEM_BUILD:-build}")
pages=(natem.1 natem-presets.7 natem.conf.5 natemd.8)

complain() { printf '%s\n' "$*" >&2; return 1; }

rendered() { mandoc -T ascii -O width=200 "$build/man/$1" | col -b; }

setup() { command -v mandoc >/dev/null || skip "mandoc is not installed"; }

# has PAGE LINE...: lines of the page, or beginnings of lines up to a blank.
has() {
	local page=$1 text line

	shift
	text=$(rendered "$page" | sed -E 's/^[[:space:]]+//')
	(($# > 0)) || complain "nothing to look for in $page"
	for line; do
		[[ $'\n'$text$'\n' == *$'\n'"$line"[[:space:]]* ]] ||
			complain "$page has no line '$line'"
	done
}

@test "mandoc finds nothing to improve in any page" {
	local page templates=(docs/man/*.in)

	((${#pages[@]} == ${#templates[@]})) || complain "there are templates of other pages"
	cd "$build/man"
	run mandoc -T lint -W style "${pages[@]}"
	[[ -z $output ]] || complain "$output"
	for page in "${pages[@]}"; do
		run -0 grep -c '^\.Sh' "$page"
		((output >= 4))
	done
}

@test "natem.conf(5) has every knob with its default" {
	local knobs

	mapfile -t knobs < <("$build/natemd" -n |
		awk -F ' = ' '/^\[/ { section = substr($0, 2, length - 2) } NF == 2 { print section "." $0 }')
	((${#knobs[@]} > 80))
	has natem.conf.5 "${knobs[@]}"
	rendered natem.conf.5 | grep -q 'Silence after which a UDP session ends\|Silence after which a session ends'
	rendered natem.conf.5 | grep -q 'Allowed: a number from 1 to 65535\. *Unit: ports\. *See RFC 6888 REQ-14\.'
}

@test "natem-presets(7) has every preset, and the knobs it sets differently" {
	local presets

	mapfile -t presets < <("$build/natem" preset --list | awk 'NR > 1 && !/^\(/ { print $1 }')
	((${#presets[@]} > 20))
	has natem-presets.7 "${presets[@]}" '{udp,tcp,icmp}.mapping=address-and-port-dependent'
}

# What the page says of a preset makes that preset of the defaults.
@test "natem-presets(7) tells all of a preset" {
	local presets preset knob knobs options

	mapfile -t presets < <("$build/natem" preset --list | awk 'NR > 1 && !/^\(/ { print $1 }')
	for preset in "${presets[@]}"; do
		# From its .It on, what stands in the display.
		mapfile -t knobs < <(awk -v it=".It Cm $preset" '
			{ gsub(/\\-/, "-") }
			/^\.It/ { found = $0 == it }
			found && /^\.Ed/ { exit }
			found && shown { print }
			found && /^\.Bd/ { shown = 1 }' "$build/man/natem-presets.7")
		options=()
		for knob in "${knobs[@]}"; do
			[[ $knob =~ ^\{?([a-z,]+)\}?\.(.*)$ ]] || complain "no knob: $knob"
			for section in ${BASH_REMATCH[1]//,/ }; do
				options+=(-o "$section.${BASH_REMATCH[2]}")
			done
		done
		diff <("$build/natemd" -n -o "nat.preset=$preset") <("$build/natemd" -n "${options[@]}") ||
			complain "$preset is not what the page says"
	done
}

@test "natemd(8) has every flag and every counter" {
	local flags counters

	mapfile -t flags < <("$build/natemd" --help | sed -nE 's/^ +(-., )?(--[a-z-]+).*/\1\2/p')
	((${#flags[@]} >= 9))
	mapfile -t counters < <(sed -nE 's/^\t\[REASON_.*\] = \{ "([a-z0-9-]+)", .*/\1/p' nat/core/reason.c)
	((${#counters[@]} > 50))
	has natemd.8 "${flags[@]}" "${counters[@]}"
}

@test "natem(1) has every command, its forms and every flag" {
	local commands flags forms

	mapfile -t commands < <("$build/natem" --help | sed -nE '/^Commands/,$ s/^  ([a-z]+) .*/\1/p')
	((${#commands[@]} >= 14))
	mapfile -t flags < <("$build/natem" --help | sed -nE 's/^ +(-., )?(--[a-z-]+).*/\1\2/p')
	((${#flags[@]} >= 5))
	mapfile -t forms < <("$build/natem" forward --help | sed -nE 's/^  ((add|del|list)[^ ]*( [^ ]+)*)  .*/\1/p')
	((${#forms[@]} >= 9))
	has natem.1 "${commands[@]}" "${flags[@]}" "${forms[@]}"
}

@test "no page shows a request, an escape or a table that was not filled in" {
	local page

	for page in "${pages[@]}"; do
		! rendered "$page" | grep -nE '^ *\.[A-Z]|\\|@' | grep -v ' \\$' || complain "in $page"
	done
}

@test "a template that asks for a table that there is not makes no page" {
	printf '.Dd today\n@NOSUCH@\n' >"$BATS_TEST_TMPDIR/t"
	run -1 "$build/tools/man" "$BATS_TEST_TMPDIR/t"
	[[ $output == *"no table @NOSUCH@"* ]] || complain "$output"
	run -2 "$build/tools/man" "$BATS_TEST_TMPDIR/none"
	printf '@KNOBS@\n' >"$BATS_TEST_TMPDIR/t"
	# shellcheck disable=SC2016 # for the inner shell
	run -1 bash -c 'exec "$0" "$1" >/dev/full' "$build/tools/man" "$BATS_TEST_TMPDIR/t"
}

@test "make install puts programs, pages and completion where they belong" {
	local page to=$BATS_TEST_TMPDIR/root/usr

	# Not the flags of the make that runs these tests.
	run -0 env -u MAKEFLAGS -u MAKELEVEL make -s B="${NATEM_BUILD:-build}" \
		DESTDIR="$BATS_TEST_TMPDIR/root" PREFIX=/usr install
	[[ -x $to/bin/natem && -x $to/sbin/natemd ]]
	cmp completion/natem.bash "$to/share/bash-completion/completions/natem"
	cmp completion/_natem "$to/share/zsh/site-functions/_natem"
	for page in "${pages[@]}"; do
		cmp "$build/man/$page" "$to/share/man/man${page##*.}/$page"
	done
}
