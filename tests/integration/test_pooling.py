#!/usr/bin/env python3
"""Pool modes, and what pins a client to a server connection."""
import os
import time

from lib import Cluster, check, equal, main, test, wait_until
from proxy import OwnProxy
from wire import Closed, LoginFailed, errors, kinds, rows, tags

KEYS = range(1, 41)


def before(cluster):
    cluster.sql("CREATE TABLE kv (k bigint PRIMARY KEY, v text) WITH (mosaic.shard_key = 'k')")
    cluster.sql("INSERT INTO kv VALUES " + ", ".join(f"({k}, 'v{k}')" for k in KEYS))
    cluster.sql("CREATE TABLE lone (id int PRIMARY KEY, v text)")
    cluster.sql("CREATE TABLE ref (id int PRIMARY KEY, v text) WITH (mosaic.reference = true)")
    cluster.sql("INSERT INTO ref VALUES (1, 'one'), (2, 'two')")


def good(messages):
    check(not errors(messages), errors(messages))
    return messages


def value(c, sql):
    return rows(good(c.query(sql)))[0][0].decode()


def refused(messages, code="0A000"):
    equal([e["C"] for e in errors(messages)], [code], errors(messages))
    equal(messages[-1][0], "Z")


def own(cluster, mode, size=2, reserve=0, queue="1s"):
    return OwnProxy(cluster, name=mode,
                    extra=f"workers: 1\npool: {{ mode: {mode}, size: {size}, reserve: {reserve} }}\n"
                          f"timeouts: {{ queue: {queue} }}")


# ---- pool modes

@test
def session_mode_keeps_one_server_connection_until_the_client_leaves(cluster):
    with own(cluster, "session") as proxy:
        with proxy.wire() as a, proxy.wire() as b:
            pid = value(a, "SELECT pg_backend_pid()")
            other = value(b, "SELECT pg_backend_pid()")
            check(pid != other, "two clients share a server connection")
            for _ in range(5):
                equal(value(a, "SELECT pg_backend_pid()"), pid)
                equal(value(b, "SELECT pg_backend_pid()"), other)
            equal(rows(good(a.query("SELECT count(*) FROM kv"))), [[b"40"]])
            equal(value(a, "SELECT pg_backend_pid()"), pid)
            try:
                proxy.wire().close()
                raise AssertionError("a third client came in, and two hold the two connections")
            except LoginFailed as refusal:
                equal(refusal.fields["C"], "53300")
        with proxy.wire() as c:
            good(c.query("SELECT 1"))


@test
def session_mode_cleans_a_connection_before_the_next_client(cluster):
    with own(cluster, "session", size=1) as proxy:
        with proxy.wire() as a:
            good(a.query("SET statement_timeout = '77s'"))
            good(a.query("SET search_path = pg_catalog"))
            a.query("BEGIN")
            a.query("INSERT INTO public.lone VALUES (900, 'open')")
        with proxy.wire() as b:
            equal(value(b, "SHOW statement_timeout"), "0")
            equal(value(b, "SHOW search_path"), '"$user", public')
            equal(value(b, "SELECT count(*) FROM lone WHERE id = 900"), "0")


@test
def session_mode_runs_transactions_over_shards(cluster):
    with own(cluster, "session", size=3) as proxy, proxy.wire() as c:
        for turn in range(3):
            good(c.query("BEGIN"))
            for k in (31, 32, 33, 34, 35):
                equal(tags(good(c.query(f"UPDATE kv SET v = 't{turn}' WHERE k = {k}"))), ["UPDATE 1"])
            equal(tags(good(c.query("COMMIT"))), ["COMMIT"])
            equal(value(c, f"SELECT count(*) FROM kv WHERE v = 't{turn}'"), "5")
        good(c.query("BEGIN"))
        good(c.query("UPDATE kv SET v = 'gone'"))
        good(c.query("ROLLBACK"))
        equal(value(c, "SELECT count(*) FROM kv WHERE v = 'gone'"), "0")


