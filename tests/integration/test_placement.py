#!/usr/bin/env python3
"""Where keys lie: random keys of every type land where PostgreSQL's own hash says they must."""
import os
import subprocess

from lib import ROOT, Cluster, build, check, clean_environment, contains, equal, main, psql, test

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


def verify(cluster, table):
    """misplaced rows by shard, and what else was found"""
    rows = admin_rows(cluster, f"VERIFY TABLE {table}")
    return {r[0]: int(r[2]) for r in rows}, [r[3] for r in rows if r[3] != "ok"]


def admin(cluster, sql):
    done = cluster.admin(sql)
    check(done.returncode == 0, sql, done.stderr)


def keys(cluster, distribution):
    return {r[1]: r[2] for r in admin_rows(cluster, f"SHOW KEYS OF {distribution}")}


def on_shard(cluster, i, sql):
    return cluster.value(sql, cluster.shard_dsns()[i - 1])


@test
def verify_finds_a_row_planted_on_the_wrong_shard(cluster):
    admin(cluster, "CREATE DISTRIBUTION v_xxh3 HASH (text, bigint) CHUNKS 12 FUNCTION xxh3")
    admin(cluster, "CREATE DISTRIBUTION v_pg HASH (numeric, date) CHUNKS 12")
    admin(cluster, "CREATE DISTRIBUTION v_range RANGE (timestamptz) SPLIT AT ('2026-01-01 00:00:00+00', '2026-06-01 00:00:00+00')")
    admin(cluster, "CREATE DISTRIBUTION v_dir DIRECTORY (uuid)")
    tables = {
        "vx": ("t text, k int, id int", "t,k", "v_xxh3", "md5(g::text), g"),
        "vp": ("n numeric, d date, id int", "n,d", "v_pg", "g / 7.0, date '2026-01-01' + g"),
        "vr": ("at timestamptz, id int", "at", "v_range", "timestamptz '2025-10-01 00:00+00' + g * interval '1 day'"),
        "vd": ("u uuid, id int", "u", "v_dir", "md5(g::text)::uuid"),
    }
    for table, (columns, key, distribution, values) in tables.items():
        cluster.sql(f"CREATE TABLE {table} ({columns}) WITH (mosaic.shard_key = '{key}', mosaic.distribution = '{distribution}')")
        data = run(cluster.catalog_dsn, f"SET TimeZone = 'UTC'; COPY (SELECT {values}, g FROM generate_series(1, 300) g) TO STDOUT;")
        run(cluster.proxy_dsn, f"COPY {table} FROM STDIN", stdin=data.removeprefix("SET\n") + "\n\\.\n")
        misplaced_rows, found = verify(cluster, table)
        equal((sum(misplaced_rows.values()), found), (0, []), table)
        check(min(int(n) for n in cluster.on_shards(f"SELECT count(*) FROM {table}")) > 0, table, "lies on one shard only")
        row = run(cluster.shard1_dsn, f"COPY (SELECT * FROM {table} LIMIT 1) TO STDOUT;")
        run(cluster.shard2_dsn, f"COPY {table} FROM STDIN", stdin=row + "\n\\.\n")
        misplaced_rows, found = verify(cluster, table)
        equal(misplaced_rows, {"s1": 0, "s2": 1, "s3": 0}, table)
        equal(found, ["rows that belong to other shards"], table)
    cluster.sql("CREATE TABLE vref (id int PRIMARY KEY, v text) WITH (mosaic.reference = true)")
    cluster.sql("INSERT INTO vref VALUES (1, 'one'), (2, 'two')")
    equal(verify(cluster, "vref")[1], [])
    run(cluster.shard3_dsn, "UPDATE vref SET v = 'zwei' WHERE id = 2;")
    equal(verify(cluster, "vref")[1], ["the copy differs from the home shard's"])
    check("does not exist" in refused(cluster, "VERIFY TABLE nowhere"))


