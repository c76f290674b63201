/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/cli/draw.h"

#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "common/log.h"
#include "nat/cli/command.h"

/* --- order ---------------------------------------------------------------------------------- */

/* An endpoint, or an address alone. */
static struct endpoint endpoint_of(const json_t *record, const char *name)
{
	struct endpoint e = { .port = 0 };

	if (endpoint_parse(command_text(record, name), &e) < 0)
		addr_parse(command_text(record, name), &e.addr);
	return e;
}

static int by_endpoint(const json_t *a, const json_t *b, const char *name)
{
	const struct endpoint x = endpoint_of(a, name), y = endpoint_of(b, name);
	int order = addr_compare(&x.addr, &y.addr);

	return order != 0 ? order : x.port - y.port;
}

static int by_id(const json_t *a, const json_t *b)
{
	json_int_t x = command_number(a, "id"), y = command_number(b, "id");

	return (x > y) - (x < y);
}

static int mapping_order(const void *left, const void *right)
{
	const json_t *a = *(json_t *const *)left, *b = *(json_t *const *)right;
	const struct endpoint x = endpoint_of(a, "internal"), y = endpoint_of(b, "internal");
	int order = addr_compare(&x.addr, &y.addr);

	if (order == 0)
		order = strcmp(command_text(a, "protocol"), command_text(b, "protocol"));
	if (order == 0)
		order = x.port - y.port;
	if (order == 0)
		order = by_endpoint(a, b, "external");
	return order != 0 ? order : by_id(a, b);
}

static int session_order(const void *left, const void *right)
{
	const json_t *a = *(json_t *const *)left, *b = *(json_t *const *)right;
	int order = by_endpoint(a, b, "remote");

	return order != 0 ? order : by_id(a, b);
}

static void sort(json_t *array, int (*order)(const void *, const void *))
{
	size_t count = json_array_size(array);
	json_t **items = calloc(count + 1, sizeof(json_t *));

	if (items == NULL) {
		log_error("out of memory");
		exit(EXIT_FAILURE);
	}
	for (size_t i = 0; i < count; i++)
		items[i] = json_incref(json_array_get(array, i));
	qsort(items, count, sizeof(json_t *), order);
	json_array_clear(array);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, items[i]);
	free(items);
}

void draw_sort(json_t *mappings)
{
	json_t *mapping;
	size_t i;

	sort(mappings, mapping_order);
	json_array_foreach(mappings, i, mapping)
		sort(json_object_get(mapping, "sessions"), session_order);
}

/* --- the pen -------------------------------------------------------------------------------- */

struct glyphs {
	const char *across, *down;
	const char *top_left, *top_right, *bottom_left, *bottom_right;
	const char *leaves, *enters; /* a line leaves a box to the right; one comes from the left */
	const char *crosses, *top_wall, *bottom_wall;
	const char *to, *from; /* arrow heads */
};

static const struct glyphs lines = {
	.across = "─",
	.down = "│",
	.top_left = "┌",
	.top_right = "┐",
	.bottom_left = "└",
	.bottom_right = "┘",
	.leaves = "├",
	.enters = "┤",
	.crosses = "┼",
	.top_wall = "┬",
	.bottom_wall = "┴",
	.to = "▶",
	.from = "◀",
};

static const struct glyphs ascii = {
	.across = "-",
	.down = "|",
	.top_left = "+",
	.top_right = "+",
	.bottom_left = "+",
	.bottom_right = "+",
	.leaves = "+",
	.enters = "+",
	.crosses = "+",
	.top_wall = "+",
	.bottom_wall = "+",
	.to = ">",
	.from = "<",
};

enum { GAP = 4, GAP_LEAST = 2 /* from the router to the servers, with the arrow's head */ };

struct picture {
	const struct glyphs *g;
	FILE *out;
	const char *lan; /* the router's addresses */
	char wan[64];
	/* Widths of what stands in the boxes, without borders and the space beside them. */
	int client, protocol, lan_side, wan_side, server;
	int gap;
	bool boxed; /* the servers stand in a box */
	int spaces; /* due before the next visible thing: none are left at the end of a line */
};

static void put(struct picture *p, const char *text)
{
	if (*text == '\0')
		return;
	for (; p->spaces > 0; p->spaces--)
		fputc(' ', p->out);
	fputs(text, p->out);
}

static void skip(struct picture *p, int columns)
{
	p->spaces += columns > 0 ? columns : 0;
}

static void put_times(struct picture *p, const char *glyph, int times)
{
	while (times-- > 0)
		put(p, glyph);
}

static void end_line(struct picture *p)
{
	p->spaces = 0;
	fputc('\n', p->out);
}

/* @text in the middle of @width. */
static void put_centred(struct picture *p, const char *text, int width)
{
	int left = (width - table_columns_of(text)) / 2;

	skip(p, left);
	put(p, text);
	skip(p, width - table_columns_of(text) - (left > 0 ? left : 0));
}

/* --- parts of a line, from left to right ---------------------------------------------------- */

static void put_edge(struct picture *p, const char *left, const char *right, int width)
{
	put(p, left);
	put_times(p, p->g->across, width + 2);
	put(p, right);
}

