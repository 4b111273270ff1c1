#!/usr/bin/env python3
"""Simple queries and transactions against a direct PostgreSQL, message by message."""
import struct
import time

from lib import Cluster, check, equal, main, test, wait_until
from pair import B, D, E, P, Pair, Q, S, direct_dsn, make_single, on_both, one
from wire import cstring, errors, kinds, message, rows, tags

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


# ---- several statements in one query

@test
def a_query_of_several_statements_is_one_transaction(cluster):
    with Pair(cluster) as p:
        p.same(Q("SELECT 1; SELECT v FROM kv WHERE k = 1; UPDATE wr SET v = 1 WHERE k = 1; SELECT sum(v) FROM wr"))
        p.same(Q("UPDATE wr SET v = 5 WHERE k = 1; UPDATE wr SET v = 5 WHERE k = 2; SELECT 1/0; SELECT 3"))
        p.same(Q("UPDATE wr SET v = 5 WHERE k = 1; UPDATE wr SET v = 5 WHERE k = 2; SELECT nosuch; SELECT 3"), fields="VCM")
        p.same(Q("SELECT sum(v) FROM wr"))
        p.same(Q("UPDATE wr SET v = 6 WHERE k = 1; SELEC; SELECT 3"), fields="VCM")
        p.same(Q("SELECT sum(v) FROM wr; ; SELECT 1;;"))
    nothing_left(cluster)


@test
def begin_and_commit_inside_a_query_of_several_statements(cluster):
    with Pair(cluster) as p:
        p.same(Q("UPDATE wr SET v = 1 WHERE k = 1; BEGIN; UPDATE wr SET v = 2 WHERE k = 2; COMMIT; UPDATE wr SET v = 3 WHERE k = 3; SELECT 1/0"))
        p.same(Q("SELECT k, v FROM wr WHERE k < 4 ORDER BY k"))
        p.same(Q("BEGIN; SELECT 1; ROLLBACK; SELECT 2"))
        p.same(Q("BEGIN; UPDATE wr SET v = 9; SELECT 1/0; ROLLBACK"))
        p.same(Q("SELECT 1"))
        p.same(Q("ROLLBACK"))
        p.same(Q("SELECT 1; COMMIT; SELECT 2"))
        p.same(Q("SELECT 1; ROLLBACK; SELECT 2"))
        p.same(Q("UPDATE wr SET v = 8 WHERE k = 8; ROLLBACK; SELECT sum(v) FROM wr"))
        p.same(Q("UPDATE wr SET v = 8 WHERE k = 8; SAVEPOINT a; SELECT 1"))
        p.same(Q("SELECT sum(v) FROM wr; UPDATE wr SET v = 0"))
    nothing_left(cluster)


@test
def empty_queries_and_comments(cluster):
    with Pair(cluster) as p:
        for sql in ("", " ", ";", ";;", "-- c", "/* c */", "/* a /* b */ */ ;", "\n\t"):
            p.same(Q(sql))
        p.same(Q("BEGIN") + Q("") + Q("SELECT 1/0") + Q("") + Q("/**/") + Q("COMMIT"))


@test
def errors_keep_their_fields_and_position(cluster):
    with Pair(cluster) as p:
        for sql in ("SELECT nosuch FROM kv WHERE k = 1", "SELECT  v,  nosuch FROM kv", "SELEC 1", "SELECT 'é', nosuch FROM kv WHERE k = 1",
                    "INSERT INTO kv VALUES (1, 'dup')", "SELECT 1 +", "SELECT 'open", "SELECT * FROM nosuch", "SELECT nosuch()",
                    "INSERT INTO wr VALUES (1000, 'x')", "SELECT 1/0", "UPDATE kv SET v = nosuch", "DELETE FROM nosuch",
                    "SELECT count(nosuch) FROM kv", "CREATE TABLE kv (a int)", "DROP TABLE nosuch", "SELECT k FROM kv ORDER BY nosuch",
                    "DROP TABLE IF EXISTS nosuch", "SELECT 1 FROM kv WHERE k = 1 AND v = 1"):
            p.same(Q(sql))


@test
def ready_for_query_tells_the_state_of_all_shards(cluster):
    with Pair(cluster) as p:
        for sql in ("BEGIN", "UPDATE wr SET v = 1 WHERE k = 1", "UPDATE wr SET v = 1 WHERE k = 2", "SELECT count(*) FROM kv",
                    "SELECT v / 0 FROM wr WHERE k = 3", "SELECT 1", "UPDATE wr SET v = 1 WHERE k = 4", "BEGIN", "SET work_mem = 1000",
                    "SAVEPOINT x", "COMMIT", "SELECT sum(v) FROM wr"):
            p.same(Q(sql))
    nothing_left(cluster)