@test
def ranges_split_and_merge_without_a_row_moving(cluster):
    admin(cluster, "CREATE DISTRIBUTION r_int RANGE (bigint) SPLIT AT (-10, 0, 10)")
    cluster.sql("CREATE TABLE ri (k int, id int) WITH (mosaic.shard_key = 'k', mosaic.distribution = 'r_int')")
    cluster.sql("INSERT INTO ri VALUES " + ", ".join(f"({k}, 1)" for k in range(-30, 30)) + ", (NULL, 1)")
    equal(cluster.on_shards("SELECT count(*) FROM ri"), ["41", "10", "10"])
    bounds = [(r[2], r[3], r[4]) for r in admin_rows(cluster, "SHOW CHUNKS OF r_int")]
    equal(bounds, [("", "-10", "s1"), ("-10", "0", "s2"), ("0", "10", "s3"), ("10", "", "s1")])
    admin(cluster, "SPLIT CHUNK 4 OF r_int AT (15, 20)")
    admin(cluster, "SPLIT CHUNK 1 OF r_int AT (-20)")
    bounds = [(r[2], r[3], r[4]) for r in admin_rows(cluster, "SHOW CHUNKS OF r_int")]
    equal(bounds, [("", "-20", "s1"), ("-20", "-10", "s1"), ("-10", "0", "s2"), ("0", "10", "s3"),
                   ("10", "15", "s1"), ("15", "20", "s1"), ("20", "", "s1")])
    ids = [r[1] for r in admin_rows(cluster, "SHOW CHUNKS OF r_int")]
    admin(cluster, f"MERGE CHUNKS {ids[5]}, {ids[4]} OF r_int")
    equal(verify(cluster, "ri"), ({"s1": 0, "s2": 0, "s3": 0}, []))
    equal(cluster.value("SELECT count(*) FROM ri WHERE k >= 12 AND k < 20"), "8")
    equal(cluster.value("SELECT count(*) FROM ri WHERE k < 0"), "30")
    for sql, why in [
        (f"MERGE CHUNKS {ids[0]}, {ids[3]} OF r_int", "no neighbours"),
        (f"MERGE CHUNKS {ids[1]}, {ids[2]} OF r_int", "on shard s1"),
        ("MERGE CHUNKS 1, 99 OF r_int", "no chunk 99"),
        (f"SPLIT CHUNK {ids[2]} OF r_int AT (5)", "inside"), (f"SPLIT CHUNK {ids[2]} OF r_int AT (-10)", "inside"),
        (f"SPLIT CHUNK {ids[2]} OF r_int AT (-3, -5)", "above"), (f"SPLIT CHUNK {ids[2]} OF r_int AT ('x')", "no key"),
        ("SPLIT CHUNK 1 OF nowhere AT (5)", "does not exist"),
        ("CREATE DISTRIBUTION bad RANGE (bigint) SPLIT AT (5, 5)", "above"),
        ("CREATE DISTRIBUTION bad RANGE (bigint) SPLIT AT (5, 'ten')", "no key"),
        ("CREATE DISTRIBUTION bad RANGE (date, date)", "one key column"),
        ("CREATE DISTRIBUTION bad RANGE (inet)", "inet"),
        ("CREATE DISTRIBUTION bad RANGE (bigint) CHUNKS 5", "syntax"),
        ("CREATE DISTRIBUTION bad DIRECTORY (text) PLACE NEW KEYS ON SHARD s9", "does not exist"),
        ("CREATE DISTRIBUTION r_int RANGE (bigint)", "exists already"),
        ("DROP DISTRIBUTION r_int", "is used by table"), ("DROP DISTRIBUTION nowhere", "does not exist"),
    ]:
        contains(refused(cluster, sql), why)
    admin(cluster, "CREATE DISTRIBUTION IF NOT EXISTS r_int RANGE (bigint)")
    admin(cluster, "DROP DISTRIBUTION IF EXISTS nowhere")
    admin(cluster, "CREATE DISTRIBUTION gone HASH (bigint) CHUNKS 4")
    lo, hi = admin_rows(cluster, "SHOW CHUNKS OF gone")[1][2:4]
    admin(cluster, f"SPLIT CHUNK 2 OF gone AT ({(int(lo) + int(hi)) // 2})")
    equal(len(admin_rows(cluster, "SHOW CHUNKS OF gone")), 5)
    contains(refused(cluster, f"SPLIT CHUNK 2 OF gone AT ({hi})"), "inside")
    admin(cluster, "MERGE CHUNKS 2, 5 OF gone")
    equal([r[2:4] for r in admin_rows(cluster, "SHOW CHUNKS OF gone")][1], [lo, hi])
    admin(cluster, "DROP DISTRIBUTION gone")


