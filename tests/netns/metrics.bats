#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# metrics.bats - all figures as OpenMetrics text, after real traffic

# shellcheck disable=SC2030,SC2031,SC2119,SC2120,SC2154
# (a test is a subshell to bats; helpers.bash sets more names)
load helpers

setup_file() { lab_up; }

# sample NAME: the value of that sample, with its labels, in $text.
sample() { awk -v name="$1" '$1 == name { print $2 }' <<<"$text"; }
read_metrics() { text=$(natem metrics); }

# Debian's, whose libraries the packages are for.
parsed() {
	/usr/bin/python3 -c '
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
for family in parse(sys.stdin.read()):
    print(family.name, family.type, len(family.samples))' <<<"$text"
}

@test "traffic is found in the figures, exactly" {
	local sent='natem_packet_size_bytes_bucket{from="internal",le="64.0"}'
	local large='natem_packet_size_bytes_bucket{from="internal",le="1024.0"}'

	natem flush all >/dev/null
	read_metrics
	declare -A before
	for name in 'natem_packets_total{reason="mapping-created",drop="false"}' \
		'natem_packets_total{reason="translated",drop="false"}' "$sent" "$large" \
		'natem_packets_total{reason="no-mapping",drop="true"}' \
		'natem_packet_size_bytes_sum{from="internal"}' natem_queue_packets_total; do
		before[$name]=$(sample "$name")
	done
	open_sockets client server
	tell server udp s 203.0.113.10:7788
	tell client udp c 192.168.1.2:6301
	for _ in 1 2 3; do
		tell client sendto c 203.0.113.10:7788 hello
		tell server recv s
	done
	tell client sendto c 203.0.113.10:7788 "$(printf 'x%.0s' {1..600})"
	tell server recv s
	count no-mapping
	tell server sendto s 203.0.113.1:9 nobody
	wait_risen no-mapping
	read_metrics
	rises() { equal "$2" $(($(sample "$1") - before[$1])); }
	rises 'natem_packets_total{reason="mapping-created",drop="false"}' 1
	rises 'natem_packets_total{reason="translated",drop="false"}' 3
	rises 'natem_packets_total{reason="no-mapping",drop="true"}' 1
	rises "$sent" 3
	rises "$large" 4
	rises 'natem_packet_size_bytes_sum{from="internal"}' $((3 * (28 + 5) + 28 + 600))
	rises natem_queue_packets_total 5
	equal 1 "$(sample 'natem_table_records{table="mappings"}')"
	equal 262144 "$(sample 'natem_table_limit_records{table="mappings"}')"
}

@test "a mapping's life is counted when it ends" {
	local ended='natem_mapping_lifetime_seconds_count{protocol="udp"}' before

	natem flush all >/dev/null
	open_sockets client
	tell client udp c 192.168.1.2:6302
	tell client sendto c 203.0.113.10:7788 hello
	wait_for "the mapping" external udp 192.168.1.2:6302
	read_metrics
	before=$(sample "$ended")
	natem clock advance 301s >/dev/null
	read_metrics
	equal $((before + 1)) "$(sample "$ended")"
	(($(sample 'natem_mapping_lifetime_seconds_bucket{protocol="udp",le="512.0"}') >= 1))
}

@test "the text is OpenMetrics to a parser of others" {
	read_metrics
	run -0 parsed
	[[ $output == *"natem_packets counter $(natem --json counters | python3 -IS -c '
import json, sys
print(len(json.load(sys.stdin)["counters"]))')"* ]]
	[[ $output == *"natem_packet_size_bytes histogram 30"* ]]
	[[ $output == *"natem_build info 1"* ]]
	equal '# EOF' "$(tail -n 1 <<<"$text")"
}

@test "what the kernel dropped is what the kernel says" {
	local kernel

	read_metrics
	kernel=$(router cat /proc/net/netfilter/nfnetlink_queue)
	equal "$(awk '{ print $6 }' <<<"$kernel")" "$(sample 'natem_queue_kernel_drops_total{at="queue"}')"
	equal 0 "$(sample 'natem_queue_kernel_drops_total{at="queue"}')"
	# Nobody takes packets from a daemon that is stopped; its queue holds 4096.
	kill -STOP "$(daemon_pid)"
	undo+=("kill -CONT $(daemon_pid)")
	client python3 -IS -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(6000):
    s.sendto(b"x", ("203.0.113.10", 7788))'
	kernel=$(router cat /proc/net/netfilter/nfnetlink_queue)
	kill -CONT "$(daemon_pid)"
	read_metrics
	(($(awk '{ print $6 + $7 }' <<<"$kernel") > 0))
	equal "$(awk '{ print $6, $7 }' <<<"$kernel")" "$(sample 'natem_queue_kernel_drops_total{at="queue"}') $(
		sample 'natem_queue_kernel_drops_total{at="socket"}')"
}

@test "--json has the same by families" {
	run -0 natem --json metrics
	python3 -IS -c '
import json, sys
families = {f["name"]: f for f in json.load(sys.stdin)["families"]}
build = families["natem_build"]["samples"][0]
assert build["suffix"] == "_info" and build["labels"]["version"], build' <<<"$output"
	run -2 natem metrics x
}
