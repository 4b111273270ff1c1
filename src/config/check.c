/* Rules that concern more than one key, and what is derived from others. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "reader.h"
#include "values.h"

static void fault_at(struct reader *r, int line, const char *list, unsigned i, const char *field,
		     const char *what, const char *fix)
{
	char key[160];

	snprintf(key, sizeof(key), "%s[%u]%s%s", list, i, *field ? "." : "", field);
	reader_fault(r, line, key, what, fix);
}

static void check_pool(struct reader *r)
{
	if (r->cfg->pool.min_size > r->cfg->pool.size)
		reader_fault(r, reader_line(r, "pool.min_size"), "pool.min_size",
			     "is greater than pool.size", "write at most pool.size");
}

static void check_http(struct reader *r)
{
	if (r->cfg->http.n && r->cfg->http.items[0].unix_dir)
		reader_fault(r, reader_line(r, "http"), "http", "is a unix socket",
			     "write host:port, or [] for none");
}

static bool has_user_before(const struct config *cfg, unsigned i)
{
	for (unsigned j = 0; j < i; j++)
		if (cfg->users[j].name && strcmp(cfg->users[j].name, cfg->users[i].name) == 0)
			return true;
	return false;
}

static void check_users(struct reader *r)
{
	for (unsigned i = 0; i < r->cfg->n_users; i++) {
		struct config_user *u = &r->cfg->users[i];

		if (u->name && has_user_before(r->cfg, i))
			fault_at(r, u->line, "auth.users", i, "name",
				 "is a user that stands above already", "keep one of them");
		u->password_kind = value_password_kind(u->password);
		if (!u->server_password && u->password_kind == PASSWORD_PLAIN)
			u->server_password = u->password;
	}
}

/* Where a method can work; NULL: it can. */
static const char *method_misplaced(const struct config *cfg, const struct config_rule *rule,
				    const char **fix)
{
	switch (rule->method) {
	case METHOD_CERT:
		*fix = "write type: hostssl, and tls.ca to check the certificates with";
		return rule->type == RULE_HOSTSSL && cfg->tls.ca
			       ? NULL
			       : "cert needs type hostssl and tls.ca";
	case METHOD_PEER:
		*fix = "write type: local";
		return rule->type == RULE_LOCAL ? NULL : "peer works on unix sockets only";
	case METHOD_PASSWORD:
		*fix = "write type: hostssl, or auth.password_without_tls: true if the network is yours";
		return rule->type != RULE_HOSTNOSSL || cfg->password_without_tls
			       ? NULL
			       : "password would send the password in clear";
	case METHOD_SCRAM:
	case METHOD_MD5:
	case METHOD_TRUST:
	case METHOD_REJECT: return NULL;
	}
	return NULL;
}

static void check_rule(struct reader *r, unsigned i)
{
	struct config_rule *rule = &r->cfg->rules[i];
	const char *wrong = value_read_network(rule), *fix = NULL;

	if (rule->type == RULE_LOCAL && strcmp(rule->address, "all") != 0)
		wrong = "does not go with type local";
	if (wrong)
		fault_at(r, rule->line, "auth.rules", i, "address", wrong,
			 "write all, or an address with its prefix or mask such as 10.0.0.0/8");
	wrong = method_misplaced(r->cfg, rule, &fix);
	if (wrong)
		fault_at(r, rule->line, "auth.rules", i, "method", wrong, fix);
	if (rule->type == RULE_HOSTSSL && r->cfg->tls.mode == TLS_DISABLE)
		fault_at(r, rule->line, "auth.rules", i, "type",
			 "hostssl never matches without TLS",
			 "write tls: { mode: allow, cert: …, key: … }");
}

static void check_rules(struct reader *r)
{
	static const char *const all[] = { "all" };
	struct config *cfg = r->cfg;

	for (unsigned i = 0; i < cfg->n_rules; i++)
		check_rule(r, i);
	if (cfg->n_rules)
		return;
	cfg->rules = arena_array(&cfg->arena, struct config_rule, 2);
	cfg->n_rules = 2;
	for (unsigned i = 0; i < 2; i++) {
		const char **names = arena_copy(&cfg->arena, all, sizeof(all));

		cfg->rules[i].type = i ? RULE_LOCAL : RULE_HOST;
		cfg->rules[i].databases = cfg->rules[i].users = (struct config_strings){ names, 1 };
		cfg->rules[i].address = "all";
		cfg->rules[i].method = METHOD_SCRAM;
	}
}

