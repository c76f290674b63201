/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rpc.h - JSON-RPC 2.0 over a local socket, one object a line
 * Owns:       the framing both programs speak, its error codes, and where the socket lies.
 * Invariants: a line is never longer than RPC_LINE_MAX; whatever a peer sends, the answer is a
 *             well-formed response or none.
 */
#ifndef COMMON_RPC_H
#define COMMON_RPC_H

#include <jansson.h>
#include <stddef.h>

enum {
	RPC_LINE_MAX = 64 * 1024, /* longest request, with its newline */
	RPC_PATH_MAX = 108,	  /* sizeof(struct sockaddr_un.sun_path) */
};

/* Error codes: those of the JSON-RPC 2.0 specification, then ours. */
enum rpc_code {
	RPC_PARSE_ERROR = -32700,
	RPC_INVALID_REQUEST = -32600,
	RPC_METHOD_NOT_FOUND = -32601,
	RPC_INVALID_PARAMS = -32602,
	RPC_FAILED = -32000, /* understood, but it could not be done */
};

struct rpc_request {
	json_t *id;	    /* owned; NULL for a notification, which gets no answer */
	const char *method; /* borrowed from root */
	json_t *params;	    /* borrowed from root; NULL if there were none */
	json_t *root;	    /* owned */
};

/*
 * rpc_parse() - take one line apart
 * Return: NULL with @request filled (rpc_request_fini() it), or the error response to send (owned
 * by the caller).
 */
json_t *rpc_parse(const char *line, size_t length, struct rpc_request *request);
void rpc_request_fini(struct rpc_request *request);

/* Responses and requests as JSON objects, owned by the caller. @result is taken; @id is not. */
json_t *rpc_result(json_t *id, json_t *result);
json_t *rpc_error(json_t *id, enum rpc_code code, const char *message);
/* @params is taken; NULL for none. */
json_t *rpc_call(int id, const char *method, json_t *params);

/*
 * rpc_socket_path() - where the control socket of @lab lies
 * /run/natem/LAB.sock, or $XDG_RUNTIME_DIR/natem/LAB.sock without root. Return: 0, or
 * -ENAMETOOLONG, or -EINVAL where the name has characters that no lab can have.
 */
int rpc_socket_path(const char *lab, char path[RPC_PATH_MAX]);

#endif
