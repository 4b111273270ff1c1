/* The "options" of a startup packet: a little command line.
 *
 * Words first (white space separates, a backslash protects), then switches, as
 * PostgreSQL's pg_split_opts() and process_postgres_switches() do it; of the switches
 * only the two that name a setting. */
#include <string.h>

#include "pgmosaic/wire/startup.h"
#include "wire/text.h"

struct words {
	char **word;
	size_t n;
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Copies the word at *at to `out` without its backslashes; returns behind its zero. */
static char *take_word(const char **at, char *out)
{
	const char *p = *at;

	while (*p && !is_blank(*p)) {
		if (*p == '\\' && p[1])
			p++;
		*out++ = *p++;
	}
	*out++ = '\0';
	*at = p;
	return out;
}

static bool split(struct arena *arena, const char *text, struct words *words)
{
	size_t n = strlen(text);
	char *room = arena_alloc(arena, n + 1);

	words->word = arena_array(arena, char *, n / 2 + 1);
	words->n = 0;
	if (!room || !words->word)
		return false;
	for (;;) {
		while (is_blank(*text))
			text++;
		if (!*text)
			return true;
		words->word[words->n++] = room;
		room = take_word(&text, room);
	}
}

static enum status read_setting(char *text, const char *dashes, struct wire_param *out,
				struct err *err)
{
	char *equals = strchr(text, '=');

	if (!equals)
		return err_set(err, STATUS_SYNTAX, "%s%s requires a value", dashes, text);
	*equals = '\0';
	for (char *p = text; *p; p++)
		if (*p == '-')
			*p = '_';
	*out = (struct wire_param){ text, equals + 1 };
	return STATUS_OK;
}

static enum status bad_switch(const char *word, struct err *err)
{
	err_set(err, STATUS_SYNTAX, "invalid command-line argument for server process: %s", word);
	err_hint(err, "In \"options\" write settings as -c name=value or --name=value.");
	return STATUS_SYNTAX;
}

static enum status read_switch(const struct words *words, size_t *i, struct wire_param *out,
			       struct err *err)
{
	char *word = words->word[*i];

	if (strncmp(word, "--", 2) == 0 && word[2])
		return read_setting(word + 2, "--", out, err);
	if (strncmp(word, "-c", 2) != 0)
		return bad_switch(word, err);
	if (word[2])
		return read_setting(word + 2, "-c ", out, err);
	if (*i + 1 == words->n)
		return err_set(err, STATUS_SYNTAX, "-c requires a value");
	return read_setting(words->word[++*i], "-c ", out, err);
}

enum status wire_options_parse(struct arena *arena, const char *options,
			       struct wire_param **settings, uint16_t *n, struct err *err)
{
	struct words words;
	enum status st;

	*n = 0;
	if (!split(arena, options, &words))
		return text_no_memory(err);
	if (words.n > WIRE_STARTUP_MAX_BYTES)
		return err_set(err, STATUS_LIMIT, "too many settings in \"options\"");
	*settings = arena_array(arena, struct wire_param, words.n + 1);
	if (!*settings)
		return text_no_memory(err);
	for (size_t i = 0; i < words.n; i++) {
		st = read_switch(&words, &i, &(*settings)[*n], err);
		if (st != STATUS_OK)
			return st;
		(*n)++;
	}
	return STATUS_OK;
}