@test
def a_pinned_key_goes_before_its_chunk(cluster):
    admin(cluster, "CREATE DISTRIBUTION p_hash HASH (text, int)")
    admin(cluster, "CREATE DISTRIBUTION p_range RANGE (date) SPLIT AT ('2026-01-01')")
    cluster.sql("CREATE TABLE ph (t text, k int, v int, PRIMARY KEY (t, k)) WITH (mosaic.shard_key = 't,k', mosaic.distribution = 'p_hash')")
    cluster.sql("CREATE TABLE pr (d date, v int) WITH (mosaic.shard_key = 'd', mosaic.distribution = 'p_range')")
    for shard in (1, 2, 3):
        admin(cluster, f"PLACE KEY ('key', {shard}) OF p_hash ON SHARD s{shard}")
        admin(cluster, f"PLACE KEY ('2026-03-0{shard}') OF p_range ON SHARD s{shard}")
    equal(keys(cluster, "p_hash"), {"key, 1": "s1", "key, 2": "s2", "key, 3": "s3"})
    cluster.sql("INSERT INTO ph SELECT 'key', 1, 1")
    cluster.sql("INSERT INTO ph VALUES ('key', 2, 2), ('key', 3, 3), ('other', 1, 4), ('other', 2, 5)")
    cluster.sql("INSERT INTO pr VALUES ('2026-03-01', 1), ('2026-03-02', 2), ('2026-03-03', 3), ('2025-01-01', 4)")
    for shard in (1, 2, 3):
        equal(on_shard(cluster, shard, f"SELECT v FROM ph WHERE t = 'key' AND k = {shard}"), str(shard))
        equal(on_shard(cluster, shard, f"SELECT v FROM pr WHERE d = '2026-03-0{shard}'"), str(shard))
        equal(cluster.value(f"SELECT v FROM ph WHERE k = {shard} AND t = 'key'"), str(shard))
    equal(cluster.sql("SELECT v FROM pr WHERE d >= '2026-01-01' ORDER BY v"), [["1"], ["2"], ["3"]])
    equal(cluster.sql("SELECT v FROM pr WHERE d < '2026-01-01' ORDER BY v"), [["4"]])
    for table in ("ph", "pr"):
        equal(verify(cluster, table), ({"s1": 0, "s2": 0, "s3": 0}, []), table)
    contains(refused(cluster, "PLACE KEY ('key', 1) OF p_hash ON SHARD s2"), "has 1 rows in table \"ph\" on shard s1")
    cluster.sql("DELETE FROM ph WHERE t = 'key' AND k = 1")
    admin(cluster, "PLACE KEY ('key', 1) OF p_hash ON SHARD s2")
    cluster.sql("INSERT INTO ph VALUES ('key', 1, 11)")
    equal(on_shard(cluster, 2, "SELECT v FROM ph WHERE t = 'key' AND k = 1"), "11")
    equal(sum(int(n) for n in cluster.on_shards("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'mosaic%'")), 0)
    for sql, why in [("PLACE KEY ('a') OF p_hash ON SHARD s1", "2 values"), ("PLACE KEY ('a', 'b') OF p_hash ON SHARD s1", "no key"),
                     ("PLACE KEY ('a', 1) OF p_hash ON SHARD s9", "does not exist"), ("PLACE KEY ('a', 1) OF nope ON SHARD s1", "does not exist"),
                     ("PLACE KEY () OF p_hash ON SHARD s1", "syntax")]:
        contains(refused(cluster, sql), why)


