#!/usr/bin/env python3
"""Where keys lie: random keys of every type land where PostgreSQL's own hash says they must."""
import os
import subprocess

from lib import ROOT, Cluster, build, check, clean_environment, equal, main, psql, test

SEED = 8816678312871386365
ROWS = 2000

# type, random value, PostgreSQL's hash of column k
TYPES = [
    ("smallint", "((random() - 0.5) * 65530)::int2", "hashint8extended(k::int8, {seed})"),
    ("integer", "((random() - 0.5) * 4294967290)::int", "hashint8extended(k::int8, {seed})"),
    ("bigint", "((random() - 0.5) * 2 * 2 ^ (random() * 63))::numeric::bigint", "hashint8extended(k, {seed})"),
    ("text", "left(md5(random()::text) || 'äöü€', (random() * 36)::int)", "hashtextextended(k, {seed})"),
    ("varchar(20)", "left(md5(random()::text), (random() * 20)::int)", "hashtextextended(k, {seed})"),
    ("char(8)", "left(md5(random()::text), (random() * 8)::int)", "hashbpcharextended(k, {seed})"),
    ("uuid", "gen_random_uuid()", "uuid_hash_extended(k, {seed})"),
    ("date", "date '0001-01-01' + (random() * 3652058)::int", "hashint4extended(k - date '2000-01-01', {seed})"),
    ("timestamp", "timestamp '0001-01-01' + random() * interval '3652058 days'", "timestamp_hash_extended(k, {seed})"),
    ("timestamptz", "timestamptz '0001-01-01 00:00+00' + random() * interval '3652058 days'",
     "timestamp_hash_extended(k at time zone 'UTC', {seed})"),
    ("numeric", "((random() - 0.5) * 10 ^ (random() * 30 - 10))::numeric", "hash_numeric_extended(k, {seed})"),
    ("numeric(12,3)", "((random() - 0.5) * 10 ^ (random() * 8))::numeric", "hash_numeric_extended(k, {seed})"),
    ("bytea", "substr(sha512(random()::text::bytea), 1, (random() * 40)::int)",
     "(mod(hash_array_extended(ARRAY[k], {seed})::numeric - 31 + 9223372036854775808 + 18446744073709551616,"
     " 18446744073709551616) - 9223372036854775808)::bigint"),
    ("boolean", "random() < 0.5", "hashcharextended((k::int)::\"char\", {seed})"),
    ("inet", "set_masklen(inet '0.0.0.0' + (random() * 4294967295)::bigint, (random() * 32)::int)",
     "hashinetextended(k, {seed})"),
]


def run(dsn, sql, stdin=None):
    done = psql(dsn, "-At", "-v", "ON_ERROR_STOP=1", *(["-c", sql] if stdin is not None else []),
                stdin=sql if stdin is None else stdin)
    check(done.returncode == 0, sql, done.stdout, done.stderr)
    return done.stdout.strip()


def admin_rows(cluster, sql):
    done = cluster.admin(sql)
    check(done.returncode == 0, sql, done.stderr)
    return [line.split("\t") for line in done.stdout.splitlines()[1:]]


def refused(cluster, sql):
    done = cluster.admin(sql)
    check(done.returncode != 0, sql, "did not fail")
    return done.stderr


def misplaced(cluster, table, hash_sql, distribution):
    """Rows on another shard than their chunk's, by SQL on the shards."""
    chunks = [c for c in admin_rows(cluster, f"SHOW CHUNKS OF {distribution}")]
    n = 0
    for i, dsn in enumerate(cluster.shard_dsns(), 1):
        mine = " OR ".join(f"h BETWEEN {c[2]} AND {c[3]}" for c in chunks if c[4] == f"s{i}") or "false"
        mine = mine.replace("-9223372036854775808", "'-9223372036854775808'::bigint")
        n += int(run(dsn, f"SELECT count(*) FROM (SELECT coalesce({hash_sql}, 0) AS h FROM {table}) s WHERE NOT ({mine});"))
    return n


def distribution_of(cluster, table):
    return next(r[4] for r in admin_rows(cluster, "SHOW TABLES") if r[1] == table)


@test
def the_hashes_are_those_of_the_server(cluster):
    env = dict(clean_environment(), PGMOSAIC_HASH_ROWS="3000")
    done = subprocess.run([os.path.join(ROOT, "tests/unit/key/compare_hash.sh"), build(), cluster.shard1_dsn],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, env=env)
    check(done.returncode == 0, done.stdout[-3000:])
    check("values compared" in done.stdout, done.stdout[-3000:])


@test
def random_keys_of_every_type_land_where_postgresql_says(cluster):
    for i, (kind, value, hash_sql) in enumerate(TYPES):
        table = f"kt{i}"
        run(cluster.proxy_dsn, f"CREATE TABLE {table} (k {kind}, id int) WITH (mosaic.shard_key = 'k')")
        data = run(cluster.catalog_dsn, f"SET TimeZone = 'UTC'; COPY (SELECT {value}, g FROM generate_series(1, {ROWS}) g) TO STDOUT;")
        data = data.removeprefix("SET\n")
        run(cluster.proxy_dsn, f"COPY {table} FROM STDIN", stdin=data + "\n\\.\n")
        lines = [line.split("\t")[0] for line in data.splitlines()[:60]]
        quoted = ", ".join("(E'" + v.replace("'", "''") + f"', {ROWS + n})" for n, v in enumerate(lines, 1))
        run(cluster.proxy_dsn, f"INSERT INTO {table} VALUES {quoted}, (NULL, 0);")
        equal(run(cluster.proxy_dsn, f"SELECT count(*) FROM {table}"), str(ROWS + len(lines) + 1), kind)
        equal(misplaced(cluster, table, hash_sql.format(seed=SEED), distribution_of(cluster, table)), 0, kind)
        for v in lines[:20]:
            quoted_key = "E'" + v.replace("'", "''") + "'"
            through = run(cluster.proxy_dsn, f"SELECT count(*) FROM {table} WHERE k = {quoted_key}")
            behind = sum(int(n) for n in cluster.on_shards(f"SELECT count(*) FROM {table} WHERE k = {quoted_key}"))
            equal(int(through), behind, kind + " " + v)
            check(behind >= 2 or "(12,3)" in kind or kind == "boolean", kind, v, behind)


@test
def types_without_a_common_hash_are_refused_with_the_reason(cluster):
    for kind, why in [("float8", "spelled alike"), ("real", "spelled alike"), ("jsonb", "single values"),
                      ("interval", "spelled alike"), ("json", "no equality"), ("nonsense", "no type")]:
        done = cluster.admin(f"CREATE DISTRIBUTION bad HASH ({kind})")
        check(done.returncode != 0 and why in done.stderr, kind, done.stderr)
    for dsn in cluster.shard_dsns():
        run(dsn, "CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TABLE moody (k mood, f float8, id int);"
                 "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
                 "CREATE TABLE cased (k text COLLATE ci, id int);")
    cluster.admin("RELOAD")
    check("OID" in refused(cluster, "SHARD TABLE moody BY (k)"))
    check("spelled alike" in refused(cluster, "SHARD TABLE moody BY (f)"))
    check("nondeterministic" in refused(cluster, "SHARD TABLE cased BY (k)"))


if __name__ == "__main__":
    main(Cluster)
