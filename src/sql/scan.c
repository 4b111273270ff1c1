/* The fingerprint scanner: one pass, no allocation.
 *
 * Happy path: each token is written in a canonical form into a block on the stack; a
 * full block is hashed and its hash opens the next one, so the length of the text does
 * not matter. A token is a run of bytes closed by a zero byte, which no text contains;
 * literals are single control bytes. So two different token sequences never give the
 * same bytes.
 * Failure: the first place where PostgreSQL's lexer would raise an error ends the scan
 * with `broken`; what was found before it stays.
 *
 * Integers are told apart by the type PostgreSQL gives them (integer, bigint, numeric),
 * because the types of a statement's results depend on it. The string behind UESCAPE
 * is part of a name's spelling and counts. */
#include "pgmosaic/sql/scan.h"

#include "scan_lex.h"

#define BLOCK_BYTES 1024
#define TOKEN_BYTES 64 /* room every token finds without looking again */

enum mark {
	MARK_INT4 = 1,
	MARK_INT8,
	MARK_BIG,
	MARK_NUMERIC,
	MARK_STRING,
	MARK_ESCAPE,
	MARK_DOLLAR,
	MARK_BITS,
	MARK_HEX,
	MARK_UNICODE,
	MARK_NATIONAL,
	MARK_CONTINUED,
	MARK_OTHER,
	MARK_HINT_SHARD,
	MARK_HINT_KEY,
	MARK_UESCAPE,
};

struct scanner {
	const char *start, *p, *end;
	struct scan *out;
	uint32_t depth, case_depth, atomic_depth;
	bool after_semicolon, after_begin, after_uescape, after_national;
	size_t n;
	uint8_t block[BLOCK_BYTES];
};

static void block_flush(struct scanner *s)
{
	struct hash128 h = hash_bytes128(s->block, s->n, 0);

	memcpy(s->block, &h, sizeof(h));
	s->n = sizeof(h);
}

static inline void block_room(struct scanner *s)
{
	if (s->n + TOKEN_BYTES + 2 > BLOCK_BYTES)
		block_flush(s);
}

static void block_put(struct scanner *s, const char *p, size_t n)
{
	while (n) {
		size_t room = BLOCK_BYTES - s->n, take = n < room ? n : room;

		memcpy(s->block + s->n, p, take);
		s->n += take;
		p += take;
		n -= take;
		if (s->n == BLOCK_BYTES)
			block_flush(s);
	}
	s->block[s->n++] = 0;
	block_room(s);
}

static inline void block_mark(struct scanner *s, enum mark mark)
{
	s->block[s->n++] = (uint8_t)mark;
}

static bool take_broken(struct scanner *s)
{
	s->out->broken = true;
	return false;
}

/* A token that is its own bytes. */
static bool take_raw(struct scanner *s, const char *end)
{
	block_put(s, s->p, (size_t)(end - s->p));
	s->p = end;
	return true;
}

static bool take_literal(struct scanner *s, const char *at, const char *end,
			 enum scan_literal_kind kind, enum mark mark)
{
	struct scan *out = s->out;

	block_mark(s, mark);
	if (s->after_uescape) {
		block_mark(s, MARK_UESCAPE);
		block_put(s, at, (size_t)(end - at));
	}
	if (out->n_literals < SCAN_MAX_LITERALS)
		out->literals[out->n_literals++] = (struct scan_literal){
			.at = (uint32_t)(at - s->start),
			.length = (uint32_t)(end - at),
			.kind = kind,
		};
	else
		out->too_many = true;
	s->p = end;
	return true;
}

/* A quoted string whose prefix letters, if any, begin at `at`. */
static bool take_string(struct scanner *s, const char *at, const char *quote,
			enum scan_literal_kind kind, enum mark mark)
{
	bool continued, national = s->after_national;
	enum lex_string_style style = kind == LITERAL_ESCAPE		      ? LEX_STRING_ESCAPES
				      : mark == MARK_BITS || mark == MARK_HEX ? LEX_STRING_BITS
									      : LEX_STRING_PLAIN;
	const char *end = lex_string(quote, s->end, style, &continued);

	if (!end)
		return take_broken(s);
	if (continued) {
		block_mark(s, MARK_CONTINUED);
		kind = LITERAL_OTHER;
	}
	if (national) {
		mark = MARK_NATIONAL;
		kind = LITERAL_OTHER;
	}
	return take_literal(s, at, end, kind, mark);
}

