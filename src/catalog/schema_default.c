#include "schema_default.h"

#include <ctype.h>
#include <string.h>

#define NAME_BYTES 64

/* Looks like a call, is none: forms of the grammar, and types with a modifier. */
static const char *const harmless[] = {
	"array",   "row",	"coalesce", "greatest",	 "least", "nullif",  "extract",	  "overlay",
	"trim",	   "substring", "position", "normalize", "cast",  "varying", "character", "bit",
	"numeric", "timestamp", "time",	    "interval",	 "case",  "in",	     "values",	  "and",
	"or",	   "not",	"then",	    "else",	 "when",  "any",     "all",	  NULL,
};

static bool is_harmless(const char *name)
{
	for (const char *const *p = harmless; *p; p++)
		if (strcmp(*p, name) == 0)
			return true;
	return false;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Past a '…' or "…": doubled quotes stand for themselves, as the server writes them. */
static const char *skip_quoted(const char *p)
{
	char quote = *p++;

	while (*p && !(*p == quote && p[1] != quote))
		p += *p == quote ? 2 : 1;
	return *p ? p + 1 : p;
}

/* The next name right before a "(": false at the end. A quoted one gives "". */
static bool next_call(const char **at, char name[NAME_BYTES])
{
	const char *p = *at;

	while (*p) {
		const char *start = p;
		bool quoted = *p == '"';

		if (*p == '\'' || quoted) {
			p = skip_quoted(p);
		} else if (is_word(*p)) {
			while (is_word(*p))
				p++;
		} else {
			p++;
			continue;
		}
		if (*p != '(' && !(*p == ' ' && p[1] == '('))
			continue;
		name[0] = '\0';
		if (*start != '\'' && !quoted && p - start < NAME_BYTES)
			for (int i = 0; i <= p - start; i++)
				name[i] = i < p - start ? (char)tolower((unsigned char)start[i])
							: '\0';
		*at = p;
		if (*start != '\'')
			return true;
	}
	return false;
}

enum schema_default default_classify(const struct schema *s, const char *text, bool has_user_calls)
{
	char name[NAME_BYTES];
	bool is_volatile = has_user_calls;

	if (!text)
		return DEFAULT_NONE;
	while (next_call(&text, name)) {
		const struct schema_function *f = schema_find_function(s, name);

		if (strcmp(name, "nextval") == 0)
			return DEFAULT_SEQUENCE;
		if (!is_harmless(name) && (!f || f->volatility == 'v'))
			is_volatile = true;
	}
	return is_volatile ? DEFAULT_VOLATILE : DEFAULT_CONST;
}
