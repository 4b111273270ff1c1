/* The COPY splitter: bytes in, rows with their owners out.
 *
 * Happy path: while nothing is left over from the feed before, rows are found and handed
 * out where they stand in the caller's bytes; what does not end is kept in `pending`, and
 * the next feed is put behind it.
 * Failure modes: see the header. A binary stream that is malformed cannot be cut any
 * more: the rest of it goes to the home shard as it comes, whose server says what is wrong. */
#include "pgmosaic/route/copy_split.h"

#include <stdlib.h>
#include <string.h>

#include "copy_internal.h"
#include "pgmosaic/base/check.h"
#include "pgmosaic/base/mem.h"
#include "pgmosaic/route/route.h"

enum phase {
	PHASE_HEADER, /* the header line, or the binary header, has not come yet */
	PHASE_ROWS,
	PHASE_ENDED,  /* behind \. or the binary trailer */
	PHASE_BROKEN, /* malformed binary: the rest to the home shard */
	PHASE_FAILED,
};

struct copy_splitter {
	const struct plan *plan;
	const struct plan_copy *copy;
	const struct map_distribution *dist;
	const struct key_finder *finder;
	uint16_t home;
	size_t row_limit_bytes;
	copy_row_fn on_row;
	void *ctx;
	enum phase phase;
	uint64_t n_rows, line_number;
	struct copy_line line;
	struct copy_fields fields;
	struct copy_tuple tuple;
	struct buf pending;
};

/* Keys that are not copied: their values do not change from row to row. */
static void set_constant_keys(struct copy_splitter *s)
{
	const struct key_set *keys = &s->plan->keys;

	for (unsigned i = 0; i < s->dist->n_keys; i++) {
		const struct key_source *source = keys->sources ? &keys->sources[i] : NULL;

		if (s->copy->key_field[i] < 0 && source && source->kind == KEY_TEXT)
			s->fields.keys[i] = source->text;
	}
}

/* The home shard when it owns something, else one that does: only owners take part. */
static uint16_t owner_near_home(const struct shard_map *map, const struct map_distribution *dist)
{
	struct shard_set owners = { .n = 0 };

	route_owners(map, dist, &owners);
	return owners.n == 0 || shard_set_has(&owners, map->home)
		       ? map->home
		       : (uint16_t)shard_set_next(&owners, -1);
}

struct copy_splitter *copy_splitter_create(const struct plan *plan, const struct shard_map *map,
					   const struct key_finder *finder, size_t row_limit_bytes,
					   copy_row_fn on_row, void *ctx)
{
	struct copy_splitter *s = mem_zero(1, sizeof(*s));
	const struct plan_copy *copy = &plan->copy;

	PRE(plan->distribution < map->n_distributions);
	s->plan = plan;
	s->copy = copy;
	s->dist = &map->distributions[plan->distribution];
	s->home = owner_near_home(map, s->dist);
	s->finder = finder;
	s->row_limit_bytes = row_limit_bytes;
	s->on_row = on_row;
	s->ctx = ctx;
	s->phase = copy->header || copy->format == COPY_BINARY ? PHASE_HEADER : PHASE_ROWS;
	s->line = (struct copy_line){ .format = copy->format,
				      .quote = copy->quote,
				      .escape = copy->escape == copy->quote ? 0 : copy->escape };
	copy_fields_init(&s->fields, copy, s->dist->n_keys);
	s->tuple.n_fields = -1;
	set_constant_keys(s);
	buf_init(&s->pending, SIZE_MAX / 2);
	return s;
}

void copy_splitter_destroy(struct copy_splitter *s)
{
	if (!s)
		return;
	copy_fields_finish(&s->fields);
	buf_finish(&s->pending);
	free(s);
}

uint64_t copy_splitter_rows(const struct copy_splitter *s)
{
	return s->n_rows;
}

static enum status fail(struct copy_splitter *s, enum status status)
{
	s->phase = PHASE_FAILED;
	return status;
}

static enum status give(struct copy_splitter *s, uint16_t shard, const void *p, size_t n,
			struct err *err)
{
	enum status status = s->on_row(s->ctx, shard, p, n, err);

	return status == STATUS_OK ? status : fail(s, status);
}

/* A key that no server reads sends the row home; one the proxy is not sure of ends the COPY. */
static enum status give_row(struct copy_splitter *s, enum status key_status, uint16_t shard,
			    const struct err *why, const void *p, size_t n, struct err *err)
{
	if (key_status != STATUS_OK && key_status != STATUS_INVALID) {
		*err = *why;
		err_detail(err, "COPY, line %llu of the input", (unsigned long long)s->line_number);
		return fail(s, key_status);
	}
	s->n_rows++;
	return give(s, key_status == STATUS_OK ? shard : s->home, p, n, err);
}

