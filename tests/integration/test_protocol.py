#!/usr/bin/env python3
"""The extended protocol against a direct PostgreSQL: pipelines, statements, portals, formats."""
import struct

from lib import Cluster, check, equal, main, test, wait_until
from pair import B, C, D, E, H, P, Pair, Q, S, columns, make_single, on_both, one, until_ready
from wire import errors, kinds, message, rows, tags

KEYS = range(1, 41)
BY_K = " WITH (mosaic.shard_key = 'k')"


def before(cluster):
    make_single(cluster)
    on_both(cluster, "CREATE TABLE kv (k bigint PRIMARY KEY, v text)", BY_K)
    on_both(cluster, "INSERT INTO kv VALUES " + ", ".join(f"({k}, 'v{k}')" for k in KEYS))
    on_both(cluster, "CREATE TABLE wr (k bigint PRIMARY KEY, v int)", BY_K)
    on_both(cluster, "INSERT INTO wr VALUES " + ", ".join(f"({k}, 0)" for k in KEYS))


def nothing_left(cluster):
    wait_until(10, lambda: cluster.open_transactions() == 0, "no transaction left open on a shard")


# ---- errors inside pipelines

@test
def an_error_in_a_pipeline_skips_to_the_sync_and_the_next_segment_runs(cluster):
    with Pair(cluster) as p:
        p.same(P("a", "SELECT 1") + one("SELECT 1/0") + P("b", "SELECT 2") + C("S", "a") + one("SELECT 3") + S() +
               one("SELECT v FROM kv WHERE k = 1") + S())
        p.same(B("", "a") + E() + S())  # its Close was skipped: it lives
        p.same(B("", "b") + E() + S())  # its Parse was skipped: it does not


@test
def each_of_several_syncs_in_flight_has_its_own_ready(cluster):
    with Pair(cluster) as p:
        raw = b"".join(one("SELECT v FROM kv WHERE k = $1", [str(k)]) + S() for k in range(1, 8))
        p.same(raw + S() + S() + one("SELECT 1/0") + S() + one("SELECT 5") + S())


@test
def an_error_in_a_pipeline_undoes_what_it_wrote_on_all_shards(cluster):
    with Pair(cluster) as p:
        p.same(b"".join(one(f"UPDATE wr SET v = v + 1 WHERE k = {k}") for k in range(1, 9)) +
               one("INSERT INTO wr VALUES (1, 1)") + one("SELECT 1") + S(), fields="VCM")
        p.same(one("SELECT sum(v) FROM wr") + S())
    nothing_left(cluster)


@test
def a_failed_parse_in_a_pipeline_undoes_it_too(cluster):
    with Pair(cluster) as p:
        p.same(one("UPDATE wr SET v = 7 WHERE k = 1") + one("UPDATE wr SET v = 7 WHERE k = 2") +
               P("", "SELECT no_such_column FROM wr") + S())
        p.same(one("UPDATE wr SET v = 7 WHERE k = 1") + P("", "SELEC") + S())
        p.same(one("UPDATE wr SET v = 7 WHERE k = 1") + B("", "no such") + S())
        p.same(one("UPDATE wr SET v = 7 WHERE k = 1") + D("P", "no such") + S())
        p.same(one("UPDATE wr SET v = 7 WHERE k = 1") + E("no such") + S())
        p.same(one("SELECT sum(v) FROM wr") + S())
    nothing_left(cluster)


@test
def a_pipeline_of_writes_commits_at_its_sync(cluster):
    with Pair(cluster) as p:
        p.same(b"".join(one(f"UPDATE wr SET v = v + 1 WHERE k = {k}") for k in KEYS) + S() +
               one("SELECT sum(v), count(*) FROM wr") + S())
        p.same(one("UPDATE wr SET v = 0") + one("SELECT sum(v) FROM wr") + S())
    nothing_left(cluster)


@test
def begin_and_commit_inside_a_pipeline(cluster):
    with Pair(cluster) as p:
        p.same(one("BEGIN") + one("UPDATE wr SET v = 1 WHERE k = 1") + one("UPDATE wr SET v = 1 WHERE k = 2") +
               one("COMMIT") + one("SELECT sum(v) FROM wr") + S())
        p.same(one("BEGIN") + S() + one("UPDATE wr SET v = 2 WHERE k = 1") + S() + one("ROLLBACK") + S())
        p.same(one("BEGIN") + one("SELECT 1/0") + one("COMMIT") + S() + one("SELECT 1") + S() + one("COMMIT") + S())
        p.same(one("SELECT sum(v) FROM wr") + S() + one("UPDATE wr SET v = 0") + S())
    nothing_left(cluster)


