#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# tutorial.bats - docs/tutorial*.md: what they have the reader type answers as they say
#
# Each edition brings up its lab by itself, in its first block, and takes it down in its last;
# NATEM_LAB gives that lab a name of its own. tutorial.py --write brings the answers up to date.

# shellcheck disable=SC2030,SC2031,SC2154
# (a test is a subshell to bats; helpers.bash sets more names)
load helpers

# There is no lab of the file.
setup() { SECONDS=0; }
teardown() {
	local i

	for ((i = ${#undo[@]} - 1; i >= 0; i--)); do
		eval "${undo[i]}" || true
	done
}
teardown_file() { :; }

docs=$checkout/docs
tutorial() { python3 -I "$here/tutorial.py" "$@" 3>&-; }
says() { [[ $output == *"$1"* ]] || complain "'$1' is not in: $output"; }

# plays EDITION: in a lab of its own.
plays() {
	local lab=t-tutorial-$1-$$

	((EUID == 0)) || skip "network namespaces need root"
	change_until_end "'$checkout/netns-scripts/teardown.sh' --lab '$lab' >/dev/null 3>&-" \
		tutorial "$lab" "$docs/$2"
	[[ -z $(compgen -G "/run/netns/$lab-*") ]] || complain "the lab is still up"
}

@test "tutorial.md: every command answers as it says" { plays en tutorial.md; }
@test "tutorial.zh.md: every command answers as it says" { plays zh tutorial.zh.md; }

@test "both editions have the same commands" {
	diff <(tutorial --typed "$docs/tutorial.md") <(tutorial --typed "$docs/tutorial.zh.md")
}

@test "every program of the tutorial is run and named in both editions" {
	local program edition

	for edition in tutorial.md tutorial.zh.md; do
		for program in "$docs"/tutorial/*; do
			program=${program##*/}
			grep -qF "](tutorial/$program)" "$docs/$edition" || complain "$edition: no link to $program"
			tutorial --typed "$docs/$edition" | grep -qF "$program" || complain "$edition never runs $program"
		done
	done
}

# --- is the comparison worth anything? Here a document is true of one command: cat ---

# claims TEXT ANSWER: a document that says so of the command `cat answer`, when the answer is ANSWER.
claims() {
	local at=$BATS_TEST_TMPDIR

	printf '%s\n' "$2" >"$at/answer"
	# shellcheck disable=SC2016 # backquotes of the document
	printf '```console main\n$ echo 6789\n6789\n$ cat %s\n%s\n```\n' "$at/answer" "$1" >"$at/document.md"
	tutorial none "$at/document.md"
}
wrong() { run -1 claims "$@"; says "should answer"; }

table='PROTO INTERNAL          EXTERNAL          STATE       LEFT  OUT
udp   192.168.1.2:44444 203.0.113.1:55555 -          5m00s 1/33
tcp   192.168.1.2:6789  203.0.113.1:55556 ESTABLISHED 2h04m 3/164'

@test "the same but for what varies is the same: ports, seconds, order, room" {
	claims "$table" "$table"
	claims "$table" "${table//44444/41234}"
	claims "$table" "${table//5m00s/4m51s}"
	claims "$table" "${table//3\/164/4\/216}"
	claims "$table" "${table//-          5m/-    5m}"
	claims "$table" "$(printf '%s\n' "$table" | sed -n '1p;3p;2p')"
	two=$'PROTO EXTERNAL\nudp 203.0.113.1:44444\nudp 203.0.113.1:55555'
	claims "203.0.113.1:55555"$'\n'"$two" "203.0.113.1:55555"$'\n'"$(sed -n '1p;3p;2p' <<<"$two")"
	claims "you are ('203.0.113.1', 55555) or 203.0.113.1:55555" \
		"you are ('203.0.113.1', 5555) or 203.0.113.1:5555"
	claims "├──┼─203.0.113.1:55555 ├──▶│" "├─┼─203.0.113.1:5555 ├───▶│"
	claims $'one\n...\nthree' $'one\n2\n2\nthree'
	claims $'one\n...\nthree' $'one\nthree'
}

@test "a changed column, word, state, address or timer is noticed, a line too many or too few" {
	wrong "$table" "${table//STATE/PHASE}"
	wrong "$table" "${table// LEFT/ AGE LEFT}"
	wrong "$table" "${table//ESTABLISHED/TIME_WAIT}"
	wrong "$table" "${table//2h04m/4m00s}"
	wrong "$table" "${table//192.168.1.2/192.168.1.3}"
	wrong "$table" "${table//1\/33/2\/66}"
	wrong "$table" "${table//1\/33/1\/61}"
	wrong "$table" "${table%$'\n'*}"
	wrong "$table" "$table"$'\nudp'
	wrong "├──┼──▶│" "├──┼◀──│"
	wrong $'one\n...\nthree' $'one\n2\nfour'
}

@test "a port that is typed or well known stays, others stand for one port each" {
	wrong "$table" "${table//6789/6790}"
	wrong "$table" "${table//55556/53}"
	wrong "203.0.113.10:53" "203.0.113.10:54"
	wrong "203.0.113.1:44444 203.0.113.1:44444" "203.0.113.1:41111 203.0.113.1:42222"
	wrong "203.0.113.1:44444 203.0.113.1:44445" "203.0.113.1:41111 203.0.113.1:41111"
}
