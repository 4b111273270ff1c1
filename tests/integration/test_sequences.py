#!/usr/bin/env python3
"""Sequences shared by all shards and proxies: never a value twice, whoever draws and whoever dies."""
import os
import re
import signal
import subprocess
import tempfile
import threading
import time

from lib import Cluster, check, clean_environment, contains, equal, main, program, psql, test, wait_until
from proxy import OwnProxy
from wire import Closed, LoginFailed, errors, rows, tags

SECONDS = float(os.environ.get("PGMOSAIC_SEQUENCE_SECONDS", "4"))
KILLS = int(os.environ.get("PGMOSAIC_KILLS", "3"))


def before(cluster):
    cluster.sql("CREATE TABLE ev (k bigint, id bigserial, v text, PRIMARY KEY (k, id))"
                " WITH (mosaic.shard_key = 'k')")
    cluster.sql("CREATE TABLE cust (id bigserial PRIMARY KEY, name text) WITH (mosaic.shard_key = 'id')")
    cluster.sql("CREATE TABLE idk (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text)"
                " WITH (mosaic.shard_key = 'id')")
    cluster.sql("CREATE TABLE ref (id serial PRIMARY KEY, name text) WITH (mosaic.reference = true)")


def all_ids(cluster, table, column="id"):
    """From the shards themselves."""
    found = []
    for dsn in cluster.shard_dsns():
        found += [int(row[0]) for row in cluster.sql(f"SELECT {column} FROM {table}", dsn) if row[0]]
    return found


def unique(cluster, table, column="id"):
    ids = all_ids(cluster, table, column)
    equal(len(ids), len(set(ids)), f"a value of {table}.{column} was given twice:")
    return ids