static enum status refuse_line(struct copy_splitter *s, enum copy_line_fault fault, struct err *err)
{
	if (fault == LINE_BAD_MARKER)
		err_set_code(err, STATUS_INVALID, "22P04", "end-of-copy marker corrupt");
	else
		err_set_code(err, STATUS_INVALID, "22P04", "%s %s found in data",
			     s->copy->format == COPY_CSV ? "unquoted" : "literal",
			     s->line.eol == EOL_NL ? "carriage return" : "newline");
	err_detail(err, "COPY, line %llu of the input", (unsigned long long)s->line_number);
	return fail(s, STATUS_INVALID);
}

static enum status give_line(struct copy_splitter *s, const char *p, size_t n, size_t content,
			     struct err *err)
{
	enum status key_status = STATUS_INVALID;
	uint16_t shard = s->home;
	struct err why;

	if (s->phase == PHASE_HEADER) {
		s->phase = PHASE_ROWS;
		return give(s, COPY_TO_ALL, p, n, err);
	}
	if (copy_fields_find(&s->fields, p, content))
		key_status = route_key_text(s->dist, s->fields.keys, s->copy->key_type,
					    s->copy->key_typmod, s->finder, &shard, &why);
	return give_row(s, key_status, shard, &why, p, n, err);
}

/* What stands before \. in its line is a row of its own. A header keeps the marker: every
 * server is to end there. */
static enum status end_at_marker(struct copy_splitter *s, const char *p, size_t n, size_t at,
				 struct err *err)
{
	struct buf row;
	enum status status = STATUS_OK;

	if (s->phase == PHASE_HEADER) {
		status = give(s, COPY_TO_ALL, p, n, err);
	} else if (at) {
		buf_init(&row, SIZE_MAX / 2);
		buf_append(&row, p, at);
		buf_append(&row, p + at + 2, n - at - 2);
		status = give_line(s, (const char *)buf_head(&row), buf_len(&row), at, err);
		buf_finish(&row);
	}
	if (status == STATUS_OK)
		s->phase = PHASE_ENDED;
	return status;
}

static enum status take_line(struct copy_splitter *s, const char *p, size_t n, size_t content,
			     struct err *err)
{
	long marker;
	enum copy_line_fault fault = copy_line_check(&s->line, p, n, content, &marker);

	s->line_number++;
	if (fault != LINE_FINE)
		return refuse_line(s, fault, err);
	if (marker >= 0)
		return end_at_marker(s, p, n, (size_t)marker, err);
	return give_line(s, p, n, content, err);
}

/* Rows in p[0..size); *used: bytes of them. */
static enum status split_lines(struct copy_splitter *s, const char *p, size_t size, bool is_last,
			       size_t *used, struct err *err)
{
	enum status status = STATUS_OK;
	size_t n, content;

	*used = 0;
	while (status == STATUS_OK && s->phase <= PHASE_ROWS &&
	       copy_line_find(&s->line, p + *used, size - *used, is_last, &n, &content)) {
		status = take_line(s, p + *used, n, content, err);
		*used += n;
	}
	return status;
}

/* Key columns that are not copied are known as text, the others are binary: all of one
 * kind, or refused. */
static enum status tuple_shard(struct copy_splitter *s, const uint8_t *const *keys,
			       const int32_t *lengths, uint16_t *shard, struct err *why)
{
	unsigned n_constant = 0, n = s->dist->n_keys;

	for (unsigned i = 0; i < n; i++)
		n_constant += s->copy->key_field[i] < 0 && s->fields.keys[i].p;
	if (!n_constant)
		return route_key_binary(s->dist, keys, lengths, s->copy->key_type,
					s->copy->key_typmod, s->finder, shard, why);
	if (n_constant == n)
		return route_key_text(s->dist, s->fields.keys, s->copy->key_type,
				      s->copy->key_typmod, s->finder, shard, why);
	err_set(why, STATUS_UNROUTED, "COPY BINARY leaves a column of the shard key out");
	err_hint(why, "Copy all columns of the shard key, or use the text format.");
	return STATUS_UNROUTED;
}

static enum status give_tuple(struct copy_splitter *s, const uint8_t *p, size_t n, struct err *err)
{
	const uint8_t *keys[MAP_MAX_KEYS] = { NULL };
	int32_t lengths[MAP_MAX_KEYS] = { 0 };
	enum status key_status;
	uint16_t shard = s->home;
	struct err why;

