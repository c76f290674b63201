/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/reason.h"

#include <string.h>

#include "common/nearest.h"

/* clang-format off */
static const struct reason_spec reasons[REASON_COUNT] = {
	[REASON_TRANSLATED] = { "translated", false,
		"belonged to a known session", "RFC 3022 4.1", "" },
	[REASON_MAPPING_CREATED] = { "mapping-created", false,
		"first packet of an internal endpoint: got an external endpoint", "RFC 4787 REQ-1", "" },
	[REASON_SESSION_CREATED] = { "session-created", false,
		"first packet between a mapping and one remote endpoint", "RFC 6146 3.5", "" },
	[REASON_ADMITTED] = { "admitted", false,
		"inbound from a new remote endpoint that filtering lets in, leaving no session",
		"RFC 4787 REQ-8", "" },
	[REASON_PICKED_UP] = { "picked-up", false,
		"outbound TCP segment in the middle of an unknown connection: got a session",
		"RFC 5382 5", "" },
	[REASON_HAIRPIN] = { "hairpin", false,
		"from one internal host to the mapping of another, translated twice",
		"RFC 4787 REQ-9", "" },
	[REASON_ICMP_ERROR_TRANSLATED] = { "icmp-error-translated", false,
		"ICMP error and the packet it quotes both translated", "RFC 5508 REQ-4", "" },
	[REASON_FRAGMENT_TRANSLATED] = { "fragment-translated", false,
		"later fragment of a datagram whose first was translated", "RFC 4787 REQ-14", "" },
	[REASON_FRAGMENT_HELD] = { "fragment-held", false,
		"fragment that waits for the first of its datagram", "RFC 4787 REQ-14", "" },
	[REASON_FRAGMENT_RELEASED] = { "fragment-released", false,
		"held fragment whose first came: it counts twice, held and released",
		"RFC 4787 REQ-14", "" },
	[REASON_EXEMPT] = { "exempt", false,
		"to or from a destination that is not translated", "RFC 6888 REQ-6", "" },
	[REASON_ROUTER] = { "router", false,
		"to or from the router itself, untouched", "RFC 5382 REQ-4", "" },

	[REASON_CUT] = { "cut-packet", true,
		"the kernel handed over only a part of the packet", "",
		"natemd asks the kernel for whole packets, so something between the two is at fault: "
		"please tell us, with the version of the kernel." },
	[REASON_IP_HEADER] = { "ip-header", true,
		"shorter than its IPv4 header, or a header length below 20", "RFC 1812 5.2.2",
		"The sender makes broken packets, or something on their way does: look at them with "
		"tcpdump on the side they come from. No knob lets them pass." },
	[REASON_NOT_IPV4] = { "not-ipv4", true,
		"IP version is not 4", "RFC 1812 5.2.2",
		"natem translates IPv4 only: let the rules that queue packets leave everything else out." },
	[REASON_TOTAL_LENGTH] = { "total-length", true,
		"IP total length below the header or beyond the bytes received", "RFC 1812 5.2.2",
		"The sender makes broken packets, or something on their way cuts them: look at them with "
		"tcpdump on the side they come from. No knob lets them pass." },
	[REASON_TRANSPORT_SHORT] = { "transport-short", true,
		"ends before the end of its TCP, UDP or ICMP header", "",
		"The sender makes packets too short for their protocol: look at them with tcpdump on the "
		"side they come from. No knob lets them pass." },
	[REASON_TRANSPORT_LENGTH] = { "transport-length", true,
		"TCP data offset or UDP length contradicts the packet's length", "",
		"The sender makes packets whose lengths contradict each other: look at them with tcpdump "
		"on the side they come from. No knob lets them pass." },
	[REASON_WRONG_INTERFACE] = { "wrong-interface", true,
		"queued from another hook or interface than nat.lan and nat.wan", "",
		"Compare nat.lan and nat.wan with the interfaces there are, and the rules that queue "
		"packets with those that netns-scripts/setup.sh makes." },
	[REASON_NOT_UNICAST] = { "not-unicast", true,
		"source or destination is broadcast, multicast, loopback or reserved",
		"RFC 1812 5.3.7",
		"Broadcast, multicast and loopback end at a router, and no knob lets them pass: send to "
		"the address of one host." },
	[REASON_ADDRESS_OPTION] = { "address-option", true,
		"IP option that would carry a private address across (route, timestamp)",
		"RFC 5508 REQ-10b",
		"Send without IP options that record or name a route: no knob lets them pass, because "
		"they would tell private addresses to the WAN." },
	[REASON_NOT_OURS] = { "not-ours", true,
		"from the WAN to an address that is none of the external ones", "RFC 3022 2.2",
		"Send to one of the external addresses, which 'natem status' lists; nat.external and "
		"nat.one-to-one add to them. What comes from a remote in nat.exempt passes untranslated." },
	[REASON_FRAGMENT] = { "fragment", true,
		"IP fragment, where the knobs let none pass", "RFC 4787 REQ-14",
		"Let fragments pass: fragments.mode=any-order, and udp.fragments=on, tcp.fragments=on or "
		"icmp.fragments=on by their protocol." },
	[REASON_FRAGMENT_ORDER] = { "fragment-order", true,
		"fragment that came before the first of its datagram, in a NAT that keeps none",
		"RFC 4787 REQ-14",
		"Set fragments.mode=any-order: then a fragment waits until the first of its datagram "
		"comes." },
	[REASON_FRAGMENT_TINY] = { "fragment-tiny", true,
		"first fragment that ends before the ports or flags, or one that would overwrite them",
		"RFC 1858, RFC 3128",
		"No honest sender makes such fragments, and no knob lets them pass: what they hide would "
		"get past a filter." },
	[REASON_FRAGMENT_LENGTH] = { "fragment-length", true,
		"fragment that is empty, cut within eight bytes, or ends beyond 65535",
		"RFC 791 3.2",
		"No receiver could put such a datagram together, and no knob lets it pass: look at the "
		"sender with tcpdump." },
	[REASON_FRAGMENT_OVERLAP] = { "fragment-overlap", true,
		"fragment that overlaps another of its datagram", "RFC 1858 4",
		"Receivers put overlapping fragments together in different ways, so no knob lets them "
		"pass: look at the sender with tcpdump." },
	[REASON_FRAGMENT_REFUSED] = { "fragment-refused", true,
		"later fragment of a datagram whose first was dropped", "RFC 3022 4.1",
		"Look why the first fragment was dropped: 'natem counters' has its reason too. Once that "
		"one passes, so do the others." },
	[REASON_FRAGMENT_DISCARDED] = { "fragment-discarded", true,
		"held fragment whose first came and was dropped: it counts twice, held and discarded",
		"RFC 3022 4.1",
		"Look why the first fragment was dropped: 'natem counters' has its reason too. Once that "
		"one passes, so do the others." },
	[REASON_FRAGMENT_EXPIRED] = { "fragment-expired", true,
		"held fragment whose first did not come in time: it counts twice, held and expired",
		"RFC 4787 REQ-14",
		"The first fragment was lost, or is later than fragments.timeout waits: look for it with "
		"tcpdump, and wait longer if it does come." },
	[REASON_FRAGMENTS_FULL] = { "fragments-full", true,
		"fragment for which the store has no room", "RFC 4787 REQ-14",
		"Raise fragments.max-held, fragments.max-bytes or fragments.max-per-source, or let those "
		"that wait in vain go sooner with a shorter fragments.timeout." },
	[REASON_PROTOCOL] = { "protocol", true,
		"neither TCP, UDP nor ICMP, nor in other.protocols", "",
		"Add the number of the protocol to other.protocols, such as other.protocols=47 for GRE: "
		"one internal host at a time can then use it on each external address." },
	[REASON_PORT_ZERO] = { "port-zero", true,
		"TCP or UDP port 0 on one side", "RFC 4787 4.2.1",
		"Use another port. udp.port-zero=translate lets UDP pass that comes from port 0; nothing "
		"else may have that port." },
	[REASON_ICMP_TYPE] = { "icmp-type", true,
		"ICMP type that is not translated in this direction", "RFC 5508 REQ-10, REQ-11",
		"icmp.queries says which queries pass: icmp.queries=all lets all of them. A reply goes "
		"only the other way than its request, and a message that is neither query nor error never "
		"passes." },

	[REASON_NO_MAPPING] = { "no-mapping", true,
		"inbound to an external endpoint that stands for nobody", "RFC 3022 2.2",
		"Let an internal host send first, or lead the port to one: nat.forwards for a port, "
		"nat.dmz for all that is nobody's, nat.one-to-one for a whole address. "
		"nat.unmatched=accept gives such packets to the router itself." },
	[REASON_UNMATCHED_REJECTED] = { "unmatched-rejected", true,
		"inbound to an external endpoint that stands for nobody, and refused openly",
		"RFC 5382 REQ-4",
		"Let an internal host send first, or lead the port to one: nat.forwards for a port, "
		"nat.dmz for all that is nobody's, nat.one-to-one for a whole address. nat.unmatched=drop "
		"would refuse such packets without a word." },
	[REASON_FILTERED] = { "filtered", true,
		"inbound from a remote endpoint that filtering does not let in", "RFC 4787 REQ-8",
		"Let the internal host send to this remote first, lead a port to it with nat.forwards, or "
		"let more remotes in by udp.filtering, tcp.filtering, icmp.filtering or other.filtering: "
		"with endpoint-independent everybody may send to a mapping." },
	[REASON_MAPPING_KILLED] = { "mapping-killed", true,
		"filtered inbound packet that ended the mapping: a fault asked for", "RFC 4787 REQ-8",
		"Set udp.kill-on-unsolicited, tcp.kill-on-unsolicited or icmp.kill-on-unsolicited to off; "
		"to let such packets in too, see 'natem explain filtered'." },
	[REASON_SYN_HELD] = { "syn-held", true,
		"unsolicited inbound SYN, left unanswered for now", "RFC 5382 REQ-4",
		"Lead the port to a host with nat.forwards or, where a mapping has it, let more remotes "
		"in with tcp.filtering. tcp.unsolicited-syn=hold answers with an ICMP error when "
		"tcp.syn-hold is over, unless the internal host sends a SYN of its own until then." },
	[REASON_SYNS_FULL] = { "syns-full", true,
		"unsolicited inbound SYN that gets no answer: tcp.max-held-syns wait for theirs",
		"RFC 5382 REQ-4A",
		"This is about the answer alone: raise tcp.max-held-syns or shorten tcp.syn-hold. To let "
		"such connections in, lead the port to a host with nat.forwards, or let more remotes in "
		"with tcp.filtering." },
	[REASON_SYN_ANSWERED] = { "syn-answered", true,
		"unsolicited inbound SYN, answered at once: a fault asked for", "RFC 5382 REQ-4",
		"Lead the port to a host with nat.forwards or, where a mapping has it, let more remotes "
		"in with tcp.filtering. tcp.unsolicited-syn=hold answers only after tcp.syn-hold, which "
		"leaves two hosts time to open a connection together." },
	[REASON_HAIRPIN_OFF] = { "hairpin-off", true,
		"from an internal host to an external address of its own NAT", "RFC 4787 REQ-9",
		"Set nat.hairpin=external-source, or reach the other host by its internal address." },
	[REASON_TCP_NO_SESSION] = { "tcp-no-session", true,
		"TCP segment of no known connection and not a SYN", "RFC 6146 3.5.2.2",
		"Open the connection anew: the NAT never saw it open, or its session has ended, by its "
		"timer or with a restart of natemd. tcp.non-syn=pick-up takes up connections by what "
		"internal hosts send in them." },
	[REASON_TUPLE_TAKEN] = { "tuple-taken", true,
		"inbound SYN, but the internal endpoint has this remote through another mapping",
		"RFC 3022 2.2",
		"Use another port: no knob lets two connections between the same two endpoints be told "
		"apart. 'natem sessions' shows the one there is." },
	[REASON_ICMP_ERRORS_OFF] = { "icmp-errors-off", true,
		"ICMP error, in a NAT that lets none pass: a fault asked for", "RFC 5508 REQ-4",
		"Set icmp.errors=translate; without ICMP errors, hosts do not learn that a destination is "
		"unreachable or a packet too big." },
	[REASON_ICMP_ERROR_CHECKSUM] = { "icmp-error-checksum", true,
		"ICMP error whose own checksum is wrong", "RFC 5508 REQ-3",
		"The system that made the error, or something on its way, is at fault; "
		"icmp.error-checks=off lets it pass all the same." },
	[REASON_ICMP_QUOTE] = { "icmp-quote", true,
		"ICMP error that quotes too little, a fragment or another error", "RFC 5508 REQ-3",
		"The system that made the error must quote the IP header and eight bytes of the first "
		"fragment of a packet that is no error itself; without them nobody knows whose it is, and "
		"no knob lets it pass." },
	[REASON_ICMP_QUOTE_CHECKSUM] = { "icmp-quote-checksum", true,
		"ICMP error whose quoted IP header has a wrong checksum", "RFC 5508 REQ-3a",
		"The system that made the error, or something on its way, is at fault; "
		"icmp.error-checks=off lets it pass all the same." },
	[REASON_ICMP_ERROR_NO_SESSION] = { "icmp-error-no-session", true,
		"ICMP error about a packet of no known session", "RFC 5508 REQ-4, REQ-5",
		"The session that the quoted packet was part of has ended or never was: 'natem sessions' "
		"lists those there are, and longer timers, such as udp.timeout and icmp.timeout, keep "
		"them longer." },
	[REASON_PORTS_EXHAUSTED] = { "ports-exhausted", true,
		"no external port is free for a new mapping", "RFC 6888 REQ-11",
		"Add addresses to nat.external, widen udp.port-range, tcp.port-range or icmp.port-range, "
		"or set nat.pooling=soft-paired if only one address of several is full. Where udp.ports, "
		"tcp.ports or icmp.ports is preserve-only or overload, random takes any port that is "
		"free." },
	[REASON_BLOCK_EXHAUSTED] = { "block-exhausted", true,
		"no port is free in the blocks of this host", "RFC 6888 REQ-4, RFC 7422",
		"Give a host more ports: with nat.blocks=dynamic by nat.block-size and "
		"nat.blocks-per-host, with nat.blocks=deterministic by nat.block-overflow, with both by "
		"more addresses in nat.external." },
	[REASON_NO_BLOCK] = { "no-block", true,
		"internal host outside nat.internal: no deterministic block is its", "RFC 7422",
		"Widen nat.internal until the host is in it; or set nat.blocks=dynamic, which gives "
		"blocks to any host." },
	[REASON_HOST_QUOTA] = { "host-quota", true,
		"this host has as many mappings or sessions as it may have", "RFC 6888 REQ-4",
		"Raise the quota that decided, nat.max-mappings-per-host, nat.max-sessions-per-host or "
		"that of one protocol (udp.max-mappings-per-host, udp.max-sessions-per-host and so on); 0 "
		"is none. 'natem hosts' shows what the host has." },
	[REASON_RATE_QUOTA] = { "rate-quota", true,
		"this host makes new mappings faster than it may", "RFC 6888 REQ-4C",
		"Wait, or raise the rate that decided: nat.new-mappings-per-second, "
		"udp.new-mappings-per-second, tcp.new-mappings-per-second or "
		"icmp.new-mappings-per-second; 0 is no limit." },
	[REASON_MAPPING_QUOTA] = { "mapping-quota", true,
		"this mapping has as many sessions as one may have", "RFC 6888 REQ-5",
		"Raise nat.max-sessions-per-mapping; 0 is no limit." },
	[REASON_MAPPINGS_FULL] = { "mappings-full", true,
		"nat.max-mappings reached; nothing is evicted", "RFC 6888 REQ-11",
		"Raise nat.max-mappings; or find out with 'natem hosts' who has them, and set "
		"nat.max-mappings-per-host." },
	[REASON_SESSIONS_FULL] = { "sessions-full", true,
		"nat.max-sessions reached; nothing is evicted", "RFC 6888 REQ-5",
		"Raise nat.max-sessions; or find out with 'natem hosts' who has them, and set "
		"nat.max-sessions-per-host." },
};
/* clang-format on */

const struct reason_spec *reason_spec(enum nat_reason reason)
{
	return &reasons[reason];
}

enum nat_reason reason_find(const char *name, const char **nearest)
{
	struct nearest guess;

	nearest_init(&guess, name, 0);
	for (unsigned int i = 0; i < REASON_COUNT; i++) {
		if (strcmp(reasons[i].name, name) == 0)
			return (enum nat_reason)i;
		nearest_offer(&guess, reasons[i].name);
	}
	*nearest = guess.name;
	return REASON_COUNT;
}
