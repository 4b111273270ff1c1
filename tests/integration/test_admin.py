#!/usr/bin/env python3
"""The control port: its statements by psql and by the extended protocol; the HTTP port."""
import re

from lib import Cluster, check, contains, equal, main, psql, test, wait_until
from proxy import http_get
from wire import LoginFailed, Wire, errors, rows, tags


def before(cluster):
    cluster.sql("CREATE TABLE orders (customer_id bigint, id int, v int, PRIMARY KEY (customer_id, id))"
                " WITH (mosaic.shard_key = 'customer_id')")
    cluster.sql("INSERT INTO orders VALUES " + ", ".join(f"({k}, 1, {k})" for k in range(1, 31)))
    cluster.sql("CREATE TABLE countries (code text PRIMARY KEY) WITH (mosaic.reference = true)")
    cluster.sql("CREATE TABLE audit (id int)")


def show(cluster, sql):
    """Rows of a control statement as dictionaries."""
    done = cluster.admin(sql)
    check(done.returncode == 0, sql, "failed:", done.stderr)
    lines = done.stdout.splitlines()
    names = lines[0].split("\t") if lines else []
    return [dict(zip(names, line.split("\t"))) for line in lines[1:]]


def run(cluster, sql):
    done = cluster.admin(sql)
    check(done.returncode == 0, sql, "failed:", done.stderr)
    return done.stdout.strip()


def sqlstate(cluster, sql):
    """SQLSTATE of a control statement that must fail."""
    done = cluster.admin(sql)
    check(done.returncode != 0, sql, "did not fail:", done.stdout)
    return re.search(r"ERROR:\s+([0-9A-Z]{5}):", done.stderr).group(1)


def control(cluster, **options):
    options.setdefault("user", cluster.adminuser)
    options.setdefault("password", cluster.adminpassword)
    return Wire(int(cluster.admin_port), database="pgmosaic", **options)


@test
def show_shards_lists_the_three(cluster):
    shards = show(cluster, "SHOW SHARDS;")
    equal([s["name"] for s in shards], ["s1", "s2", "s3"])
    text = str(shards)
    check(cluster.superpassword not in text, "SHOW SHARDS shows a password")


@test
def show_distributions_and_chunks_cover_the_whole_key_space(cluster):
    check("default_bigint" in [d["name"] for d in show(cluster, "SHOW DISTRIBUTIONS;")], "default_bigint is not listed")
    chunks = [c for c in show(cluster, "SHOW CHUNKS;") if c["distribution"] == "default_bigint"]
    bounds = sorted((int(c["lower"]), int(c["upper"])) for c in chunks)
    equal((bounds[0][0], bounds[-1][1]), (-2**63, 2**63 - 1))
    for (_, upper), (lower, _) in zip(bounds, bounds[1:]):
        equal(lower, upper + 1, "a hole or an overlap between chunks;")
    equal({c["shard"] for c in chunks}, {"s1", "s2", "s3"})


@test
def rows_live_where_the_chunks_say(cluster):
    chunks = [c for c in show(cluster, "SHOW CHUNKS;") if c["distribution"] == "default_bigint"]
    for number, dsn in enumerate(cluster.shard_dsns(), 1):
        ranges = " OR ".join(f"h BETWEEN {c['lower']} AND {c['upper']}" for c in chunks if c["shard"] == f"s{number}")
        wrong = cluster.value("SELECT count(*) FROM (SELECT hashint8extended(customer_id, 8816678312871386365)"
                              f" FROM orders) AS o (h) WHERE NOT ({ranges})", dsn)
        equal(wrong, "0", f"rows of orders on the wrong shard s{number};")


@test
def show_tables_tells_kind_and_key(cluster):
    tables = {t["name"]: t for t in show(cluster, "SHOW TABLES;")}
    equal((tables["orders"]["kind"], tables["orders"]["shard_key"]), ("sharded", "customer_id"))
    equal(tables["countries"]["kind"], "reference")


@test
def the_pooler_views_have_pgbouncers_columns(cluster):
    cluster.sql("SELECT count(*) FROM orders")
    for sql, columns in (("SHOW POOLS;", "database user cl_active cl_waiting sv_active sv_idle sv_used maxwait pool_mode"),
                         ("SHOW CLIENTS;", "type user database state addr port connect_time application_name"),
                         ("SHOW SERVERS;", "type user database state addr port connect_time remote_pid"),
                         ("SHOW STATS;", "database total_xact_count total_query_count total_received total_sent"),
                         ("SHOW DATABASES;", "name host port database pool_size"), ("SHOW USERS;", "name pool_mode"),
                         ("SHOW LISTS;", "list items"), ("SHOW CONFIG;", "key value"), ("SHOW VERSION;", "version")):
        done = cluster.admin(sql)
        check(done.returncode == 0, sql, done.stderr)
        names = done.stdout.splitlines()[0].split("\t")
        for column in columns.split():
            check(column in names, sql, "has no column", column, "but", names)


