/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/rpc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An id may be a string, a number or null (JSON-RPC 2.0 section 4). */
static bool valid_id(const json_t *id)
{
	return json_is_string(id) || json_is_number(id) || json_is_null(id);
}

json_t *rpc_parse(const char *line, size_t length, struct rpc_request *request)
{
	const json_t *version, *method;
	json_error_t error;
	json_t *root = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
	json_t *id, *params;

	if (root == NULL)
		return rpc_error(NULL, RPC_PARSE_ERROR, error.text);
	id = json_object_get(root, "id");
	version = json_object_get(root, "jsonrpc");
	method = json_object_get(root, "method");
	params = json_object_get(root, "params");
	if (!json_is_object(root) || !json_is_string(version) ||
	    strcmp(json_string_value(version), "2.0") != 0 || !json_is_string(method) ||
	    (id != NULL && !valid_id(id)) || (params != NULL && !json_is_object(params))) {
		json_t *answer = rpc_error(valid_id(id) ? id : NULL, RPC_INVALID_REQUEST,
					   "not a JSON-RPC 2.0 request with an object as params");

		json_decref(root);
		return answer;
	}
	*request = (struct rpc_request){
		.id = json_incref(id),
		.method = json_string_value(method),
		.params = params,
		.root = root,
	};
	return NULL;
}

void rpc_request_fini(struct rpc_request *request)
{
	json_decref(request->id);
	json_decref(request->root);
}

json_t *rpc_result(json_t *id, json_t *result)
{
	return json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", id, "result", result);
}

/* A message may quote what a client sent, and end in the middle of a character. */
static json_t *json_message(const char *message)
{
	json_t *text = json_string(message);
	char *ascii;

	if (text != NULL)
		return text;
	ascii = strdup(message);
	for (char *at = ascii; at != NULL && *at != '\0'; at++)
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	text = json_string(ascii != NULL ? ascii : "out of memory");
	free(ascii);
	return text;
}

json_t *rpc_error(json_t *id, enum rpc_code code, const char *message)
{
	return json_pack("{s:s, s:O, s:{s:i, s:o}}", "jsonrpc", "2.0", "id",
			 id != NULL ? id : json_null(), "error", "code", code, "message",
			 json_message(message));
}

json_t *rpc_call(int id, const char *method, json_t *params)
{
	return json_pack("{s:s, s:i, s:s, s:o*}", "jsonrpc", "2.0", "id", id, "method", method,
			 "params", params);
}

static int join(char path[RPC_PATH_MAX], const char *directory, const char *lab)
{
	int length = snprintf(path, RPC_PATH_MAX, "%s/natem/%s.sock", directory, lab);

	return length < RPC_PATH_MAX ? 0 : -ENAMETOOLONG;
}

int rpc_socket_path(const char *lab, char path[RPC_PATH_MAX])
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (*lab == '\0' || *lab == '.' || strpbrk(lab, "/ \t\n") != NULL)
		return -EINVAL;
	if (geteuid() == 0 || runtime == NULL || *runtime == '\0')
		return join(path, "/run", lab);
	return join(path, runtime, lab);
}
