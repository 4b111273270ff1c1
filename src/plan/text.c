/* The shards' text: the client's bytes with a few pieces put in or taken out. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

bool text_tokens(struct build *b)
{
	struct err ignored = ERR_INIT;
	if (!b->have_tokens)
		b->have_tokens =
			parse_tokens(b->a, b->req->text, &b->tokens, &ignored) == STATUS_OK;
	return b->have_tokens;
}

unsigned text_find(struct build *b, unsigned from, const char *word)
{
	for (unsigned i = from; i < b->tokens.n; i++)
		if (b->tokens.items[i].depth == 0 &&
		    token_is(b->req->text, &b->tokens.items[i], word))
			return i;
	return UINT_MAX;
}

/* The top SELECT: the last word SELECT outside parentheses (WITH … keeps its own inside). */
unsigned text_select_token(struct build *b)
{
	if (!text_tokens(b))
		return UINT_MAX;
	return text_find(b, 0, "select");
}

static bool is_label(struct build *b, unsigned i)
{
	const struct token *before = i > 0 ? &b->tokens.items[i - 1] : NULL;
	return before && (before->code == TOKEN_DOT || token_is(b->req->text, before, "as"));
}

/* FROM of the top SELECT, not that of IS DISTINCT FROM. */
unsigned text_from_token(struct build *b, unsigned after)
{
	for (unsigned i = text_find(b, after, "from"); i != UINT_MAX;
	     i = text_find(b, i + 1, "from")) {
		if (is_label(b, i))
			continue;
		bool behind_distinct = token_is(b->req->text, &b->tokens.items[i - 1], "distinct");
		if (!behind_distinct || i - 1 == after + 1) /* SELECT DISTINCT FROM t */
			return i;
	}
	return UINT_MAX;
}

void text_splice(struct build *b, uint32_t at, uint32_t removed, const char *insert)
{
	struct splice_note *n = arena_new(b->a, struct splice_note);
	struct splice_note **where = &b->splices;
	*n = (struct splice_note){ .at = at,
				   .removed = removed,
				   .insert = arena_strdup(b->a, insert) };
	while (*where && (*where)->at <= at)
		where = &(*where)->next;
	n->next = *where;
	*where = n;
}

void text_apply(struct build *b)
{
	struct plan *p = b->plan;
	struct str in = b->req->text;
	size_t size = in.n + 1;
	unsigned n = 0, i = 0;
	for (struct splice_note *s = b->splices; s; s = s->next, n++)
		size += strlen(s->insert);
	if (n == 0)
		return;
	char *out = arena_alloc(&p->arena, size), *o = out;
	size_t done = 0;
	p->splices = arena_array(&p->arena, struct plan_splice, n);
	for (struct splice_note *s = b->splices; s; s = s->next, i++) {
		size_t len = strlen(s->insert);
		memcpy(o, in.p + done, s->at - done);
		o += s->at - done;
		memcpy(o, s->insert, len);
		o += len;
		done = s->at + s->removed;
		p->splices[i] = (struct plan_splice){ s->at, s->removed, (uint32_t)len };
	}
	memcpy(o, in.p + done, in.n - done);
	o += in.n - done;
	*o = '\0';
	p->text = out;
	p->n_splices = (uint16_t)n;
	p->exact_text = true;
}

/* Where a byte of the client's text stands in the shards' text. */
uint32_t text_moved(const struct build *b, uint32_t at)
{
	int64_t shift = 0;
	for (const struct splice_note *s = b->splices; s && s->at < at; s = s->next)
		shift += (int64_t)strlen(s->insert) - s->removed;
	return (uint32_t)((int64_t)at + shift);
}

void text_forget(struct build *b)
{
	b->splices = NULL;
}
