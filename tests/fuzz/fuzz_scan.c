/* The fingerprint scanner on any bytes: it never crashes, its literals lie inside the text
 * in order, a second scan gives the same, and white space behind the text changes nothing. */
#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/check.h"
#include "pgmosaic/sql/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_literals(struct str text, const struct scan *s)
{
	size_t at = 0;

	for (unsigned i = 0; i < s->n_literals; i++) {
		const struct scan_literal *l = &s->literals[i];
		char value[64];
		int n = scan_literal_value(text, l, value, sizeof(value));

		INVARIANT(l->at >= at && l->length > 0);
		at = (size_t)l->at + l->length;
		INVARIANT(at <= text.n);
		INVARIANT(n <= (int)sizeof(value) && n <= (int)l->length);
	}
}

static void check_hint(struct str text, struct str hint)
{
	INVARIANT(!hint.n || (hint.p >= text.p && hint.p + hint.n <= text.p + text.n));
}

static void check_same(const struct scan *a, const struct scan *b)
{
	INVARIANT(hash128_eq(a->fingerprint, b->fingerprint));
	INVARIANT(a->n_literals == b->n_literals && a->n_tokens == b->n_tokens);
	INVARIANT(a->broken == b->broken && a->is_empty == b->is_empty);
	INVARIANT(a->has_several == b->has_several && a->max_depth == b->max_depth);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct scan first, second;
	char *copy = malloc(size + 1);
	struct str text = { copy, size };

	memcpy(copy, data, size);
	copy[size] = '\n';
	scan_text(text, &first);
	check_literals(text, &first);
	check_hint(text, first.hint_shard);
	check_hint(text, first.hint_key);
	INVARIANT(memchr(first.first_word, 0, sizeof(first.first_word)));
	INVARIANT(!memchr(copy, 0, size) || first.broken);
	scan_text(text, &second);
	check_same(&first, &second);
	INVARIANT(hash128_eq(first.full, second.full));
	if (!first.broken) {
		text.n++;
		scan_text(text, &second);
		check_same(&first, &second);
	}
	free(copy);
	return 0;
}