@test
def statement_mode_refuses_transactions_of_several_statements(cluster):
    with own(cluster, "statement") as proxy, proxy.wire() as c:
        refused(c.query("BEGIN"))
        refused(c.query("SELECT 1; SELECT 2"))
        equal(value(c, "SELECT v FROM kv WHERE k = 9"), "v9")
        equal(value(c, "SELECT count(*) FROM kv"), "40")
        good(c.query("UPDATE kv SET v = v"))  # over several shards: still atomic, still one statement
        c.parse("", "SELECT 1")
        c.bind("", "")
        c.execute()
        c.bind("", "")
        c.execute()
        c.sync()
        messages = c.until_ready()
        equal([e["C"] for e in errors(messages)], ["0A000"])
        equal(rows(messages), [[b"1"]])
        equal(rows(good(c.run("SELECT v FROM kv WHERE k = $1", ["9"]))), [[b"v9"]])


@test
def a_user_may_have_a_mode_of_its_own(cluster):
    with OwnProxy(cluster, name="modes", extra="workers: 1") as proxy:
        with open(proxy.config_path) as f:
            text = f.read()
        with open(proxy.config_path, "w") as f:
            f.write(text.replace(f"name: {cluster.dbuser},", f"name: {cluster.dbuser}, pool_mode: statement,"))
        proxy.stop()
        proxy.start()
        with proxy.wire() as c:
            refused(c.query("BEGIN"))


# ---- names of prepared statements: one name space for the protocol and for SQL

@test
def a_statement_of_the_protocol_can_be_executed_and_deallocated_by_sql(cluster):
    with cluster.wire() as c:
        c.parse("named", "SELECT v FROM kv WHERE k = $1", [20])
        c.sync()
        good(c.until_ready())
        equal(rows(good(c.query("EXECUTE named(7)"))), [[b"v7"]])
        equal(rows(good(c.query("EXECUTE named(3 + 4)"))), [[b"v7"]])
        refused(c.query("PREPARE named AS SELECT 1"), "42P05")
        good(c.query("DEALLOCATE named"))
        c.bind("", "named", ["7"])
        c.sync()
        refused(c.until_ready(), "26000")
        c.parse("named", "SELECT 2")
        c.sync()
        good(c.until_ready())
        equal(rows(good(c.query("EXECUTE named"))), [[b"2"]])


@test
def a_statement_of_sql_can_be_bound_described_and_closed_by_the_protocol(cluster):
    with cluster.wire() as c:
        good(c.query("PREPARE p(bigint) AS SELECT v FROM kv WHERE k = $1"))
        for k in (1, 2, 3):
            c.describe("S", "p")
            c.bind("", "p", [str(k)])
            c.execute()
            c.sync()
            messages = good(c.until_ready())
            equal(kinds(messages), "tT2DCZ")
            equal(rows(messages), [[f"v{k}".encode()]])
        c.parse("p", "SELECT 1")
        c.sync()
        refused(c.until_ready(), "42P05")
        c.close_name("S", "p")
        c.sync()
        good(c.until_ready())
        refused(c.query("EXECUTE p(1)"), "26000")


@test
def discard_all_and_deallocate_all_clear_both_kinds(cluster):
    for statement in ("DISCARD ALL", "DEALLOCATE ALL"):
        with cluster.wire() as c:
            c.parse("a", "SELECT 1")
            c.sync()
            good(c.until_ready())
            good(c.query("PREPARE b AS SELECT 2"))
            good(c.query(statement))
            refused(c.query("EXECUTE a"), "26000")
            refused(c.query("EXECUTE b"), "26000")


@test
def prepared_statements_are_each_clients_own(cluster):
    with cluster.wire() as a, cluster.wire() as b:
        good(a.query("PREPARE same AS SELECT 1"))
        refused(b.query("EXECUTE same"), "26000")
        good(b.query("PREPARE same AS SELECT 2"))
        equal(value(a, "EXECUTE same"), "1")
        equal(value(b, "EXECUTE same"), "2")
        good(a.query("DEALLOCATE same"))
        equal(value(b, "EXECUTE same"), "2")