static void check_tls(struct reader *r)
{
	const struct config_tls *tls = &r->cfg->tls;
	int line = reader_line(r, "tls");

	if (tls->mode != TLS_DISABLE && !tls->cert)
		reader_fault(r, line, "tls.cert", "is missing",
			     "write the path of the certificate");
	if (tls->mode != TLS_DISABLE && !tls->key)
		reader_fault(r, line, "tls.key", "is missing", "write the path of the private key");
	if (tls->mode >= TLS_VERIFY_CA && !tls->ca)
		reader_fault(r, line, "tls.ca", "is missing",
			     "write the path of the certificates that sign the clients'");
}

static void check_auth_query(struct reader *r)
{
	if (!r->cfg->auth_query.user && reader_line(r, "auth.query"))
		reader_fault(r, reader_line(r, "auth.query"), "auth.query.user", "is missing",
			     "write the name of the role that runs the query");
}

static bool has_shard(const struct config *cfg, const char *name, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (cfg->shards[i].name && strcmp(cfg->shards[i].name, name) == 0)
			return true;
	return false;
}

static bool has_distribution(const struct config *cfg, const char *name, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (cfg->distributions[i].name && strcmp(cfg->distributions[i].name, name) == 0)
			return true;
	return false;
}

static bool has_table_before(const struct config *cfg, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (cfg->tables[i].name && strcmp(cfg->tables[i].name, cfg->tables[n].name) == 0)
			return true;
	return false;
}

static void check_dsns(struct reader *r)
{
	static const char fix[] =
		"write keyword=value pairs, such as \"host=10.0.0.1 dbname=app\", or a URI";
	struct config *cfg = r->cfg;

	if (cfg->catalog_dsn && !dsn_is_well_formed(cfg->catalog_dsn))
		reader_fault(r, reader_line(r, "catalog.dsn"), "catalog.dsn",
			     "is not a connection string", fix);
	for (unsigned i = 0; i < cfg->n_shards; i++)
		if (cfg->shards[i].dsn && !dsn_is_well_formed(cfg->shards[i].dsn))
			fault_at(r, cfg->shards[i].line, "bootstrap.shards", i, "dsn",
				 "is not a connection string", fix);
}

/* The built-in types that rows can be routed by; their names as CREATE DISTRIBUTION takes them. */
static bool is_key_type(const char *name)
{
	static const char *const names[] = { "bigint",
					     "int8",
					     "integer",
					     "int",
					     "int4",
					     "smallint",
					     "int2",
					     "text",
					     "varchar",
					     "character varying",
					     "uuid",
					     "numeric",
					     "decimal",
					     "character",
					     "char",
					     "bpchar",
					     "date",
					     "timestamp",
					     "timestamp without time zone",
					     "timestamptz",
					     "timestamp with time zone",
					     "boolean",
					     "bool",
					     "bytea",
					     "inet",
					     "cidr" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(names[i], name) == 0)
			return true;
	return false;
}

static void check_key_types(struct reader *r, unsigned i)
{
	const struct config_distribution *d = &r->cfg->distributions[i];

	for (unsigned k = 0; k < d->types.n; k++)
		if (!is_key_type(d->types.items[k]))
			fault_at(
				r, d->line, "bootstrap.distributions", i, "types",
				"names a type that cannot be a shard key",
				"write bigint, integer, smallint, numeric, text, varchar, char, uuid, "
				"date, timestamp, timestamptz, boolean, bytea, inet or cidr");
}

static void check_shards(struct reader *r)
{
	struct config *cfg = r->cfg;

	check_dsns(r);

	for (unsigned i = 0; i < cfg->n_shards; i++)
		if (cfg->shards[i].name && has_shard(cfg, cfg->shards[i].name, i))
			fault_at(r, cfg->shards[i].line, "bootstrap.shards", i, "name",
				 "is a shard that stands above already", "write another name");
	if (!cfg->n_shards && (cfg->n_distributions || cfg->n_tables))
		reader_fault(r, reader_line(r, "bootstrap"), "bootstrap.shards",
			     "missing required key", "write at least one shard");
}