static enum mark integer_mark(const char *p, size_t n)
{
	while (n > 1 && *p == '0') {
		p++;
		n--;
	}
	if (n < 10 || (n == 10 && memcmp(p, "2147483647", 10) <= 0))
		return MARK_INT4;
	if (n < 19 || (n == 19 && memcmp(p, "9223372036854775807", 19) <= 0))
		return MARK_INT8;
	return MARK_BIG;
}

static bool take_number(struct scanner *s)
{
	enum scan_literal_kind kind;
	const char *end = lex_number(s->p, s->end, &kind);

	if (!end)
		return take_broken(s);
	return take_literal(s, s->p, end, kind,
			    kind == LITERAL_NUMERIC ? MARK_NUMERIC
						    : integer_mark(s->p, (size_t)(end - s->p)));
}

static bool take_dollar(struct scanner *s)
{
	const char *p = s->p + 1;
	uint32_t number = 0;

	if (p == s->end || lex_class[(uint8_t)*p] != LEX_DIGIT) {
		p = lex_dollar_string(s->p, s->end);
		if (!p)
			return take_broken(s);
		if (p == s->p)
			return take_raw(s, s->p + 1);
		return take_literal(s, s->p, p, LITERAL_DOLLAR, MARK_DOLLAR);
	}
	for (; p < s->end && lex_class[(uint8_t)*p] == LEX_DIGIT; p++)
		number = number > 65535 ? number : number * 10 + (uint32_t)(*p - '0');
	if (p < s->end && lex_class[(uint8_t)*p] == LEX_WORD)
		return take_broken(s);
	if (number > 65535)
		number = 65535;
	if (number > s->out->max_param)
		s->out->max_param = (uint16_t)number;
	return take_raw(s, p);
}

/* Letters that open a string or a quoted name: B X E N U&. False in *is_prefix: none. */
static bool take_prefixed(struct scanner *s, bool *is_prefix)
{
	const char *p = s->p, *end;
	char letter = (char)(*p | 0x20), next = p[1];

	*is_prefix = true;
	if (letter == 'e' && next == '\'')
		return take_string(s, p, p + 1, LITERAL_ESCAPE, MARK_ESCAPE);
	if (letter == 'b' && next == '\'')
		return take_string(s, p, p + 1, LITERAL_OTHER, MARK_BITS);
	if (letter == 'x' && next == '\'')
		return take_string(s, p, p + 1, LITERAL_OTHER, MARK_HEX);
	if (letter == 'n' && next == '\'') {
		block_mark(s, MARK_NATIONAL);
		s->p++;
		return true;
	}
	if (letter == 'u' && next == '&' && p + 2 < s->end) {
		if (p[2] == '\'')
			return take_string(s, p, p + 2, LITERAL_OTHER, MARK_UNICODE);
		if (p[2] == '"') {
			end = lex_quoted_name(p + 2, s->end);
			if (!end)
				return take_broken(s);
			block_mark(s, MARK_UNICODE);
			return take_raw(s, end);
		}
	}
	*is_prefix = false;
	return true;
}

static void deepen(struct scanner *s)
{
	uint32_t depth = s->depth + s->case_depth;

	if (depth > s->out->max_depth)
		s->out->max_depth = depth;
}

/* The few words that matter: they nest, or change what the next token means. */
static void note_word(struct scanner *s, const uint8_t *word, size_t n)
{
	bool after_begin = s->after_begin;

	s->after_begin = false;
	switch (n) {
	case 3:
		if (memcmp(word, "end", 3) != 0)
			return;
		if (s->case_depth)
			s->case_depth--;
		else if (s->atomic_depth)
			s->atomic_depth--;
		return;
	case 4:
		if (memcmp(word, "case", 4) == 0) {
			s->case_depth++;
			deepen(s);
		}
		return;
	case 5: s->after_begin = memcmp(word, "begin", 5) == 0; return;
	case 6:
		/* A body of CREATE FUNCTION or PROCEDURE; elsewhere these are names. */
		if (after_begin && memcmp(word, "atomic", 6) == 0 &&
		    strcmp(s->out->first_word, "create") == 0)
			s->atomic_depth++;
		return;
	case 7: s->after_uescape = memcmp(word, "uescape", 7) == 0; return;
	default: return;
	}
}

