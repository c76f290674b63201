#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# setup.sh - build natem and bring a lab up
#
#   NAME-client                 NAME-router                                   NAME-server
#   eth0 192.168.1.2 -----+     natemd                                +------ eth0 203.0.113.10
#   NAME-client2          +---- lan 192.168.1.1    wan 203.0.113.1 ---+            203.0.113.11
#   eth0 192.168.1.3 -----+     (a bridge)         (.2 ... with --external)
#   ...
#
# The server has no route to 192.168.1.0/24: it can answer nothing but translated packets.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

natemd=$build_dir/natemd
preset=home
clients=1
externals=1
install=()
options=()

usage() {
	cat <<-EOF
	usage: setup.sh [OPTION...] [-- NATEMD-OPTION...]

	Installs the packages that are missing, builds natem, and brings up lab NAME: clients behind a
	router, where natemd translates, and a server beyond it. A lab of that name that is already up
	is replaced.

	  --lab NAME         the lab's name (default: \$NATEM_LAB, or natem)
	  --preset P         what kind of NAT: home (default), full-cone, symmetric, linux-masquerade
	                     ...; 'natem preset --list' shows them all
	  --clients N        hosts on the LAN, 1 to 200 (default: 1): client, client2, ...
	  --external N       external addresses of the NAT, 1 to 9 (default: 1): 203.0.113.1, .2, ...
	  --topology single  the only one there is
	  --no-install       never touch packages; fail if one is missing
	  -- ...             knobs for natemd: -- -o udp.timeout=120s -c FILE; what comes later wins

	Exit status: 0 done, 1 failed, 2 wrong usage.
	EOF
}

# Call it as: need_number LEAST MOST "$@", with the option first in "$@".
need_number() {
	local least=$1 most=$2

	shift 2
	need_value "$@"
	[[ $2 =~ ^[1-9][0-9]{0,3}$ && $2 -ge $least && $2 -le $most ]] ||
		misuse "$1 takes a number from $least to $most, not '$2'"
}

# The queue, the socket and the rest are the lab's own, and its rules and the other scripts rely on
# them.
check_options() {
	while (($#)); do
		case $1 in
		-o | -c | --option | --config | --busy-poll) need_value "$@"; shift ;;
		-o?* | -c?* | --option=* | --config=* | --busy-poll=*) ;;
		*) misuse "'$1' after --: only natemd's -o KEY=VALUE, -c FILE and --busy-poll USEC can be given here" ;;
		esac
		shift
	done
}

parse() {
	while (($#)); do
		case $1 in
		--lab) need_value "$@"; lab=$2; shift ;;
		--preset) need_value "$@"; preset=$2; shift ;;
		--clients) need_number 1 200 "$@"; clients=$2; shift ;;
		--external) need_number 1 9 "$@"; externals=$2; shift ;;
		--topology)
			need_value "$@"
			[[ $2 == single ]] || misuse "there is no topology '$2'; there is: single"
			shift
			;;
		--no-install) install=(--no-install) ;;
		-h | --help) usage; exit 0 ;;
		--) options=("${@:2}"); check_options "${options[@]}"; return ;;
		*) misuse "unknown argument '$1'" ;;
		esac
		shift
	done
}

# As the checkout's owner: a build through sudo is not to leave root's files there. What an earlier
# build as root did leave, the owner could not write again.
build() {
	log "building natem"
	[[ ! -d $checkout/build ]] || chown -hR --reference="$checkout" "$checkout/build"
	setpriv --reuid "$(stat -c %u "$checkout")" --regid "$(stat -c %g "$checkout")" --keep-groups \
		make -s -j"$(nproc)" -C "$checkout" || fail "the build failed; the lines above say why"
}

make_host() {
	ip netns add "$lab-$1"
	# The lab is IPv4 only; -e: a kernel may have no IPv6 at all.
	in_host "$1" sysctl -qew net.ipv6.conf.{all,default,lo}.disable_ipv6=1
	ip -n "$lab-$1" link set lo up
}

