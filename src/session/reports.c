/* What a client has been told of its settings (ParameterStatus).
 *
 * Nearly all clients have been told the same, so a worker keeps each set of values once and
 * sessions share it; one that differs gets a set of its own. The application's name is the
 * exception: it stands in the session. */
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"
#include "pgmosaic/base/mem.h"

struct reports {
	struct list node; /* of worker.reports */
	unsigned refs, n;
	struct conn_parameter items[CONN_PARAMETERS]; /* zeroed behind each text */
};

void reports_drop(struct session *s)
{
	struct reports *r = s->reports;

	s->reports = NULL;
	if (!r || --r->refs)
		return;
	list_remove(&r->node);
	free(r);
}

/* A set that is this session's alone. */
static struct reports *own_reports(struct session *s)
{
	struct reports *r = s->reports, *copy;

	if (r && r->refs == 1)
		return r;
	copy = mem_zero(1, sizeof(*copy));
	if (r) {
		memcpy(copy->items, r->items, sizeof(r->items));
		copy->n = r->n;
		r->refs--;
	}
	copy->refs = 1;
	list_push_front(&s->w->reports, &copy->node);
	s->reports = copy;
	return copy;
}

static void share(struct session *s)
{
	struct reports *mine = s->reports;
	struct list *node;

	list_for_each(node, &s->w->reports)
	{
		struct reports *r = list_entry(node, struct reports, node);

		if (r == mine || r->n != mine->n ||
		    memcmp(r->items, mine->items, sizeof(r->items)) != 0)
			continue;
		r->refs++;
		reports_drop(s);
		s->reports = r;
		return;
	}
}

static int find(const struct reports *r, const char *name)
{
	for (unsigned i = 0; r && i < r->n; i++)
		if (strcmp(r->items[i].name, name) == 0)
			return (int)i;
	return -1;
}

static bool report_application(struct session *s, const char *value)
{
	bool is_new = !s->is_application_told || strcmp(s->application_name, value) != 0;

	s->is_application_told = true;
	snprintf(s->application_name, sizeof(s->application_name), "%s", value);
	return is_new;
}

bool session_report(struct session *s, const char *name, const char *value)
{
	int at = find(s->reports, name);
	struct reports *r;

	if (strcmp(name, "application_name") == 0)
		return report_application(s, value);
	if (at >= 0 && strcmp(s->reports->items[at].value, value) == 0)
		return false;
	if (at < 0 && s->reports && s->reports->n == CONN_PARAMETERS)
		return false;
	r = own_reports(s);
	if (at < 0)
		at = (int)r->n++;
	memset(&r->items[at], 0, sizeof(r->items[at]));
	snprintf(r->items[at].name, sizeof(r->items[at].name), "%s", name);
	snprintf(r->items[at].value, sizeof(r->items[at].value), "%s", value);
	share(s);
	return true;
}