/* "│ 192.168.1.2 │", or to the right with a line that leaves the box: "│       :5001 ├" */
static void put_client(struct picture *p, const char *text, bool leaves)
{
	int room = p->client - (int)strlen(text);

	put(p, p->g->down);
	skip(p, leaves ? 1 + room : 1);
	put(p, text);
	skip(p, leaves ? 1 : 1 + room);
	put(p, leaves ? p->g->leaves : p->g->down);
}

/* From the client's box through the router's wall to the external endpoint; NULL: no line here. */
static void put_router(struct picture *p, const char *protocol, const char *external, bool leaves)
{
	const struct glyphs *g = p->g;

	if (protocol == NULL) {
		skip(p, p->protocol + 2);
		put(p, g->down);
		skip(p, p->lan_side + 2);
		put(p, g->down);
		skip(p, p->wan_side + 2);
	} else {
		put(p, g->across);
		put(p, protocol);
		put_times(p, g->across, p->protocol - (int)strlen(protocol) + 1);
		put(p, g->crosses);
		put_times(p, g->across, p->lan_side + 2);
		put(p, g->crosses);
		put(p, g->across);
		put(p, external);
		skip(p, p->wan_side - (int)strlen(external) + 1);
	}
	put(p, leaves ? g->leaves : g->down);
}

/* "───▶│ 203.0.113.10:7890 │": the head is where the first packet went to. */
static void put_server(struct picture *p, const char *remote, bool arrow, bool inbound)
{
	const struct glyphs *g = p->g;

	if (arrow) {
		put(p, inbound ? g->from : g->across);
		put_times(p, g->across, p->gap - 2);
		put(p, inbound ? g->across : g->to);
	} else {
		skip(p, p->gap);
	}
	if (p->boxed)
		put(p, arrow && inbound ? g->enters : g->down);
	skip(p, 1);
	put(p, remote);
	skip(p, p->server - table_columns_of(remote) + 1);
	if (p->boxed)
		put(p, g->down);
	end_line(p);
}

/* --- lines ---------------------------------------------------------------------------------- */

static void put_titles(struct picture *p, bool many_clients, bool many_servers)
{
	put_centred(p, many_clients ? "clients" : "client", p->client + 4);
	skip(p, p->protocol + 2);
	put_centred(p, "router", p->lan_side + p->wan_side + 7);
	skip(p, p->gap);
	put_centred(p, many_servers ? "servers" : "server", p->server + 2 + 2 * p->boxed);
	end_line(p);
}

static void put_router_edge(struct picture *p, const char *left, const char *wall,
			    const char *right)
{
	skip(p, p->client + 4 + p->protocol + 2);
	put(p, left);
	put_times(p, p->g->across, p->lan_side + 2);
	put(p, wall);
	put_times(p, p->g->across, p->wan_side + 2);
	put(p, right);
	end_line(p);
}

/* Both addresses of the router, each on its side of the wall. */
static void put_addresses(struct picture *p)
{
	skip(p, p->client + 4 + p->protocol + 2);
	put(p, p->g->down);
	put_centred(p, p->lan, p->lan_side + 2);
	put(p, p->g->down);
	put_centred(p, p->wan, p->wan_side + 2);
	put(p, p->g->down);
	end_line(p);
}

/* The upper or lower edge of a client's box, and of the servers' beside it. */
static void put_client_edge(struct picture *p, bool top, bool servers)
{
	const struct glyphs *g = p->g;

	put_edge(p, top ? g->top_left : g->bottom_left, top ? g->top_right : g->bottom_right,
		 p->client);
	put_router(p, NULL, NULL, false);
	if (!servers) {
		put_server(p, "", false, false);
		return;
	}
	skip(p, p->gap);
	if (p->boxed)
		put_edge(p, top ? g->top_left : g->bottom_left,
			 top ? g->top_right : g->bottom_right, p->server);
	end_line(p);
}

/* The mapping's line, with the first of its sessions, and one for each further session. */
static void put_mapping(struct picture *p, const json_t *mapping)
{
	const json_t *sessions = json_object_get(mapping, "sessions"), *session;
	const char *internal = command_text(mapping, "internal"), *colon = strrchr(internal, ':');
	size_t i;

	put_client(p, colon != NULL ? colon : internal, true);
	put_router(p, command_text(mapping, "protocol"), command_text(mapping, "external"),
		   json_array_size(sessions) > 0);
	if (json_array_size(sessions) == 0)
		put_server(p, *command_kind(mapping) != '\0' ? "(anyone)" : "(nobody)", false,
			   false);
	json_array_foreach(sessions, i, session) {
		if (i > 0) {
			put_client(p, "", false);
			put_router(p, NULL, NULL, true);
		}
		put_server(p, command_text(session, "remote"), true,
			   strcmp(command_text(session, "opened_by"), "external") == 0);
	}
}

/* "192.168.1.2" of a mapping. */
static const char *client_of(const json_t *mapping, char text[ADDR_TEXT_MAX])
{
	const struct endpoint internal = endpoint_of(mapping, "internal");

	return addr_format(&internal.addr, text);
}