@test
def show_clients_and_servers_see_a_session(cluster):
    with cluster.wire(parameters={"application_name": "seen by admin"}) as c:
        c.query("BEGIN")
        c.query("SELECT v FROM orders WHERE customer_id = 1")
        seen = [s for s in show(cluster, "SHOW CLIENTS;") if s["application_name"] == "seen by admin"]
        equal(len(seen), 1)
        equal(seen[0]["user"], cluster.dbuser)
        check(any(s["user"] == cluster.dbuser for s in show(cluster, "SHOW SERVERS;")), "no server connection is listed")
        check(any(int(p["sv_active"]) >= 1 for p in show(cluster, "SHOW POOLS;")), "no pool has an active server")
        c.query("ROLLBACK")


@test
def show_config_and_version_tell_no_secret(cluster):
    config = str(show(cluster, "SHOW CONFIG;"))
    contains(config, "pool.size")
    for secret in (cluster.dbpassword, cluster.superpassword, cluster.adminpassword):
        check(secret not in config, "SHOW CONFIG shows a password")
    contains(show(cluster, "SHOW VERSION;")[0]["version"], "pgmosaic")


@test
def show_help_lists_every_command(cluster):
    text = str(show(cluster, "SHOW HELP;"))
    for command in ("CREATE SHARD", "ALTER SHARD", "DROP SHARD", "CREATE DISTRIBUTION", "SHARD TABLE", "REFERENCE TABLE",
                    "SINGLE TABLE", "EXPLAIN ROUTE", "RELOAD", "SHUTDOWN", "SHOW POOLS", "SHOW CHUNKS"):
        contains(text, command)


@test
def keywords_are_case_insensitive_and_the_semicolon_may_be_missing(cluster):
    equal(len(show(cluster, "show Shards")), 3)
    equal(len(show(cluster, "  SHOW\n SHARDS ; ")), 3)


@test
def a_distribution_can_be_created_and_used(cluster):
    run(cluster, "CREATE DISTRIBUTION by_customer HASH (bigint) CHUNKS 6;")
    found = [d for d in show(cluster, "SHOW DISTRIBUTIONS;") if d["name"] == "by_customer"]
    equal(len(found), 1)
    equal(found[0]["chunks"], "6")
    equal(len([c for c in show(cluster, "SHOW CHUNKS;") if c["distribution"] == "by_customer"]), 6)
    cluster.sql("CREATE TABLE invoices (c bigint PRIMARY KEY, v int)"
                " WITH (mosaic.shard_key = 'c', mosaic.distribution = 'by_customer')")
    cluster.sql("INSERT INTO invoices VALUES " + ", ".join(f"({k}, {k})" for k in range(50)))
    equal(cluster.value("SELECT sum(v) FROM invoices"), str(sum(range(50))))
    equal({t["name"]: t for t in show(cluster, "SHOW TABLES;")}["invoices"]["distribution"], "by_customer")
    equal(sqlstate(cluster, "CREATE DISTRIBUTION by_customer HASH (bigint);"), "42710")


@test
def an_empty_table_becomes_sharded_by_shard_table(cluster):
    cluster.sql("CREATE TABLE later (k bigint PRIMARY KEY, v int)")
    run(cluster, "SHARD TABLE later BY (k) USING by_customer;")
    cluster.sql("INSERT INTO later VALUES " + ", ".join(f"({k}, 1)" for k in range(60)))
    counts = [int(n) for n in cluster.on_shards("SELECT count(*) FROM later")]
    equal(sum(counts), 60)
    check(min(counts) > 0, counts)
    equal(cluster.value("SELECT count(*) FROM later"), "60")


@test
def a_table_becomes_a_reference_table(cluster):
    cluster.sql("CREATE TABLE colours (id int PRIMARY KEY, name text)")
    run(cluster, "REFERENCE TABLE colours;")
    cluster.sql("INSERT INTO colours VALUES (1, 'red'), (2, 'blue')")
    equal(cluster.on_shards("SELECT count(*) FROM colours"), ["2", "2", "2"])


