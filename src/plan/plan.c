/* plan_build(): parse, dispatch on the kind of statement, and the plan's life. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pgmosaic/base/mem.h"
#include "internal.h"

enum status build_refuse(struct build *b, const char *hint, const char *format, ...)
{
	char text[384];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	err_set(b->err, STATUS_UNROUTED, "%s", text);
	err_hint(b->err, "%s", hint);
	return STATUS_UNROUTED;
}

void scatter_refuse(struct build *b, const char *hint, const char *format, ...)
{
	char text[384];
	if (b->scatter.status != STATUS_OK)
		return;
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	err_set(&b->scatter, STATUS_UNROUTED, "%s cannot be run exactly", text);
	err_hint(&b->scatter, "%s", hint);
}

void build_explain(struct build *b, const char *format, ...)
{
	char text[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	const char *before = b->plan->explanation;
	b->plan->explanation = before ? arena_printf(&b->plan->arena, "%s\n%s", before, text)
				      : arena_strdup(&b->plan->arena, text);
}

static struct plan *plan_create(void)
{
	struct plan *p = mem_zero(1, sizeof(*p));
	arena_init(&p->arena, 0);
	p->refs = 1;
	p->must_be_shard = -1;
	p->n_output = -1;
	p->class = PLAN_QUERY;
	p->target = TARGET_SHARD;
	p->tag = "";
	return p;
}

void plan_hold(struct plan *plan)
{
	plan->refs++;
}

void plan_drop(struct plan *plan)
{
	if (!plan || --plan->refs > 0)
		return;
	arena_finish(&plan->arena);
	free(plan);
}

void query_judge(struct build *b, const struct err *refusal)
{
	struct plan *p = b->plan;
	p->judge = true;
	p->class = PLAN_QUERY;
	p->target = TARGET_SHARD;
	p->shard = b->map->home;
	p->refusal = *refusal;
	p->exact_text = true;
	p->keys = (struct key_set){ 0 };
	build_explain(b, "refused: %s", refusal->message);
}

/* The grammar of this version rejects it: PostgreSQL itself says what is wrong. */
static enum status judge_syntax(struct build *b, const struct err *syntax)
{
	struct err refusal = ERR_INIT;
	err_set(&refusal, STATUS_UNROUTED,
		"the statement is not known to this proxy's SQL grammar");
	err_detail(&refusal, "%s", syntax->message);
	err_hint(&refusal, "The grammar is PostgreSQL 15's; write the statement in its terms.");
	refusal.position = syntax->position;
	query_judge(b, &refusal);
	b->plan->tag = "";
	return STATUS_OK;
}

static bool is_query(const struct node *n)
{
	return n->kind == NODE_SelectStmt || n->kind == NODE_InsertStmt ||
	       n->kind == NODE_UpdateStmt || n->kind == NODE_DeleteStmt ||
	       n->kind == NODE_MergeStmt;
}

static enum status dispatch(struct build *b)
{
	bool is_local = false;
	if (!b->tree) { /* nothing but comments */
		b->plan->target = TARGET_ANY;
		b->plan->shard = b->map->home;
		return STATUS_OK;
	}
	if (is_query(b->tree))
		return plan_query(b, b->tree);
	b->plan->exact_text = true;
	enum status st = plan_local(b, b->tree, &is_local);
	if (is_local || st != STATUS_OK)
		return st;
	return plan_utility(b, b->tree);
}

static enum status build_all(struct build *b)
{
	struct err syntax = ERR_INIT;
	enum status st = parse_statement(b->a, b->req->text, b->req->scan, &b->tree, &syntax);
	if (st == STATUS_SYNTAX)
		return judge_syntax(b, &syntax);
	if (st != STATUS_OK) {
		*b->err = syntax;
		return st;
	}
	names_setup(b);
	b->n_param_uses = b->req->scan->max_param;
	b->param_uses = arena_array(b->a, unsigned, b->n_param_uses + 1);
	st = dispatch(b);
	return st == STATUS_OK && b->tree ? temporary_finish(b, b->tree) : st;
}

enum status plan_build(const struct plan_request *req, struct plan **out, struct err *err)
{
	struct arena scratch;
	arena_init(&scratch, 0);
	struct plan *p = plan_create();
	struct build b = { .req = req,
			   .map = req->world->map,
			   .schema = req->world->schema,
			   .a = &scratch,
			   .plan = p,
			   .err = err };
	p->shard = b.map->home;
	enum status st = build_all(&b);
	arena_finish(&scratch);
	if (st != STATUS_OK) {
		plan_drop(p);
		return st;
	}
	*out = p;
	return STATUS_OK;
}

/* Characters before byte `at`. */
static int characters(struct str text, size_t at)
{
	int n = 0;
	for (size_t i = 0; i < at && i < text.n; i++)
		n += ((unsigned char)text.p[i] & 0xC0) != 0x80;
	return n;
}

static size_t byte_of(struct str text, int position)
{
	size_t i = 0;
	for (int n = 0; i < text.n; i++) {
		n += ((unsigned char)text.p[i] & 0xC0) != 0x80;
		if (n == position)
			break;
	}
	return i;
}

static bool is_word(char c)
{
	return (c & 0x80) || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* Inside of what was replaced: where the word at the error first stands in the client's own
 * words; their beginning when it does not. */
static size_t word_in(struct str client, const struct plan_splice *s, struct str word)
{
	size_t n = 0, end = (size_t)s->at + s->removed;

	while (n < word.n && is_word(word.p[n]))
		n++;
	n = n ? n : 1;
	for (size_t at = s->at; at + n <= end && end <= client.n && n <= word.n; at++)
		if (memcmp(client.p + at, word.p, n) == 0 &&
		    (at == s->at || !is_word(client.p[at - 1])) &&
		    (at + n == end || !is_word(client.p[at + n])))
			return at;
	return s->at;
}

int plan_client_position(const struct plan *plan, struct str client_text, int shard_position)
{
	if (shard_position <= 0 || !plan->text || plan->n_splices == 0)
		return shard_position;
	size_t at = byte_of(str_of(plan->text), shard_position);
	size_t shift_in = 0, shift_out = 0; /* bytes put in and taken out before `at` */
	for (unsigned i = 0; i < plan->n_splices; i++) {
		const struct plan_splice *s = &plan->splices[i];
		size_t start = s->at - shift_out + shift_in;
		if (at < start)
			break;
		if (at < start + s->inserted)
			return characters(client_text,
					  word_in(client_text, s, str_of(plan->text + at))) +
			       1;
		shift_in += s->inserted;
		shift_out += s->removed;
	}
	return characters(client_text, at - shift_in + shift_out) + 1;
}
