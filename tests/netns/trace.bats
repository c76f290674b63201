#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# trace.bats - packets watched as they pass: trace, capture, and who reads them too slowly

# shellcheck disable=SC2030,SC2031,SC2119,SC2120,SC2154
# (a test is a subshell to bats; helpers.bash sets more names)
load helpers

setup_file() {
	need_programs tshark capinfos
	lab_up
}

# lines NAME PATTERN: how many of them.
lines() { grep -cE -- "$2" "$BATS_TEST_TMPDIR/$1.out"; }

open_udp() {
	open_sockets client server
	tell server udp s 203.0.113.10:7788
	tell client udp c "192.168.1.2:$1"
}

@test "trace: a TCP connection is read off state by state, from SYN to TIME_WAIT" {
	local port=$((6200 + BATS_TEST_NUMBER)) source remote

	watch t trace port "$port"
	local watcher=$last
	open_sockets client server
	tell server listen l 203.0.113.10:8989
	tell client tcp t "192.168.1.2:$port"
	tell client connect t 203.0.113.10:8989
	tell server accept t l
	wait_has t 'INTERNAL_SYN>ESTABLISHED'
	tell client close t
	tell_fails EOF server recv t
	tell server close t
	wait_has t 'TIME_WAIT'
	source=192.168.1.2:$port
	remote='203\.0\.113\.10:8989'
	has t "^[0-9:.]{15} out tcp +SYN +${source//./\\.} > $remote => 203\.0\.113\.1:[0-9]+ > $remote CLOSED>INTERNAL_SYN mapping [0-9]+ mapping-created\$"
	has t "^[0-9:.]{15} in +tcp +SYN,ACK +$remote > 203\.0\.113\.1:[0-9]+ => $remote > ${source//./\\.} INTERNAL_SYN>ESTABLISHED mapping [0-9]+ translated\$"
	has t 'ESTABLISHED>INTERNAL_FIN'
	has t 'INTERNAL_FIN>BOTH_FIN'
	has t 'BOTH_FIN>TIME_WAIT'
	end_watch t "$watcher"
}

@test "trace: a drop has its reason, the knob that decided and the clause" {
	open_udp 6201
	tell client sendto c 203.0.113.10:7788 hello
	tell server recv s
	seen=${heard% hello}
	watch t trace drops
	local watcher=$last
	tell server udp stranger 203.0.113.11:7799
	tell server sendto stranger "$seen" nobody
	wait_has t 'DROPPED'
	has t "in +udp +203\.0\.113\.11:7799 > ${seen//./\\.} mapping [0-9]+ filtered DROPPED \(udp\.filtering, RFC 4787 REQ-8\)\$"
	equal 1 "$(lines t .)"
	end_watch t "$watcher"
}

@test "trace: filters, --count and --json" {
	open_udp 6202
	watch t --json trace --count=2 host 192.168.1.2 protocol udp reason translated
	local watcher=$last
	tell client sendto c 203.0.113.10:7788 one
	tell server recv s
	seen=${heard% one}
	client ping -n -q -c 1 -W "$patience" 203.0.113.10 >/dev/null
	tell server sendto s "$seen" two
	tell client recv c
	tell client sendto c 203.0.113.10:7788 three
	tell server recv s
	finishes t "$watcher"
	equal 2 "$(lines t '"reason":"translated"')"
	equal 2 "$(lines t .)"
	python3 - "$BATS_TEST_TMPDIR/t.out" "$seen" <<-'EOF'
		import json, sys
		first, second = [json.loads(line) for line in open(sys.argv[1])]
		assert first["from"] == "external" and first["destination"] == sys.argv[2], first
		assert first["new_destination"] == "192.168.1.2:6202", first
		assert first["length"] == 20 + 8 + 3 and first["verdict"] == "rewritten", first
		assert second["source"] == "192.168.1.2:6202" and second["new_source"] == sys.argv[2]
		assert second["mapping"] == first["mapping"] and second["number"] > first["number"]
	EOF
}

@test "trace: wrong words are refused with what there is" {
	run -2 natem trace hots 192.168.1.2
	[[ $output == *"host ADDRESS, port N"* ]]
	run -2 natem trace port x
	run -2 natem trace port
	run -2 natem trace reason nosuch
	[[ $output == *"'natem counters' lists them"* ]]
	run -2 natem trace host nowhere
	run -2 natem trace --count=0
	run -2 natem status --count=1
	run -2 natem capture
}