@test
def transaction_control_tags_and_warnings(cluster):
    with Pair(cluster) as p:
        for sql in ("COMMIT", "ROLLBACK", "BEGIN", "BEGIN", "START TRANSACTION", "COMMIT", "END", "ABORT", "BEGIN WORK", "END WORK",
                    "COMMIT AND CHAIN", "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", "SHOW transaction_isolation",
                    "SHOW transaction_read_only", "COMMIT AND CHAIN", "SHOW transaction_isolation", "ROLLBACK AND CHAIN",
                    "SHOW transaction_read_only", "ROLLBACK AND NO CHAIN", "SAVEPOINT a", "RELEASE a", "ROLLBACK TO a",
                    "START TRANSACTION READ ONLY", "UPDATE wr SET v = 1 WHERE k = 1", "ROLLBACK",
                    "BEGIN", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT v FROM kv WHERE k = 1",
                    "SHOW transaction_isolation", "SET TRANSACTION ISOLATION LEVEL READ COMMITTED", "COMMIT",
                    "SET TRANSACTION READ ONLY", "BEGIN", "SET TRANSACTION READ ONLY", "UPDATE wr SET v = 1 WHERE k = 1", "COMMIT"):
            p.same(Q(sql))


@test
def savepoints_are_undone_on_shards_that_joined_later(cluster):
    with Pair(cluster) as p:
        for sql in ("BEGIN", "UPDATE wr SET v = 1 WHERE k = 1", "SAVEPOINT a", "UPDATE wr SET v = 1 WHERE k = 2", "SAVEPOINT b",
                    "UPDATE wr SET v = 1 WHERE k = 3", "SELECT sum(v) FROM wr", "ROLLBACK TO b", "SELECT sum(v) FROM wr",
                    "SELECT 1/0", "ROLLBACK TO nosuch", "ROLLBACK TO SAVEPOINT a", "SELECT sum(v) FROM wr", "RELEASE b", "ROLLBACK TO a",
                    "UPDATE wr SET v = 1 WHERE k = 4", "UPDATE wr SET v = 1 WHERE k = 5", "RELEASE a", "SELECT sum(v) FROM wr",
                    "ROLLBACK TO a", "ROLLBACK", "SELECT sum(v) FROM wr"):
            p.same(Q(sql))
    nothing_left(cluster)


@test
def tags_of_all_shards_are_summed(cluster):
    with Pair(cluster) as p:
        for sql in ("INSERT INTO wr VALUES (101, 0), (102, 0), (103, 0), (104, 0)", "UPDATE wr SET v = 1 WHERE k > 100",
                    "DELETE FROM wr WHERE k > 100", "UPDATE wr SET v = 1 WHERE k < 0", "DELETE FROM wr WHERE k < 0",
                    "INSERT INTO wr SELECT 1, 1 WHERE false", "SELECT k FROM kv ORDER BY k LIMIT 7", "TRUNCATE wr", "SELECT count(*) FROM wr",
                    "INSERT INTO wr VALUES " + ", ".join(f"({k}, 0)" for k in KEYS)):
            p.same(Q(sql), fields="VC")


@test
def a_commit_of_a_failed_transaction_says_rollback(cluster):
    with Pair(cluster) as p:
        p.same(Q("BEGIN") + Q("UPDATE wr SET v = 1 WHERE k = 1") + Q("UPDATE wr SET v = 1 WHERE k = 2") + Q("SELECT 1/0") + Q("COMMIT") +
               Q("SELECT sum(v) FROM wr"))


@test
def statements_that_may_not_run_in_a_transaction_are_not_wrapped(cluster):
    with Pair(cluster) as p:
        p.same(Q("CREATE INDEX CONCURRENTLY kv_v ON kv (v)"))
        p.same(Q("DROP INDEX CONCURRENTLY kv_v"))
        p.same(Q("VACUUM kv") + Q("VACUUM ANALYZE wr"))
        p.same(one("VACUUM kv") + S())
        p.same(Q("BEGIN") + Q("VACUUM kv") + Q("ROLLBACK"))
        p.same(Q("SELECT 1; VACUUM kv"), fields="VC")


@test
def a_released_server_is_clean_after_an_error(cluster):
    with Pair(cluster) as p:
        for _ in range(20):
            p.same(Q("SELECT 1/0 FROM kv WHERE k = 1") + Q("SELECT v FROM kv WHERE k = 1"))
            p.same(one("SELECT v / 0 FROM wr WHERE k = 1") + S() + one("SELECT v FROM kv WHERE k = 1") + S())
    nothing_left(cluster)


# ---- asynchronous messages

@test
def a_changed_setting_is_reported_once_however_many_shards(cluster):
    with Pair(cluster) as p:
        for sql in ("SET DateStyle = 'German'", "SET DateStyle = 'German'", "BEGIN", "SELECT count(*) FROM kv", "SET TimeZone = 'UTC'",
                    "SET LOCAL IntervalStyle = 'iso_8601'", "SELECT count(*) FROM wr", "UPDATE wr SET v = 0", "ROLLBACK",
                    "SELECT count(*) FROM kv", "RESET ALL", "SELECT count(*) FROM kv"):
            p.same(Q(sql))


