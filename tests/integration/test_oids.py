#!/usr/bin/env python3
"""Shards whose tables and types have other OIDs: clients see the home shard's, everywhere."""
import struct

from lib import Cluster, check, equal, main, test
from pair import B, C, D, E, P, Q, S, columns, one
from wire import errors, kinds, rows, tags

KEYS = range(1, 25)
TYPES = ("mood", "mood[]", "couple", "couple[]", "shy", "span")


def before(cluster):
    for n, dsn in enumerate(cluster.shard_dsns()):  # so that the counters part
        for i in range(n * 7):
            cluster.sql(f"CREATE TABLE filler{i} (a int)", dsn)
            cluster.sql(f"DROP TABLE filler{i}", dsn)
    cluster.sql("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')")
    cluster.sql("CREATE TYPE couple AS (a mood, n int, b mood[])")
    cluster.sql("CREATE DOMAIN shy AS mood CHECK (VALUE <> 'sad')")
    cluster.sql("CREATE TYPE span AS RANGE (SUBTYPE = int4)")
    cluster.sql("CREATE TABLE t (k bigint PRIMARY KEY, m mood, ms mood[], c couple, cs couple[], s shy, r span)"
                " WITH (mosaic.shard_key = 'k')")
    cluster.sql("INSERT INTO t VALUES " + ", ".join(
        f"({k}, 'ok', '{{sad,happy}}', '(happy,5,\"{{ok,sad}}\")', '{{\"(ok,7,{{happy}})\",NULL}}', 'ok', '[1,9)')" for k in KEYS))


def oid(cluster, name, dsn=None):
    return int(cluster.value(f"SELECT '{name}'::regtype::oid", dsn or cluster.shard1_dsn))


def whole_row(cluster, c, k, results=(), sql="SELECT * FROM t WHERE k = $1"):
    c.send_raw(one(sql, [str(k)], results) + S())
    got = c.until_ready()
    equal(errors(got), [])
    description = next(b for kind, b in got if kind == "T")
    return columns(description), rows(got)[0]


@test
def the_oids_of_the_shards_differ(cluster):
    for name in TYPES:
        check(len({oid(cluster, name, dsn) for dsn in cluster.shard_dsns()}) == 3, name)
    check(len(set(cluster.on_shards("SELECT 't'::regclass::oid"))) == 3)


@test
def row_descriptions_are_those_of_the_home_shard(cluster):
    with cluster.wire() as c, cluster.wire(user=cluster.superuser, password=cluster.superpassword) as direct:
        table = int(cluster.value("SELECT 't'::regclass::oid", cluster.shard1_dsn))
        want = [("k", table, 1, 20), *((n, table, i + 2, oid(cluster, t)) for i, (n, t) in enumerate(
            zip(("m", "ms", "c", "cs"), TYPES))), ("s", table, 6, oid(cluster, "mood")), ("r", table, 7, oid(cluster, "span"))]
        for k in KEYS:
            for step in (lambda: c.query(f"SELECT * FROM t WHERE k = {k}"), lambda: extended(c, k), lambda: described(c, k),
                         lambda: in_a_transaction(c, k), lambda: c.query("SELECT * FROM t ORDER BY k"),
                         lambda: c.query(f"SELECT * FROM t WHERE k IN ({k}, {k} + 1)")):
                for kind, body in step():
                    if kind == "T":
                        equal([col[:4] for col in columns(body)], want)


def extended(c, k):
    c.send_raw(one("SELECT * FROM t WHERE k = $1", [str(k)]) + S())
    return c.until_ready()


def described(c, k):
    c.send_raw(P("d", "SELECT * FROM t WHERE k = $1") + D("S", "d") + B("", "d", [str(k)]) + D("P") + E() + C("S", "d") + S())
    return c.until_ready()


def in_a_transaction(c, k):
    c.query("BEGIN")
    c.query(f"SELECT 1 FROM t WHERE k = {k}")  # a first shard, maybe not home, describes what follows
    c.send_raw(P("x", f"SELECT * FROM t WHERE k = $1 AND {k} > 0") + D("S", "x") + B("", "x", [str(k)]) + E() + C("S", "x") + S())
    got = c.until_ready()
    c.query("COMMIT")
    return got


@test
def parameter_descriptions_are_those_of_the_home_shard(cluster):
    with cluster.wire() as c:
        for k in KEYS:
            c.query("BEGIN")
            c.query(f"SELECT 1 FROM t WHERE k = {k}")
            c.send_raw(P("", f"UPDATE t SET m = $1, ms = $2, c = $3 WHERE k = $4 AND {k} > 0") + D("S") + S())
            got = c.until_ready()
            c.query("ROLLBACK")
            equal(got[1], ("t", struct.pack("!HIIII", 4, oid(cluster, "mood"), oid(cluster, "mood[]"), oid(cluster, "couple"), 20)))


