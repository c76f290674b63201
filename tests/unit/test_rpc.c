/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON-RPC framing: what is a request, what is answered to one that is none, and where the
 * socket lies.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/rpc.h"

/* --- helpers -------------------------------------------------------------------------------- */

/* Parse from memory of exactly that length, so that a sanitizer sees a read past the end. */
static json_t *parse(const char *line, size_t length, struct rpc_request *request)
{
	char *copy = malloc(length > 0 ? length : 1);
	json_t *answer;

	assert_non_null(copy);
	memcpy(copy, line, length);
	*request = (struct rpc_request){ 0 };
	answer = rpc_parse(copy, length, request);
	free(copy);
	return answer;
}

static void assert_is_request(const char *line, const char *method)
{
	struct rpc_request request;
	json_t *answer = parse(line, strlen(line), &request);

	if (answer != NULL)
		fail_msg("refused: %s", line);
	assert_string_equal(request.method, method);
	rpc_request_fini(&request);
}

/* Refused with @code and, if @id is not NULL, with that id as JSON text; takes the line as bytes. */
static void assert_refused_bytes(const char *line, size_t length, int code, const char *id)
{
	struct rpc_request request;
	json_t *answer = parse(line, length, &request), *error;
	char *text;

	if (answer == NULL)
		fail_msg("taken for a request: %.80s", line);
	assert_string_equal(json_string_value(json_object_get(answer, "jsonrpc")), "2.0");
	assert_null(json_object_get(answer, "result"));
	error = json_object_get(answer, "error");
	assert_int_equal(json_integer_value(json_object_get(error, "code")), code);
	assert_true(json_string_length(json_object_get(error, "message")) > 0);
	text = json_dumps(json_object_get(answer, "id"), JSON_ENCODE_ANY);
	assert_non_null(text);
	assert_string_equal(text, id);
	free(text);
	json_decref(answer);
}

static void assert_refused(const char *line, int code, const char *id)
{
	assert_refused_bytes(line, strlen(line), code, id);
}

static void assert_json(json_t *value, const char *text)
{
	char *got = json_dumps(value, JSON_COMPACT);

	assert_non_null(got);
	assert_string_equal(got, text);
	free(got);
	json_decref(value);
}

/* --- requests ------------------------------------------------------------------------------- */

static void test_request_with_params_is_taken_apart(void **state)
{
	static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"a.b\","
				   "\"params\":{\"x\":1}}";
	struct rpc_request request;

	(void)state;
	assert_null(parse(line, strlen(line), &request));
	assert_string_equal(request.method, "a.b");
	assert_int_equal(json_integer_value(request.id), 7);
	assert_int_equal(json_integer_value(json_object_get(request.params, "x")), 1);
	rpc_request_fini(&request);
}

static void test_request_without_id_is_a_notification(void **state)
{
	static const char line[] = "{\"jsonrpc\":\"2.0\",\"method\":\"a.b\"}";
	struct rpc_request request;

	(void)state;
	assert_null(parse(line, strlen(line), &request));
	assert_null(request.id);
	assert_null(request.params);
	rpc_request_fini(&request);
}

static void test_request_id_may_be_a_string_a_number_or_null(void **state)
{
	(void)state;
	assert_is_request("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"m\"}", "m");
	assert_is_request("{\"jsonrpc\":\"2.0\",\"id\":-1,\"method\":\"m\"}", "m");
	assert_is_request("{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"m\"}", "m");
	assert_is_request("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"m\"}", "m");
}

static void test_request_ignores_space_and_unknown_members(void **state)
{
	(void)state;
	assert_is_request(" {\"jsonrpc\" : \"2.0\",\t\"method\":\"m\" , \"extra\": [ 1 ] } \r",
			  "m");
}

static void test_bad_json_is_a_parse_error(void **state)
{
	static const char *const lines[] = {
		"",
		" ",
		"{",
		"}",
		"hello",
		"5",
		"\"text\"",
		"null",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"} x",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}{}",
		"{'jsonrpc':'2.0'}",
		"{\"id\":99999999999999999999999}",
		"{\"id\":1,\"id\":2}",
		"{\"method\":\"\\u0000\"}",
		"{\"method\":\"\\ud800\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_refused(lines[i], RPC_PARSE_ERROR, "null");
}