def script(cluster, text, ok=True):
    done = psql(cluster.proxy_dsn, "-At", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", stdin=text)
    check((done.returncode == 0) == ok, text, done.stdout, done.stderr)
    return done


def insist(dsn, sql):
    """Another proxy may know for a moment more only that the sequence is being changed."""
    def done():
        run = psql(dsn, "-v", "VERBOSITY=verbose", "-c", sql)
        check(run.returncode == 0 or "40001" in run.stderr, run.stderr)
        return run.returncode == 0
    wait_until(15, done, sql)


def keys_of_shards(cluster):
    """A key for each shard."""
    cluster.sql("CREATE TABLE IF NOT EXISTS probe (k bigint PRIMARY KEY) WITH (mosaic.shard_key = 'k')")
    cluster.sql("INSERT INTO probe VALUES " + ", ".join(f"({k})" for k in range(1, 41)) + " ON CONFLICT (k) DO NOTHING")
    return [int(cluster.value("SELECT min(k) FROM probe", dsn)) for dsn in cluster.shard_dsns()]


@test
def every_shard_numbers_its_rows_and_no_number_is_there_twice(cluster):
    for k in range(1, 31):
        cluster.sql(f"INSERT INTO ev (k, v) VALUES ({k}, 'one')")
    cluster.sql("INSERT INTO ev (k, v) VALUES " + ", ".join(f"({k}, 'many')" for k in range(1, 91)))
    cluster.sql("INSERT INTO ev VALUES (1, DEFAULT, 'x')")
    equal(len(unique(cluster, "ev")), 121)
    counts = [int(n) for n in cluster.on_shards("SELECT count(*) FROM ev")]
    check(min(counts) > 0, counts)


@test
def returning_gives_what_was_drawn_in_the_order_of_the_rows(cluster):
    done = script(cluster, "INSERT INTO ev (k, v) VALUES (101, 'a'), (102, 'b'), (103, 'c') RETURNING k, id, v;")
    got = [line.split("|") for line in done.stdout.splitlines() if "|" in line]
    equal([row[0] + row[2] for row in got], ["101a", "102b", "103c"])
    for k, number, _ in got:
        equal(cluster.value(f"SELECT id FROM ev WHERE k = {k}"), number)


@test
def the_proxy_draws_a_key_before_it_routes(cluster):
    got = cluster.sql("INSERT INTO cust (name) VALUES ('a'), ('b'), ('c'), ('d') RETURNING id")
    ids = [int(row[0]) for row in got if row[0].isdigit()]
    equal(ids, list(range(ids[0], ids[0] + 4)))
    for n in ids:
        equal(cluster.value(f"SELECT count(*) FROM cust WHERE id = {n}"), "1")
    cluster.sql("INSERT INTO cust VALUES (DEFAULT, 'e'), (900000, 'f')")
    cluster.sql("INSERT INTO cust DEFAULT VALUES")
    equal(cluster.value("SELECT name FROM cust WHERE id = 900000"), "f")
    equal(len(unique(cluster, "cust")), 7)


@test
def the_extended_protocol_draws_too(cluster):
    with cluster.wire() as c:
        seen = set()
        for i in range(8):
            got = c.run("INSERT INTO cust (name) VALUES ($1), ($2) RETURNING id, name", [b"p%d" % i, b"q%d" % i])
            check(not errors(got), errors(got))
            equal([row[1] for row in rows(got)], [b"p%d" % i, b"q%d" % i])
            seen |= {row[0] for row in rows(got)}
        equal(len(seen), 16)
        for i in range(8):
            got = c.run("INSERT INTO ev (k, v) VALUES ($1, $2) RETURNING id", [b"%d" % (i + 500), b"x"])
            check(not errors(got), errors(got))
            equal(len(rows(got)), 1)
        c.parse("ins", "INSERT INTO cust (name) VALUES ($1) RETURNING id")
        for i in range(3):
            c.bind("", "ins", [b"pipe%d" % i])
            c.execute()
        c.sync()
        got = c.until_ready()
        check(not errors(got), errors(got))
        equal(len({row[0] for row in rows(got)}), 3)
    unique(cluster, "cust")
    unique(cluster, "ev")


@test
def identity_columns_obey_overriding(cluster):
    cluster.sql("INSERT INTO idk (name) VALUES ('a')")
    error = script(cluster, "INSERT INTO idk VALUES (5, 'b');", ok=False).stderr
    contains(error, "428C9")
    cluster.sql("INSERT INTO idk OVERRIDING SYSTEM VALUE VALUES (700000, 'c')")
    cluster.sql("INSERT INTO idk OVERRIDING USER VALUE VALUES (700001, 'd')")
    equal(cluster.value("SELECT count(*) FROM idk WHERE id = 700000"), "1")
    equal(cluster.value("SELECT count(*) FROM idk WHERE id = 700001"), "0")
    equal(len(unique(cluster, "idk")), 3)


@test
def copies_of_a_reference_table_have_the_same_numbers(cluster):
    cluster.sql("INSERT INTO ref (name) VALUES ('a'), ('b')")
    cluster.sql("INSERT INTO ref VALUES (DEFAULT, 'c')")
    with cluster.wire() as c:
        check(not errors(c.run("INSERT INTO ref (name) VALUES ($1)", [b"d"])))
    copies = cluster.on_shards("SELECT string_agg(id || name, ',' ORDER BY id) FROM ref")
    equal(len(set(copies)), 1, copies)
    equal(cluster.value("SELECT count(DISTINCT id) FROM ref"), "4")


@test
def copy_leaves_the_serial_column_to_the_shards(cluster):
    data = "".join(f"{k}\tcopied\n" for k in range(1, 5001))
    script(cluster, "COPY ev (k, v) FROM STDIN;\n" + data + "\\.\n")
    equal(cluster.value("SELECT count(*) FROM ev WHERE v = 'copied'"), "5000")
    unique(cluster, "ev")


@test
def a_sequence_of_its_own_is_drawn_without_gaps(cluster):
    cluster.sql("CREATE SEQUENCE plain")
    with cluster.wire() as c:
        got = [int(rows(c.query("SELECT nextval('plain')"))[0][0]) for _ in range(2500)]
    equal(got, list(range(1, 2501)))


@test
def blocks_that_end_inside_a_transaction_do_not_end_it(cluster):
    cluster.sql("CREATE SEQUENCE tiny MAXVALUE 2000")
    cluster.admin("ALTER SEQUENCE tiny SET BLOCK 1")
    cluster.sql("CREATE TABLE t1 (k bigint, id bigint DEFAULT nextval('tiny'), v int) WITH (mosaic.shard_key = 'k')")
    with cluster.wire(timeout=60) as c:
        for kind in ("simple", "extended"):
            c.query("BEGIN")
            for i in range(20):
                if kind == "simple":
                    got = c.query(f"INSERT INTO t1 (k, v) VALUES ({i % 3}, {i}) RETURNING id")
                else:
                    got = c.run("INSERT INTO t1 (k, v) VALUES ($1, $2) RETURNING id", [b"%d" % (i % 3), b"%d" % i])
                check(not errors(got), kind, i, errors(got))
                equal(len(rows(got)), 1)
            got = c.query("INSERT INTO t1 (k, v) VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6) RETURNING id")
            check(not errors(got), errors(got))
            equal(len(rows(got)), 6)
            equal(tags(c.query("COMMIT")), ["COMMIT"])
    equal(len(unique(cluster, "t1")), 52)
    equal(cluster.open_transactions(), 0)


@test
def the_first_value_of_all_may_be_drawn_inside_a_transaction(cluster):
    keys = keys_of_shards(cluster)
    for kind in ("simple", "extended"):
        cluster.sql("CREATE TABLE fresh (k bigint NOT NULL, id bigserial) WITH (mosaic.shard_key = 'k')")
        with cluster.wire(timeout=60) as c:
            c.query("BEGIN")
            for k in keys:
                got = (c.query(f"INSERT INTO fresh (k) VALUES ({k})") if kind == "simple"
                       else c.run("INSERT INTO fresh (k) VALUES ($1)", [b"%d" % k]))
                check(not errors(got), kind, k, errors(got))
            equal(tags(c.query("COMMIT")), ["COMMIT"])
        equal(len(unique(cluster, "fresh")), 3)
        cluster.sql("DROP TABLE fresh")


@test
def an_error_in_a_drawing_statement_still_fails_the_transaction(cluster):
    with cluster.wire() as c:
        c.query("BEGIN")
        check(not errors(c.query("INSERT INTO ev (k, v) VALUES (7001, 'lost')")))
        equal(errors(c.query("INSERT INTO ev (k, v) VALUES (7001, 1/0)"))[0]["C"], "22012")
        equal(errors(c.query("INSERT INTO ev (k, v) VALUES (7002, 'no')"))[0]["C"], "25P02")
        equal(tags(c.query("COMMIT")), ["ROLLBACK"])
        c.query("BEGIN")
        c.query("SAVEPOINT mine")
        equal(errors(c.query("INSERT INTO ev (k, v) VALUES (7001, 1/0)"))[0]["C"], "22012")
        c.query("ROLLBACK TO mine")
        check(not errors(c.query("INSERT INTO ev (k, v) VALUES (7003, 'kept')")))
        equal(tags(c.query("COMMIT")), ["COMMIT"])
    equal(cluster.value("SELECT count(*) FROM ev WHERE k BETWEEN 7001 AND 7003"), "1")


@test
def a_client_that_keeps_the_sequence_locked_holds_up_nobody(cluster):
    key = keys_of_shards(cluster)[0]
    with cluster.wire() as sleeper, cluster.wire(timeout=60) as c:
        sleeper.query("BEGIN")
        check(not errors(sleeper.query(f"INSERT INTO ev (k, v) VALUES ({key}, 'asleep')")))
        start = time.monotonic()
        for _ in range(8):  # eight thousand values: several blocks of that shard
            got = c.query(f"INSERT INTO ev (k, v) VALUES " + ", ".join([f"({key}, 'awake')"] * 1000))
            check(not errors(got), errors(got))
        check(time.monotonic() - start < 30, "it took", time.monotonic() - start, "s")
        # the bounds that the sleeper has seen are old by now
        check(not errors(sleeper.query(f"INSERT INTO ev (k, v) VALUES ({key}, 'asleep')")))
        equal(tags(sleeper.query("COMMIT")), ["COMMIT"])
    unique(cluster, "ev")


@test
def a_statement_of_many_rows_takes_as_many_blocks_as_it_needs(cluster):
    key = keys_of_shards(cluster)[1]
    cluster.sql("CREATE TABLE src (k bigint NOT NULL, n int) WITH (mosaic.shard_key = 'k')")
    data = "".join(f"{key}\t{n}\n" for n in range(20000))
    script(cluster, "COPY src (k, n) FROM STDIN;\n" + data + "\\.\n")
    cluster.sql("CREATE TABLE dst (k bigint NOT NULL, id int GENERATED BY DEFAULT AS IDENTITY, n int)"
                " WITH (mosaic.shard_key = 'k')")
    cluster.sql(f"INSERT INTO dst (k, n) SELECT k, n FROM src WHERE k = {key}")
    with cluster.wire(timeout=60) as c:
        c.query("BEGIN")
        c.query(f"INSERT INTO dst (k, n) VALUES ({key}, -1)")
        got = c.query(f"INSERT INTO dst (k, n) SELECT k, n FROM src WHERE k = {key}")
        check(not errors(got), errors(got))
        equal(tags(c.query("COMMIT")), ["COMMIT"])
    equal(len(unique(cluster, "dst")), 40001)


@test
def the_end_of_a_sequence_is_told_as_one_server_tells_it(cluster):
    cluster.sql("CREATE SEQUENCE few AS smallint MINVALUE 1 MAXVALUE 9")
    cluster.sql("CREATE TABLE t2 (k bigint, id smallint DEFAULT nextval('few')) WITH (mosaic.shard_key = 'k')")
    for k in range(9):
        cluster.sql(f"INSERT INTO t2 (k) VALUES ({k})")
    equal(sorted(unique(cluster, "t2")), list(range(1, 10)))
    for k in keys_of_shards(cluster):
        error = script(cluster, f"INSERT INTO t2 (k) VALUES ({k});", ok=False).stderr
        contains(error, '2200H: nextval: reached maximum value of sequence "few" (9)')
        error = script(cluster, f"BEGIN; INSERT INTO t2 (k) VALUES ({k}); COMMIT;", ok=False).stderr
        contains(error, '2200H: nextval: reached maximum value of sequence "few" (9)')
    cluster.sql("CREATE SEQUENCE back INCREMENT -3 MINVALUE -9 MAXVALUE 0")
    equal([cluster.value("SELECT nextval('back')") for _ in range(4)], ["0", "-3", "-6", "-9"])
    error = script(cluster, "SELECT nextval('back');", ok=False).stderr
    contains(error, '2200H: nextval: reached minimum value of sequence "back" (-9)')
    cluster.sql("CREATE SEQUENCE wheel MAXVALUE 3 CYCLE")
    equal([cluster.value("SELECT nextval('wheel')") for _ in range(7)], ["1", "2", "3", "1", "2", "3", "1"])
    cluster.sql("CREATE SEQUENCE kfew AS smallint MAXVALUE 4")
    cluster.sql("CREATE TABLE t3 (id smallint DEFAULT nextval('kfew') PRIMARY KEY) WITH (mosaic.shard_key = 'id')")
    for _ in range(4):
        cluster.sql("INSERT INTO t3 DEFAULT VALUES")
    error = script(cluster, "INSERT INTO t3 DEFAULT VALUES;", ok=False).stderr
    contains(error, '2200H: nextval: reached maximum value of sequence "kfew" (4)')


@test
def setval_and_alter_sequence_void_what_others_hold(cluster):
    cluster.sql("CREATE TABLE t4 (k bigint, id bigserial, v int) WITH (mosaic.shard_key = 'k')")
    keys = keys_of_shards(cluster)
    with OwnProxy(cluster, name="other") as other:
        for k in keys:
            cluster.sql(f"INSERT INTO t4 (k) VALUES ({k})")
            cluster.sql(f"INSERT INTO t4 (k) VALUES ({k})", other.dsn)
        equal(cluster.value("SELECT setval('t4_id_seq', 50000)"), "50000")
        for k in keys:
            cluster.sql(f"INSERT INTO t4 (k, v) VALUES ({k}, 1)")
            insist(other.dsn, f"INSERT INTO t4 (k, v) VALUES ({k}, 1)")
        check(min(all_ids(cluster, "t4 WHERE v = 1")) == 50001, all_ids(cluster, "t4 WHERE v = 1"))
        cluster.sql("ALTER SEQUENCE t4_id_seq INCREMENT BY 10 RESTART WITH 70000")
        for k in keys:
            insist(other.dsn, f"INSERT INTO t4 (k, v) VALUES ({k}, 2)")
            cluster.sql(f"INSERT INTO t4 (k, v) VALUES ({k}, 2)")
        ids = all_ids(cluster, "t4 WHERE v = 2")
        check(min(ids) == 70000 and all(n % 10 == 0 for n in ids), ids)
        unique(cluster, "t4")
        error = script(cluster, "SELECT setval('t4_id_seq', 0);", ok=False).stderr
        contains(error, "22003")
        cluster.sql(f"INSERT INTO t4 (k, v) VALUES ({keys[0]}, 3)")
        unique(cluster, "t4")
    error = script(cluster, "BEGIN; SELECT setval('t4_id_seq', 5);", ok=False).stderr
    contains(error, "0A000")
    cluster.sql("ALTER SEQUENCE t4_id_seq RENAME TO t4_numbers")
    cluster.sql(f"INSERT INTO t4 (k, v) VALUES ({keys[0]}, 4), ({keys[1]}, 4), ({keys[2]}, 4)")
    unique(cluster, "t4")


@test
def a_dropped_table_takes_its_sequence_along(cluster):
    for _ in range(3):
        cluster.sql("CREATE TABLE again (k bigint, id serial) WITH (mosaic.shard_key = 'k')")
        cluster.sql("INSERT INTO again (k) VALUES (1), (2), (3), (4), (5), (6), (7)")
        equal(len(unique(cluster, "again")), 7)
        cluster.sql("DROP TABLE again")
    with cluster.wire() as c:
        c.query("BEGIN")
        c.query("CREATE TABLE again (k bigint, id serial) WITH (mosaic.shard_key = 'k')")
        equal(errors(c.query("INSERT INTO again (k) VALUES (1)"))[0]["C"], "0A000")
        c.query("ROLLBACK")


@test
def a_table_with_rows_goes_on_from_its_place_and_may_be_unique_by_its_sequence(cluster):
    cluster.sql("CREATE TABLE orders (id bigserial PRIMARY KEY, customer bigint NOT NULL)")
    cluster.sql("SELECT setval('orders_id_seq', 1234)")
    done = cluster.admin("SHARD TABLE orders BY (customer)")
    contains(done.stderr, "orders_pkey")
    done = cluster.admin("SHARD TABLE orders BY (customer) TRUST UNIQUE (customer)")
    contains(done.stderr, "not fed by a sequence")
    done = cluster.admin("SHARD TABLE orders BY (customer) TRUST UNIQUE (id)")
    equal(done.returncode, 0, done.stderr)
    cluster.sql("INSERT INTO orders (customer) VALUES " + ", ".join(f"({k})" for k in range(1, 31)))
    equal(min(unique(cluster, "orders")), 1235)
    contains(cluster.admin("SHOW SEQUENCES").stdout, "orders_id_seq")
    counts = [int(n) for n in cluster.on_shards("SELECT count(*) FROM orders")]
    equal(sum(counts), 30)


@test
def a_single_table_keeps_its_own_sequence(cluster):
    cluster.sql("CREATE TABLE lone (id serial, v int)")
    for n in range(1, 4):
        cluster.sql(f"INSERT INTO lone (v) VALUES ({n})")
    equal(cluster.sql("SELECT id, v FROM lone ORDER BY id"), [["1", "1"], ["2", "2"], ["3", "3"]])
    check("lone_id_seq" not in cluster.admin("SHOW SEQUENCES").stdout)
    cluster.sql("SELECT setval('lone_id_seq', 10)")
    cluster.sql("ALTER SEQUENCE lone_id_seq INCREMENT BY 5")
    equal(cluster.value("SELECT nextval('lone_id_seq')"), "15")


class Inserters:
    """Clients that insert through one proxy or several, alone and in transactions, until told to stop."""

    def __init__(self, dsns, clients=4):
        self.stop, self.acked, self.bad, self.lock = False, 0, [], threading.Lock()
        self.threads = [threading.Thread(target=self.work, args=(dsns[n % len(dsns)], n), daemon=True)
                        for n in range(clients)]
        for t in self.threads:
            t.start()

    def work(self, source, seed):
        n = 0
        while not self.stop:
            try:
                with source.wire(timeout=30) as c:
                    while not self.stop:
                        n += 1
                        self.one(c, seed * 1000000 + n)
            except (OSError, Closed, LoginFailed):
                time.sleep(0.05)

    def one(self, c, n):
        sqls = [f"INSERT INTO ev (k, v) VALUES ({n}, 'load')", "INSERT INTO cust (name) VALUES ('load'), ('load')",
                f"INSERT INTO ev (k, v) VALUES ({n}, 'load'), ({n + 1}, 'load'), ({n + 2}, 'load')"]
        if n % 3 == 0:
            c.query("BEGIN")
        for sql in sqls:
            self.note(errors(c.query(sql)))
        if n % 3 == 0:
            c.query("COMMIT")
        with self.lock:
            self.acked += 1

    def note(self, found):
        for error in found:
            if error["C"] not in ("40001", "08006", "57P01", "57P03", "25P02"):
                self.bad.append(error)

    def finish(self):
        self.stop = True
        for t in self.threads:
            t.join(90)
        check(not any(t.is_alive() for t in self.threads), "a client still runs")
        equal(self.bad, [])


@test
def clients_of_two_proxies_never_get_the_same_number(cluster):
    cluster.admin("ALTER SEQUENCE ev_id_seq SET BLOCK 20")
    cluster.admin("ALTER SEQUENCE cust_id_seq SET BLOCK 7")
    with OwnProxy(cluster, name="second") as second:
        load = Inserters([cluster, second], clients=6)
        time.sleep(SECONDS)
        load.finish()
        check(load.acked > 50, "hardly anything was done:", load.acked)
    unique(cluster, "ev")
    unique(cluster, "cust")


@test
def kill_9_of_a_proxy_under_load_leaves_gaps_and_no_number_twice(cluster):
    with OwnProxy(cluster, name="killed") as killed:
        for _ in range(KILLS):
            load = Inserters([cluster, killed], clients=6)
            wait_until(30, lambda: load.acked >= 40, "inserts go through")
            killed.process.send_signal(signal.SIGKILL)
            killed.process.wait()
            killed.start()
            done = load.acked
            wait_until(30, lambda: load.acked >= done + 40, "inserts go on")
            load.finish()
            unique(cluster, "ev")
            unique(cluster, "cust")


@test
def a_proxy_killed_while_a_sequence_is_changed_gives_it_to_the_others(cluster):
    cluster.sql("CREATE TABLE t5 (k bigint, id bigserial) WITH (mosaic.shard_key = 'k')")
    keys = keys_of_shards(cluster)
    for k in keys:
        cluster.sql(f"INSERT INTO t5 (k) VALUES ({k})")
    with OwnProxy(cluster, name="changer") as changer:
        for i in range(KILLS):
            p = subprocess.Popen([program("psql"), "-X", changer.dsn, "-c", f"SELECT setval('t5_id_seq', {10000 * (i + 1)})"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_environment())
            time.sleep(0.02 + 0.07 * i)
            changer.process.send_signal(signal.SIGKILL)
            changer.process.wait()
            p.wait(30)
            changer.start()

            def inserted():
                return all(psql(cluster.proxy_dsn, "-c", f"INSERT INTO t5 (k) VALUES ({k})").returncode == 0 for k in keys)
            wait_until(90, inserted, "the sequence is shared again")
            unique(cluster, "t5")


@test
def pgbench_inserts_rows_with_serial_columns(cluster):
    cluster.admin("ALTER SEQUENCE ev_id_seq SET BLOCK 1000")
    with tempfile.NamedTemporaryFile("w", suffix=".sql", dir=cluster.dir) as f:
        f.write("\\set k random(1, 100000)\nINSERT INTO ev (k, v) VALUES (:k, 'bench');\n"
                "INSERT INTO cust (name) VALUES ('bench');\n")
        f.flush()
        for mode in ("simple", "prepared"):
            done = subprocess.run([program("pgbench"), "-h", "127.0.0.1", "-p", cluster.proxy_port, "-U", cluster.dbuser,
                                   "-n", "-M", mode, "-c", "8", "-j", "2", "-T", "3", "-f", f.name, cluster.db],
                                  capture_output=True, text=True, timeout=120,
                                  env={**clean_environment(), "PGPASSWORD": cluster.dbpassword})
            check(done.returncode == 0, done.stderr[-1000:])
            check("ERROR" not in done.stderr, done.stderr[-1000:])
            check(int(re.search(r"actually processed: (\d+)", done.stdout).group(1)) > 50, done.stdout)
    unique(cluster, "ev")
    unique(cluster, "cust")


if __name__ == "__main__":
    main(Cluster, before)