static void note_first_word(struct scanner *s, const uint8_t *word, size_t n)
{
	size_t room = sizeof(s->out->first_word) - 1;

	n = n < room ? n : room;
	memcpy(s->out->first_word, word, n);
	s->out->first_word[n] = 0;
}

static bool take_word(struct scanner *s)
{
	const char *p = s->p, *end = s->end;
	uint8_t *word = s->block + s->n, c;
	size_t n = 0;

	while (p < end && (c = lex_ident[(uint8_t)*p])) {
		if (n == TOKEN_BYTES)
			break;
		word[n++] = c;
		p++;
	}
	if (s->out->n_tokens == 1)
		note_first_word(s, word, n);
	if (n <= 7)
		note_word(s, word, n);
	s->n += n;
	/* A word longer than a name may be: byte by byte. */
	for (; p < end && (c = lex_ident[(uint8_t)*p]); p++) {
		s->block[s->n++] = c;
		block_room(s);
	}
	s->block[s->n++] = 0;
	s->p = p;
	return true;
}

static bool take_self(struct scanner *s)
{
	switch (*s->p) {
	case '(':
	case '[':
		s->depth++;
		deepen(s);
		break;
	case ')':
	case ']': s->depth -= s->depth > 0; break;
	case ';':
		if (!s->atomic_depth)
			s->after_semicolon = true;
		break;
	default: break;
	}
	s->block[s->n++] = (uint8_t)*s->p++;
	s->block[s->n++] = 0;
	return true;
}

static const char *hint_blank(const char *p, const char *end)
{
	while (p < end && (lex_class[(uint8_t)*p] == LEX_SPACE || *p == ','))
		p++;
	return p;
}

/* The value behind the equal sign: up to white space, or in single quotes. */
static struct str hint_value(const char *p, const char *end)
{
	char stop = 0;
	const char *start;

	if (p < end && *p == '\'')
		stop = *p++;
	start = p;
	while (p < end && (stop ? *p != stop : lex_class[(uint8_t)*p] != LEX_SPACE && *p != ','))
		p++;
	return (struct str){ start, (size_t)(p - start) };
}

/* "mosaic.shard=s1", "mosaic.shard_key=42" at the start of a comment's inside, or both. */
static void note_hints(struct scanner *s, const char *p, const char *end)
{
	static const char shard[] = "mosaic.shard=", key[] = "mosaic.shard_key=";

	for (;;) {
		struct str value;

		block_room(s);
		p = hint_blank(p, end);
		if ((size_t)(end - p) > sizeof(shard) - 1 &&
		    memcmp(p, shard, sizeof(shard) - 1) == 0) {
			value = hint_value(p + sizeof(shard) - 1, end);
			s->out->hint_shard = value;
			block_mark(s, MARK_HINT_SHARD);
		} else if ((size_t)(end - p) > sizeof(key) - 1 &&
			   memcmp(p, key, sizeof(key) - 1) == 0) {
			value = hint_value(p + sizeof(key) - 1, end);
			s->out->hint_key = value;
			block_mark(s, MARK_HINT_KEY);
		} else {
			return;
		}
		block_put(s, value.p, value.n);
		p = value.p + value.n + (value.p[-1] == '\'');
		if (p > end)
			return;
	}
}

/* True: a comment was skipped. */
static bool skip_comment(struct scanner *s, bool *ok)
{
	const char *p = s->p, *end;

	*ok = true;
	if (p + 1 >= s->end || (p[0] != '-' && p[0] != '/'))
		return false;
	if (p[0] == '-' && p[1] == '-') {
		s->p = lex_line_comment(p, s->end);
		return true;
	}
	if (p[0] != '/' || p[1] != '*')
		return false;
	end = lex_comment(p, s->end);
	if (!end) {
		*ok = take_broken(s);
		return true;
	}
	note_hints(s, p + 2, end - 2);
	s->p = end;
	return true;
}

static bool take_operator(struct scanner *s)
{
	const char *p = s->p, *end = s->end;

	if (p + 1 == end || lex_class[(uint8_t)p[1]] != LEX_OPERATOR) {
		s->block[s->n++] = (uint8_t)*s->p++;
		s->block[s->n++] = 0;
		return true;
	}
	return take_raw(s, lex_operator(p, end));
}

