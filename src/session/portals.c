/* Portals: what a Bind left, what an Execute gives of it.
 *
 * BindComplete and the portal's RowDescription are held back as long as only an Execute can
 * follow: one shard's server then says them itself, and an error that it finds while binding
 * comes in their place, as it does from PostgreSQL. What runs over several shards is described
 * here. A portal with a row limit over several shards keeps its rows until they are fetched. */
#include <stdlib.h>

#include "extended.h"
#include "pgmosaic/base/mem.h"

struct portal *portal_create(const struct wire_msg *m)
{
	struct portal *p = mem_zero(1, sizeof(*p) + 1);

	arena_init(&p->arena, 0);
	buf_init(&p->rows, (size_t)1 << 30);
	p->rest = arena_copy(&p->arena, m->body, m->length); /* the whole body, for now */
	p->n_rest = m->length;
	return p;
}

void portal_fill(struct portal *p, const struct wire_bind *b)
{
	p->rest += b->rest;
	p->n_rest -= b->rest;
	p->params = segment_values(b);
	p->n_result_formats = b->n_result_formats;
	p->result_formats = arena_array(&p->arena, uint16_t, b->n_result_formats + 1u);
	for (uint16_t i = 0; i < b->n_result_formats; i++)
		p->result_formats[i] = wire_get_u16(b->result_formats + 2u * i);
}

uint16_t portal_format(const struct portal *p, uint16_t i)
{
	if (p->n_result_formats <= 1)
		return p->n_result_formats ? p->result_formats[0] : 0;
	return i < p->n_result_formats ? p->result_formats[i] : 0;
}

void extended_describe(struct session *s, const struct prepared *p, const struct portal *portal)
{
	struct wire_column *columns;
	struct err err;
	uint16_t n;

	if (!p->description ||
	    wire_parse_row_description(&s->arena, p->description, p->n_description, &columns, &n,
				       &err) != STATUS_OK) {
		wire_put_no_data(reply_out(s));
		return;
	}
	for (uint16_t i = 0; i < n; i++)
		columns[i].format = portal ? portal_format(portal, i) : 0;
	wire_put_row_description(reply_out(s), columns, n);
}

void portal_say_bound(struct session *s, struct portal *p, bool describe)
{
	if (!p->is_bound)
		wire_put_bind_complete(reply_out(s));
	p->is_bound = true;
	if (describe)
		extended_describe(s, p->prepared, p);
}

/* The tag's words with another count. */
static void put_count(struct session *s, const char *tag, uint64_t n)
{
	size_t words = strcspn(tag, "0123456789");

	if (strncmp(tag, "INSERT", 6) == 0)
		wire_put_command_count(reply_out(s), "INSERT 0", 8, n);
	else
		wire_put_command_count(reply_out(s), tag, words ? words - 1 : 0, n);
}

void portal_give_rows(struct session *s, struct portal *p, int32_t max_rows)
{
	struct wire_msg m;
	int32_t n = 0;

	while ((max_rows <= 0 || n < max_rows) &&
	       wire_next(buf_head(&p->rows), buf_len(&p->rows), UINT32_MAX, &m) == WIRE_OK) {
		stream_write(&s->stream, buf_head(&p->rows), wire_size(&m));
		buf_consume(&p->rows, wire_size(&m));
		n++;
	}
	if (max_rows > 0 && n == max_rows) {
		wire_put_portal_suspended(reply_out(s));
		return;
	}
	if (p->tag[0] && p->plan && !p->plan->returns_rows)
		reply_tag(s, p->tag); /* what was written */
	else
		put_count(s, p->tag[0] ? p->tag : "SELECT 0", (uint64_t)n); /* of this fetch only */
	p->is_done = true;
}

/* Executed to its end before: nothing more for a query, an error for everything else. */
bool portal_run_again(struct session *s, struct portal *p)
{
	struct err err = ERR_INIT;

	if (p->prepared->description) {
		put_count(s, p->tag[0] ? p->tag : "SELECT 0", 0);
		return true;
	}
	err_set_code(&err, STATUS_INVALID, "55000", "portal \"%s\" cannot be run", p->name);
	return extended_fail(s, &err);
}