@test
def a_statement_follows_the_search_path_and_keeps_its_columns(cluster):
    cluster.sql("CREATE SCHEMA other")
    cluster.sql("CREATE TABLE other.kv (k bigint PRIMARY KEY, v text) WITH (mosaic.shard_key = 'k')")
    cluster.sql("INSERT INTO other.kv VALUES (1, 'other')")
    cluster.sql("CREATE TABLE other.lone (id text, v int)")
    with cluster.wire() as c:
        good(c.query("PREPARE p AS SELECT v FROM kv WHERE k = 1"))
        good(c.query("PREPARE q AS SELECT id, v FROM lone"))
        c.parse("r", "SELECT v FROM kv WHERE k = 1")
        c.parse("t", "SELECT id, v FROM lone")
        c.sync()
        good(c.until_ready())
        for path, want in (("other", b"other"), ("public", b"v1"), ("other", b"other")):
            good(c.query(f"SET search_path = {path}"))
            equal(rows(good(c.query("EXECUTE p"))), [[want]])
            c.bind("", "r")
            c.execute()
            c.sync()
            equal(rows(good(c.until_ready())), [[want]])
        messages = c.query("EXECUTE q")
        refused(messages)
        equal(errors(messages)[0]["M"], "cached plan must not change result type")
        c.bind("", "t")
        c.execute()
        c.sync()
        refused(c.until_ready())
    cluster.sql("DROP SCHEMA other CASCADE")


@test
def a_statement_whose_columns_ddl_has_changed_says_so(cluster):
    cluster.sql("CREATE TABLE changing (k bigint PRIMARY KEY, v int) WITH (mosaic.shard_key = 'k')")
    with cluster.wire() as c:
        c.parse("s", "SELECT * FROM changing WHERE k = $1")
        c.sync()
        good(c.until_ready())
        for _ in range(2):
            c.bind("", "s", ["1"])
            c.execute()
            c.sync()
            good(c.until_ready())
        cluster.sql("ALTER TABLE changing ADD COLUMN w int")
        c.bind("", "s", ["1"])
        c.execute()
        c.sync()
        messages = c.until_ready()
        refused(messages)
        equal(errors(messages)[0]["M"], "cached plan must not change result type")
        equal(errors(messages)[0]["R"], "RevalidateCachedQuery")  # asyncpg and pgjdbc go by it
        c.bind("", "s", ["1"], result_formats=(1, 1))  # as many as there were columns
        c.execute()
        c.sync()
        equal(errors(c.until_ready())[0]["M"], "cached plan must not change result type")
    cluster.sql("DROP TABLE changing")


# ---- pinning

def pinned(cluster, name):
    done = cluster.admin("SHOW CLIENTS;")
    check(done.returncode == 0, done.stderr)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    rows_ = [dict(zip(lines[0], line)) for line in lines[1:]]
    return [r["pinned"] for r in rows_ if r["application_name"] == name][0]


def pid_of(c):
    """Of the server process on the home shard."""
    return value(c, "SELECT pg_backend_pid() FROM pg_class WHERE relname = 'pg_class'")


@test
def a_temporary_table_pins_until_it_is_dropped_and_show_clients_says_so(cluster):
    with cluster.wire(parameters={"application_name": "pins"}) as c:
        equal(pinned(cluster, "pins"), "")
        good(c.query("CREATE TEMP TABLE mine (x int)"))
        equal(pinned(cluster, "pins"), "temporary table")
        pid = pid_of(c)
        for _ in range(3):
            equal(pid_of(c), pid)
        good(c.query("DROP TABLE mine"))
        equal(pinned(cluster, "pins"), "")
        good(c.query("BEGIN"))
        good(c.query("CREATE TEMP TABLE mine (x int) ON COMMIT DROP"))
        equal(pinned(cluster, "pins"), "transaction, temporary table")
        good(c.query("COMMIT"))
        equal(pinned(cluster, "pins"), "")


@test
def an_advisory_lock_pins_until_it_is_given_back(cluster):
    with cluster.wire(parameters={"application_name": "locks"}) as c, cluster.wire() as other:
        good(c.query("SELECT pg_advisory_lock(7)"))
        equal(pinned(cluster, "locks"), "advisory lock")
        equal(value(other, "SELECT pg_try_advisory_lock(7)"), "f")
        good(c.query("SELECT pg_advisory_lock(7)"))
        good(c.query("SELECT pg_advisory_unlock(7)"))
        equal(pinned(cluster, "locks"), "advisory lock")
        equal(value(other, "SELECT pg_try_advisory_lock(7)"), "f")
        equal(value(c, "SELECT pg_advisory_unlock(7)"), "t")
        equal(pinned(cluster, "locks"), "")
        equal(value(other, "SELECT pg_try_advisory_lock(7)"), "t")
        equal(rows(good(other.run("SELECT pg_advisory_unlock($1)", ["7"]))), [[b"t"]])


