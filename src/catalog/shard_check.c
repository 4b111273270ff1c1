/* Is this server fit to be a shard? One query, then a list of rules. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgmosaic/catalog/pq.h"
#include "pgmosaic/catalog/shard.h"

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

static void add_fault(struct shard_faults *f, enum shard_fault_level level, const char *fix,
		      const char *format, ...) __attribute__((format(printf, 4, 5)));

static void add_fault(struct shard_faults *f, enum shard_fault_level level, const char *fix,
		      const char *format, ...)
{
	struct shard_fault *fault = arena_new(&f->arena, struct shard_fault);
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fault->level = level;
	fault->text = arena_strdup(&f->arena, text);
	fault->fix = arena_strdup(&f->arena, fix);
	if (f->last)
		f->last->next = fault;
	else
		f->first = fault;
	f->last = fault;
	f->n_errors += level == FAULT_ERROR;
}

/* false: the server could not be asked, which is a fault of its own. */
static bool read_facts(const struct shard_server *s, struct shard_faults *f,
		       const char *facts[N_FACTS])
{
	struct pq pq = { .pg = NULL };
	struct err err = ERR_INIT;
	PGresult *res = NULL;

	if (pq_open(&pq, s->who, s->dsn, s->connect_timeout_s, &err) == STATUS_OK)
		res = pq_query(&pq, &err, facts_query, 0);
	if (!res)
		add_fault(f, FAULT_ERROR, *err.hint ? err.hint : "Correct the shard's dsn.", "%s",
			  err.message);
	for (int i = 0; res && i < N_FACTS; i++)
		facts[i] = arena_strdup(&f->arena, PQgetvalue(res, 0, i));
	pq_close(&pq);
	if (!res)
		return false;
	PQclear(res);
	return true;
}

static void check_server(const struct shard_server *s, const char *const *facts, bool is_one_of_many,
			 struct shard_faults *f)
{
	if (atoi(facts[FACT_VERSION]) < 140000)
		add_fault(f, FAULT_ERROR, "Upgrade it to PostgreSQL 14 or later.",
			  "%s: PostgreSQL %d is too old", s->who, atoi(facts[FACT_VERSION]) / 10000);
	if (facts[FACT_RECOVERY][0] == 't')
		add_fault(f, FAULT_ERROR,
			  "Let the dsn lead to the primary: add target_session_attrs=read-write.",
			  "%s: the server is a standby", s->who);
	if (atoi(facts[FACT_PREPARED]) == 0)
		add_fault(f, is_one_of_many ? FAULT_ERROR : FAULT_WARNING,
			  "Set max_prepared_transactions to at least the number of server connections "
			  "(for example 200) and restart PostgreSQL.",
			  "%s: max_prepared_transactions is 0, so nothing that writes on several shards "
			  "can commit",
			  s->who);
	if (facts[FACT_SUPERUSER][0] != 't')
		add_fault(f, FAULT_ERROR,
			  "Put a superuser into the dsn: recovery must end any role's prepared "
			  "transaction.",
			  "%s: the dsn's user is no superuser", s->who);
	if (strcmp(facts[FACT_ENCODING], "UTF8") != 0)
		add_fault(f, FAULT_ERROR, "Use a database created with ENCODING 'UTF8'.",
			  "%s: the database's encoding is %s", s->who, facts[FACT_ENCODING]);
	if (strcmp(facts[FACT_STRINGS], "on") != 0)
		add_fault(f, FAULT_ERROR, "Set standard_conforming_strings = on.",
			  "%s: standard_conforming_strings is off", s->who);
	if (strcmp(facts[FACT_INTEGER_DATETIMES], "on") != 0)
		add_fault(f, FAULT_ERROR, "Use a PostgreSQL built with integer datetimes.",
			  "%s: integer_datetimes is off", s->who);
	if (strcmp(facts[FACT_WAL_LEVEL], "logical") != 0)
		add_fault(f, FAULT_WARNING,
			  "Set wal_level = logical and restart PostgreSQL before chunks are to be moved.",
			  "%s: wal_level is %s", s->who, facts[FACT_WAL_LEVEL]);
	if (strcmp(facts[FACT_ISOLATION], "serializable") == 0)
		add_fault(f, FAULT_WARNING, "Set default_transaction_isolation = 'read committed'.",
			  "%s: transactions are SERIALIZABLE by default, on each shard for itself",
			  s->who);
}

static void check_same(const struct shard_server *s, const char *const *facts,
		       const struct shard_server *home, const char *const *of_home,
		       struct shard_faults *f)
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

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		enum fact k = same[i].fact;

		if (strcmp(facts[k], of_home[k]) != 0)
			add_fault(f, FAULT_ERROR,
				  "Create the database with the same locale, on the same C library or ICU.",
				  "%s: the %s is \"%s\", that of %s is \"%s\"", s->who, same[i].name,
				  facts[k], home->who, of_home[k]);
	}
	if (atoi(facts[FACT_VERSION]) / 10000 != atoi(of_home[FACT_VERSION]) / 10000)
		add_fault(f, FAULT_WARNING, "Run the same major version on all shards.",
			  "%s: PostgreSQL %d, %s has %d", s->who, atoi(facts[FACT_VERSION]) / 10000,
			  home->who, atoi(of_home[FACT_VERSION]) / 10000);
}

void shard_check(const struct shard_server *s, const struct shard_server *home, bool is_one_of_many,
		 struct shard_faults *faults)
{
	const char *facts[N_FACTS], *of_home[N_FACTS];

	if (!read_facts(s, faults, facts))
		return;
	check_server(s, facts, is_one_of_many, faults);
	if (home && read_facts(home, faults, of_home))
		check_same(s, facts, home, of_home, faults);
}