	s->line_number++;
	for (unsigned i = 0; i < s->dist->n_keys; i++) {
		if (s->copy->key_field[i] < 0 || s->tuple.key_length[i] < 0)
			continue;
		keys[i] = p + s->tuple.key_at[i];
		lengths[i] = s->tuple.key_length[i];
	}
	key_status = tuple_shard(s, keys, lengths, &shard, &why);
	s->tuple.n_fields = -1;
	return give_row(s, key_status, shard, &why, p, n, err);
}

static enum status split_tuples(struct copy_splitter *s, const uint8_t *p, size_t size,
				size_t *used, struct err *err)
{
	enum status status = STATUS_OK;
	size_t n = 0;

	*used = 0;
	while (status == STATUS_OK && s->phase <= PHASE_ROWS && *used < size) {
		const uint8_t *at = p + *used;
		enum copy_binary_step step =
			s->phase == PHASE_HEADER
				? copy_binary_header(at, size - *used, &n)
				: copy_binary_tuple(&s->tuple, s->copy, s->dist->n_keys, at,
						    size - *used, &n);

		switch (step) {
		case BINARY_MORE: return STATUS_OK;
		case BINARY_BROKEN: s->phase = PHASE_BROKEN; return STATUS_OK;
		case BINARY_HEADER:
			s->phase = PHASE_ROWS;
			status = give(s, COPY_TO_ALL, at, n, err);
			break;
		case BINARY_TRAILER:
			status = give(s, COPY_TO_ALL, at, n, err);
			if (status == STATUS_OK)
				s->phase = PHASE_ENDED;
			break;
		case BINARY_TUPLE:
		default: status = give_tuple(s, at, n, err); break;
		}
		*used += n;
	}
	return status;
}

static enum status refuse_after_end(struct copy_splitter *s, struct err *err)
{
	err_set_code(err, STATUS_INVALID, "22P04", "received copy data after EOF marker");
	return fail(s, STATUS_INVALID);
}

static enum status split(struct copy_splitter *s, const uint8_t *p, size_t size, bool is_last,
			 size_t *used, struct err *err)
{
	enum status status = STATUS_OK;

	*used = 0;
	if (s->copy->format != COPY_BINARY)
		status = split_lines(s, (const char *)p, size, is_last, used, err);
	else
		status = split_tuples(s, p, size, used, err);
	if (status != STATUS_OK)
		return status;
	if (s->phase == PHASE_ENDED && s->copy->format == COPY_BINARY && *used < size)
		return refuse_after_end(s, err);
	if (s->phase == PHASE_ENDED)
		*used = size;
	if (s->phase == PHASE_BROKEN && *used < size) {
		status = give(s, s->home, p + *used, size - *used, err);
		*used = size;
	}
	return status;
}

static enum status check_row_limit(struct copy_splitter *s, size_t row_bytes, struct err *err)
{
	if (row_bytes <= s->row_limit_bytes)
		return STATUS_OK;
	err_set(err, STATUS_LIMIT, "a row of COPY is larger than %zu bytes", s->row_limit_bytes);
	err_detail(err, "COPY, line %llu of the input", (unsigned long long)s->line_number + 1);
	err_hint(err, "Raise limits.message in the configuration.");
	return fail(s, STATUS_LIMIT);
}

enum status copy_splitter_feed(struct copy_splitter *s, const uint8_t *p, size_t n, struct err *err)
{
	bool was_pending = buf_len(&s->pending) > 0;
	enum status status;
	size_t used;

	if (s->phase == PHASE_FAILED)
		return err_set(err, STATUS_INTERNAL, "COPY has failed before");
	if (!n)
		return STATUS_OK;
	if (was_pending) {
		buf_append(&s->pending, p, n);
		p = buf_head(&s->pending);
		n = buf_len(&s->pending);
	}
	status = split(s, p, n, false, &used, err);
	if (status == STATUS_OK)
		status = check_row_limit(s, n - used, err);
	if (status != STATUS_OK)
		return status;
	if (was_pending)
		buf_consume(&s->pending, used);
	else
		buf_append(&s->pending, p + used, n - used);
	return STATUS_OK;
}

enum status copy_splitter_finish(struct copy_splitter *s, struct err *err)
{
	size_t n = buf_len(&s->pending), used;
	enum status status;

	if (s->phase == PHASE_FAILED)
		return err_set(err, STATUS_INTERNAL, "COPY has failed before");
	if (!n)
		return STATUS_OK;
	status = split(s, buf_head(&s->pending), n, true, &used, err);
	/* A tuple or a header cut short: the home shard's server says so. */
	if (status == STATUS_OK && used < n)
		status = give(s, s->home, buf_head(&s->pending) + used, n - used, err);
	if (status == STATUS_OK)
		buf_consume(&s->pending, n);
	return status;
}