@test
def discard_all_unpins_and_frees_at_once(cluster):
    with cluster.wire(parameters={"application_name": "discards"}) as c, cluster.wire() as other:
        good(c.query("CREATE TEMP TABLE mine (x int)"))
        good(c.query("SELECT pg_advisory_lock(8)"))
        equal(pinned(cluster, "discards"), "temporary table, advisory lock")
        good(c.query("DISCARD ALL"))
        equal(value(other, "SELECT pg_try_advisory_lock(8)"), "t")
        good(other.query("SELECT pg_advisory_unlock(8)"))
        equal(pinned(cluster, "discards"), "")
        refused(c.query("SELECT * FROM mine"), "42P01")


@test
def what_a_client_leaves_behind_is_gone_for_the_next(cluster):
    with own(cluster, "transaction", size=1, queue="5s") as proxy:
        for leave in ("close", "drop"):
            with proxy.wire() as a:
                good(a.query("CREATE TEMP TABLE kv (x int)"))
                good(a.query("CREATE TEMP TABLE left_over (x int)"))
                good(a.query("SELECT pg_advisory_lock(9)"))
                good(a.query("BEGIN"))
                good(a.query("INSERT INTO left_over VALUES (1)"))
                getattr(a, leave)()
            with proxy.wire() as b:
                equal(value(b, "SELECT count(*) FROM kv"), "40")
                refused(b.query("SELECT * FROM left_over"), "42P01")
                equal(value(b, "SELECT pg_try_advisory_lock(9)"), "t")
                good(b.query("SELECT pg_advisory_unlock_all()"))


@test
def a_reset_that_leaving_has_undone_leaks_nothing(cluster):
    with own(cluster, "transaction", size=1, queue="5s") as proxy:
        with proxy.wire() as a:
            good(a.query("SET statement_timeout = '77s'"))
            good(a.query("BEGIN"))
            good(a.query("RESET statement_timeout"))
            a.drop()
        with proxy.wire() as b:
            equal(value(b, "SHOW statement_timeout"), "0")


@test
def a_single_table_is_described_where_it_is(cluster):
    with cluster.wire() as c:
        for k in range(1, 7):
            good(c.query("BEGIN"))
            good(c.query(f"SELECT v FROM kv WHERE k = {k}"))
            good(c.run("SELECT id, v FROM lone"))
            good(c.query("COMMIT"))
            cluster.sql("ALTER TABLE lone ADD COLUMN more int; ALTER TABLE lone DROP COLUMN more")


@test
def others_wait_while_a_pinned_client_holds_the_only_connection(cluster):
    with own(cluster, "transaction", size=1) as proxy:
        with proxy.wire() as a, proxy.wire() as b:
            good(a.query("CREATE TEMP TABLE mine (x int)"))
            refused(b.query("SELECT * FROM lone"), "53300")
            equal(value(a, "SELECT count(*) FROM mine"), "0")
            good(a.query("DROP TABLE mine"))
            good(b.query("SELECT * FROM lone"))


@test
def the_loss_of_a_pinned_connection_ends_the_session(cluster):
    with cluster.wire() as c:
        good(c.query("CREATE TEMP TABLE mine (x int)"))
        pid = pid_of(c)
        cluster.value(f"SELECT pg_terminate_backend({pid})", cluster.shard1_dsn)
        message = c.receive()
        equal(message[0], "E")
        equal(errors([message])[0]["C"], "57P01")
        check(c.is_closed(), "the session goes on without its temporary table")
    with cluster.wire() as c:  # lost under a statement
        good(c.query("SELECT pg_advisory_lock(10)"))
        pid = pid_of(c)
        c.send("Q", b"SELECT pg_sleep(20) FROM pg_class WHERE relname = 'pg_class'\0")
        time.sleep(0.3)
        cluster.value(f"SELECT pg_terminate_backend({pid})", cluster.shard1_dsn)
        got = []
        try:
            while True:
                got.append(c.receive())
        except (Closed, ConnectionError):
            pass
        check(len(errors(got)) >= 1, got)
    with cluster.wire() as c:  # not pinned: nothing is lost
        pid = pid_of(c)
        cluster.value(f"SELECT pg_terminate_backend({pid})", cluster.shard1_dsn)
        time.sleep(0.2)
        equal(value(c, "SELECT 1"), "1")