@test
def a_notice_stands_before_the_tag_of_its_statement(cluster):
    with Pair(cluster) as p:
        p.same(Q("DROP TABLE IF EXISTS nosuch"))
        p.same(Q("SELECT 1; DROP TABLE IF EXISTS nosuch; SELECT 2"))
        p.same(Q("CREATE TABLE IF NOT EXISTS kv (k bigint)"))
        p.same(one("DROP TABLE IF EXISTS nosuch") + S())
        p.same(Q("TRUNCATE wr, wr") + Q("INSERT INTO wr VALUES " + ", ".join(f"({k}, 0)" for k in KEYS)))


@test
def settings_that_start_with_the_connection_are_what_reset_returns_to(cluster):
    with Pair(cluster, parameters={"options": "-c extra_float_digits=0 --search_path=a,public -c application_name=a\\ b\\\\c", "DateStyle": "SQL"}) as p:
        for sql in ("SHOW extra_float_digits", "SHOW search_path", "SHOW application_name", "SHOW DateStyle", "SELECT 0.1::float8 + 0.2", "SET DateStyle = 'ISO'",
                    "RESET DateStyle", "SHOW DateStyle", "SET search_path = x", "RESET ALL", "SHOW search_path", "SET extra_float_digits = 3",
                    "DISCARD ALL", "SHOW extra_float_digits", "SELECT current_setting('extra_float_digits') FROM kv WHERE k = 1"):
            p.same(Q(sql), skip="S" if "ALL" in sql else "")  # the proxy goes through the servers' own values


@test
def equal_texts_with_other_search_paths_are_other_statements(cluster):
    cluster.sql("CREATE SCHEMA other")
    cluster.sql("CREATE SCHEMA other", direct_dsn(cluster))
    on_both(cluster, "CREATE TABLE other.kv (k bigint PRIMARY KEY, v int)", BY_K)
    on_both(cluster, "INSERT INTO other.kv SELECT 1, 77")
    with Pair(cluster) as a, Pair(cluster) as b:
        b.same(Q("SET search_path = other"))
        for _ in range(8):
            for p in (a, b):
                p.same(one("SELECT v FROM kv WHERE k = $1", ["1"]) + S())
                p.same(Q("SELECT v FROM kv WHERE k = 1"))
        a.same(P("s", "SELECT v FROM kv WHERE k = 1") + B("", "s") + E() + S())
        b.same(P("s", "SELECT v FROM kv WHERE k = 1") + B("", "s") + E() + S())
        a.same(Q("SET search_path = other") + one("SELECT v FROM kv WHERE k = $1", ["1"]) + S())
        a.same(B("", "s") + E() + S(), fields="VC")


# ---- lengths and pressure

@test
def a_message_of_a_bad_length_ends_the_connection(cluster):
    for raw in (b"Q" + struct.pack("!I", 3), b"Q" + struct.pack("!I", 0), b"Q" + struct.pack("!I", 0x80000000),
                b"Q" + struct.pack("!I", 0xFFFFFFFF), b"S" + struct.pack("!I", 10005) + b"x" * 10001,
                b"D" + struct.pack("!I", 0x7FFFFFFF), b"P" + struct.pack("!I", 0x7FFFFFFF)):
        with Pair(cluster) as p:
            p.send(raw)  # the server closes; the proxy says why first
            check(p.direct.is_closed(), "the server goes on after", raw[:8])
            kind, body = p.proxy.receive()
            equal((kind, errors([(kind, body)])[0]["C"]), ("E", "08P01"), raw[:8])
            check(p.proxy.is_closed(), "stays open")
    with Pair(cluster) as p:
        p.same(Q("SELECT 1"))


@test
def a_statement_of_many_megabytes_and_an_answer_of_many(cluster):
    with Pair(cluster) as p:
        text = "x" * (20 << 20)
        p.same(Q(f"SELECT length('{text}')"))
        p.same(one("SELECT length($1), v FROM kv WHERE k = 1", [text]) + S())
        p.same(one("SELECT $1::text FROM kv WHERE k = 1", [text]) + S())


@test
def both_directions_full_at_once_do_not_deadlock(cluster):
    n, text = 400, "y" * 100000
    with Pair(cluster, timeout=60) as p:
        side = p.proxy
        side.sock.settimeout(60)
        raw = one("SELECT repeat('z', 100000), length($1) FROM kv WHERE k = 1", [text]) + S()
        answered = read_in_the_background(side, n)
        for _ in range(n):
            side.send_raw(raw)
        answered.join(60)
        equal(answered.n, n)


def read_in_the_background(side, n):
    import threading

    class Reader(threading.Thread):
        n = 0

        def run(self):
            time.sleep(1)  # let everything fill up first
            while self.n < n:
                side.until_ready()
                self.n += 1

    reader = Reader(daemon=True)
    reader.start()
    return reader


@test
def an_unknown_severity_or_missing_sqlstate_does_no_harm(cluster):
    with Pair(cluster) as p:  # RAISE with odd fields, by the server
        p.same(Q("DO $$ BEGIN RAISE EXCEPTION USING errcode = 'ZZ999', message = '', detail = 'd', hint = 'h'; END $$"), fields="V")


if __name__ == "__main__":
    main(Cluster, before)
