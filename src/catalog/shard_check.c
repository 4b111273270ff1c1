/* Is this server fit to be a shard? One query, then a list of rules. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgmosaic/catalog/pq.h"
#include "pgmosaic/catalog/shard.h"
#include "shard_internal.h"

enum fact {
	FACT_VERSION,
	FACT_PREPARED,
	FACT_SUPERUSER,
	FACT_ENCODING,
	FACT_STRINGS,
	FACT_WAL_LEVEL,
	FACT_RECOVERY,
	FACT_PROVIDER,
	FACT_COLLATE,
	FACT_CTYPE,
	FACT_COLLATION_VERSION,
	FACT_INTEGER_DATETIMES,
	FACT_MAX_CONNECTIONS,
	FACT_ISOLATION,
	N_FACTS,
};

static const char facts_query[] =
	"SELECT current_setting('server_version_num'), current_setting('max_prepared_transactions'), "
	"(SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user), "
	"pg_encoding_to_char(d.encoding), current_setting('standard_conforming_strings'), "
	"current_setting('wal_level'), pg_is_in_recovery(), coalesce(j->>'datlocprovider', 'c'), "
	"coalesce(j->>'datlocale', j->>'daticulocale', d.datcollate), d.datctype, "
	"coalesce(j->>'datcollversion', ''), current_setting('integer_datetimes'), "
	"current_setting('max_connections'), current_setting('default_transaction_isolation') "
	"FROM pg_catalog.pg_database d, pg_catalog.to_jsonb(d) j WHERE d.datname = current_database()";

enum level { WARNING, FAULT };

/* SQLSTATE 55000: the server is not in the state that this needs. */
static void add_fault(struct shard_faults *f, enum level level, const char *cure,
		      const char *format, ...) __attribute__((format(printf, 4, 5)));

static void add_fault(struct shard_faults *f, enum level level, const char *cure,
		      const char *format, ...)
{
	struct err *list = level == FAULT ? f->items : f->warnings;
	unsigned *n = level == FAULT ? &f->n : &f->n_warnings;
	char text[384];
	va_list args;

	if (*n == SHARD_MAX_FAULTS)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	list[*n] = (struct err)ERR_INIT;
	err_set_code(&list[*n], STATUS_INVALID, "55000", "%s", text);
	err_hint(&list[*n], "%s", cure);
	++*n;
}

struct facts {
	char who[160];
	char value[N_FACTS][128];
};

/* false: the server could not be asked, which is a fault of its own. */
static bool read_facts(const char *dsn, struct shard_faults *f, struct facts *facts)
{
	struct pq pq = { .pg = NULL };
	struct err err = ERR_INIT;
	PGresult *res = NULL;

	if (pq_open(&pq, NULL, dsn, SHARD_CONNECT_TIMEOUT_S, &err) == STATUS_OK)
		res = pq_query(&pq, &err, facts_query, 0);
	snprintf(facts->who, sizeof(facts->who), "%s", pq.who);
	if (!res && f->n < SHARD_MAX_FAULTS)
		f->items[f->n++] = err;
	for (int i = 0; res && i < N_FACTS; i++)
		snprintf(facts->value[i], sizeof(facts->value[i]), "%s", PQgetvalue(res, 0, i));
	pq_close(&pq);
	PQclear(res);
	return res != NULL;
}

static bool is(const struct facts *f, enum fact fact, const char *value)
{
	return strcmp(f->value[fact], value) == 0;
}

static int number(const struct facts *f, enum fact fact)
{
	return atoi(f->value[fact]);
}

static void check_server(const struct facts *s, struct shard_faults *f)
{
	if (number(s, FACT_VERSION) < 140000)
		add_fault(f, FAULT, "Upgrade it to PostgreSQL 14 or later.",
			  "%s: PostgreSQL %d is too old", s->who, number(s, FACT_VERSION) / 10000);
	if (is(s, FACT_RECOVERY, "t"))
		add_fault(f, FAULT,
			  "Let the dsn lead to the primary: add target_session_attrs=read-write.",
			  "%s: the server is a standby", s->who);
	if (is(s, FACT_PREPARED, "0"))
		add_fault(
			f, FAULT,
			"Set max_prepared_transactions to the number of server connections (for "
			"example 200) and restart PostgreSQL.",
			"%s: max_prepared_transactions is 0, so nothing that writes on several shards "
			"can commit",
			s->who);
	if (!is(s, FACT_SUPERUSER, "t"))
		add_fault(f, FAULT,
			  "Put a superuser into the dsn: recovery must end any role's prepared "
			  "transactions.",
			  "%s: the dsn's user is no superuser", s->who);
	if (!is(s, FACT_WAL_LEVEL, "logical"))
		add_fault(f, WARNING,
			  "Set wal_level = logical and restart before chunks are to be moved.",
			  "%s: wal_level is %s", s->who, s->value[FACT_WAL_LEVEL]);
	if (is(s, FACT_ISOLATION, "serializable"))
		add_fault(f, WARNING, "Set default_transaction_isolation = 'read committed'.",
			  "%s: transactions are SERIALIZABLE by default, but each shard for itself",
			  s->who);
}

static void check_text(const struct facts *s, struct shard_faults *f)
{
	if (!is(s, FACT_ENCODING, "UTF8"))
		add_fault(f, FAULT, "Use a database created with ENCODING 'UTF8'.",
			  "%s: the database's encoding is %s", s->who, s->value[FACT_ENCODING]);
	if (!is(s, FACT_STRINGS, "on"))
		add_fault(f, FAULT, "Set standard_conforming_strings = on.",
			  "%s: standard_conforming_strings is off", s->who);
	if (!is(s, FACT_INTEGER_DATETIMES, "on"))
		add_fault(f, FAULT, "Use a PostgreSQL built with integer datetimes.",
			  "%s: integer_datetimes is off", s->who);
}

void shard_check(const char *dsn, struct shard_faults *faults)
{
	struct facts s;

	*faults = (struct shard_faults){ .n = 0 };
	if (!read_facts(dsn, faults, &s))
		return;
	check_server(&s, faults);
	check_text(&s, faults);
}

void shard_compare(const char *dsn, const char *home_dsn, struct shard_faults *faults)
{
	static const struct {
		enum fact fact;
		const char *name;
	} same[] = {
		{ FACT_PROVIDER, "collation provider" },
		{ FACT_COLLATE, "collation" },
		{ FACT_CTYPE, "character classification" },
		{ FACT_COLLATION_VERSION, "collation version" },
	};
	struct facts s, home;

	if (!read_facts(dsn, faults, &s) || !read_facts(home_dsn, faults, &home))
		return;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (!is(&s, same[i].fact, home.value[same[i].fact]))
			add_fault(
				faults, FAULT,
				"Create the database with the same locale, on the same C library or ICU.",
				"%s: the %s is \"%s\", that of %s is \"%s\"", s.who, same[i].name,
				s.value[same[i].fact], home.who, home.value[same[i].fact]);
	if (number(&s, FACT_VERSION) / 10000 != number(&home, FACT_VERSION) / 10000)
		add_fault(faults, WARNING, "Run the same major version on all shards.",
			  "%s: PostgreSQL %d, but %s has %d", s.who,
			  number(&s, FACT_VERSION) / 10000, home.who,
			  number(&home, FACT_VERSION) / 10000);
}

void shard_faults_finish(struct shard_faults *faults)
{
	faults->n = faults->n_warnings = 0; /* they own nothing so far */
}
