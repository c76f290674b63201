/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/presets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/nearest.h"

const char presets_key[] = "nat.preset";

struct knob {
	const char *key, *value;
};

struct preset {
	struct preset_spec spec;
	const char *base;	  /* preset it starts from; NULL: the defaults, which are home */
	const struct knob *knobs; /* where it differs from that; ends with a NULL key */
};

/* clang-format off */
#define KNOBS(...) (const struct knob[]){ __VA_ARGS__, { NULL, NULL } }
#define NO_KNOBS (const struct knob[]){ { NULL, NULL } }
/* One knob of UDP, TCP and ICMP alike, or of those that have ports. */
#define EACH(knob, value) \
	{ "udp." knob, value }, { "tcp." knob, value }, { "icmp." knob, value }
#define PORTS(knob, value) { "udp." knob, value }, { "tcp." knob, value }
/* What most kernels do with what nobody asked for, and with a flow that finds no room. */
#define HOST_STACK { "tcp.unsolicited-syn", "reset" }, { "nat.on-full", "drop" }

static const struct preset presets[] = {
	{ { "home", "what the RFCs ask of a home router; the default",
	    "RFC 4787, RFC 5382, RFC 5508", "" }, NULL, NO_KNOBS },

	/* The popular names are those of RFC 3489 section 5, in the terms of RFC 4787. */
	{ { "full-cone", "anyone may send to a mapping", "RFC 3489 section 5", "" }, NULL,
	  KNOBS(EACH("filtering", "eif")) },
	{ { "restricted-cone", "only addresses that were sent to may answer, from any port",
	    "RFC 3489 section 5", "" }, NULL,
	  KNOBS(EACH("filtering", "adf")) },
	{ { "port-restricted-cone", "only endpoints that were sent to may answer",
	    "RFC 3489 section 5", "" }, NULL,
	  KNOBS(EACH("filtering", "apdf")) },
	{ { "symmetric", "another external port for every remote endpoint",
	    "RFC 3489 section 5", "" }, NULL,
	  KNOBS(EACH("mapping", "apdm"), EACH("filtering", "apdf")) },

	/* Real ones. */
	{ { "linux-masquerade", "iptables -j MASQUERADE: ports kept, and shared where they can be",
	    "Linux nf_nat_core.c, nf_conntrack-sysctl",
	    "hairpin off from memory; one timer per group of TCP states: one side's FIN (60 or "
	    "120 s) and the ACK after SYN-ACK (60 s) are not told apart" }, NULL,
	  KNOBS(EACH("ports", "preserve"), EACH("port-overlap", "on"), EACH("refresh", "both"),
		PORTS("range-class", "linux"), PORTS("port-range", "1-65535"),
		{ "nat.hairpin", "off" }, HOST_STACK, { "tcp.non-syn", "pick-up" },
		{ "udp.timeout", "120s" }, { "udp.timeout-unreplied", "30s" },
		{ "tcp.timeout-established", "432000s" }, { "tcp.timeout-opening", "120s" },
		{ "tcp.timeout-closing", "30s" }, { "tcp.timeout-time-wait", "120s" },
		{ "tcp.timeout-reset", "10s" }, { "icmp.timeout", "30s" }) },
	{ { "linux-masquerade-random", "the same with --random: another port for every flow",
	    "Linux nf_nat_core.c", "--random-fully taken to be the same" }, "linux-masquerade",
	  KNOBS(EACH("mapping", "apdm"), EACH("ports", "random")) },
	{ { "docker-bridge", "containers of a bridge network, outbound",
	    "as linux-masquerade", "all from memory" }, "linux-masquerade", NO_KNOBS },
	{ { "pf", "pf of OpenBSD and FreeBSD: symmetric, ports from 50001 on",
	    "FreeBSD pf_lb.c and pf headers",
	    "OpenBSD taken to be equal; hairpin off from memory; not told apart: the 30 s of a "
	    "UDP flow without answer that goes on, the 120 s of a SYN that is not sent again, the "
	    "900 s after one side's FIN" }, NULL,
	  KNOBS(EACH("mapping", "apdm"), EACH("port-overlap", "on"), EACH("refresh", "both"),
		PORTS("port-range", "50001-65535"), PORTS("range-class", "ignore"),
		{ "nat.pooling", "soft-paired" }, { "nat.hairpin", "off" }, HOST_STACK,
		{ "udp.timeout", "60s" }, { "tcp.timeout-established", "86400s" },
		{ "tcp.timeout-opening", "30s" }, { "tcp.timeout-closing", "45s" },
		{ "tcp.timeout-time-wait", "90s" }, { "tcp.timeout-reset", "90s" },
		{ "icmp.timeout", "20s" }) },
	{ { "pf-static-port", "pf with static-port: the port is kept or the flow refused",
	    "FreeBSD pf_lb.c", "as pf" }, "pf",
	  KNOBS(EACH("mapping", "eim"), EACH("ports", "preserve-only"),
		PORTS("port-range", "1-65535")) },
	{ { "pf-endpoint-independent", "FreeBSD's pf with endpoint-independent, which is for UDP",
	    "FreeBSD pf_lb.c (PF_POOL_ENDPI)", "as pf; filtering from memory" }, "pf",
	  KNOBS({ "udp.mapping", "eim" }) },
	{ { "ipfw", "libalias, with same_ports", "libalias alias_db.c, libalias(3)",
	    "ipfw's own default from memory; hairpin off from memory; the 90 s after one side's "
	    "FIN are not told apart; what nobody asked for is refused, not the router's own" },
	  NULL,
	  KNOBS(EACH("ports", "preserve"), EACH("port-overlap", "on"), EACH("refresh", "both"),
		PORTS("range-class", "ignore"), PORTS("port-range", "1-65535"),
		{ "nat.hairpin", "off" }, HOST_STACK, { "udp.timeout", "60s" },
		{ "tcp.timeout-established", "86400s" }, { "tcp.timeout-opening", "300s" },
		{ "tcp.timeout-closing", "10s" }, { "tcp.timeout-time-wait", "10s" },
		{ "tcp.timeout-reset", "90s" }, { "icmp.timeout", "60s" }) },
	{ { "cisco-ios-pat", "port address translation of Cisco IOS", "none",
	    "all of it: from memory, and it differs by platform" }, NULL,
	  KNOBS(EACH("ports", "preserve"), EACH("port-overlap", "on"), EACH("refresh", "both"),
		PORTS("range-class", "cisco"), PORTS("port-range", "1-65535"),
		{ "nat.hairpin", "off" }, HOST_STACK, { "udp.timeout", "300s" },
		{ "udp.port-timeouts", "53=60s" }, { "tcp.timeout-established", "86400s" },
		{ "tcp.timeout-transitory", "60s" }, { "icmp.timeout", "60s" }) },
	{ { "cgn-rfc6888", "carrier-grade: blocks of ports, quotas, ports that rest",
	    "RFC 6888, RFC 4787, RFC 5382, RFC 5508", "size and number of blocks are ours" }, NULL,
	  KNOBS(EACH("filtering", "eif"), { "nat.blocks", "dynamic" }, { "nat.block-size", "512" },
		{ "nat.blocks-per-host", "4" }, EACH("port-reuse-delay", "120s"),
		{ "nat.max-mappings-per-host", "2048" }, { "nat.max-sessions-per-host", "8192" },
		{ "nat.on-full", "icmp1" }, { "pcp.server", "on" }) },
	{ { "vpp-nat44-ed", "the endpoint-dependent NAT of VPP", "VPP source and documents", "" },
	  NULL,
	  KNOBS(EACH("mapping", "apdm"), EACH("port-overlap", "on"), EACH("refresh", "both"),
		{ "nat.on-full", "drop" }) },
	{ { "windows-winnat", "WinNAT, as containers and WSL use it",
	    "Microsoft, output of Get-NetNat",
	    "mapping and hairpin from memory; ports not documented" }, NULL,
	  KNOBS(PORTS("filtering", "adf"), { "nat.hairpin", "off" }, HOST_STACK,
		{ "udp.timeout", "120s" }, { "tcp.timeout-established", "1800s" },
		{ "tcp.timeout-transitory", "120s" }, { "icmp.timeout", "30s" }) },
	{ { "windows-ics", "Internet Connection Sharing", "none",
	    "all of it: as windows-winnat until somebody measures it" }, "windows-winnat",
	  NO_KNOBS },
	{ { "aws-nat-gw", "NAT gateway of AWS", "AWS VPC guide",
	    "mapping and filtering second hand; hairpin from memory; the limit of 55000 flows per "
	    "destination is not set" }, NULL,
	  KNOBS(EACH("mapping", "apdm"), EACH("port-overlap", "on"), EACH("refresh", "both"),
		{ "nat.hairpin", "off" }, { "nat.on-full", "drop" },
		{ "tcp.unsolicited-syn", "drop" }, { "tcp.non-syn", "reset" },
		{ "udp.timeout", "350s" }, { "tcp.timeout-established", "350s" },
		{ "tcp.timeout-transitory", "350s" }, { "icmp.timeout", "350s" },
		{ "tcp.fragments", "off" }, { "icmp.fragments", "off" }) },
	{ { "gcp-nat-eim", "Cloud NAT of Google with endpoint-independent mapping",
	    "Compute Engine API reference",
	    "filtering, hairpin and 64 ports a host from memory" }, NULL,
	  KNOBS({ "nat.blocks", "dynamic" }, { "nat.block-size", "64" }, { "nat.hairpin", "off" },
		{ "nat.on-full", "drop" }, { "tcp.unsolicited-syn", "drop" },
		EACH("refresh", "both"), { "udp.timeout", "30s" },
		{ "tcp.timeout-established", "1200s" }, { "tcp.timeout-transitory", "30s" },
		{ "tcp.timeout-time-wait", "120s" }, { "icmp.timeout", "30s" }) },
	{ { "gcp-nat-dynamic", "Cloud NAT of Google with dynamic port allocation",
	    "Compute Engine API reference",
	    "filtering and hairpin from memory; at most 8 blocks of 32 ports a host, not 65536" },
	  "gcp-nat-eim",
	  KNOBS(EACH("mapping", "apdm"), { "nat.block-size", "32" }, { "nat.blocks-per-host", "8" }) },
	{ { "azure-nat-gw", "NAT gateway of Azure", "Azure documents of 2023",
	    "hairpin from memory; one rest for all TCP ports, not 65 s after FIN and 16 s after RST" },
	  NULL,
	  KNOBS(EACH("mapping", "apdm"), EACH("port-overlap", "on"), EACH("refresh", "both"),
		{ "nat.hairpin", "off" }, { "nat.on-full", "drop" },
		{ "tcp.unsolicited-syn", "drop" }, { "tcp.non-syn", "reset" },
		{ "udp.timeout", "240s" }, { "tcp.timeout-established", "240s" },
		PORTS("port-reuse-delay", "65s"), { "icmp.queries", "none" },
		{ "fragments.mode", "drop" }) },
	{ { "home-full-cone", "a home router sold as full cone: ports kept, anyone may send",
	    "synthetic; FULLCONENAT is such for UDP", "" }, NULL,
	  KNOBS(EACH("filtering", "eif"), EACH("ports", "preserve"), PORTS("port-range", "1-65535")) },
	{ { "einat", "einat-ebpf: endpoint-independent for all protocols",
	    "documents and source of the einat project",
	    "ports in sequence where they cannot be kept are drawn at random here; queries without "
	    "answer last 300 s, not 120 s" }, NULL,
	  KNOBS(EACH("filtering", "eif"), EACH("ports", "preserve"), PORTS("range-class", "ignore"),
		{ "nat.on-full", "drop" }, { "tcp.unsolicited-syn", "drop" },
		{ "udp.timeout-unreplied", "120s" }, { "icmp.timeout", "300s" },
		{ "icmp.refresh", "both" }, { "fragments.mode", "in-order" }) },
	{ { "libslirp", "the user-mode network of QEMU", "libslirp socket.h, udp.c",
	    "filtering and hairpin from memory; TCP and ICMP timers are the host's" }, NULL,
	  KNOBS({ "udp.filtering", "eif" }, { "tcp.mapping", "apdm" },
		PORTS("port-range", "32768-60999"), { "nat.hairpin", "off" }, HOST_STACK,
		EACH("refresh", "both"), { "udp.timeout", "240s" },
		{ "udp.port-timeouts", "53=10s" }) },
	{ { "passt", "passt and pasta", "passt udp.c, tcp.c, icmp.c of January 2025",
	    "a TCP port is the host's choice: random here" }, NULL,
	  KNOBS({ "udp.mapping", "apdm" }, { "udp.ports", "preserve" }, { "tcp.mapping", "apdm" },
		{ "udp.port-overlap", "on" }, { "udp.port-range", "1-65535" },
		{ "nat.hairpin", "off" }, HOST_STACK, EACH("refresh", "both"),
		{ "udp.timeout", "180s" }, { "tcp.timeout-established", "7200s" },
		{ "tcp.timeout-opening", "10s" }, { "tcp.timeout-closing", "60s" },
		{ "icmp.timeout", "60s" }) },

	/* Made up, to be met nowhere and everywhere. */
	{ { "behave-strict", "all that the RFCs recommend, and transparent",
	    "RFC 4787, RFC 5382, RFC 5508, RFC 7857", "" }, NULL,
	  KNOBS(EACH("filtering", "eif")) },
	{ { "symmetric-hard", "the worst case that still keeps to its own rules",
	    "synthetic", "" }, NULL,
	  KNOBS(EACH("mapping", "apdm"), EACH("filtering", "apdf"), { "nat.hairpin", "off" },
		{ "udp.timeout", "120s" }) },
	{ { "bad-box", "every fault at once: nothing that works behind it is luck",
	    "synthetic", "" }, NULL,
	  KNOBS(EACH("ports", "overload"), EACH("kill-on-unsolicited", "on"),
		{ "nat.hairpin", "internal-source" }, { "icmp.errors", "drop" },
		{ "fragments.mode", "drop" }, { "nat.ip-id", "keep" },
		{ "tcp.unsolicited-syn", "reset" }, { "udp.timeout", "2s" },
		{ "tcp.timeout-transitory", "2s" }, { "icmp.timeout", "2s" },
		{ "nat.on-full", "drop" }) },
};
/* clang-format on */