@test "trace: a reader that stops reading costs no packet, and is told what it missed" {
	local watcher before

	open_udp 6203
	watch t trace protocol udp
	watcher=$last
	natem status --json >/dev/null
	kill -STOP -- "-$watcher"
	before=$(natem --json status | python3 -c 'import json, sys; print(json.load(sys.stdin)["queue"]["packets"])')
	client python3 - <<-'EOF'
		import socket
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		for i in range(40000):
		    s.sendto(b"x", ("203.0.113.10", 7788))
	EOF
	tell client sendto c 203.0.113.10:7788 after
	tell server recv s
	((before + 20000 < $(natem --json status | python3 -c 'import json, sys; print(json.load(sys.stdin)["queue"]["packets"])')))
	kill -CONT -- "-$watcher"
	wait_has t '^\.\.\. [0-9]+ packets missed'
	end_watch t "$watcher"
}

@test "events --follow tells what happens as it happens" {
	watch e events --follow
	local watcher=$last
	knob udp.timeout=77s
	wait_has e 'knobs changed: udp.timeout'
	end_watch e "$watcher"
	knob udp.timeout=300s
}

@test "events flows --follow tells of mappings and sessions that begin and end" {
	natem flush all >/dev/null
	watch f events flows --follow
	local watcher=$last
	open_udp 6206
	tell client sendto c 203.0.113.10:7788 hello
	tell server recv s
	wait_has f '192\.168\.1\.2:6206'
	natem clock advance 301s >/dev/null
	wait_has f '192\.168\.1\.2:6206.*expired'
	end_watch f "$watcher"
}

@test "capture: tshark finds the packet before and after by its comment" {
	local file=$BATS_TEST_TMPDIR/c.pcapng watcher fields

	watch c capture "$file"
	watcher=$last
	open_udp 6204
	tell client sendto c 203.0.113.10:7788 hello
	tell server recv s
	seen=${heard% hello}
	tell server sendto s "$seen" back
	tell client recv c
	tell server udp stranger 203.0.113.11:7799
	tell server sendto stranger "$seen" nobody
	wait_for "the capture has the drop" grep -qa 'dropped: filtered' "$file"
	end_watch c "$watcher"
	capinfos -I "$file" | grep -q 'Number of interfaces in file: 2'
	tshark_fields() { # of the packets whose comment matches
		tshark -r "$file" -Y "frame.comment contains \"$1\" && udp" -T fields -e frame.interface_name \
			-e ip.src -e udp.srcport -e ip.dst -e udp.dstport -e ip.checksum.status -e udp.checksum.status \
			-o ip.check_checksum:TRUE -o udp.check_checksum:TRUE 2>/dev/null
	}
	fields=$(tshark_fields mapping-created)
	equal "lan 192.168.1.2 6204 203.0.113.10 7788" "$(sed -n 1p <<<"$fields" | cut -f 1-5 | tr '\t' ' ')"
	equal "wan ${seen/:/ } 203.0.113.10 7788 1 1" "$(sed -n 2p <<<"$fields" | tr '\t' ' ')"
	fields=$(tshark_fields translated:\ translated)
	equal "wan 203.0.113.10 7788 ${seen/:/ }" "$(sed -n 1p <<<"$fields" | cut -f 1-5 | tr '\t' ' ')"
	equal "lan 203.0.113.10 7788 192.168.1.2 6204 1 1" "$(sed -n 2p <<<"$fields" | tr '\t' ' ')"
	fields=$(tshark_fields filtered)
	equal "wan 203.0.113.11 7799 ${seen/:/ }" "$(cut -f 1-5 <<<"$fields" | tr '\t' ' ')"
}

@test "capture: to standard output, cut to snaplen, and a disk that is full is said" {
	open_udp 6205
	start c router sh -c "exec '$build/natem' --lab '$LAB' capture - port 6205 >'$BATS_TEST_TMPDIR/p.pcapng'"
	local watcher=$last
	wait_for "it listens" said c listening
	tell client sendto c 203.0.113.10:7788 hello
	tell server recv s
	wait_for "the packet is there" grep -qa mapping-created "$BATS_TEST_TMPDIR/p.pcapng"
	end_watch c "$watcher"
	equal 2 "$(tshark -r "$BATS_TEST_TMPDIR/p.pcapng" 2>/dev/null | wc -l)"
	run -1 natem capture /dev/full
	[[ $output == *"/dev/full: No space left on device"* ]]
	run -1 natem capture "$BATS_TEST_TMPDIR/no/such"
	[[ $output == *"No such file"* ]]
}

@test "trace: when natemd ends, it says so and fails" {
	watch t trace
	local watcher=$last
	"$checkout/netns-scripts/restart.sh" --lab "$LAB" >/dev/null 3>&-
	run wait "$watcher"
	[[ $status == 1 ]] || wait "$watcher" || [[ $? == 1 ]]
	said t 'natemd has ended'
}