@test
def a_lone_sync_and_a_lone_flush(cluster):
    with Pair(cluster) as p:
        p.same(S())
        p.same(H() + S() + H() + S())
        p.same(one("BEGIN") + S() + S() + H() + S() + one("SELECT 1/0") + S() + S() + H() + S() + one("ROLLBACK") + S())


@test
def flush_brings_every_answer_so_far(cluster):
    with Pair(cluster) as p:
        p.same(P("f", "SELECT v FROM kv WHERE k = $1") + H(), stop="1")
        p.same(D("S", "f") + H(), stop="T")
        p.same(B("", "f", ["3"]) + H(), stop="2")
        p.same(D("P") + H(), stop="T")
        p.same(E() + H(), stop="C")
        p.same(C("P") + C("S", "f") + H(), stop="3")
        p.same(b"", stop="3")
        p.same(P("", "SELEC") + H(), stop="E")
        p.same(S())


@test
def a_pipeline_error_is_sent_before_the_sync_comes(cluster):
    with Pair(cluster) as p:
        p.same(one("SELECT v FROM kv WHERE k = 1") + one("SELECT 1/0") + H(), stop="E")
        p.same(one("SELECT 1") + S())


# ---- statements

@test
def parse_raises_its_error_itself(cluster):
    with Pair(cluster) as p:
        for sql in ("SELECT * FROM nosuch", "SELECT nosuch FROM kv", "SELECT k FROM kv WHERE v = 1 +", "INSERT INTO kv VALUES ('x')",
                    "SELECT 1; SELECT 2", "UPDATE kv SET v = 1 + 'x'::int WHERE k = 1", "SELECT nosuch(1)", "FOO"):
            p.same(P("", sql) + S() + one("SELECT 1") + S())


@test
def a_warning_of_parse_comes_with_every_parse(cluster):
    sql = "SELECT 1 AS a_name_that_is_longer_than_the_sixty_three_bytes_that_identifiers_have"
    for _ in range(3):
        with Pair(cluster) as p:
            p.same(P("", sql) + S() + P("n", sql) + S() + P("m", sql) + B("", "m") + E() + S())


@test
def an_empty_statement_by_the_extended_protocol(cluster):
    with Pair(cluster) as p:
        for sql in ("", " ", ";", "-- nothing", "/* */"):
            p.same(P("", sql) + D("S") + B() + D("P") + E() + S())
            p.same(P("", sql) + B() + E() + S())


@test
def the_unnamed_statement_lives_until_the_next_parse_or_query(cluster):
    with Pair(cluster) as p:
        p.same(B() + S())
        p.same(P("", "SELECT v FROM kv WHERE k = $1") + D("S") + S())
        p.same(B("", "", ["1"]) + E() + S())
        p.same(B("", "", ["2"]) + E() + S())
        p.same(P("", "SELEC") + S())  # a failed Parse has dropped it
        p.same(B("", "", ["2"]) + E() + S())
        p.same(P("", "SELECT 1") + S() + Q("SELECT 2") + B() + E() + S())
        p.same(P("", "SELECT 1") + S() + C("S") + B() + E() + S())


@test
def a_duplicate_and_a_missing_name_are_errors_and_the_session_goes_on(cluster):
    with Pair(cluster) as p:
        p.same(P("twice", "SELECT 1") + S() + P("twice", "SELECT 2") + S() + B("", "twice") + E() + S())
        p.same(B("", "nosuch") + S() + D("S", "nosuch") + S() + D("P", "nosuch") + S() + E("nosuch") + S())
        p.same(C("S", "nosuch") + C("P", "nosuch") + S())
        p.same(C("S", "twice") + P("twice", "SELECT 3") + B("", "twice") + E() + S())
        p.same(B("q", "twice") + B("q", "twice") + S())
        p.same(P("twice", "SELECT 4") + S() + one("SELECT 1") + S())