@test
def a_temporary_table_takes_part_in_a_transaction_over_shards(cluster):
    with cluster.wire() as c:
        good(c.query("CREATE TEMP TABLE mine (x int)"))
        for end, want in (("COMMIT", "1"), ("ROLLBACK", "1"), ("COMMIT", "2")):
            good(c.query("BEGIN"))
            good(c.query("INSERT INTO mine VALUES (1)"))
            good(c.query(f"UPDATE kv SET v = 'with temp {want}' WHERE k IN (21, 22, 23, 24, 25)"))
            good(c.query(end))
            equal(value(c, "SELECT count(*) FROM mine"), want)
        equal(value(c, "SELECT count(*) FROM kv WHERE v = 'with temp 2'"), "5")


# ---- cursors

@test
def a_cursor_with_hold_pins_the_shard_of_its_query_until_it_is_closed(cluster):
    with cluster.wire(parameters={"application_name": "holds"}) as c:
        for k in range(11, 17):
            good(c.query(f"DECLARE h CURSOR WITH HOLD FOR SELECT v FROM kv WHERE k = {k}"))
            equal(pinned(cluster, "holds"), "cursor")
            equal(value(c, "SELECT count(*) FROM kv"), "40")
            equal(rows(good(c.query("FETCH h"))), [[f"v{k}".encode()]])
            good(c.query("CLOSE h"))
            equal(pinned(cluster, "holds"), "")


@test
def a_cursor_is_fetched_by_the_protocol_in_binary_and_with_its_own_columns(cluster):
    with cluster.wire() as a, cluster.wire() as b:
        good(a.query("BEGIN"))
        good(b.query("BEGIN"))
        good(a.query("DECLARE c CURSOR FOR SELECT k FROM kv WHERE k = 12"))
        good(b.query("DECLARE c CURSOR FOR SELECT v, k FROM kv WHERE k = 13"))
        for c, columns, want in ((a, 1, [(12).to_bytes(8, "big")]), (b, 2, [b"v13", (13).to_bytes(8, "big")])):
            c.parse("", "FETCH ALL FROM c")
            c.describe("S", "")
            c.bind("", "", (), 1)
            c.describe("P", "")
            c.execute()
            c.sync()
            messages = good(c.until_ready())
            equal(kinds(messages), "1tT2TDCZ")
            equal(rows(messages), [want])
            described = [body for kind, body in messages if kind == "T"]
            equal([int.from_bytes(d[:2], "big") for d in described], [columns, columns])
        good(a.query("COMMIT"))
        good(b.query("COMMIT"))


@test
def a_cursor_can_be_described_as_a_portal(cluster):
    with cluster.wire() as c:
        good(c.query("BEGIN"))
        c.parse("", "DECLARE c CURSOR FOR SELECT v, k FROM kv WHERE k = 12")
        c.bind("", "")
        c.execute()
        c.sync()
        good(c.until_ready())
        c.describe("P", "c")
        c.sync()
        messages = good(c.until_ready())
        equal(kinds(messages), "TZ")
        equal(int.from_bytes(messages[0][1][:2], "big"), 2)
        equal(rows(good(c.query("FETCH c"))), [[b"v12", b"12"]])
        good(c.query("CLOSE c"))
        c.describe("P", "c")
        c.sync()
        refused(c.until_ready(), "34000")


@test
def cursors_and_portals_share_one_name_space(cluster):
    with cluster.wire() as c:
        good(c.query("BEGIN"))
        good(c.query("DECLARE c CURSOR FOR SELECT v FROM kv WHERE k = 12"))
        c.parse("", "SELECT 1")
        c.bind("c", "")
        c.sync()
        refused(c.until_ready(), "42P03")
        good(c.query("ROLLBACK"))
        refused(c.query("FETCH c"), "34000")


if __name__ == "__main__":
    main(lambda: Cluster(shards=3), before)
