/* Reading the rest of a statement. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

struct token parse_peek(struct call *call)
{
	size_t next;

	return token_read(call->sql, call->at, &next);
}

static void parse_skip(struct call *call)
{
	token_read(call->sql, call->at, &call->at);
}

enum status parse_fail(struct call *call, const char *expected)
{
	struct token t = parse_peek(call);

	if (t.kind == TOKEN_BAD)
		err_set(call->err, STATUS_SYNTAX, "unterminated quoted text or NUL byte");
	else if (t.kind == TOKEN_END)
		err_set(call->err, STATUS_SYNTAX, "syntax error at end of input: expected %s",
			expected);
	else
		err_set(call->err, STATUS_SYNTAX, "syntax error at or near \"%.*s\": expected %s",
			(int)(t.text.n < 64 ? t.text.n : 64), t.text.p, expected);
	call->err->position = token_position(call->sql, t.at);
	if (call->command)
		err_hint(call->err, "Syntax: %s", call->command->syntax);
	else
		err_hint(call->err, "SHOW HELP; lists every command.");
	return STATUS_SYNTAX;
}

bool parse_word(struct call *call, const char *word)
{
	struct token t = parse_peek(call);

	if (t.kind != TOKEN_WORD || !str_is_nocase(t.text, word))
		return false;
	parse_skip(call);
	return true;
}

bool parse_punct(struct call *call, char c)
{
	struct token t = parse_peek(call);

	if (t.kind != TOKEN_PUNCT || *t.text.p != c)
		return false;
	parse_skip(call);
	return true;
}

bool parse_expect(struct call *call, const char *what)
{
	bool ok = isalpha((unsigned char)*what) ? parse_word(call, what) : parse_punct(call, *what);

	if (!ok)
		parse_fail(call, what);
	return ok;
}

bool parse_end(struct call *call)
{
	parse_punct(call, ';');
	if (parse_peek(call).kind == TOKEN_END)
		return true;
	parse_fail(call, "the end of the statement");
	return false;
}

/* Without the quotes around it, doubled ones inside made one. */
static char *unquote(struct arena *a, struct str text)
{
	char *out = arena_alloc(a, text.n), *p = out;

	for (size_t i = 1; i + 1 < text.n; i++) {
		*p++ = text.p[i];
		if (text.p[i] == text.p[0])
			i++;
	}
	*p = 0;
	return out;
}

static char *fold(struct arena *a, struct str text)
{
	char *out = arena_strndup(a, text.p, text.n);

	for (char *p = out; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return out;
}

bool parse_name(struct call *call, const char *what, const char **out)
{
	struct token t = parse_peek(call);

	if ((t.kind != TOKEN_WORD && t.kind != TOKEN_QUOTED) ||
	    (t.kind == TOKEN_QUOTED && t.text.n == 2)) {
		parse_fail(call, what);
		return false;
	}
	*out = t.kind == TOKEN_QUOTED ? unquote(&call->out->arena, t.text)
				      : fold(&call->out->arena, t.text);
	if (strlen(*out) > 63) {
		err_set_code(call->err, STATUS_INVALID, "42622", "the name \"%.80s\" is too long",
			     *out);
		err_hint(call->err, "Names have at most 63 bytes.");
		call->err->position = token_position(call->sql, t.at);
		return false;
	}
	parse_skip(call);
	return true;
}

bool parse_table(struct call *call, const char **schema, const char **name)
{
	*schema = "public";
	if (!parse_name(call, "a table's name", name))
		return false;
	if (!parse_punct(call, '.'))
		return true;
	*schema = *name;
	return parse_name(call, "a table's name", name);
}

bool parse_string(struct call *call, const char *what, const char **out)
{
	struct token t = parse_peek(call);

	if (t.kind != TOKEN_STRING) {
		parse_fail(call, what);
		return false;
	}
	*out = unquote(&call->out->arena, t.text);
	parse_skip(call);
	return true;
}

bool parse_number(struct call *call, const char *what, uint64_t max, uint64_t *out)
{
	struct token t = parse_peek(call);
	uint64_t n = 0;

	if (t.kind != TOKEN_NUMBER) {
		parse_fail(call, what);
		return false;
	}
	for (size_t i = 0; i < t.text.n; i++) {
		if (!isdigit((unsigned char)t.text.p[i]) ||
		    n > (max - (uint64_t)(t.text.p[i] - '0')) / 10) {
			err_set(call->err, STATUS_INVALID,
				"\"%.*s\" is not a whole number from 0 to %" PRIu64,
				(int)(t.text.n < 64 ? t.text.n : 64), t.text.p, max);
			call->err->position = token_position(call->sql, t.at);
			return false;
		}
		n = n * 10 + (uint64_t)(t.text.p[i] - '0');
	}
	*out = n;
	parse_skip(call);
	return true;
}

static bool parse_value(struct call *call, bool takes_null, const char **out)
{
	bool negative = parse_punct(call, '-');
	struct token t = parse_peek(call);

	if (t.kind == TOKEN_NUMBER) {
		*out = arena_printf(&call->out->arena, "%s%.*s", negative ? "-" : "",
				    STR_ARG(t.text));
		parse_skip(call);
		return true;
	}
	if (!negative && t.kind == TOKEN_STRING)
		return parse_string(call, "a value", out);
	*out = NULL;
	if (!negative && takes_null && parse_word(call, "NULL"))
		return true;
	parse_fail(call, "a number or a '...' string");
	return false;
}

bool parse_values(struct call *call, const char *const **out, unsigned *n, unsigned most,
		  bool takes_null)
{
	const char **all = NULL;
	unsigned size = 0;

	*n = 0;
	if (!parse_expect(call, "("))
		return false;
	do {
		if (*n == most) {
			parse_fail(call, "no more values");
			return false;
		}
		if (*n == size) {
			const char **more =
				arena_array(&call->out->arena, const char *, 2 * size + 8);

			if (size)
				memcpy(more, all, size * sizeof(*all));
			size = 2 * size + 8;
			all = more;
		}
		if (!parse_value(call, takes_null, &all[(*n)++]))
			return false;
	} while (parse_punct(call, ','));
	*out = all;
	return parse_expect(call, ")");
}

bool parse_type_name(struct call *call, const char **out)
{
	const char *text = NULL;

	for (;;) {
		struct token t = parse_peek(call);
		const char *word;

		if (t.kind != TOKEN_WORD && t.kind != TOKEN_QUOTED)
			break;
		word = t.kind == TOKEN_QUOTED ? unquote(&call->out->arena, t.text)
					      : fold(&call->out->arena, t.text);
		text = text ? arena_printf(&call->out->arena, "%s %s", text, word) : word;
		parse_skip(call);
	}
	if (!text) {
		parse_fail(call, "a type's name");
		return false;
	}
	*out = text;
	return true;
}