@test
def a_statement_may_be_closed_and_its_portal_goes_on(cluster):
    with Pair(cluster) as p:
        p.same(P("gone", "SELECT v FROM kv WHERE k = 5") + B("g", "gone") + C("S", "gone") + E("g") + S())
        p.same(P("gone", "SELECT v FROM kv ORDER BY k LIMIT 2") + B("g", "gone") + C("S", "gone") + E("g") + S())


@test
def describe_of_statements_and_portals(cluster):
    with Pair(cluster) as p:
        for sql in ("SELECT 1", "SELECT k, v FROM kv WHERE k = $1", "UPDATE wr SET v = $1 WHERE k = $2", "BEGIN",
                    "SELECT v, count(*) FROM kv WHERE v < $1 GROUP BY 1", "INSERT INTO wr VALUES ($1, $2) RETURNING v, k",
                    "SELECT $1::int[], $2::json", "SHOW work_mem", "SET work_mem = 1000", "DELETE FROM wr", "COMMIT",
                    "TABLE kv", "VALUES (1, 'a'), ($1, $2)", "CREATE TABLE nope (a int)", "SELECT", "EXPLAIN SELECT 1",
                    "ROLLBACK", "DISCARD ALL", "SELECT k AS a, k AS a, v FROM kv ORDER BY k LIMIT 3"):
            p.same(P("", sql) + D("S") + S() + P("d", sql) + D("S", "d") + C("S", "d") + S())
        p.same(P("", "SELECT k, v FROM kv WHERE k = 1") + B("", "", (), (), [1]) + D("P") + E() + S())
        p.same(P("", "SELECT k, v FROM kv WHERE k = 1") + B("", "", (), (), [1, 0]) + D("P") + D("S") + E() + S())


@test
def in_a_failed_transaction_only_its_end_is_taken(cluster):
    with Pair(cluster) as p:
        p.same(P("before", "SELECT v FROM kv WHERE k = 1") + P("end", "ROLLBACK") + P("e", "") + one("BEGIN") + S())
        p.same(B("open", "before") + S())
        p.same(Q("SELECT 1/0"))
        p.same(P("", "SELECT 1") + S())
        p.same(P("new", "SELECT 1") + S())
        p.same(B("", "before") + S())
        p.same(D("S", "before") + S())
        p.same(E("open") + S())
        p.same(P("", "SAVEPOINT x") + S())
        p.same(C("S", "before") + S())
        p.same(B("", "e") + E() + S())
        p.same(B("", "end") + E() + S())
        p.same(B("", "before") + S())


@test
def a_cached_plan_survives_ddl_or_says_0A000(cluster):
    on_both(cluster, "CREATE TABLE chg (k bigint PRIMARY KEY, v int)", BY_K)
    on_both(cluster, "INSERT INTO chg VALUES (1, 1)")
    with Pair(cluster) as p:
        p.same(P("s", "SELECT * FROM chg WHERE k = $1") + B("", "s", ["1"]) + E() + S())
        p.same(P("i", "SELECT v FROM chg WHERE k = $1") + B("", "i", ["1"]) + E() + S())
        on_both(cluster, "ALTER TABLE chg ADD COLUMN w int DEFAULT 5")
        p.same(B("", "i", ["1"]) + E() + S())
        p.send(B("", "s", ["1"]) + E() + S())
        equal(kinds(p.direct.until_ready()), "EZ")
        got = p.proxy.until_ready()  # prepared anew: better than the error
        check(rows(got) == [[b"1", b"1", b"5"]] or kinds(got) == "EZ", got)
        on_both(cluster, "ALTER TABLE chg DROP COLUMN v")
        p.same(B("", "i", ["1"]) + E() + S(), fields="VCM")
        p.same(P("", "SELECT * FROM chg WHERE k = 1") + B() + D("P") + E() + S())


# ---- portals

@test
def the_unnamed_portal_ends_with_its_transaction(cluster):
    with Pair(cluster) as p:
        p.same(P("", "SELECT v FROM kv WHERE k = 1") + B() + S())
        p.same(E() + S())
        p.same(one("BEGIN") + P("", "SELECT v FROM kv WHERE k = 1") + B() + S())
        p.same(E() + S())
        p.same(E() + S())  # a second time: no row is left
        p.same(one("COMMIT") + S() + E() + S())


