#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# programs.bats - programs that people use, unmodified: curl, nginx, iperf3, dnsmasq, dig

# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell to bats; helpers.bash sets more names
load helpers

setup_file() {
	lab_up
	# In memory: the disk is not what is measured here.
	web=$(mktemp -d /dev/shm/natem-test.XXXXXX)
	export web
}

# The lab's, with what this file adds.
eval "lab_$(declare -f teardown_file)"
teardown_file() {
	rm -rf "${web-}"
	lab_teardown_file
}

# start_nginx ADDRESS:PORT: serves the directory $web, in the foreground, and writes nowhere else.
start_nginx() {
	local at=$BATS_TEST_TMPDIR

	cat >"$at/nginx.conf" <<-END
		daemon off;
		user root;
		pid $at/nginx.pid;
		events {}
		http {
			access_log off;
			client_body_temp_path $at;
			proxy_temp_path $at;
			fastcgi_temp_path $at;
			uwsgi_temp_path $at;
			scgi_temp_path $at;
			sendfile on;
			server {
				listen $1;
				root $web;
			}
		}
	END
	start nginx server nginx -p "$at" -e stderr -c "$at/nginx.conf"
	wait_listening server tcp "${1#*:}"
}

# measure IPERF3-OPTION...: runs a second against the server, and wants bytes at the receiver.
measure() {
	start iperf3-server server iperf3 -s -1 -B 203.0.113.10
	wait_listening server tcp 5201
	client iperf3 -J -t 1 -c 203.0.113.10 "$@" >"$BATS_TEST_TMPDIR/result"
	# shellcheck disable=SC2016 # Python
	python3 -IS -c '
import json, sys

end = json.load(open(sys.argv[1]))["end"]
received = end["sum_received"] if "sum_received" in end else end["sum"]
print("%d bytes, %d Mbit/s" % (received["bytes"], received["bits_per_second"] / 1e6))
sys.exit(received["bytes"] == 0 or received.get("lost_percent", 0) > 50)
' "$BATS_TEST_TMPDIR/result"
}

@test "curl fetches 200 MB from nginx, and the checksum is that of the file" {
	need_programs curl nginx
	head -c 200000000 /dev/urandom >"$web/big"
	start_nginx 203.0.113.10:8080
	# shellcheck disable=SC2016 # for the inner shell
	run -0 client bash -c 'set -o pipefail; curl -sSf "$1" | sha256sum' - \
		http://203.0.113.10:8080/big
	equal "$(sha256sum <"$web/big")" "$output"
	rm "$web/big"
}

@test "50 MB that the client sends arrive unchanged" {
	head -c 50000000 /dev/urandom >"$web/up"
	start sink server socat -u TCP4-LISTEN:8081,bind=203.0.113.10,reuseaddr "CREATE:$web/arrived"
	sink=$last
	wait_listening server tcp 8081
	client nc -nN 203.0.113.10 8081 <"$web/up"
	finishes sink "$sink"
	cmp "$web/up" "$web/arrived"
	rm "$web/up" "$web/arrived"
}

@test "iperf3 over TCP, from the client" {
	need_programs iperf3
	measure
}

@test "iperf3 over TCP, to the client" {
	need_programs iperf3
	measure -R
}

@test "iperf3 over UDP, from the client" {
	need_programs iperf3
	measure -u -b 100M
}

@test "iperf3 over UDP, to the client" {
	need_programs iperf3
	measure -u -b 100M -R
}

@test "the client asks dnsmasq for a name, and connects to the address it gets" {
	need_programs dnsmasq dig
	start dnsmasq server dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --pid-file= \
		--no-resolv --no-hosts --bind-interfaces --listen-address=203.0.113.10 \
		--address=/chat.natem.test/203.0.113.11 --log-facility=-
	wait_listening server udp 53
	run -0 client dig +short +tries=1 @203.0.113.10 chat.natem.test
	equal 203.0.113.11 "$output"
	run -0 client dig +short +tries=1 +tcp @203.0.113.10 chat.natem.test
	equal 203.0.113.11 "$output"
	start chat server socat -u TCP4-LISTEN:8989,bind=203.0.113.11,reuseaddr STDOUT
	chat=$last
	wait_listening server tcp 8989
	client nc -nN "$output" 8989 <<<"found you"
	finishes chat "$chat"
	equal "found you" "$(output chat)"
}

@test "a program that knows only the name finds the server by dnsmasq and fetches from nginx" {
	need_programs dnsmasq nginx curl
	[[ -e /etc/resolv.conf ]] || skip "there is no /etc/resolv.conf to lay another over"
	start dnsmasq server dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --pid-file= \
		--no-resolv --no-hosts --bind-interfaces --listen-address=203.0.113.10 \
		--address=/web.natem.test/203.0.113.11 --log-facility=-
	wait_listening server udp 53
	echo "by name" >"$web/page"
	start_nginx 203.0.113.11:80
	echo "nameserver 203.0.113.10" >"$BATS_TEST_TMPDIR/resolv.conf"
	# In a mount namespace of its own: the machine's file stays as it is.
	# shellcheck disable=SC2016 # for the inner shell
	run -0 client unshare -m bash -c 'mount --bind "$1" /etc/resolv.conf && exec "${@:2}"' - \
		"$BATS_TEST_TMPDIR/resolv.conf" curl -sSf --max-time 10 http://web.natem.test/page
	equal "by name" "$output"
	# Both by natemd: the question over UDP, the page over TCP.
	[[ -n $(look sessions id protocol=udp remote=203.0.113.10:53) ]]
	[[ -n $(look sessions id protocol=tcp remote=203.0.113.11:80) ]]
}
