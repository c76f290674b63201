#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh - run test programs and namespace tests, and add them up
#
# Every part speaks TAP. A part that ends before its plan is fulfilled, or badly with no test
# failed, counts as a failure: nothing that did not run looks green.
set -euo pipefail
cd "$(dirname "$0")/.."
export NATEM_BUILD=${NATEM_BUILD:-build}

passed=0 failed=0 skipped=0
output=$(mktemp)
trap finish EXIT
# Ctrl-C reaches the part that runs as well, which may have to clean up first, as bats does.
interrupted=
trap 'interrupted=yes' INT

# What was built as root through sudo belongs to the user all the same.
finish() {
	rm -f "$output"
	[[ -z ${SUDO_UID:-} || ! -d build ]] || chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" build
}

usage() {
	cat <<-EOF
	usage: tests/run.sh PROGRAM|FILE.bats...

	Runs cmocka programs and bats files, those of tests/netns only as root; the last line says how many tests passed,
	failed and were skipped. NATEM_BUILD names the build directory (default: build).

	Exit status: 0 all passed, 1 some failed or none ran, 2 wrong usage.
	EOF
}

count() { grep -cE "$1" "$output" || true; }

# The plan of a TAP text: the sum of its lines "1..N"; cmocka prints one for each group.
planned() { echo $(($(sed -nE 's/^1\.\.([0-9]+).*/\1/p' "$output" | paste -sd+))); }

# add_up NAME STATUS SECONDS: count what is in the output, and show it if something is wrong.
add_up() {
	local name=$1 status=$2 seconds=$3 bad skip good plan

	skip=$(count '^(not )?ok .*# [Ss][Kk][Ii][Pp]') # cmocka says "not ok 1 # SKIP name"
	bad=$(($(count '^not ok') - $(count '^not ok .*# [Ss][Kk][Ii][Pp]')))
	good=$(($(count '^(not )?ok') - skip - bad))
	plan=$(planned)
	if ((plan == 0 || plan > bad + good + skip || (status != 0 && bad == 0))); then
		printf 'not ok - %s: %d of %d tests ran, exit status %d\n' "$name" \
			$((bad + good + skip)) "$plan" "$status" >>"$output"
		bad=$((bad + 1))
	fi
	((bad == 0)) || cat "$output"
	printf '%-36s %4d passed, %d failed, %d skipped  (%ds)\n' "$name" "$good" "$bad" "$skip" "$seconds"
	passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + skip))
}

run_part() {
	local name=$1 start=$SECONDS status=0

	shift
	"$@" >"$output" 2>&1 </dev/null || status=$?
	[[ -z $interrupted ]] || exit 130
	add_up "$name" "$status" $((SECONDS - start))
}

skip_file() {
	local tests

	tests=$(grep -c '^@test' "$1")
	printf '%-36s %4d skipped: network namespaces need root (sudo make check)\n' "${1##*/}" "$tests"
	skipped=$((skipped + tests))
}

(($# > 0)) || { usage >&2; exit 2; }
[[ $1 != -h && $1 != --help ]] || { usage; exit 0; }
for part; do
	case $part in
	tests/netns/*.bats) if ((EUID == 0)); then run_part "${part##*/}" bats --formatter tap "$part"; else skip_file "$part"; fi ;;
	*.bats) run_part "${part##*/}" bats --formatter tap "$part" ;;
	*) run_part "${part##*/}" env CMOCKA_MESSAGE_OUTPUT=TAP "$part" ;;
	esac
done
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
((failed == 0 && passed > 0))