@test
def named_portals_end_with_the_transaction(cluster):
    with Pair(cluster) as p:
        p.same(P("s", "SELECT k FROM kv WHERE k = 7") + S() + B("p", "s") + S() + E("p") + S())
        p.same(Q("BEGIN") + B("p", "s") + S() + E("p") + S() + C("P", "p") + S() + E("p") + S() + Q("ROLLBACK"))
        p.same(Q("BEGIN") + B("p", "s") + S() + Q("COMMIT") + E("p") + S())
        p.same(Q("BEGIN") + B("p", "s") + B("q", "s") + E("q") + E("p") + S() + Q("COMMIT"))


@test
def a_row_limit_suspends_the_portal(cluster):
    for sql in ("SELECT k, i FROM kv, generate_series(1, 5) i WHERE k = 1 ORDER BY i", "SELECT k FROM kv WHERE k < 6 ORDER BY k",
                "SELECT k FROM kv WHERE k < 1", "VALUES (1), (2), (3), (4), (5)"):
        with Pair(cluster) as p:
            p.same(P("", sql) + B("p") + E("p", 2) + E("p", 2) + E("p", 2) + S())
            p.same(P("", sql) + B() + E("", 2) + S() + E("", 2) + S())
            p.same(Q("BEGIN") + P("", sql) + B("p") + S() + E("p", 2) + S() + E("p", 3) + S() + E("p", 1) + S() + E("p") + S())
            p.same(Q("COMMIT"))
            p.same(P("", sql) + B() + E("", 5) + E("", 5) + S())
            p.same(P("", sql) + B() + E("", 1) + H(), stop="sC")
            p.same(E("", 0) + H(), stop="C")
            p.same(S())
            p.same(P("", sql) + B() + E("", -3) + S())


@test
def a_row_limit_on_a_write_with_returning(cluster):
    with Pair(cluster) as p:
        p.same(Q("BEGIN") + P("", "UPDATE wr SET v = 1 WHERE k = 3 RETURNING k, v") + B() + E("", 1) + S() + E("", 1) + S())
        p.same(Q("ROLLBACK"))
        p.same(P("", "UPDATE wr SET v = 1 WHERE k = 3") + B() + E("", 1) + E("", 1) + S() + Q("UPDATE wr SET v = 0"))


@test
def a_row_limit_on_a_write_over_several_shards_with_returning(cluster):
    raw = (Q("BEGIN") + P("", "UPDATE wr SET v = 1 WHERE k < 6 RETURNING k, v") + B("p") + E("p", 2) + S() + E("p", 2) + S() +
           E("p", 2) + S() + E("p", 2) + S() + Q("ROLLBACK"))
    with Pair(cluster) as p:
        p.send(raw)
        want, got = until_ready(p.direct, 6), until_ready(p.proxy, 6)
        equal([m for m in got if m[0] != "D"], [m for m in want if m[0] != "D"])
        equal(kinds(got), kinds(want))
        equal(sorted(rows(got)), sorted(rows(want)))


@test
def a_portal_that_is_done_cannot_run_twice(cluster):
    with Pair(cluster) as p:
        p.same(P("", "INSERT INTO wr VALUES (100, 1)") + B() + E() + E() + S(), fields="VCM")
        p.same(P("", "SELECT k FROM kv ORDER BY k LIMIT 3") + B() + E() + E() + S(), fields="VCM")
        p.same(P("", "SELECT v FROM kv WHERE k = 2") + B() + E() + E() + S(), fields="VCM")
        p.same(P("", "BEGIN") + B() + E() + E() + S(), fields="VCM")
        p.same(Q("ROLLBACK") + P("", "UPDATE wr SET v = 0 WHERE k < 9") + B() + E() + E() + S(), fields="VCM")
        p.same(P("", "UPDATE wr SET v = 0 WHERE k < 0 RETURNING v") + B() + E() + E() + S(), fields="VCM")
        p.same(P("", "SHOW work_mem") + B() + E() + S(), fields="VCM")
        p.same(one("SELECT count(*) FROM wr") + S() + Q("DELETE FROM wr WHERE k = 100"))


@test
def portals_of_two_statements_may_be_read_in_turn(cluster):
    one_shard = "SELECT i FROM generate_series(1, 4) i, kv WHERE k = 1 ORDER BY i"
    every_shard = "SELECT k FROM kv ORDER BY k LIMIT 4"
    for a, b in ((one_shard, one_shard), (one_shard, every_shard), (every_shard, every_shard)):
        with Pair(cluster) as p:
            p.same(Q("BEGIN") + P("a", a) + P("b", b) + B("a", "a") + B("b", "b") +
                   E("a", 1) + E("b", 2) + E("a", 2) + E("b", 1) + S() + E("a", 9) + E("b", 9) + S() + Q("COMMIT"))


