/* The tables of the catalog's schema, as SQL. One text, run under an advisory lock when the
 * version is missing or older. docs/internals/catalog.md explains each. */
#ifndef CATALOG_STORE_TABLES_H
#define CATALOG_STORE_TABLES_H

static const char store_tables[] =
	"CREATE SCHEMA IF NOT EXISTS mosaic;"
	"CREATE TABLE IF NOT EXISTS mosaic.cluster ("
	" only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),"
	" id text NOT NULL DEFAULT substr(md5(gen_random_uuid()::text), 1, 16),"
	" version integer NOT NULL, epoch bigint NOT NULL,"
	" created_at timestamptz NOT NULL DEFAULT now());"
	"CREATE TABLE IF NOT EXISTS mosaic.shards ("
	" id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	" name text NOT NULL UNIQUE, dsn text NOT NULL, replicas text,"
	" weight integer NOT NULL DEFAULT 1 CHECK (weight BETWEEN 0 AND 1000000));"
	"CREATE TABLE IF NOT EXISTS mosaic.distributions ("
	" id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE,"
	" method text NOT NULL CHECK (method = 'hash'),"
	" function text NOT NULL CHECK (function IN ('pg', 'xxh3')),"
	" types oid[] NOT NULL CHECK (cardinality(types) BETWEEN 1 AND 4));"
	"CREATE TABLE IF NOT EXISTS mosaic.chunks ("
	" distribution integer NOT NULL REFERENCES mosaic.distributions ON DELETE CASCADE,"
	" id integer NOT NULL, lo bigint NOT NULL, hi bigint NOT NULL CHECK (lo <= hi),"
	" shard integer NOT NULL REFERENCES mosaic.shards,"
	" PRIMARY KEY (distribution, id), UNIQUE (distribution, lo));"
	"CREATE INDEX IF NOT EXISTS chunks_shard ON mosaic.chunks (shard);"
	"CREATE TABLE IF NOT EXISTS mosaic.tables ("
	" schema text NOT NULL, name text NOT NULL,"
	" kind text NOT NULL CHECK (kind IN ('sharded', 'reference', 'single')),"
	" distribution integer REFERENCES mosaic.distributions,"
	" key_columns text[], home integer REFERENCES mosaic.shards,"
	" PRIMARY KEY (schema, name),"
	" CHECK ((kind = 'sharded') = (distribution IS NOT NULL AND key_columns IS NOT NULL)),"
	" CHECK ((kind = 'single') = (home IS NOT NULL)));"
	"CREATE TABLE IF NOT EXISTS mosaic.proxies ("
	" incarnation bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	" name text NOT NULL, version text NOT NULL,"
	" started_at timestamptz NOT NULL DEFAULT now(),"
	" heartbeat timestamptz NOT NULL DEFAULT clock_timestamp(),"
	" acked_epoch bigint NOT NULL DEFAULT 0);"
	"CREATE TABLE IF NOT EXISTS mosaic.intents ("
	" id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	" incarnation bigint NOT NULL, user_name text NOT NULL,"
	" abandoned boolean NOT NULL DEFAULT false,"
	" at timestamptz NOT NULL DEFAULT clock_timestamp());"
	"CREATE TABLE IF NOT EXISTS mosaic.intent_changes ("
	" intent bigint NOT NULL REFERENCES mosaic.intents ON DELETE CASCADE,"
	" place integer NOT NULL,"
	" kind text NOT NULL CHECK (kind IN ('sharded', 'reference', 'drop', 'rename')),"
	" schema text NOT NULL, name text NOT NULL, new_schema text, new_name text,"
	" distribution text, key_columns text[],"
	" PRIMARY KEY (intent, place));"
	"CREATE TABLE IF NOT EXISTS mosaic.audit ("
	" id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	" at timestamptz NOT NULL DEFAULT clock_timestamp(), user_name text NOT NULL,"
	" epoch bigint NOT NULL, what text NOT NULL);"
	"REVOKE ALL ON SCHEMA mosaic FROM PUBLIC;";

/* STORE_VERSION is one more than there are upgrades.
 * store_upgrades[n]: from version n + 1 to the next. A new catalog goes through all of them. */
static const char *const store_upgrades[] = {
	"ALTER TABLE mosaic.distributions DROP CONSTRAINT distributions_method_check,"
	" ADD CONSTRAINT distributions_method_check CHECK (method IN ('hash', 'range', 'directory')),"
	" ADD COLUMN policy text CHECK (policy IN ('round_robin', 'least_loaded', 'on_shard')),"
	" ADD COLUMN policy_shard integer REFERENCES mosaic.shards,"
	" ADD COLUMN next_slot bigint NOT NULL DEFAULT 0;"
	"ALTER TABLE mosaic.chunks ALTER COLUMN lo DROP NOT NULL, ALTER COLUMN hi DROP NOT NULL,"
	" ADD COLUMN bound text, ADD CONSTRAINT chunks_bound UNIQUE (distribution, bound);"
	"CREATE TABLE mosaic.keys ("
	" distribution integer NOT NULL REFERENCES mosaic.distributions ON DELETE CASCADE,"
	" key bytea NOT NULL, key_text text[] NOT NULL,"
	" shard integer NOT NULL REFERENCES mosaic.shards,"
	" placed_at timestamptz NOT NULL DEFAULT clock_timestamp(),"
	" PRIMARY KEY (distribution, key));"
	"CREATE INDEX keys_shard ON mosaic.keys (shard);",
};

#endif
