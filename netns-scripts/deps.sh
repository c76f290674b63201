#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# deps.sh - the Debian packages that natem needs, installed when they are missing
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

run=(gcc make pkg-config libc6-dev libmnl-dev libnetfilter-queue-dev libjansson-dev libinih-dev
	libncurses-dev iproute2 iptables procps socat netcat-openbsd tmux)
check=(bats libcmocka-dev shellcheck clang-format cppcheck clang libclang-rt-dev tcpdump iperf3
	dnsmasq-base bind9-dnsutils nginx coturn curl traceroute iputils-ping python3
	python3-jsonschema tshark mandoc bsdextrautils zsh
	python3-prometheus-client)
bench=(conntrack gnuplot-nox iperf3 passt python3 slirp4netns valgrind)
services=(nginx coturn) # packages among these that bring a service of their name
policy=/usr/sbin/policy-rc.d

usage() {
	cat <<-EOF
	usage: deps.sh run|check|bench [--no-install]

	Installs the Debian packages that are missing, without recommended ones and without
	starting a service of theirs. Does nothing when all are there.

	  run            what building and running natem needs:
	$(fold -s -w 70 <<<"${run[*]}" | sed 's/^/                   /')
	  check          what only its tests need:
	$(fold -s -w 70 <<<"${check[*]}" | sed 's/^/                   /')
	  bench          what only its benchmarks need:
	$(fold -s -w 70 <<<"${bench[*]}" | sed 's/^/                   /')
	  --no-install   only look, and fail if something is missing

	Exit status: 0 all there, 1 something is missing, 2 wrong usage.
	EOF
}

print_missing() {
	local package

	for package; do
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null |
			grep -x installed >/dev/null || printf '%s\n' "$package"
	done
}

# Debian asks the policy before it starts a service: 101 forbids it. Ours holds only as long as this
# script lives, should it be killed before it can put back the one that was there; that one is then
# still saved.
forbid_services() {
	[[ ! -e $policy || -e $policy.natem-saved ]] || mv "$policy" "$policy.natem-saved"
	cat >"$policy" <<-EOF
	#!/bin/sh
	# Made by natem's deps.sh, which is installing packages.
	kill -0 $$ 2>/dev/null && exit 101
	exit 0
	EOF
	chmod 755 "$policy"
}

allow_services() {
	local service

	rm -f "$policy"
	[[ ! -e $policy.natem-saved ]] || mv "$policy.natem-saved" "$policy"
	# The tests start their own; one that comes with the machine's next boot would be a surprise.
	for service in "${services[@]}"; do
		if [[ " ${missing[*]} " == *" $service "* && -e /etc/init.d/$service ]]; then
			update-rc.d "$service" disable >/dev/null
		fi
	done
}

install_missing() {
	# A fresh machine often holds the lock for its own first updates.
	local apt=(apt-get -q -o DPkg::Lock::Timeout=120)

	export DEBIAN_FRONTEND=noninteractive
	trap allow_services EXIT
	forbid_services
	"${apt[@]}" update
	"${apt[@]}" install -y --no-install-recommends "${missing[@]}"
}

install=yes
set_name=
while (($#)); do
	case $1 in
	run | check | bench) set_name=$1 ;;
	--no-install) install= ;;
	-h | --help) usage; exit 0 ;;
	*) misuse "'$1' is neither 'run', 'check', 'bench' nor an option" ;;
	esac
	shift
done
[[ -n $set_name ]] || misuse "say which packages: 'run', 'check' or 'bench'"
declare -n wanted=$set_name

if ! command -v dpkg-query >/dev/null; then
	err "this is no Debian; it takes what Debian calls: ${wanted[*]}"
	[[ -z $install ]] || fail "install that by hand, and give setup.sh the option --no-install"
	exit 0
fi
mapfile -t missing < <(print_missing "${wanted[@]}")
if ((${#missing[@]} == 0)); then
	log "packages to $set_name: all there"
	exit 0
fi
log "packages to $set_name, missing: ${missing[*]}"
remedy="sudo $(call netns-scripts/deps.sh) $set_name"
[[ -n $install ]] || fail "packages are missing; this installs them: $remedy"
((EUID == 0)) || fail "installing needs root: $remedy"
log "installing them with apt-get, without recommended packages and without starting services"
install_missing