static bool take_dot_or_colon(struct scanner *s)
{
	const char *p = s->p;
	char next = p + 1 < s->end ? p[1] : 0;

	if (*p == '.' && lex_class[(uint8_t)next] == LEX_DIGIT)
		return take_number(s);
	if (*p == '.')
		return take_raw(s, p + (next == '.' ? 2 : 1));
	return take_raw(s, p + (next == ':' || next == '=' ? 2 : 1));
}

static bool take_other(struct scanner *s)
{
	block_mark(s, MARK_OTHER);
	return take_raw(s, s->p + 1);
}

static bool take_name(struct scanner *s)
{
	const char *end = lex_quoted_name(s->p, s->end);

	return end ? take_raw(s, end) : take_broken(s);
}

static bool take_word_or_prefixed(struct scanner *s)
{
	bool is_prefix, ok;

	if (s->p + 1 < s->end && (s->p[1] == '\'' || s->p[1] == '&')) {
		bool national = s->p[1] == '\'' && (*s->p | 0x20) == 'n';

		ok = take_prefixed(s, &is_prefix);
		if (is_prefix) {
			s->after_national = national;
			return ok;
		}
	}
	return take_word(s);
}

static bool take_quote(struct scanner *s)
{
	return take_string(s, s->p, s->p, LITERAL_STRING, MARK_STRING);
}

static bool take_by_class(struct scanner *s, enum lex_class class)
{
	switch (class) {
	case LEX_WORD: return take_word_or_prefixed(s);
	case LEX_SELF: return take_self(s);
	case LEX_OPERATOR: return take_operator(s);
	case LEX_DIGIT: return take_number(s);
	case LEX_DOT:
	case LEX_COLON: return take_dot_or_colon(s);
	case LEX_QUOTE: return take_quote(s);
	case LEX_DQUOTE: return take_name(s);
	case LEX_DOLLAR: return take_dollar(s);
	case LEX_OTHER: return take_other(s);
	case LEX_NUL:
	case LEX_SPACE:
	default: return take_broken(s);
	}
}

static bool take_token(struct scanner *s, enum lex_class class)
{
	bool uescape = s->after_uescape, national = s->after_national, ok;
	bool is_semicolon = *s->p == ';';

	s->out->n_tokens++;
	if (!is_semicolon) {
		s->out->is_empty = false;
		s->out->has_several |= s->after_semicolon;
	}
	block_room(s);
	ok = take_by_class(s, class);
	if (uescape)
		s->after_uescape = false;
	if (national)
		s->after_national = false;
	if (class != LEX_WORD)
		s->after_begin = false;
	return ok;
}

static void scan_tokens(struct scanner *s)
{
	while (s->p < s->end) {
		enum lex_class class = (enum lex_class)lex_class[(uint8_t)*s->p];
		bool ok;

		if (class == LEX_SPACE) {
			s->p++;
			continue;
		}
		if (class == LEX_OPERATOR && skip_comment(s, &ok)) {
			if (!ok)
				return;
			continue;
		}
		if (!take_token(s, class))
			return;
	}
}

static void scan_init(struct scan *out)
{
	out->n_literals = out->max_param = 0;
	out->too_many = out->broken = out->has_several = false;
	out->is_empty = true;
	out->n_tokens = out->max_depth = 0;
	memset(out->first_word, 0, sizeof(out->first_word));
	out->hint_shard = out->hint_key = (struct str){ NULL, 0 };
}

void scan_text(struct str text, struct scan *out)
{
	struct scanner s;

	scan_init(out);
	s.start = s.p = text.p;
	s.end = text.p + text.n;
	s.out = out;
	s.depth = s.case_depth = s.atomic_depth = 0;
	s.after_semicolon = s.after_begin = s.after_uescape = s.after_national = false;
	s.n = 16; /* the hash of the block before: none */
	memset(s.block, 0, s.n);
	if (text.n > UINT32_MAX) {
		out->broken = true;
		out->is_empty = false;
	} else if (text.n) {
		scan_tokens(&s);
	}
	out->fingerprint = hash_bytes128(s.block, s.n, out->broken);
	out->full = hash_bytes128(text.n ? text.p : "", text.n, 1);
}