# ---- formats and values

@test
def result_formats_none_one_and_each(cluster):
    with Pair(cluster) as p:
        for where in ("WHERE k = 3", "WHERE k < 4 ORDER BY k"):
            for results in ((), (0,), (1,), (0, 1), (1, 0), (1, 1)):
                p.same(one(f"SELECT k, v FROM kv {where}", (), results) + S())
            p.same(one(f"SELECT k, v FROM kv {where}", (), (0, 1, 0)) + S())
            p.same(one(f"SELECT k, v FROM kv {where}", (), (7,)) + S(), fields="VC")
        for results in ((), (1,), (0, 1, 1), (1, 0, 0)):
            p.same(one("SELECT count(*), sum(v), avg(v) FROM wr", (), results) + S())


@test
def null_is_not_empty(cluster):
    with Pair(cluster) as p:
        p.same(P("n", "SELECT $1::text IS NULL, $1::text = '', $1::text, v FROM kv WHERE k = 1") + S())
        for value in (None, "", "x"):
            for results in ((), (1,)):
                p.same(B("", "n", [value], (), results) + E() + S())
        p.same(one("SELECT v FROM kv WHERE k = $1", [None]) + S())
        p.same(one("SELECT v FROM kv WHERE k = $1", [""]) + S())


@test
def wrong_numbers_of_parameters_and_formats(cluster):
    with Pair(cluster) as p:
        p.same(P("s", "SELECT v FROM kv WHERE k = $1") + S())
        for values in ((), ("1", "2"), ("x",), ("99999999999999999999",)):
            p.same(B("", "s", values) + E() + S(), fields="VCM")
        p.same(B("", "s", [struct.pack("!q", 4)], [1]) + E() + S())
        p.send(B("", "s", [struct.pack("!i", 4)], [1]) + E() + S())  # 8 bytes are wanted
        equal(errors(p.direct.until_ready())[0]["C"], "08P01")
        check(errors(p.proxy.until_ready())[0]["C"] in ("08P01", "22P03", "0A000"))
        p.same(B("", "s", ["4"], [0, 0]) + E() + S(), fields="VCM")
        p.same(P("", "SELECT 1") + B("", "", ["1"]) + S(), fields="VCM")


@test
def as_many_parameters_as_the_protocol_counts(cluster):
    with Pair(cluster) as p:
        for n in (32767, 32768, 65535):
            places = ",".join(f"${i}::int" for i in range(1, n + 1))
            sql = f"SELECT v FROM kv WHERE k = 1 AND 1 IN ({places})"
            got = p.same(P("", sql) + D("S") + B("", "", ["1"] * n) + E() + S())
            equal(rows(got), [[b"v1"]], n)


@test
def declared_parameter_types_are_kept(cluster):
    with Pair(cluster) as p:
        for types in ((20,), (23,), (0,), (25,), (1700,)):
            p.same(P("", "SELECT v FROM kv WHERE k = $1", types) + D("S") + S())
        p.same(P("", "SELECT $1", (23,)) + D("S") + B("", "", ["5"]) + D("P") + E() + S())
        p.same(P("", "SELECT $1", (999999,)) + S(), fields="VC")


# ---- what interrupts a pipeline

@test
def a_query_inside_an_unfinished_batch_is_answered_in_order(cluster):
    with Pair(cluster) as p:
        p.same(one("SELECT v FROM kv WHERE k = 1") + Q("SELECT 2") + one("SELECT 3") + S())
        p.same(P("k", "SELECT 4") + B("", "k") + Q("SELECT 5") + B("", "k") + E() + S())
        p.same(one("UPDATE wr SET v = 1 WHERE k = 1") + one("UPDATE wr SET v = 1 WHERE k = 2") + Q("SELECT sum(v) FROM wr") +
               S() + Q("UPDATE wr SET v = 0"))


@test
def a_query_after_an_error_in_an_unfinished_batch(cluster):
    with Pair(cluster) as p:
        p.same(one("SELECT 1/0") + Q("SELECT 2") + S(), ready=1)
        p.same(one("SELECT 1") + S())