static void put_body(struct picture *p, const json_t *mappings)
{
	char before[ADDR_TEXT_MAX] = "", client[ADDR_TEXT_MAX];
	const json_t *mapping;
	size_t i;

	json_array_foreach(mappings, i, mapping) {
		if (strcmp(client_of(mapping, client), before) != 0) {
			if (i > 0)
				put_client_edge(p, false, false);
			put_client_edge(p, true, i == 0);
			put_client(p, client, false);
			put_router(p, NULL, NULL, false);
			put_server(p, "", false, false);
		}
		put_mapping(p, mapping);
		strcpy(before, client);
	}
	put_client_edge(p, false, true);
}

/* What the picture says, in a sentence about the one line of it. */
static void put_legend(struct picture *p, const json_t *mappings)
{
	const json_t *mapping, *session, *told = NULL;
	size_t i;

	/* Not about a ping, if there is something else: it has no port. */
	json_array_foreach(mappings, i, mapping) {
		bool ping = strcmp(command_text(mapping, "protocol"), "icmp") == 0;

		if (json_array_size(json_object_get(mapping, "sessions")) == 0)
			continue;
		if (told == NULL || !ping)
			told = mapping;
		if (!ping)
			break;
	}
	if (told == NULL)
		return;
	session = json_array_get(json_object_get(told, "sessions"), 0);
	fprintf(p->out, "\n%s believes it talks to %s.\nThe router knows better: that is %s.\n",
		command_text(session, "remote"), command_text(told, "external"),
		command_text(told, "internal"));
}

/* --- the whole ------------------------------------------------------------------------------ */

static void widen(int *width, const char *text)
{
	int columns = table_columns_of(text);

	if (columns > *width)
		*width = columns;
}

static int count_width(const struct picture *p)
{
	return p->client + 4 + p->protocol + 2 + p->lan_side + p->wan_side + 7 + p->gap +
	       p->server + 1 + (p->boxed ? 3 : 0);
}

/* As wide as what there is; what there is no room for is left out, least needed first. */
static void measure(struct picture *p, const json_t *mappings)
{
	char client[ADDR_TEXT_MAX];
	const json_t *mapping, *session;
	size_t i, j;

	widen(&p->client, "192.168.1.2");
	widen(&p->protocol, "udp");
	widen(&p->lan_side, p->lan);
	widen(&p->wan_side, p->wan);
	widen(&p->server, "(anyone)");
	json_array_foreach(mappings, i, mapping) {
		widen(&p->client, client_of(mapping, client));
		widen(&p->protocol, command_text(mapping, "protocol"));
		widen(&p->wan_side, command_text(mapping, "external"));
		json_array_foreach(json_object_get(mapping, "sessions"), j, session)
			widen(&p->server, command_text(session, "remote"));
	}
	p->boxed = true;
	for (p->gap = GAP; p->gap > GAP_LEAST && count_width(p) > DRAW_WIDTH;)
		p->gap--;
	if (count_width(p) > DRAW_WIDTH) {
		p->boxed = false;
		p->gap = GAP;
	}
	if (count_width(p) > DRAW_WIDTH) {
		p->lan = "";
		p->lan_side = 1;
		p->gap = GAP_LEAST;
	}
}

static bool differ(const json_t *mappings, bool servers)
{
	const json_t *first = json_array_get(mappings, 0), *mapping, *session;
	const struct endpoint client = endpoint_of(first, "internal");
	const struct endpoint server =
		endpoint_of(json_array_get(json_object_get(first, "sessions"), 0), "remote");
	size_t i, j;

	json_array_foreach(mappings, i, mapping) {
		const struct endpoint other = endpoint_of(mapping, "internal");

		if (!servers && !addr_equal(&other.addr, &client.addr))
			return true;
		json_array_foreach(json_object_get(mapping, "sessions"), j, session) {
			const struct endpoint remote = endpoint_of(session, "remote");

			if (servers && !addr_equal(&remote.addr, &server.addr))
				return true;
		}
	}
	return false;
}

void draw_picture(const json_t *data, bool utf8, FILE *out)
{
	const json_t *mappings = json_object_get(data, "mappings");
	const json_t *external = json_object_get(data, "external");
	const char *first = json_string_value(json_array_get(external, 0));
	struct picture p = { .g = utf8 ? &lines : &ascii, .out = out };

	p.lan = command_text(data, "lan_address");
	snprintf(p.wan, sizeof(p.wan), json_array_size(external) > 1 ? "%s ..." : "%s",
		 first != NULL ? first : "");
	measure(&p, mappings);
	put_titles(&p, differ(mappings, false), differ(mappings, true));
	put_router_edge(&p, p.g->top_left, p.g->top_wall, p.g->top_right);
	put_addresses(&p);
	if (json_array_size(mappings) > 0)
		put_body(&p, mappings);
	put_router_edge(&p, p.g->bottom_left, p.g->bottom_wall, p.g->bottom_right);
	if (json_array_size(mappings) > 0)
		put_legend(&p, mappings);
	else
		fputs("\nNo mapping yet: send something from a client, and it appears here.\n",
		      out);
}