static void test_bytes_that_are_no_utf8_are_a_parse_error(void **state)
{
	static const char *const lines[] = {
		"\xff\xfe",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xc3\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xc0\xaf\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xed\xa0\x80\"}",
		"{\"\xe4\xb8\":1}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_refused(lines[i], RPC_PARSE_ERROR, "null");
}

static void test_nul_byte_is_a_parse_error(void **state)
{
	static const char line[] = "{\"jsonrpc\":\"2.0\",\0\"id\":1,\"method\":\"m\"}";

	(void)state;
	assert_refused_bytes(line, sizeof(line) - 1, RPC_PARSE_ERROR, "null");
}

static void test_every_byte_alone_is_a_parse_error(void **state)
{
	(void)state;
	for (int byte = 0; byte < 256; byte++) {
		const char line[1] = { (char)byte };

		assert_refused_bytes(line, 1, RPC_PARSE_ERROR, "null");
	}
}

static void test_deep_nesting_is_a_parse_error(void **state)
{
	static char line[RPC_LINE_MAX];

	(void)state;
	memset(line, '[', sizeof(line));
	assert_refused_bytes(line, sizeof(line), RPC_PARSE_ERROR, "null");
	memset(line, '[', sizeof(line) / 2);
	memset(line + sizeof(line) / 2, ']', sizeof(line) / 2);
	assert_refused_bytes(line, sizeof(line), RPC_PARSE_ERROR, "null");
	for (size_t i = 0; i + 5 <= sizeof(line); i += 5)
		memcpy(line + i, "{\"a\":", 5);
	assert_refused_bytes(line, sizeof(line) - 1, RPC_PARSE_ERROR, "null");
}

static void test_json_that_is_no_request_is_an_invalid_request(void **state)
{
	static const char *const lines[] = {
		"{}",
		"[]",
		"[1]",
		"{\"method\":\"m\"}",
		"{\"jsonrpc\":\"1.0\",\"method\":\"m\"}",
		"{\"jsonrpc\":2.0,\"method\":\"m\"}",
		"{\"jsonrpc\":\"2.0\"}",
		"{\"jsonrpc\":\"2.0\",\"method\":5}",
		"{\"jsonrpc\":\"2.0\",\"method\":null}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":[]}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":{}}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":true}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_refused(lines[i], RPC_INVALID_REQUEST, "null");
}

static void test_batch_is_an_invalid_request(void **state)
{
	(void)state;
	assert_refused("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}]", RPC_INVALID_REQUEST,
		       "null");
}

static void test_invalid_request_is_answered_with_its_id(void **state)
{
	(void)state;
	assert_refused("{\"id\":3}", RPC_INVALID_REQUEST, "3");
	assert_refused("{\"jsonrpc\":\"2.0\",\"id\":\"q\"}", RPC_INVALID_REQUEST, "\"q\"");
	assert_refused("{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"m\",\"params\":[1]}",
		       RPC_INVALID_REQUEST, "4");
	assert_refused("{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"m\",\"params\":\"x\"}",
		       RPC_INVALID_REQUEST, "4");
	assert_refused("{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"m\",\"params\":null}",
		       RPC_INVALID_REQUEST, "4");
}

static void test_cut_request_is_never_taken_for_a_whole_one(void **state)
{
	static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"a.b\","
				   "\"params\":{\"x\":[1,\"\xe4\xb8\xad\"]}}";

	(void)state;
	for (size_t length = 0; length < strlen(line); length++)
		assert_refused_bytes(line, length, RPC_PARSE_ERROR, "null");
}

/* --- answers -------------------------------------------------------------------------------- */

static void test_result_has_version_id_and_result(void **state)
{
	json_t *id = json_string("q");

	(void)state;
	assert_json(rpc_result(id, json_pack("{s:i}", "x", 1)),
		    "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"result\":{\"x\":1}}");
	json_decref(id);
}

static void test_error_has_code_and_message(void **state)
{
	json_t *id = json_integer(9);

	(void)state;
	assert_json(
		rpc_error(id, RPC_FAILED, "no"),
		"{\"jsonrpc\":\"2.0\",\"id\":9,\"error\":{\"code\":-32000,\"message\":\"no\"}}");
	assert_json(rpc_error(NULL, RPC_PARSE_ERROR, "no"),
		    "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,"
		    "\"message\":\"no\"}}");
	json_decref(id);
}

/* A message quotes what a client sent, cut to fit: perhaps in the middle of a character. */
static void test_error_with_a_character_cut_in_half_is_still_an_answer(void **state)
{
	static const char *const messages[] = { "no knob '\xe4\xb8'", "\xc3", "\xff\xff",
						"ok \x80" };

	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		json_t *answer = rpc_error(NULL, RPC_INVALID_PARAMS, messages[i]);
		char *text;

		assert_non_null(answer);
		text = json_dumps(answer, JSON_COMPACT);
		assert_non_null(text);
		assert_true(json_is_string(
			json_object_get(json_object_get(answer, "error"), "message")));
		free(text);
		json_decref(answer);
	}
}

