#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# protocol.bats - the control protocol is as it says of itself, and works with what its document shows

# shellcheck disable=SC2016,SC2030,SC2031,SC2119,SC2120,SC2154
# (a test is a subshell to bats; helpers.bash sets more names; what stands in single quotes is sed's)
load helpers

setup_file() { lab_up --clients 2 --external 3; }

document=$checkout/docs/control-protocol.md

says() { [[ $output == *"$1"* ]] || complain "'$1' is not in: $output"; }
socket() { printf '/run/natem/%s.sock' "$LAB"; }
# conform [METHOD PARAMS]...: see conform.py; its output is in $output.
conform() {
	start traffic server ping -q -i 0.2 203.0.113.1 # the router's own, of no mapping
	run -0 timeout 120 python3 -I "$here/conform.py" "$(socket)" "$@"
	says "answers as described"
}

# Sessions of every protocol, one of them with an answer.
fill() {
	own=192.168.1.3:$((5010 + BATS_TEST_NUMBER)) # one of an earlier test may linger
	natem flush all >/dev/null
	open_sockets client client2 server
	tell server udp s 203.0.113.10:7000
	tell client udp u 192.168.1.2:5001
	tell client sendto u 203.0.113.10:7000 hello
	tell server recv s
	tell server sendto s "${heard% hello}" "hello yourself"
	tell client recv u
	tell server listen l 203.0.113.10:8989
	tell client2 tcp c "$own"
	tell client2 connect c 203.0.113.10:8989
	tell server accept a l
	wait_state ESTABLISHED "$own"
	client ping -c 1 -W 5 203.0.113.10 >/dev/null
}

@test "every answer is as system.describe says, where there is nothing to tell" {
	natem flush all >/dev/null
	conform mappings.list '{}' hosts.list '{}' forwards.list '{}'
	says '{"mappings": [], "next": null}'
	says '{"forwards": []}'
}

@test "every answer is as system.describe says, with sessions of every protocol" {
	local mapped

	fill
	mapped=$(external udp 192.168.1.2:5001)
	conform mappings.list '{}' sessions.list '{"limit":1}' hosts.list '{}' ports.who \
		"{\"external\":\"$mapped\"}" counters.get '{}'
	says '"state": "ESTABLISHED"'
	says '"protocol": "icmp"'
	says '"opened_by": "internal"'
	says '"state": "mapped"'
}

@test "every answer is as system.describe says, with mappings that are kept apart, leased and fixed" {
	knob udp.mapping=apdm tcp.mapping=adm pcp.server=on
	# The third address is to become one host's own: what is on it would end.
	change_until_end "knob nat.external=auto" knob nat.external=203.0.113.1-203.0.113.2
	fill
	in_host client2 python3 -IS "$here/pcp.py" 192.168.1.1 internal=6000 >/dev/null
	change_until_end "knob nat.forwards=none nat.one-to-one=none nat.dmz=none nat.exempt=none" true
	natem forward add udp 7788 192.168.1.2:5001 >/dev/null
	natem forward add one-to-one 203.0.113.3 192.168.1.9 >/dev/null
	natem forward add dmz 192.168.1.2 >/dev/null
	natem forward add exempt 203.0.113.11 >/dev/null
	tell server udp stranger 203.0.113.10:7001
	tell server sendto stranger 203.0.113.1:7788 knock
	tell client recv u
	conform mappings.list '{}' forwards.list '{}' ports.who '{"external":"203.0.113.1:7788"}' \
		ports.who '{"external":"203.0.113.2:99"}' ports.who '{"external":"203.0.113.3:7"}'
	says '"remote": "203.0.113.10:7000"'
	says '"remote": "203.0.113.10"'
	says '"fixed": true'
	[[ $output =~ \"lease_ms\":\ [1-9] ]] || complain "no lease in: $output"
	says '"kind": "one-to-one"'
	says '"leads_to": "192.168.1.2:5001"'
	says '"state": "forwarded"'
}

limit_reached() { [[ $(natem --json events) == *'"limit-reached"'* ]]; }

@test "every answer is as system.describe says, with quotas, blocks, ports that rest and events" {
	knob nat.preset=cgn-rfc6888 nat.max-sessions-per-host=3 nat.reserved-ports=22 \
		udp.port-reuse-delay=60s tcp.port-reuse-delay=60s
	fill
	client bash -c 'for i in 1 2 3 4 5; do echo x >"/dev/udp/203.0.113.10/700$i"; done'
	wait_for "a limit is reached" limit_reached
	conform hosts.list '{}' events.list '{}' ports.who '{"external":"203.0.113.1:22"}' \
		ports.who "{\"external\":\"$(external udp 192.168.1.2:5001)\"}"
	says '"type": "limit-reached"'
	says '"type": "block-allocated"'
	says '"type": "options-changed"'
	says '"quota": 3'
	says '"kind": "dynamic"'
	says '"state": "reserved"'
}

@test "describe prints every method with its parameters and members, or JSON Schema" {
	local method

	run -0 natem describe
	[[ ${lines[0]} =~ ^NAME\ +WHAT\ IT\ IS\ +MEANING$ ]]
	[[ $output =~ mappings.list\ +method\ +a\ page ]]
	[[ $output =~ \>\ limit\?\ +integer\ 1-1000\ +the\ most ]]
	[[ $output =~ \<\ mappings\ +mapping\ list\ +the\ page ]]
	[[ $output =~ \<\ next\ +integer\ or\ null\  ]]
	[[ $output =~ \<\ counters\ +counter\ by\ name\  ]]
	[[ $output =~ protocol\ +type\  ]]
	says "udp|tcp|icmp|other"
	[[ $output =~ -32602\ +error\  ]]
	while read -r method; do
		[[ $output == *$'\n'"$method "* ]] || complain "no method $method"
	done < <(sed -n 's/^### `\(.*\)`$/\1/p' "$document")
	run -0 natem --json describe
	equal 1 "${#lines[@]}"
	says '"$ref":"#/types/mapping"'
}

@test "the example with socat answers as the document shows" {
	local example wanted

	need_programs socat
	# The command, and below it what it answered.
	example=$(grep -A 1 '^    \$ echo ' "$document" | sed 's/^ *\$* *//; s/sudo //')
	wanted=$(grep -A 2 '^    \$ echo ' "$document" | sed -n '3s/^ *//p')
	[[ $wanted == '{"jsonrpc"'* ]] || complain "no answer in the document: $wanted"
	equal "$wanted" "$(bash -c "${example//\/run\/natem\/natem.sock/$(socket)}")"
}

@test "the ten lines of Python print what mappings prints" {
	local program=$BATS_TEST_TMPDIR/example.py

	fill
	client bash -c 'for i in {1..60}; do echo x >/dev/udp/203.0.113.10/7000; done' # several pages
	sed -n '/^```python$/,/^```$/p' "$document" | sed '1d;$d' >"$program"
	sed -i "s|/run/natem/natem.sock|$(socket)|" "$program"
	(($(grep -c . "$program") <= 12)) || complain "that is not ten lines of Python"
	run -0 python3 -I "$program"
	says "192.168.1.2:5001 is seen as $(external udp 192.168.1.2:5001)"
	says "$own is seen as $(external tcp $own)"
	equal "$(look mappings internal | wc -l)" "${#lines[@]}"
	((${#lines[@]} > 60))
}

@test "64 clients at once are served, half of which never read, and memory stays bounded" {
	run -0 timeout 120 python3 -I "$here/crowd.py" "$(socket)" "$(daemon_pid)"
	says served
	natem status >/dev/null
}
