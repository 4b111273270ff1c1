#include "pgmosaic/catalog/pq_params.h"

#include <libpq-fe.h>
#include <string.h>

/* What the DSN says of its own user, or what the proxy sets itself. */
static bool is_left_out(const char *keyword)
{
	static const char *const names[] = { "user", "password", "scram_client_key",
					     "scram_server_key", "client_encoding" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], keyword) == 0)
			return true;
	return false;
}

static enum status unreadable(struct err *err, char *message)
{
	const char *text = message ? message : "out of memory";

	err_set(err, STATUS_INVALID, "the connection string cannot be read: %.*s",
		(int)strcspn(text, "\n"), text);
	PQfreemem(message);
	return STATUS_INVALID;
}

enum status pq_params_read(struct arena *a, const char *dsn, struct pq_params *out, struct err *err)
{
	char *message = NULL;
	PQconninfoOption *options = PQconninfoParse(dsn, &message);
	unsigned n = 0;

	if (!options)
		return unreadable(err, message);
	while (options[n].keyword)
		n++;
	out->keys = arena_array(a, const char *, n + PQ_PARAMS_SPARE + 1);
	out->values = arena_array(a, const char *, n + PQ_PARAMS_SPARE + 1);
	out->n = 0;
	for (PQconninfoOption *o = options; o->keyword; o++)
		if (o->val && *o->val && !is_left_out(o->keyword))
			pq_params_put(out, arena_strdup(a, o->keyword), arena_strdup(a, o->val));
	PQconninfoFree(options);
	return STATUS_OK;
}

void pq_params_put(struct pq_params *p, const char *key, const char *value)
{
	p->keys[p->n] = key;
	p->values[p->n++] = value;
}