@test
def a_single_table_lives_on_the_shard_it_is_given(cluster):
    cluster.sql("CREATE TABLE logbook (id int PRIMARY KEY)")
    run(cluster, "SINGLE TABLE logbook ON SHARD s1;")
    cluster.sql("INSERT INTO logbook VALUES (1), (2)")
    equal(cluster.value("SELECT count(*) FROM logbook"), "2")
    equal(cluster.value("SELECT count(*) FROM logbook", cluster.shard1_dsn), "2")


@test
def mistakes_get_a_sqlstate(cluster):
    for sql, states in (("SHOW NOSUCH;", ("42601", "42704")), ("SELEC 1;", ("42601",)), ("CREATE SHARD;", ("42601",)),
                        ("CREATE DISTRIBUTION d HASH (nosuchtype);", ("42704", "0A000", "22023")),
                        ("SHARD TABLE nosuch BY (k);", ("42P01",)),
                        ("SHARD TABLE orders BY (nosuch) USING by_customer;", ("42703", "42P07", "42710", "55000", "0A000")),
                        ("SHARD TABLE audit BY (nosuch) USING by_customer;", ("42703",)),
                        ("SHARD TABLE audit BY (id) USING nosuch;", ("42704",)),
                        ("DROP SHARD nosuch;", ("42704",)), ("ALTER SHARD nosuch SET (weight = 2);", ("42704",)),
                        ("SINGLE TABLE audit ON SHARD nosuch;", ("42704",)),
                        ("CREATE SHARD s1 WITH (dsn = 'host=127.0.0.1');", ("42710",)),
                        ("REBALANCE;", ("0A000",)), ("MOVE CHUNK 1 OF by_customer TO SHARD s1;", ("0A000",))):
        state = sqlstate(cluster, sql)
        check(state in states, sql, "gave", state, "and not one of", states)


@test
def a_shard_with_rows_is_not_dropped(cluster):
    sqlstate(cluster, "DROP SHARD s2;")
    equal([s["name"] for s in show(cluster, "SHOW SHARDS;")], ["s1", "s2", "s3"])


@test
def a_shard_is_created_altered_and_dropped(cluster):
    psql(cluster.catalog_dsn, "-c", "CREATE DATABASE fourth")
    dsn = cluster.catalog_dsn.replace("dbname=mosaic", "dbname=fourth")
    psql(cluster.catalog_dsn, "-c", f"CREATE ROLE {cluster.dbuser} LOGIN PASSWORD '{cluster.dbpassword}'")
    run(cluster, f"CREATE SHARD s4 WITH (dsn = '{dsn}', weight = 2);")
    found = [s for s in show(cluster, "SHOW SHARDS;") if s["name"] == "s4"]
    equal([s["weight"] for s in found], ["2"])
    run(cluster, "ALTER SHARD s4 SET (weight = 3);")
    equal([s["weight"] for s in show(cluster, "SHOW SHARDS;") if s["name"] == "s4"], ["3"])
    equal(cluster.value("SELECT count(*) FROM orders"), "30")
    run(cluster, "DROP SHARD s4;")
    equal([s["name"] for s in show(cluster, "SHOW SHARDS;")], ["s1", "s2", "s3"])
    equal(cluster.value("SELECT count(*) FROM orders"), "30")


@test
def a_shard_that_cannot_be_reached_is_not_created(cluster):
    state = sqlstate(cluster, "CREATE SHARD far WITH (dsn = 'host=127.0.0.1 port=1 dbname=app user=postgres');")
    check(state[:2] == "08", "SQLSTATE", state)
    equal(len(show(cluster, "SHOW SHARDS;")), 3)


@test
def explain_route_tells_tier_and_shards(cluster):
    one = str(show(cluster, "EXPLAIN ROUTE SELECT * FROM orders WHERE customer_id = 5;")).lower()
    contains(one, "route")
    check(sum(s in one for s in ("s1", "s2", "s3")) == 1, one)
    every = str(show(cluster, "EXPLAIN ROUTE SELECT count(*) FROM orders;")).lower()
    contains(every, "scatter")
    for shard in ("s1", "s2", "s3"):
        contains(every, shard)
    refused = cluster.admin("EXPLAIN ROUTE SELECT count(DISTINCT v) FROM orders;")
    check(refused.returncode == 0 or "0A000" in refused.stderr, refused.stderr)