/* The method, and that nothing of another one is given. */
static void check_method(struct reader *r, unsigned i)
{
	const struct config_distribution *d = &r->cfg->distributions[i];
	bool is_range = strcmp(d->method, "range") == 0;
	bool is_directory = strcmp(d->method, "directory") == 0;

	if (!is_range && !is_directory && strcmp(d->method, "hash") != 0)
		fault_at(r, d->line, "bootstrap.distributions", i, "method",
			 "has a value that is not known", "write hash, range or directory");
	if (d->split_at.n && !is_range)
		fault_at(r, d->line, "bootstrap.distributions", i, "split_at",
			 "is for method range", "write method: range, or leave it out");
	if (d->new_keys_on && !is_directory)
		fault_at(r, d->line, "bootstrap.distributions", i, "new_keys_on",
			 "is for method directory", "write method: directory, or leave it out");
	else if (d->new_keys_on && !has_shard(r->cfg, d->new_keys_on, r->cfg->n_shards))
		fault_at(r, d->line, "bootstrap.distributions", i, "new_keys_on",
			 "names a shard that bootstrap.shards does not have",
			 "write the name of one of bootstrap.shards");
	if (strcasecmp(d->new_keys, "round robin") != 0 &&
	    strcasecmp(d->new_keys, "least loaded") != 0)
		fault_at(r, d->line, "bootstrap.distributions", i, "new_keys",
			 "has a value that is not known", "write round robin or least loaded");
}

static void check_distributions(struct reader *r)
{
	struct config *cfg = r->cfg;

	for (unsigned i = 0; i < cfg->n_distributions; i++) {
		const struct config_distribution *d = &cfg->distributions[i];

		check_key_types(r, i);
		if (d->name && has_distribution(cfg, d->name, i))
			fault_at(r, d->line, "bootstrap.distributions", i, "name",
				 "is a distribution that stands above already",
				 "write another name");
		check_method(r, i);
		if (strcmp(d->function, "pg") != 0 && strcmp(d->function, "xxh3") != 0)
			fault_at(r, d->line, "bootstrap.distributions", i, "function",
				 "has a value that is not known", "write pg or xxh3");
	}
}

static void check_table(struct reader *r, unsigned i)
{
	const struct config *cfg = r->cfg;
	const struct config_table *t = &cfg->tables[i];
	unsigned kinds = (t->shard_key.n > 0) + t->reference + (t->single != NULL);

	if (kinds != 1)
		fault_at(r, t->line, "bootstrap.tables", i, "",
			 kinds ? "has more than one of shard_key, reference and single"
			       : "has none of shard_key, reference and single",
			 "write exactly one of them");
	if (t->name && has_table_before(cfg, i))
		fault_at(r, t->line, "bootstrap.tables", i, "name",
			 "is a table that stands above already", "keep one of them");
	if (t->single && !has_shard(cfg, t->single, cfg->n_shards))
		fault_at(r, t->line, "bootstrap.tables", i, "single",
			 "names a shard that bootstrap.shards does not have",
			 "write the name of one of bootstrap.shards");
	if (t->distribution && !t->shard_key.n)
		fault_at(r, t->line, "bootstrap.tables", i, "distribution",
			 "goes only with shard_key", "remove it, or write shard_key");
	else if (t->distribution && !has_distribution(cfg, t->distribution, cfg->n_distributions))
		fault_at(r, t->line, "bootstrap.tables", i, "distribution",
			 "names a distribution that bootstrap.distributions does not have",
			 "write the name of one of bootstrap.distributions, or leave it out");
}

void config_check(struct reader *r)
{
	struct config *cfg = r->cfg;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (cfg->workers == 0)
		cfg->workers = cores < 1 ? 1 : cores > 256 ? 256 : (uint32_t)cores;
	check_http(r);
	check_pool(r);
	check_users(r);
	check_tls(r);
	check_rules(r);
	check_auth_query(r);
	check_shards(r);
	check_distributions(r);
	for (unsigned i = 0; i < cfg->n_tables; i++)
		check_table(r, i);
}