# No --queue-bypass: a router without natemd passes nothing, and no private address leaks. The rules
# never match ports: that would read the payload of later fragments as ports.
add_rules() {
	local address type own=0x6e61 # SENDER_MARK of nat/daemon/sender.h
	local mangle=(in_host router iptables -w -t mangle) queue=(-j NFQUEUE --queue-num 0)

	# Everything from the WAN: natemd knows what is for whom. Straight to an internal host, past every
	# filter, goes nothing.
	"${mangle[@]}" -A PREROUTING -i wan "${queue[@]}"
	for address in "${external[@]}"; do
		# From one internal host to the mapping of another.
		"${mangle[@]}" -A PREROUTING -i lan -d "$address" "${queue[@]}"
		# What the system itself says about a packet that was translated already (3: unreachable,
		# 11: time exceeded, 12: parameter problem) is addressed to us, and is for somebody inside.
		for type in 3 11 12; do
			"${mangle[@]}" -A OUTPUT -o lo -d "$address" -p icmp --icmp-type "$type" "${queue[@]}"
		done
	done
	# Outbound only after routing, which would refuse a packet that came with the router's address;
	# but not what natemd itself sends.
	"${mangle[@]}" -A POSTROUTING -o wan -m mark --mark "$own" -j RETURN
	"${mangle[@]}" -A POSTROUTING -o wan "${queue[@]}"
}

# The rules come before the links, so that nothing ever passes without them.
make_router() {
	make_host router
	# A hairpinned packet goes back out of lan, where it came in, with an address of the router as
	# its source: no reverse path filter, no redirects, and below, local addresses accepted.
	in_host router sysctl -qw net.ipv4.ip_forward=1 \
		net.ipv4.conf.{all,default}.rp_filter=0 net.ipv4.conf.{all,default}.send_redirects=0
	# The bridge must not show iptables what it forwards. -e: only br_netfilter knows the key.
	in_host router sysctl -qew net.bridge.bridge-nf-call-iptables=0
	add_rules
	ip -n "$lab-router" -batch - <<-EOF
		link add lan type bridge
		address add 192.168.1.1/24 dev lan
		link set lan up
	EOF
	in_host router sysctl -qw net.ipv4.conf.lan.accept_local=1
}

# Both ends of a link are made inside the namespaces; the machine's own never sees an interface.
make_server() {
	make_host server
	ip -n "$lab-router" link add wan type veth peer name eth0 netns "$lab-server"
	printf 'address add %s/24 dev wan\n' "${external[@]}" | ip -n "$lab-router" -batch -
	ip -n "$lab-router" link set wan up
	ip -n "$lab-server" -batch - <<-EOF
		address add 203.0.113.10/24 dev eth0
		address add 203.0.113.11/24 dev eth0
		link set eth0 up
	EOF
}

# The link's end in the router bears the client's name.
make_client() {
	local number=$1 host=client

	((number == 1)) || host=client$number
	make_host "$host"
	ip -n "$lab-router" -batch - <<-EOF
		link add $host type veth peer name eth0 netns $lab-$host
		link set $host master lan up
	EOF
	ip -n "$lab-$host" -batch - <<-EOF
		address add 192.168.1.$((number + 1))/24 dev eth0
		link set eth0 up
		route add default via 192.168.1.1
	EOF
}

make_lab() {
	local number

	make_router
	make_server
	for ((number = 1; number <= clients; number++)); do
		make_client "$number"
	done
}

give_up() {
	err "lab '$lab' could not be brought up; the lines above say why"
	"$checkout/netns-scripts/teardown.sh" --lab "$lab" >&2
}

say_what_next() {
	local sudo=${SUDO_USER:+sudo } # the scripts call sudo by themselves

	cat <<-EOF
	lab '$lab' is up: client 192.168.1.2 -- router 203.0.113.1 -- server 203.0.113.10
	Try next:
	  $(call netns-scripts/chat.sh) udp
	  $sudo$(call build/natem) mappings --watch
	  $(call netns-scripts/exec.sh) client ping 203.0.113.10
	Take it down: $(call netns-scripts/teardown.sh)
	EOF
}

parse "$@"
check_lab_name
need_root "$@"
"$checkout/netns-scripts/deps.sh" run "${install[@]}"
# A build directory of its own was filled by whoever chose it.
[[ -n ${NATEM_BUILD:-} ]] || build

mapfile -t external < <(printf '203.0.113.%d\n' $(seq "$externals"))
options=(-o "nat.preset=$preset" -o nat.lan=lan -o nat.wan=wan
	-o "nat.external=$(IFS=,; printf '%s' "${external[*]}")" "${options[@]}")
# Nothing is touched, and no lab replaced, for options that natemd will not take.
"$natemd" -n "${options[@]}" >/dev/null || exit

mkdir -p "$run_dir"
"$checkout/netns-scripts/teardown.sh" --lab "$lab" >/dev/null
trap give_up EXIT
make_lab
daemon_start "$natemd" --queue 0 --socket "$run_dir/$lab.sock" "${options[@]}"
trap - EXIT
say_what_next