@test
def a_directory_places_each_key_once(cluster):
    for name, policy in [("d_rr", "ROUND ROBIN"), ("d_ll", "LEAST LOADED"), ("d_on", "ON SHARD s2")]:
        admin(cluster, f"CREATE DISTRIBUTION {name} DIRECTORY (text) PLACE NEW KEYS {policy}")
        cluster.sql(f"CREATE TABLE t_{name} (k text, v int) WITH (mosaic.shard_key = 'k', mosaic.distribution = '{name}')")
    admin(cluster, "PLACE KEY ('x') OF d_ll ON SHARD s1")
    for name in ("d_rr", "d_ll", "d_on"):
        cluster.sql(f"SELECT * FROM t_{name} WHERE k = 'never written'")
        cluster.sql(f"UPDATE t_{name} SET v = 1 WHERE k = 'never written'")
        cluster.sql(f"INSERT INTO t_{name} VALUES " + ", ".join(f"('k{i}', {i})" for i in range(8)))
        placed = keys(cluster, name)
        check("never written" not in placed, placed)
        for i in range(8):
            at = int(placed[f"k{i}"][1:])
            equal(on_shard(cluster, at, f"SELECT v FROM t_{name} WHERE k = 'k{i}'"), str(i))
        equal(verify(cluster, f"t_{name}"), ({"s1": 0, "s2": 0, "s3": 0}, []))
    counts = {n: sorted(list(keys(cluster, n).values()).count(s) for s in ("s1", "s2", "s3")) for n in ("d_rr", "d_ll", "d_on")}
    equal(counts, {"d_rr": [2, 3, 3], "d_ll": [3, 3, 3], "d_on": [0, 0, 8]})


@test
def proxies_that_place_a_key_at_once_agree(cluster):
    admin(cluster, "CREATE DISTRIBUTION d_race DIRECTORY (bigint, text)")
    cluster.sql("CREATE TABLE race (k bigint, t text, v int) WITH (mosaic.shard_key = 'k,t', mosaic.distribution = 'd_race')")
    rows = "\n".join(f"INSERT INTO race VALUES ({i % 40}, 'x', {i});" for i in range(120))
    clients = [subprocess.Popen(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", cluster.proxy_dsn], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=clean_environment()) for _ in range(6)]
    for c in clients:
        c.stdin.write(rows)
        c.stdin.close()
    for c in clients:
        out = c.stdout.read()
        equal(c.wait(timeout=120), 0, out)
    equal(cluster.value("SELECT count(*) FROM race"), "720")
    equal(len(keys(cluster, "d_race")), 40)
    equal(verify(cluster, "race"), ({"s1": 0, "s2": 0, "s3": 0}, []))
    equal(cluster.value("SELECT count(*) FROM race WHERE k = 7 AND t = 'x'"), "18")


@test
def of_two_clashing_changes_one_wins(cluster):
    admin(cluster, "CREATE DISTRIBUTION clash RANGE (bigint)")
    commands = [f"SPLIT CHUNK 1 OF clash AT ({n})" for n in range(1000, 1008)]
    running = [subprocess.Popen(["psql", "-X", "-q", "-v", "VERBOSITY=verbose", cluster.admin_dsn, "-c", c], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, env=clean_environment()) for c in commands]
    results = [(p.communicate(timeout=60)[0], p.returncode) for p in running]
    won = sum(code == 0 for _, code in results)
    for out, code in results:
        check(code == 0 or "40001" in out or "inside" in out, out)
    check(won >= 1, results)
    equal(len(admin_rows(cluster, "SHOW CHUNKS OF clash")), 1 + won)


@test
def changes_of_placement_are_audited(cluster):
    admin(cluster, "CREATE DISTRIBUTION audited RANGE (date)")
    admin(cluster, "SPLIT CHUNK 1 OF audited AT ('2026-01-01')")
    admin(cluster, "PLACE KEY ('2026-05-05') OF audited ON SHARD s1")
    admin(cluster, "DROP DISTRIBUTION audited")
    rows = [(r[1], r[3]) for r in admin_rows(cluster, "SHOW AUDIT")[:4]]
    who = cluster.adminuser
    equal(rows, [(who, "DROP DISTRIBUTION audited"), (who, "PLACE KEY ('2026-05-05') OF audited ON SHARD s1"),
                 (who, "SPLIT CHUNK 1 OF audited AT 2026-01-01"), (who, "CREATE DISTRIBUTION audited")])


if __name__ == "__main__":
    main(Cluster)