@test
def declared_parameter_types_are_understood_on_every_shard(cluster):
    with cluster.wire() as c:
        types = (oid(cluster, "mood"), oid(cluster, "mood[]"), oid(cluster, "couple"), 20)
        for k in KEYS:
            c.send_raw(P("", "UPDATE t SET m = $1, ms = $2, c = $3 WHERE k = $4", types) +
                       B("", "", ["happy", "{ok}", '(sad,1,"{}")', str(k)]) + E() + S())
            got = c.until_ready()
            equal((errors(got), tags(got)), ([], ["UPDATE 1"]))
        c.send_raw(P("", "SELECT count(*) FROM t WHERE m = $1", (types[0],)) + B("", "", ["happy"]) + E() + S())
        equal(rows(c.until_ready()), [[str(len(KEYS)).encode()]])
        c.query("UPDATE t SET m = 'ok', ms = '{sad,happy}', c = '(happy,5,\"{ok,sad}\")'")


@test
def binary_arrays_and_composites_hold_the_home_shards_oids(cluster):
    queries = ("SELECT m, ms, c, cs, s, r FROM t WHERE k = $1", "SELECT ROW(m, ms, c) FROM t WHERE k = $1",
               "SELECT array[c, c], array[m] FROM t WHERE k = $1")
    with cluster.wire() as c:
        for sql in queries:
            first = {whole_row(cluster, c, k, (1,), sql)[1].__repr__() for k in KEYS}
            equal(len(first), 1, sql)
            for k in KEYS:  # described once, executed without a description
                c.send_raw(P("b", sql) + D("S", "b") + S() + B("", "b", [str(k)], (), [1]) + E() + S() + C("S", "b") + S())
                got = [c.until_ready() for _ in range(3)]
                equal({repr(rows(got[1])[0])}, first, sql)
        element = whole_row(cluster, c, 1, (1,), queries[0])[1][1][8:12]
        equal(struct.unpack("!I", element)[0], oid(cluster, "mood"))
        c.send_raw(P("", "SELECT m, ms, c, cs, s, r FROM t ORDER BY k") + B("", "", (), (), [1]) + E() + S())
        equal(len({repr(r) for r in rows(c.until_ready())}), 1)


@test
def binary_parameters_with_the_home_shards_oids_reach_every_shard(cluster):
    mood, couple = oid(cluster, "mood"), oid(cluster, "couple")
    array = struct.pack("!iiIii", 1, 0, mood, 1, 1) + struct.pack("!i", 5) + b"happy"
    composite = (struct.pack("!i", 3) + struct.pack("!Ii", mood, 2) + b"ok" + struct.pack("!Iii", 23, 4, 77) +
                 struct.pack("!Ii", oid(cluster, "mood[]"), len(array)) + array)
    composites = struct.pack("!iiIii", 1, 0, couple, 1, 1) + struct.pack("!i", len(composite)) + composite
    with cluster.wire() as c:
        for k in KEYS:
            sql = "UPDATE t SET ms = $1, c = $2, cs = $3 WHERE k = $4"
            c.send_raw(P("", sql) + B("", "", [array, composite, composites, str(k)], (1, 1, 1, 0)) + E() + S())
            got = c.until_ready()
            equal((errors(got), tags(got)), ([], ["UPDATE 1"]), k)
        sql = "UPDATE t SET ms = $1, c = $2, cs = $3"
        c.send_raw(P("", sql) + B("", "", [array, composite, composites], (1,)) + E() + S())
        equal(tags(c.until_ready()), [f"UPDATE {len(KEYS)}"])
        got = rows(c.query("SELECT ms, c, cs FROM t ORDER BY k"))
        equal({repr(r) for r in got}, {repr([b"{happy}", b"(ok,77,{happy})", b'{"(ok,77,{happy})"}'])})


@test
def binary_copy_of_values_that_hold_oids_is_refused(cluster):
    cluster.sql("CREATE TABLE plain (k bigint PRIMARY KEY, m mood, n int[]) WITH (mosaic.shard_key = 'k')")
    with cluster.wire() as c:
        for sql in ("COPY t TO STDOUT (FORMAT binary)", "COPY t FROM STDIN (FORMAT binary)"):
            equal([(e["C"], "H" in e) for e in errors(c.query(sql))], [("0A000", True)])
        equal(kinds(c.query("COPY plain TO STDOUT (FORMAT binary)"))[0], "H")


@test
def column_numbers_are_those_of_the_home_shard(cluster):
    cluster.sql("ALTER TABLE t ADD COLUMN gone int, DROP COLUMN r", cluster.shard2_dsn)
    cluster.sql("ALTER TABLE t DROP COLUMN gone, ADD COLUMN r span", cluster.shard2_dsn)
    cluster.sql("ALTER TABLE t ADD COLUMN z mood")
    with cluster.wire() as c:
        descriptions = {repr(whole_row(cluster, c, k, (), "SELECT k, z FROM t WHERE k = $1")[0]) for k in KEYS}
        equal(len(descriptions), 1)
        equal(whole_row(cluster, c, 1, (), "SELECT z FROM t WHERE k = $1")[0][0][2], 8)


@test
def a_type_made_through_the_proxy_is_known_at_once(cluster):
    with cluster.wire() as c:
        for sql in ("CREATE TYPE late AS ENUM ('a')", "ALTER TABLE t ADD COLUMN l late DEFAULT 'a'"):
            equal(errors(c.query(sql)), [])
        equal({columns(b)[0][3] for k in KEYS for kind, b in c.query(f"SELECT l FROM t WHERE k = {k}") if kind == "T"},
              {oid(cluster, "late")})


if __name__ == "__main__":
    main(Cluster, before)