@test
def reload_reads_the_configuration_again(cluster):
    path = f"{cluster.dir}/pgmosaic.yaml"
    text = cluster.config()
    try:
        with open(path, "w") as f:
            f.write(text + "\ntimeouts: { queue: 7s }\n")
        run(cluster, "RELOAD;")
        value = {r["key"]: r["value"] for r in show(cluster, "SHOW CONFIG;")}["timeouts.queue"]
        check(value in ("7s", "7000ms"), value)
        with open(path, "w") as f:
            f.write(text + "\nnosuch_key: 1\n")
        done = cluster.admin("RELOAD;")
        check(done.returncode != 0, "a broken configuration was loaded")
        contains(done.stderr, "nosuch_key")
    finally:
        with open(path, "w") as f:
            f.write(text)
        run(cluster, "RELOAD;")
    equal(cluster.value("SELECT count(*) FROM orders"), "30")


@test
def the_control_port_works_by_the_extended_protocol(cluster):
    with control(cluster) as c:
        got = c.run("SHOW SHARDS")
        equal([r[1] for r in rows(got)], [b"s1", b"s2", b"s3"])
        equal(tags(got), ["SHOW"])
        c.parse("s", "SHOW VERSION")
        c.describe("S", "s")
        c.bind("", "s")
        c.execute()
        c.sync()
        check(b"pgmosaic" in rows(c.until_ready())[0][0])
        got = c.run("SHOW NOSUCH")
        equal(len(errors(got)), 1)
        equal([r[1] for r in rows(c.query("SHOW SHARDS"))], [b"s1", b"s2", b"s3"])


@test
def only_admins_get_in(cluster):
    for options in ({"user": cluster.dbuser, "password": cluster.dbpassword}, {"password": "wrong"},
                    {"user": "nobody_here", "password": "x"}):
        try:
            control(cluster, **options).close()
        except LoginFailed as error:
            check(error.fields["C"][:2] in ("28", "42"), error.fields)
        else:
            raise AssertionError(f"{options.get('user')} got in")


@test
def metrics_parse_and_move(cluster):
    def counters():
        status, text = http_get(cluster.http_port, "/metrics")
        equal(status, 200)
        return parse_metrics(text)

    first = counters()
    for k in (1, 2, 3):
        cluster.sql(f"SELECT v FROM orders WHERE customer_id = {k}")
    second = counters()
    moved = [name for name in second if second[name] > first.get(name, 0)]
    check(any("quer" in name or "statement" in name for name in moved), "no counter of statements has moved:", moved)
    check(all(second.get(n, 0) >= v for n, v in first.items() if n.split("{")[0].endswith("_total")), "a counter fell")


def parse_metrics(text):
    lines = text.splitlines()
    equal(lines[-1], "# EOF")
    values, types = {}, {}
    for line in lines[:-1]:
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            check(name not in types, name, "has two types")
            types[name] = kind
        elif not line.startswith("# "):
            match = re.fullmatch(r'([a-z_:][a-z0-9_:]*)(\{[^}]*\})? (-?[0-9.e+-]+|NaN|\+Inf)', line)
            check(match, "not OpenMetrics:", line)
            check((match[1] + (match[2] or "")) not in values, "twice:", line)
            values[match[1] + (match[2] or "")] = float(match[3])
            check(match[1].startswith("pgmosaic_") or match[1].startswith("process_"), line)
    check(types, "no types")
    return values


@test
def health_and_readiness_answer(cluster):
    for path in ("/healthz", "/readyz", "/"):
        equal(http_get(cluster.http_port, path)[0], 200, path)
    equal(http_get(cluster.http_port, "/nosuch")[0], 404)


@test
def readiness_falls_when_a_shard_is_down_or_says_which(cluster):
    cluster.script("stop", "shard3")
    try:
        equal(http_get(cluster.http_port, "/healthz")[0], 200)
        wait_until(15, lambda: psql(cluster.proxy_dsn, "-c", "SELECT count(*) FROM orders").returncode != 0, "statements fail")
    finally:
        cluster.script("start", "shard3")
    wait_until(20, lambda: http_get(cluster.http_port, "/readyz")[0] == 200, "/readyz says 200 again")
    wait_until(20, lambda: psql(cluster.proxy_dsn, "-c", "SELECT count(*) FROM orders").returncode == 0, "statements work")


@test
def shutdown_stops_the_proxy(cluster):
    pid = int(cluster.proxy_pid)
    cluster.admin("SHUTDOWN;")
    wait_until(40, lambda: not cluster.proxy_alive(), f"process {pid} ends")
    cluster.script("start", "proxy")
    equal(cluster.value("SELECT count(*) FROM orders"), "30")


if __name__ == "__main__":
    main(Cluster, before)