@test
def a_terminate_in_mid_pipeline_rolls_back(cluster):
    for raw in (one("UPDATE wr SET v = 9 WHERE k = 1") + one("UPDATE wr SET v = 9 WHERE k = 2") + message("X"),
                one("UPDATE wr SET v = 9 WHERE k = 1") + P("", "SELECT 1") + message("X")):
        with Pair(cluster) as p:
            p.send(raw)
            check(p.direct.is_closed() and p.proxy.is_closed(), "not closed")
    with Pair(cluster) as p:
        p.same(Q("SELECT sum(v) FROM wr"))
    nothing_left(cluster)


def F(function, *values):
    """A function call in binary form."""
    body = struct.pack("!IHHH", function, 1, 1, len(values))
    for v in values:
        body += struct.pack("!i", len(v)) + v
    return message("F", body + struct.pack("!H", 1))


LO_CREATE, LO_OPEN, LO_CLOSE, LO_READ, LO_WRITE, LO_SEEK, LO_UNLINK, RANDOM = 715, 952, 953, 954, 955, 956, 964, 1598


def int4(n):
    return struct.pack("!i", n)


@test
def a_function_call_is_answered_and_followed_by_ready(cluster):
    with Pair(cluster) as p:
        p.send(F(RANDOM))
        equal(kinds(p.direct.until_ready()), "VZ")
        equal([(e["C"], "H" in e) for e in errors(p.proxy.until_ready())], [("0A000", True)])
        p.same(Q("SELECT 1"))
        p.same(Q("BEGIN") + Q("SELECT 1/0") + F(LO_CREATE, int4(0)) + Q("ROLLBACK"))


@test
def large_objects_work_by_function_calls_as_drivers_use_them(cluster):
    oid, write = int4(7654321), int4(0x60000)
    with Pair(cluster) as p:
        p.same(F(LO_CREATE, oid))
        p.same(F(LO_CREATE, oid), fields="VC")  # there already
        p.same(Q("BEGIN") + F(LO_OPEN, oid, write) + F(LO_WRITE, int4(0), b"hello") + F(LO_SEEK, int4(0), int4(1), int4(0)) +
               F(LO_READ, int4(0), int4(3)) + F(LO_CLOSE, int4(0)) + Q("COMMIT"))
        p.same(Q("BEGIN") + F(LO_OPEN, oid, write) + F(LO_WRITE, int4(0), b"J") + Q("ROLLBACK"))
        p.same(Q("SELECT lo_get(7654321)"))
        p.same(one("UPDATE wr SET v = 5 WHERE k = 1") + F(LO_UNLINK, oid) + Q("SELECT lo_get(7654321)"), fields="VC")
        p.same(Q("SELECT sum(v) FROM wr") + Q("UPDATE wr SET v = 0"))
        p.same(F(LO_CREATE, b"x") + F(LO_CREATE) + Q("SELECT 1"), fields="VC")
    nothing_left(cluster)


@test
def a_query_in_an_unfinished_batch_shares_its_transaction(cluster):
    with Pair(cluster) as p:
        p.same(one("UPDATE wr SET v = 1 WHERE k = 1") + one("UPDATE wr SET v = 1 WHERE k = 2") + Q("SELECT 1/0") + S())
        p.same(one("UPDATE wr SET v = 1 WHERE k = 3") + one("UPDATE wr SET v = 1 WHERE k = 4") + Q("SELECT nosuch") + S())
        p.same(one("UPDATE wr SET v = 1 WHERE k = 5") + one("UPDATE wr SET v = 1 WHERE k = 6") + Q(""))
        p.same(one("UPDATE wr SET v = 1 WHERE k = 7") + one("UPDATE wr SET v = 1 WHERE k = 8") + Q("BEGIN") + Q("ROLLBACK"))
        p.same(Q("SELECT sum(v) FROM wr") + Q("UPDATE wr SET v = 0"))
    nothing_left(cluster)


@test
def a_row_limit_does_not_change_the_tag_of_a_write(cluster):
    """pgjdbc's executeUpdate asks for one row at most."""
    with Pair(cluster) as p:
        for sql in ("UPDATE wr SET v = v + 1 WHERE v >= 0", "UPDATE wr SET v = 0 WHERE k = 1", "DELETE FROM wr WHERE v < 0"):
            p.same(P("", sql) + B("", "") + E("", 1) + S())


if __name__ == "__main__":
    main(Cluster, before)