const struct preset_spec *preset_spec(unsigned int index)
{
	return index < sizeof(presets) / sizeof(presets[0]) ? &presets[index].spec : NULL;
}

static const struct preset *find(const char *name)
{
	for (unsigned int i = 0; preset_spec(i) != NULL; i++)
		if (strcmp(presets[i].spec.name, name) == 0)
			return &presets[i];
	return NULL;
}

static void explain_unknown(const char *name, char *why, size_t why_size)
{
	struct nearest nearest;
	size_t used;

	nearest_init(&nearest, name, 0);
	for (unsigned int i = 0; preset_spec(i) != NULL; i++)
		nearest_offer(&nearest, preset_spec(i)->name);
	if (nearest.name != NULL) {
		snprintf(why, why_size, "no preset '%.64s'; did you mean '%s'?", name,
			 nearest.name);
		return;
	}
	used = (size_t)snprintf(why, why_size, "no preset '%.64s'; there are:", name);
	for (unsigned int i = 0; preset_spec(i) != NULL && used < why_size; i++)
		used += (size_t)snprintf(why + used, why_size - used, "%s %s", i > 0 ? "," : "",
					 preset_spec(i)->name);
}

/* What describes the machine stays as it is in @from. */
static void keep_machine(struct options *o, const struct options *from)
{
	char value[OPTIONS_TEXT_MAX], why[256];

	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = option_spec((enum option_id)id);

		if (spec->machine)
			options_set(o, spec->key, options_format(from, (enum option_id)id, value),
				    why, sizeof(why));
	}
}

static int apply(struct options *o, const struct preset *preset, char *why, size_t why_size)
{
	int err = preset->base != NULL ? apply(o, find(preset->base), why, why_size) : 0;

	for (const struct knob *k = preset->knobs; err == 0 && k->key != NULL; k++)
		err = options_set(o, k->key, k->value, why, why_size);
	return err;
}

int presets_set(struct options *o, const char *key, const char *value, char *why, size_t why_size)
{
	const struct preset *preset;
	struct options fresh;
	int err;

	if (strcmp(key, presets_key) != 0)
		return options_set(o, key, value, why, why_size);
	preset = find(value);
	if (preset == NULL) {
		explain_unknown(value, why, why_size);
		return -EINVAL;
	}
	options_init(&fresh);
	keep_machine(&fresh, o);
	err = apply(&fresh, preset, why, why_size);
	if (err == 0)
		*o = fresh;
	return err;
}