static void test_call_is_a_request_that_parses(void **state)
{
	struct rpc_request request;
	json_t *call = rpc_call(3, "a.b", json_pack("{s:s}", "k", "v"));
	char *text = json_dumps(call, JSON_COMPACT);

	(void)state;
	assert_null(parse(text, strlen(text), &request));
	assert_string_equal(request.method, "a.b");
	assert_int_equal(json_integer_value(request.id), 3);
	assert_string_equal(json_string_value(json_object_get(request.params, "k")), "v");
	rpc_request_fini(&request);
	free(text);
	json_decref(call);
}

static void test_call_without_params_has_no_params(void **state)
{
	(void)state;
	assert_json(rpc_call(1, "a.b", NULL), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a.b\"}");
}

/* --- socket path ---------------------------------------------------------------------------- */

static void assert_path(const char *lab, const char *wanted)
{
	char path[RPC_PATH_MAX];

	assert_int_equal(rpc_socket_path(lab, path), 0);
	assert_string_equal(path, wanted);
}

static void test_socket_path_of_root_is_under_run(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	setenv("XDG_RUNTIME_DIR", "/elsewhere", 1);
	assert_path("natem", "/run/natem/natem.sock");
	unsetenv("XDG_RUNTIME_DIR");
	assert_path("a-b", "/run/natem/a-b.sock");
}

static void test_socket_path_without_root_is_in_the_runtime_directory(void **state)
{
	(void)state;
	if (geteuid() != 0 || seteuid(65534) < 0)
		skip();
	setenv("XDG_RUNTIME_DIR", "/elsewhere", 1);
	assert_path("natem", "/elsewhere/natem/natem.sock");
	unsetenv("XDG_RUNTIME_DIR");
	assert_path("natem", "/run/natem/natem.sock");
	setenv("XDG_RUNTIME_DIR", "", 1);
	assert_path("natem", "/run/natem/natem.sock");
	unsetenv("XDG_RUNTIME_DIR");
	assert_int_equal(seteuid(0), 0);
}

static void test_socket_path_refuses_what_is_no_lab(void **state)
{
	static const char *const names[] = { "",   ".",	  "..",	  "../x", "a/b",
					     "/a", "a b", "a\tb", "a\nb", ".hidden" };
	char path[RPC_PATH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(rpc_socket_path(names[i], path), -EINVAL);
}

static void test_socket_path_refuses_what_does_not_fit(void **state)
{
	char lab[200], path[RPC_PATH_MAX];
	const size_t around = strlen("/run/natem/.sock");

	(void)state;
	if (geteuid() != 0)
		skip();
	memset(lab, 'a', sizeof(lab));
	lab[RPC_PATH_MAX - 1 - around] = '\0';
	assert_int_equal(rpc_socket_path(lab, path), 0);
	assert_int_equal(strlen(path), RPC_PATH_MAX - 1);
	lab[RPC_PATH_MAX - 1 - around] = 'a';
	lab[RPC_PATH_MAX - around] = '\0';
	assert_int_equal(rpc_socket_path(lab, path), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_with_params_is_taken_apart),
		cmocka_unit_test(test_request_without_id_is_a_notification),
		cmocka_unit_test(test_request_id_may_be_a_string_a_number_or_null),
		cmocka_unit_test(test_request_ignores_space_and_unknown_members),
		cmocka_unit_test(test_bad_json_is_a_parse_error),
		cmocka_unit_test(test_bytes_that_are_no_utf8_are_a_parse_error),
		cmocka_unit_test(test_nul_byte_is_a_parse_error),
		cmocka_unit_test(test_every_byte_alone_is_a_parse_error),
		cmocka_unit_test(test_deep_nesting_is_a_parse_error),
		cmocka_unit_test(test_json_that_is_no_request_is_an_invalid_request),
		cmocka_unit_test(test_batch_is_an_invalid_request),
		cmocka_unit_test(test_invalid_request_is_answered_with_its_id),
		cmocka_unit_test(test_cut_request_is_never_taken_for_a_whole_one),
		cmocka_unit_test(test_result_has_version_id_and_result),
		cmocka_unit_test(test_error_has_code_and_message),
		cmocka_unit_test(test_error_with_a_character_cut_in_half_is_still_an_answer),
		cmocka_unit_test(test_call_is_a_request_that_parses),
		cmocka_unit_test(test_call_without_params_has_no_params),
		cmocka_unit_test(test_socket_path_of_root_is_under_run),
		cmocka_unit_test(test_socket_path_without_root_is_in_the_runtime_directory),
		cmocka_unit_test(test_socket_path_refuses_what_is_no_lab),
		cmocka_unit_test(test_socket_path_refuses_what_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
