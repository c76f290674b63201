#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# help.bats - what natem says of itself, and of words it does not know; needs no root and no daemon

# shellcheck disable=SC2154 # bats sets output and lines
bats_require_minimum_version 1.5.0

cd "$BATS_TEST_DIRNAME/../.." || exit
build=$(realpath "${NATEM_BUILD:-build}")

complain() { printf '%s\n' "$*" >&2; return 1; }
equal() { [[ $2 == "$1" ]] || complain "wanted '$1', got '$2'"; }
natem() { "$build/natem" "$@"; }

setup() {
	export NATEM_SOCKET=/nonexistent/natem.sock
	mapfile -t commands < <(natem complete '' | cut -f 1 | grep -vx help)
	((${#commands[@]} >= 16))
}

# refused MESSAGE WORD...: with status 2, in one line on standard error.
refused() {
	local message=$1

	shift
	run -2 --separate-stderr natem "$@"
	equal "natem: error: $message" "$stderr"
	equal "" "$output"
}

@test "help, --help and -h are one, and so are those of a command" {
	local command text

	text=$(natem --help)
	[[ $text == "Usage: natem "* ]]
	equal "$text" "$(natem help)"
	equal "$text" "$(natem -h)"
	equal "$text" "$(natem help help)"
	equal "$text" "$(natem help --help)"
	equal "$text" "$(natem --json help)"
	for command in "${commands[@]}"; do
		text=$(natem help "$command")
		[[ $text == "Usage: natem [--lab NAME | -s PATH] [--json] $command"* ]] || complain "$text"
		equal "$text" "$(natem "$command" --help)"
		equal "$text" "$(natem "$command" -h)"
	done
	equal "$(natem --version)" "$(natem status -V)"
}

@test "no line of help is wider than a terminal, but for the usage line and the presets" {
	local command

	for command in --help "${commands[@]/%/ --help}"; do
		# shellcheck disable=SC2086 # words
		natem $command | sed '/^Usage: /d; /^Presets /,$d; /^Commands:/,$d' |
			awk 'length > 80 { print; wide = 1 } END { exit wide }' || complain "in $command"
	done
}

@test "a flag is taken by the commands whose help has it, and by no other" {
	local command flag has

	for command in "${commands[@]}"; do
		for flag in --watch --list --follow --count=1; do
			has=
			! natem help "$command" | grep -qE -- "^ .*${flag%=*}( |\[)" || has=yes
			run timeout 10 "$build/natem" "$command" "$flag"
			if [[ $output == *"'$command' has no ${flag%=*}"* ]]; then
				((status == 2))
				[[ -z $has ]] || complain "$command has no $flag, but its help has it"
			elif [[ $output != *"too few words"* ]]; then
				[[ -n $has ]] || complain "$command has $flag, but its help has not: $output"
			fi
		done
	done
}

@test "a misspelt command or flag is answered with the one that was meant" {
	refused "no command 'mapings'; did you mean 'mappings'?" mapings
	refused "no command 'fowrad'; did you mean 'forward'?" fowrad list
	refused "no command 'mapp'; did you mean 'mappings'?" help mapp
	refused "no command 'frobnicate'; try 'natem --help'" frobnicate
	refused "no flag '--jsn'; did you mean '--json'?" --jsn status
	refused "no flag '--wathc'; did you mean '--watch'?" mappings --wathc=1
	refused "no flag '--bogus'; try 'natem --help'" status --bogus
	refused "no flag '-x'; try 'natem --help'" -jx status
	refused "'--json=3': this flag takes no value; try 'natem --help'" status --json=3
	refused "'--lab' wants a word after it; try 'natem --help'" --lab
	refused "'-s' wants a word after it; try 'natem --help'" status -s
}

@test "too few and too many words are told apart" {
	refused "no command given; try 'natem --help'"
	refused "too few words; usage: natem get KEY" get
	refused "too many words; usage: natem get KEY" get a b
	refused "too many words; usage: natem status" status now
}

@test "a misspelt preset is answered with the one that was meant, by natemd too" {
	run -2 "$build/natemd" -n -o nat.preset=simetric
	equal "natemd: error: no preset 'simetric'; did you mean 'symmetric'?" "$output"
	run -2 "$build/natemd" -n -o nat.preset=nosuch
	[[ $output == "natemd: error: no preset 'nosuch'; there are: home, "* ]] || complain "$output"
}

@test "nothing is coloured" {
	local command

	for command in help "preset --list" "${commands[@]/%/ --help}"; do
		# shellcheck disable=SC2086 # words
		[[ $(script -qec "$build/natem $command" /dev/null) != *$'\e'* ]] || complain "$command is"
	done
}
