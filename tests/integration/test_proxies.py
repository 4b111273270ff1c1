#!/usr/bin/env python3
"""Several proxies on one catalog: what one changes the others follow, and one that cannot follow
does no harm."""
import os
import random
import re
import signal
import threading
import time

from forward import Forwarder
from lib import Cluster, check, contains, equal, main, psql, test, wait_until
from proxy import OwnProxy
from wire import Closed, LoginFailed, errors, message, rows, startup, tags

LEASE = 3
EXTRA = f"lease: {{ duration: {LEASE}s }}\n"
FOLLOW = 60  # seconds; a proxy that was evicted logs in to all shards anew


def start():
    return Cluster(extra_yaml=EXTRA)


def other(cluster, **options):
    options.setdefault("name", "other")
    return OwnProxy(cluster, **options)  # the cluster's configuration already holds EXTRA


def run(dsn, sql, ok=True, timeout=60):
    done = psql(dsn, "-At", "-F", "\t", "-v", "VERBOSITY=verbose", "-c", sql, timeout=timeout)
    check((done.returncode == 0) == ok, sql, done.stdout, done.stderr)
    return done.stdout.strip() if ok else done.stderr


def admin(cluster, sql, ok=True, dsn=None):
    return run(dsn or cluster.admin_dsn, sql, ok)


def proxies(cluster):
    """incarnation → (acked_epoch, state)"""
    lines = admin(cluster, "SHOW PROXIES").splitlines()
    return {int(f[0]): (int(f[6]), f[8]) for f in (line.split("\t") for line in lines)}


def live(cluster):
    return [i for i, (_, state) in proxies(cluster).items() if state == "live"]


def newest(cluster):
    return max(proxies(cluster))


def keys_by_shard(cluster, table):
    """shard number → keys that lie there"""
    return {i + 1: [int(r[0]) for r in cluster.sql(f"SELECT k FROM {table}", dsn)]
            for i, dsn in enumerate(cluster.shard_dsns())}


def texts(got):
    return [[None if v is None else v.decode() for v in row] for row in rows(got)]


def answer(wire, sql):
    """('rows', …), ('tag', …) or ('error', code, text); a closed connection is an error, too."""
    try:
        got = wire.query(sql)
    except (Closed, OSError) as error:
        return ("error", "closed", str(error))
    if errors(got):
        return ("error", errors(got)[0]["C"], errors(got)[0]["M"])
    found = texts(got)
    return ("rows", found) if found or "SELECT" in tags(got)[0] else ("tag", tags(got)[0])


def writes_again(proxy, table):
    """Waits until the proxy writes; rows with v = -1 are nobody's."""
    said = []

    def attempt():
        done = psql(proxy.dsn, "-c", f"DELETE FROM {table} WHERE v = -1")
        said[:] = [done.stderr]
        return done.returncode == 0
    try:
        wait_until(FOLLOW, attempt, "the proxy writes again")
    except AssertionError as error:
        raise AssertionError(f"{error}; it says: {said[0]}; its log: {proxy.log()[-1500:]}") from None


def no_fences(cluster):
    equal(cluster.on_shards("SELECT count(*) FROM pg_trigger WHERE tgname = 'mosaic_map_change'"), ["0"] * 3)


# ---- everyday life ----

@test
def all_proxies_are_shown_and_leave_when_they_stop(cluster):
    before = set(live(cluster))
    proxy = other(cluster)
    wait_until(5, lambda: len(live(cluster)) == len(before) + 1, "the second proxy is live")
    mine = (set(live(cluster)) - before).pop()
    check(proxies(cluster)[mine][0] > 0, "no epoch is acknowledged")
    equal(proxy.stop(), 0, proxy.log()[-3000:])
    check(mine not in proxies(cluster), "a stopped proxy is still there")


@test
def every_server_connection_is_recorded_on_its_shard(cluster):
    cluster.value("SELECT 1")
    for dsn in cluster.shard_dsns():
        missing = cluster.value(
            f"SELECT count(*) FROM pg_stat_activity a WHERE usename = '{cluster.dbuser}' AND NOT EXISTS "
            "(SELECT FROM mosaic.sessions s WHERE s.pid = a.pid AND s.backend_start = a.backend_start)", dsn)
        equal(missing, "0")


@test
def hello_refuses_strangers_the_evicted_and_a_second_name(cluster):
    dsn = cluster.shard1_dsn
    own = cluster.value("SELECT id FROM mosaic.cluster", cluster.catalog_dsn)
    contains(run(dsn, f"SELECT mosaic.hello('{own}', 777777, 1000000)", ok=False), "57P03")
    cluster.sql(f"INSERT INTO mosaic.proxies VALUES ('{own}', 777777, false), ('{own}', 777778, true)", dsn)
    contains(run(dsn, f"SELECT mosaic.hello('{own}', 777778, 1000000)", ok=False), "was evicted")
    cluster.sql(f"INSERT INTO mosaic.epochs VALUES ('{own}', 2) ON CONFLICT (cluster) DO UPDATE SET "
                "least = greatest(mosaic.epochs.least, 2)", dsn)
    contains(run(dsn, f"SELECT mosaic.hello('{own}', 777777, 1)", ok=False), "older than one")
    twice = psql(dsn, "-At", stdin=f"SELECT mosaic.hello('{own}', 777777, 1000000);\n" * 2)
    contains(twice.stderr, "duplicate key")
    as_app = dsn.replace(f"user={cluster.superuser}", f"user={cluster.dbuser}").replace(
        cluster.superpassword, cluster.dbpassword)
    contains(run(as_app, "SELECT * FROM mosaic.sessions", ok=False), "permission denied")
    contains(run(as_app, "DELETE FROM mosaic.proxies", ok=False), "permission denied")
    cluster.sql("DELETE FROM mosaic.proxies WHERE incarnation IN (777777, 777778)", dsn)


@test
def hello_works_for_roles_with_odd_defaults(cluster):
    for setting in ("default_transaction_read_only = on", "default_transaction_isolation = 'serializable'",
                    "search_path = nowhere"):
        for dsn in cluster.shard_dsns():
            run(dsn, f"ALTER ROLE {cluster.dbuser} SET {setting}")
        try:
            with other(cluster) as proxy:
                equal(run(proxy.dsn, "SELECT 1 + 1"), "2")
        finally:
            for dsn in cluster.shard_dsns():
                run(dsn, f"ALTER ROLE {cluster.dbuser} RESET ALL")


@test
def ddl_through_one_proxy_is_known_to_the_other_when_it_is_answered(cluster):
    with other(cluster) as proxy:
        for i in range(6):
            here, there = (cluster.proxy_dsn, proxy.dsn) if i % 2 else (proxy.dsn, cluster.proxy_dsn)
            run(here, f"CREATE TABLE d{i} (a int, k bigint PRIMARY KEY, v int) WITH (mosaic.shard_key = 'k')")
            run(there, f"INSERT INTO d{i} VALUES " + ", ".join(f"(0, {k}, {k})" for k in range(1, 91)))
            equal(run(here, f"SELECT count(*), sum(v) FROM d{i}"), "90\t4095")
            run(here, f"ALTER TABLE d{i} DROP COLUMN a")
            run(there, f"INSERT INTO d{i} VALUES " + ", ".join(f"({k}, {k})" for k in range(91, 121)))
            equal(run(there, f"SELECT count(*) FROM d{i} WHERE k > 90"), "30")
            for k in range(91, 121):
                equal(run(here, f"SELECT v FROM d{i} WHERE k = {k}"), str(k))
            run(there, f"ALTER TABLE d{i} ADD COLUMN w text DEFAULT 'new'")
            equal(run(here, f"SELECT * FROM d{i} ORDER BY k LIMIT 1"), "1\t1\tnew")
            run(here, f"ALTER TABLE d{i} RENAME TO e{i}")
            equal(run(there, f"SELECT count(*) FROM e{i}"), "120")
            run(there, f"DROP TABLE e{i}")
            contains(run(here, f"SELECT * FROM e{i}", ok=False), "42P01")


@test
def ddl_that_leaves_the_map_alone_is_known_as_well(cluster):
    with other(cluster) as proxy:
        run(cluster.proxy_dsn, "CREATE TABLE plain (a int, b int)")
        run(proxy.dsn, "INSERT INTO plain VALUES (1, 2)")
        run(proxy.dsn, "ALTER TABLE plain DROP COLUMN a")
        equal(run(cluster.proxy_dsn, "SELECT * FROM plain"), "2")
        run(cluster.proxy_dsn, "CREATE SCHEMA other_schema")
        run(proxy.dsn, "CREATE TABLE other_schema.t (a int)")
        run(cluster.proxy_dsn, "DROP SCHEMA other_schema CASCADE")
        run(cluster.proxy_dsn, "DROP TABLE plain")
        contains(run(proxy.dsn, "SELECT * FROM plain", ok=False), "42P01")


@test
def a_prepared_statement_of_one_follows_ddl_of_the_other(cluster):
    run(cluster.proxy_dsn, "CREATE TABLE prep (k bigint PRIMARY KEY, v int) WITH (mosaic.shard_key = 'k')")
    run(cluster.proxy_dsn, "INSERT INTO prep VALUES (1, 10), (2, 20)")
    with other(cluster) as proxy, proxy.wire() as c:
        def fetch():
            c.bind("", "s", ["1"])
            c.describe("P")
            c.execute()
            c.sync()
            got = c.until_ready()
            return texts(got) if not errors(got) else errors(got)[0]["C"]
        c.parse("s", "SELECT * FROM prep WHERE k = $1")
        for _ in range(8):
            equal(fetch(), [["1", "10"]])
        run(cluster.proxy_dsn, "ALTER TABLE prep ADD COLUMN w int DEFAULT 7")
        got = fetch()
        check(got in ([["1", "10", "7"]], "0A000"), got)
        run(cluster.proxy_dsn, "ALTER TABLE prep DROP COLUMN v")
        got = fetch()
        check(got in ([["1", "7"]], "0A000"), got)
    run(cluster.proxy_dsn, "DROP TABLE prep")


@test
def statements_under_way_while_the_other_adds_columns_answer_rightly(cluster):
    run(cluster.proxy_dsn, "CREATE TABLE wide (k bigint PRIMARY KEY, v int) WITH (mosaic.shard_key = 'k')")
    run(cluster.proxy_dsn, "INSERT INTO wide VALUES " + ", ".join(f"({k}, {k})" for k in range(1, 41)))
    stop, wrong, counts = threading.Event(), [], {"read": 0, "written": 0}

    def read(proxy):
        with proxy.wire(timeout=60) as c:
            while not stop.is_set():
                got = answer(c, random.choice(["SELECT * FROM wide ORDER BY v LIMIT 30", "SELECT * FROM wide WHERE k < 31",
                                               "SELECT * FROM wide WHERE k = 7", "SELECT count(*), sum(v) FROM wide "
                                               "WHERE k < 41 GROUP BY k % 1"]))
                if got[0] == "rows":
                    widths = {len(r) for r in got[1]}
                    ok = len(widths) == 1 and all(r[0] == r[1] or r == ["40", "820"] for r in got[1])
                    counts["read"] += 1
                else:
                    ok = got[1] in ("0A000", "40001", "40P01")
                if not ok:
                    wrong.append(got)

    def write(proxy):
        with proxy.wire(timeout=60) as c:
            while not stop.is_set():
                k = 1000 + counts["written"]
                got = answer(c, f"INSERT INTO wide VALUES ({k}, {k})")
                if got[0] == "tag":
                    counts["written"] += 1
                elif got[1] not in ("40001", "40P01"):
                    wrong.append(got)
    with other(cluster) as proxy:
        threads = [threading.Thread(target=f, args=(p,)) for f, p in ((read, proxy), (read, cluster), (write, proxy))]
        for t in threads:
            t.start()
        for i in range(8):
            time.sleep(0.3)
            run(cluster.proxy_dsn if i % 2 else proxy.dsn, f"ALTER TABLE wide ADD COLUMN c{i} int DEFAULT {i}")
        stop.set()
        for t in threads:
            t.join()
        equal(wrong[:3], [])
        check(counts["read"] > 50 and counts["written"] > 20, counts)
        equal(run(proxy.dsn, "SELECT count(*) FROM wide"), str(40 + counts["written"]))
        for k in range(1000, 1000 + counts["written"], 5):
            equal(run(cluster.proxy_dsn, f"SELECT v FROM wide WHERE k = {k}"), str(k))
    run(cluster.proxy_dsn, "DROP TABLE wide")


# ---- changes that clash ----

def race(*calls):
    """Runs them at the same time; what each returned."""
    results = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def one(i):
        barrier.wait()
        results[i] = calls[i]()
    threads = [threading.Thread(target=one, args=(i,)) for i in range(len(calls))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


@test
def one_of_two_create_tables_wins_and_the_map_is_its(cluster):
    with other(cluster) as proxy:
        for i in range(8):
            name = f"twin{i}"
            done = race(*[
                lambda dsn=dsn, key=key: psql(dsn, "-v", "VERBOSITY=verbose", "-c",
                                              f"SET lock_timeout = '5s'; CREATE TABLE {name} (k bigint, j bigint, v int)"
                                              f" WITH (mosaic.shard_key = '{key}')", timeout=60)
                for dsn, key in ((cluster.proxy_dsn, "k"), (proxy.dsn, "j"))])
            good = [d.returncode == 0 for d in done]
            check(sum(good) <= 1, name, "was made twice")
            if not any(good):
                continue
            for dsn in (cluster.proxy_dsn, proxy.dsn):
                run(dsn, f"INSERT INTO {name} VALUES " + ", ".join(f"({k}, {k + 1000}, 1)" for k in range(60)))
            for dsn in (cluster.proxy_dsn, proxy.dsn):
                equal(run(dsn, f"SELECT count(*), sum(v) FROM {name}"), "120\t120")
                for k in range(0, 60, 7):
                    equal(run(dsn, f"SELECT count(*) FROM {name} WHERE k = {k} AND j = {k + 1000}"), "2")


@test
def admin_statements_that_clash_follow_each_other(cluster):
    with other(cluster) as proxy:
        for i in range(6):
            name = f"clash{i}"
            run(cluster.proxy_dsn, f"CREATE TABLE {name} (k bigint, j bigint, v int)")
            statements = random.sample([f"SHARD TABLE {name} BY (k)", f"SHARD TABLE {name} BY (j)",
                                        f"REFERENCE TABLE {name}", f"SINGLE TABLE {name} ON SHARD s2"], 2)
            done = race(lambda: psql(cluster.admin_dsn, "-c", statements[0]),
                        lambda: psql(proxy.admin_dsn, "-c", statements[1]))
            equal(sum(d.returncode == 0 for d in done), 1, f"{statements} {[d.stderr for d in done]}")
            for dsn in (cluster.proxy_dsn, proxy.dsn):
                run(dsn, f"INSERT INTO {name} VALUES " + ", ".join(f"({k}, {k + 1000}, 1)" for k in range(40)))
            for dsn in (cluster.proxy_dsn, proxy.dsn):
                equal(run(dsn, f"SELECT count(*), sum(v) FROM {name}"), "80\t80", statements)
                equal(run(dsn, f"SELECT count(*) FROM {name} WHERE k = 7 AND j = 1007"), "2", statements)
        no_fences(cluster)


@test
def placement_changes_under_load_from_two_proxies_lose_nothing(cluster):
    run(cluster.proxy_dsn, "CREATE TABLE busy (k bigint, v int)")
    counts, stop, wrong = [0, 0], threading.Event(), []

    def load(i, proxy):
        with proxy.wire(timeout=60) as c:
            n = 0
            while not stop.is_set():
                n += 1
                key = 2 * n + i
                got = answer(c, f"INSERT INTO busy VALUES ({key}, 1)")
                if got[0] == "tag":
                    counts[i] += 1
                    seen = answer(c, f"SELECT count(*) FROM busy WHERE k = {key}")
                    if seen[0] == "rows" and seen[1] != [["1"]]:
                        wrong.append((key, seen))
                elif got[1] not in ("40001", "40P01"):
                    wrong.append((key, got))
    with other(cluster) as proxy:
        threads = [threading.Thread(target=load, args=(0, cluster)), threading.Thread(target=load, args=(1, proxy))]
        for t in threads:
            t.start()
        for _ in range(3):
            time.sleep(0.5)
            admin(cluster, "REFERENCE TABLE busy")
            time.sleep(0.5)
            admin(cluster, "UNSHARD TABLE busy", dsn=proxy.admin_dsn)
        stop.set()
        for t in threads:
            t.join()
        equal(wrong[:3], [])
        equal(run(proxy.dsn, "SELECT count(*) FROM busy"), str(sum(counts)))
        check(min(counts) > 20, counts)
    run(cluster.proxy_dsn, "DROP TABLE busy")


@test
def a_table_replaced_in_one_transaction_keeps_its_placement(cluster):
    run(cluster.proxy_dsn, "CREATE TABLE swap (k bigint, v int) WITH (mosaic.shard_key = 'k')")
    said = run(cluster.proxy_dsn, "BEGIN; DROP TABLE swap; CREATE TABLE swap (k bigint, v int) WITH "
               "(mosaic.shard_key = 'v'); COMMIT", ok=False)
    contains(said, "0A000")
    run(cluster.proxy_dsn, "BEGIN; DROP TABLE swap; CREATE TABLE swap (k bigint, v int, w int) WITH "
        "(mosaic.shard_key = 'k'); COMMIT")
    run(cluster.proxy_dsn, "INSERT INTO swap VALUES (1, 2, 3)")
    equal(run(cluster.proxy_dsn, "SELECT * FROM swap WHERE k = 1"), "1\t2\t3")
    run(cluster.proxy_dsn, "DROP TABLE swap")


# ---- a proxy that is stopped ----

def freeze(proxy):
    """Every thread of it stands still when this returns."""
    proxy.process.send_signal(signal.SIGSTOP)
    tasks = f"/proc/{proxy.process.pid}/task"

    def state(task):
        with open(f"{tasks}/{task}/stat") as f:
            return f.read().rsplit(") ", 1)[1][0]
    wait_until(10, lambda: all(state(t) == "T" for t in os.listdir(tasks)), "it is stopped")
    time.sleep(0.2)  # what it has sent arrives


def send_query(wire, sql):
    wire.send_raw(message("Q", sql.encode() + b"\0"))


def wait_answer(wire):
    try:
        got = wire.until_ready()
    except (Closed, OSError) as error:
        return ("error", "closed", str(error))
    if errors(got):
        return ("error", errors(got)[0]["C"], errors(got)[0]["M"])
    return ("rows", texts(got)) if rows(got) else ("tag", tags(got)[0])


@test
def a_stopped_proxy_is_evicted_and_its_late_statements_do_no_harm(cluster):
    run(cluster.proxy_dsn, "CREATE TABLE moved (k bigint, j bigint, v int) WITH (mosaic.shard_key = 'k')")
    run(cluster.proxy_dsn, "CREATE TABLE apart (k bigint, v int) WITH (mosaic.shard_key = 'k')")
    with other(cluster) as proxy:
        run(proxy.dsn, "SELECT count(*) FROM moved")
        before = newest(cluster)
        clients = [proxy.wire(timeout=60) for _ in range(12)]
        keys = list(range(1, 1 + len(clients)))
        for c in clients[:6]:
            answer(c, "SELECT count(*) FROM moved")  # connections to every shard, and plans
        for c, k in zip(clients[6:], keys[6:]):
            answer(c, f"UPDATE moved SET v = v + 1 WHERE k = {k}")
        inside = proxy.wire(timeout=60)
        for sql in ("BEGIN", "INSERT INTO apart VALUES (1, 1), (2, 2), (3, 3), (4, 4)"):
            answer(inside, sql)
        freeze(proxy)
        try:
            for c in clients[:3]:
                send_query(c, "SELECT count(*) FROM moved")
            for c, k in zip(clients[3:6], keys[3:6]):
                send_query(c, f"SELECT v FROM moved WHERE k = {k}")
            for c, k in zip(clients[6:], keys[6:]):
                send_query(c, f"UPDATE moved SET v = v + 1 WHERE k = {k}")
            send_query(inside, "COMMIT")
            run(cluster.proxy_dsn, "DROP TABLE moved", timeout=60)
            run(cluster.proxy_dsn, "CREATE TABLE moved (k bigint, j bigint, v int) WITH (mosaic.shard_key = 'j')")
            run(cluster.proxy_dsn, "INSERT INTO moved VALUES " + ", ".join(f"({k}, {k + 5000}, 10)" for k in keys))
            equal(proxies(cluster)[before][1], "evicted")
        finally:
            proxy.process.send_signal(signal.SIGCONT)
        updated = 0
        for c in clients[:3]:
            got = wait_answer(c)
            check(got[0] == "error" or got == ("rows", [[str(len(keys))]]), got)
        for c in clients[3:6]:
            got = wait_answer(c)
            check(got[0] == "error" or got == ("rows", [["10"]]), got)
        for c in clients[6:]:
            got = wait_answer(c)
            check(got[0] == "error" or got == ("tag", "UPDATE 1"), got)
            updated += got[0] == "tag"
        got = wait_answer(inside)
        check(got[0] == "error" or got == ("tag", "ROLLBACK"), got)
        writes_again(proxy, "moved")
        check(newest(cluster) > before, "it has no new incarnation")
        for dsn in (proxy.dsn, cluster.proxy_dsn):
            equal(run(dsn, "SELECT count(*), sum(v) FROM moved"), f"{len(keys)}\t{10 * len(keys) + updated}")
            equal(run(dsn, "SELECT count(*) FROM moved WHERE j = 5001"), "1")
            equal(run(dsn, "SELECT count(*) FROM apart"), "0")
        contains(proxy.log(), "was evicted")
        for c in clients + [inside]:
            c.drop()
    run(cluster.proxy_dsn, "DROP TABLE moved")
    run(cluster.proxy_dsn, "DROP TABLE apart")


@test
def a_stopped_proxy_does_not_read_what_was_unsharded(cluster):
    run(cluster.proxy_dsn, "CREATE TABLE back (k bigint, v int) WITH (mosaic.shard_key = 'k')")
    with other(cluster) as proxy:
        clients = [proxy.wire(timeout=60) for _ in range(6)]
        for c in clients:
            equal(answer(c, "SELECT count(*) FROM back"), ("rows", [["0"]]))
        freeze(proxy)
        try:
            for i, c in enumerate(clients):
                send_query(c, "SELECT count(*) FROM back" if i % 2 else f"INSERT INTO back VALUES ({i}, 1)")
            admin(cluster, "UNSHARD TABLE back")
            run(cluster.proxy_dsn, "INSERT INTO back VALUES " + ", ".join(f"({k}, 10)" for k in range(100, 130)))
        finally:
            proxy.process.send_signal(signal.SIGCONT)
        inserted = 0
        for i, c in enumerate(clients):
            got = wait_answer(c)
            inserted += got[0] == "tag"
            check(got[0] == "error" or got[0] == "tag" or int(got[1][0][0]) >= 30, got)
        writes_again(proxy, "back")
        equal(run(proxy.dsn, "SELECT count(*) FROM back"), str(30 + inserted))
        equal(cluster.value("SELECT count(*) FROM back", cluster.shard1_dsn), str(30 + inserted))
        for c in clients:
            c.drop()
    run(cluster.proxy_dsn, "DROP TABLE back")
    no_fences(cluster)


@test
def a_stopped_proxy_that_holds_the_map_s_lock_is_ended(cluster):
    run(cluster.proxy_dsn, "CREATE TABLE held (k bigint, v int)")
    with other(cluster) as proxy:
        blocker = cluster.wire()
        for sql in ("BEGIN", "LOCK TABLE held IN ROW EXCLUSIVE MODE", "INSERT INTO held VALUES (1, 1)"):
            answer(blocker, sql)
        waiting = threading.Thread(target=lambda: psql(proxy.admin_dsn, "-c", "SHARD TABLE held BY (k)"))
        waiting.start()
        time.sleep(1)  # it holds the lock and waits for the writer
        freeze(proxy)
        try:
            answer(blocker, "ROLLBACK")
            blocker.close()
            admin(cluster, "REFERENCE TABLE held")
        finally:
            proxy.process.send_signal(signal.SIGCONT)
        waiting.join()
        contains(admin(cluster, "SHOW TABLES"), "held\treference")
        writes_again(proxy, "held")
        run(proxy.dsn, "INSERT INTO held VALUES (1, 1), (2, 2)")
        equal(cluster.on_shards("SELECT count(*) FROM held"), ["2", "2", "2"])
    run(cluster.proxy_dsn, "DROP TABLE held")
    no_fences(cluster)


@test
def an_unreachable_shard_stops_a_step_that_must_evict(cluster):
    run(cluster.proxy_dsn, "CREATE TABLE stuck (k bigint, v int)")
    with other(cluster) as proxy:
        freeze(proxy)
        time.sleep(LEASE + 1)
        cluster.script("stop", "shard3")
        try:
            said = admin(cluster, "SINGLE TABLE stuck ON SHARD s2", ok=False)
            contains(said, "cannot be evicted on shard s3")
        finally:
            cluster.script("start", "shard3")
        check("stuck\tsingle\t\t\ts2" not in admin(cluster, "SHOW TABLES"), "the map has changed")
        admin(cluster, "SINGLE TABLE stuck ON SHARD s2")
        proxy.process.send_signal(signal.SIGCONT)
        writes_again(proxy, "stuck")
    run(cluster.proxy_dsn, "DROP TABLE stuck")
    no_fences(cluster)


# ---- a live proxy that cannot follow ----

class Slow:
    """A statement under way on a proxy, for as long as the block lasts."""

    def __init__(self, proxy, cluster):
        self.proxy, self.cluster = proxy, cluster

    def __enter__(self):
        self.wire = self.proxy.wire(timeout=120)
        send_query(self.wire, "SELECT pg_sleep(100)")
        time.sleep(0.5)

    def __exit__(self, *_):
        for dsn in self.cluster.shard_dsns():
            run(dsn, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(100%'"
                " AND pid <> pg_backend_pid()")
        wait_answer(self.wire)
        self.wire.close()


@test
def a_long_statement_elsewhere_makes_a_placement_change_fail_and_undone(cluster):
    run(cluster.proxy_dsn, "CREATE TABLE late (k bigint, v int)")
    with other(cluster) as proxy:
        with Slow(proxy, cluster):
            said = admin(cluster, "SHARD TABLE late BY (k)", ok=False)
            contains(said, "55006")
            contains(said, "has not taken over the new shard map")
            check("late\tsharded" not in admin(cluster, "SHOW TABLES"), "the map has changed")
            no_fences(cluster)
            run(proxy.dsn, "INSERT INTO late VALUES (1, 1), (2, 2), (3, 3)")
            run(cluster.proxy_dsn, "INSERT INTO late VALUES (4, 1), (5, 2), (6, 3)")
        equal(cluster.value("SELECT count(*) FROM late", cluster.shard1_dsn), "6")
        run(cluster.proxy_dsn, "TRUNCATE late")
        admin(cluster, "SHARD TABLE late BY (k)")
    run(cluster.proxy_dsn, "DROP TABLE late")


@test
def create_shard_leaves_no_trace_in_the_map_when_the_proxies_do_not_follow(cluster):
    run(cluster.proxy_dsn, "CREATE TABLE ref (k bigint PRIMARY KEY, v int) WITH (mosaic.reference)")
    run(cluster.proxy_dsn, "INSERT INTO ref VALUES (1, 1), (2, 2)")
    super_dsn, new_dsn = cluster.catalog_dsn, cluster.catalog_dsn.replace("dbname=mosaic", "dbname=extra")
    run(super_dsn, f"CREATE ROLE {cluster.dbuser} LOGIN PASSWORD '{cluster.dbpassword}'")

    def fresh():
        run(super_dsn, "DROP DATABASE IF EXISTS extra WITH (FORCE)")
        run(super_dsn, f"CREATE DATABASE extra OWNER {cluster.dbuser}")
    fresh()
    with other(cluster) as proxy:
        with Slow(proxy, cluster):
            said = admin(cluster, f"CREATE SHARD s4 WITH (dsn = '{new_dsn}')", ok=False)
            contains(said, "55006")
            check("\ts4\t" not in admin(cluster, "SHOW SHARDS"), "the shard is in the map")
            no_fences(cluster)
            run(proxy.dsn, "INSERT INTO ref VALUES (3, 3)")
            run(cluster.proxy_dsn, "INSERT INTO ref VALUES (4, 4)")
        fresh()
        admin(cluster, f"CREATE SHARD s4 WITH (dsn = '{new_dsn}')")
        run(proxy.dsn, "INSERT INTO ref VALUES (5, 5)")
        run(cluster.proxy_dsn, "INSERT INTO ref VALUES (6, 6)")
        equal(cluster.value("SELECT count(*) FROM ref", new_dsn), "6")
        admin(cluster, "DROP SHARD s4", dsn=proxy.admin_dsn)
        run(cluster.proxy_dsn, "INSERT INTO ref VALUES (7, 7)")
        equal(cluster.value("SELECT count(*) FROM ref", new_dsn), "6")
        equal(cluster.on_shards("SELECT count(*) FROM ref"), ["7"] * 3)
    run(cluster.proxy_dsn, "DROP TABLE ref")
    no_fences(cluster)


@test
def clients_that_only_wait_hold_nobody_up(cluster):
    run(cluster.proxy_dsn, "CREATE TABLE quick (k bigint, v int)")
    with other(cluster) as proxy:
        half = proxy.wire(login=False)  # a log-in that is not finished
        half.send_raw(startup({"user": cluster.dbuser, "database": cluster.db}))
        half.receive()
        thinking = proxy.wire(timeout=60)  # a pipeline without its end
        thinking.parse("s", "SELECT count(*) FROM quick")
        thinking.flush()
        thinking.receive_kind("1")
        held = proxy.wire(timeout=60)
        admin(cluster, "PAUSE", dsn=proxy.admin_dsn)
        send_query(held, "SELECT count(*) FROM quick")
        time.sleep(0.5)
        began = time.monotonic()
        run(cluster.proxy_dsn, "ALTER TABLE quick ADD COLUMN w int")
        admin(cluster, "SHARD TABLE quick BY (k)")
        check(time.monotonic() - began < 8, "it took", time.monotonic() - began)
        run(cluster.proxy_dsn, "INSERT INTO quick VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3)")
        admin(cluster, "RESUME", dsn=proxy.admin_dsn)
        equal(wait_answer(held), ("rows", [["3"]]))
        thinking.bind("", "s")
        thinking.execute()
        thinking.sync()
        equal(texts(thinking.until_ready()), [["3"]])
        for c in (half, thinking, held):
            c.drop()
    run(cluster.proxy_dsn, "DROP TABLE quick")


# ---- the catalog is not there ----

@test
def a_proxy_cut_off_from_the_catalog_stops_writing_and_is_evicted_when_it_matters(cluster):
    run(cluster.proxy_dsn, "CREATE TABLE cut (k bigint, v int) WITH (mosaic.shard_key = 'k')")
    net = Forwarder(int(cluster.proxy_port) + 90, int(re.search(r"port=(\d+)", cluster.catalog_dsn).group(1)))
    try:
        with other(cluster, catalog_port=net.port) as proxy, proxy.wire(timeout=60) as c:
            equal(answer(c, "INSERT INTO cut VALUES (1, 1)"), ("tag", "INSERT 0 1"))
            before = newest(cluster)
            net.pause()
            equal(answer(c, "UPDATE cut SET v = v WHERE k = 1"), ("tag", "UPDATE 1"))  # the lease still runs
            wait_until(LEASE + 3, lambda: answer(c, "UPDATE cut SET v = v WHERE k = 1")[1] == "25006",
                       "writes are refused")
            equal(answer(c, "UPDATE cut SET v = v")[1], "25006")
            equal(answer(c, "CREATE TABLE cut2 (a int)")[1], "25006")
            equal(answer(c, "SELECT count(*) FROM cut"), ("rows", [["1"]]))
            equal(answer(c, "SELECT v FROM cut WHERE k = 1"), ("rows", [["1"]]))
            run(cluster.proxy_dsn, "DELETE FROM cut")
            admin(cluster, "UNSHARD TABLE cut")
            equal(proxies(cluster)[before][1], "evicted")
            run(cluster.proxy_dsn, "INSERT INTO cut VALUES (2, 2), (3, 3), (4, 4)")
            for _ in range(20):
                got = answer(c, "SELECT count(*) FROM cut")
                check(got[0] == "error" and got[1] in ("57P01", "57P03"), got)
                time.sleep(0.05)
            net.resume()
            writes_again(proxy, "cut")
            equal(answer(c, "SELECT count(*) FROM cut"), ("rows", [["3"]]))
            equal(answer(c, "INSERT INTO cut VALUES (5, 5)"), ("tag", "INSERT 0 1"))
            check(newest(cluster) > before, "it has no new incarnation")
    finally:
        net.close()
    equal(cluster.value("SELECT count(*) FROM cut", cluster.shard1_dsn), "4")
    run(cluster.proxy_dsn, "DROP TABLE cut")


@test
def a_proxy_cut_off_for_a_moment_only_goes_on_as_it_was(cluster):
    run(cluster.proxy_dsn, "CREATE TABLE moment (k bigint, v int) WITH (mosaic.shard_key = 'k')")
    net = Forwarder(int(cluster.proxy_port) + 90, int(re.search(r"port=(\d+)", cluster.catalog_dsn).group(1)))
    try:
        with other(cluster, catalog_port=net.port) as proxy, proxy.wire(timeout=60) as c:
            before = newest(cluster)
            net.cut()
            for _ in range(LEASE + 3):
                time.sleep(1)
                equal(answer(c, "SELECT count(*) FROM moment"), ("rows", [["0"]]))
            equal(answer(c, "INSERT INTO moment VALUES (1, 1)")[1], "25006")
            net.resume()
            wait_until(FOLLOW, lambda: answer(c, "INSERT INTO moment VALUES (1, 1)")[0] == "tag", "it writes again")
            equal(newest(cluster), before, "nothing had changed, so nobody was evicted:")
    finally:
        net.close()
    run(cluster.proxy_dsn, "DROP TABLE moment")


@test
def a_catalog_that_restarts_and_one_that_is_gone_for_longer(cluster):
    run(cluster.proxy_dsn, "CREATE TABLE gone (k bigint, v int) WITH (mosaic.shard_key = 'k')")
    with other(cluster) as proxy, cluster.wire(timeout=60) as a, proxy.wire(timeout=60) as b:
        cluster.script("restart", "catalog")
        for i, c in enumerate((a, b)):
            wait_until(FOLLOW, lambda: answer(c, f"INSERT INTO gone VALUES ({i}, 1)")[0] == "tag", "it writes")
        cluster.script("stop", "catalog")
        try:
            time.sleep(LEASE + 1)
            for c in (a, b):
                equal(answer(c, "SELECT count(*) FROM gone"), ("rows", [["2"]]))
                equal(answer(c, "INSERT INTO gone VALUES (7, 7)")[1], "25006")
                equal(answer(c, "CREATE TABLE gone2 (k int)")[1], "25006")
            said = admin(cluster, "UNSHARD TABLE gone", ok=False)
            contains(said, "the catalog")
            late = other(cluster, name="late", offset=45, wait_ready=False)
            try:
                wait_until(10, lambda: "not ready" in late.log(), "it says why it does not start")
                try:
                    late.wire(timeout=10)
                    check(False, "a client was let in")
                except LoginFailed as refused:
                    equal(refused.fields["C"], "57P03")
                    contains(refused.fields["M"], "catalog")
                except OSError:
                    check(False, "the port is closed")
                cluster.script("start", "catalog")
                wait_until(FOLLOW, late.ready, "it is ready once the catalog is there")
            finally:
                late.stop()
        finally:
            cluster.script("start", "catalog")
        for i, c in enumerate((a, b)):
            wait_until(FOLLOW, lambda: answer(c, f"INSERT INTO gone VALUES ({10 + i}, 1)")[0] == "tag", "it writes")
        equal(answer(a, "SELECT count(*) FROM gone"), ("rows", [["4"]]))
    run(cluster.proxy_dsn, "DROP TABLE gone")


@test
def a_catalog_that_cannot_be_written_gives_clear_errors_and_keeps_the_map(cluster):
    run(cluster.proxy_dsn, "CREATE TABLE full1 (k bigint, v int)")
    catalog = cluster.catalog_dsn
    cluster.sql("CREATE FUNCTION public.no_space() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION "
                "'could not extend file: No space left on device' USING ERRCODE = '53100'; END$$", catalog)
    places = ("tables", "shards", "intents", "distributions", "chunks")
    for t in places:
        cluster.sql(f"CREATE TRIGGER no_space BEFORE INSERT OR UPDATE OR DELETE ON mosaic.{t} "
                    "FOR EACH STATEMENT EXECUTE FUNCTION public.no_space()", catalog)
    map_query = ("SELECT md5(string_agg(t::text, ',' ORDER BY schema, name)) FROM mosaic.tables t")
    before = cluster.value(map_query, catalog)
    try:
        for sql in ("SHARD TABLE full1 BY (k)", "REFERENCE TABLE full1", "SINGLE TABLE full1 ON SHARD s2",
                    "CREATE DISTRIBUTION full_dist HASH (bigint)"):
            said = admin(cluster, sql, ok=False)
            contains(said, "53100" if "DISTRIBUTION" not in sql else "")
        contains(run(cluster.proxy_dsn, "CREATE TABLE full2 (k bigint) WITH (mosaic.shard_key = 'k')", ok=False), "53100")
        equal(run(cluster.proxy_dsn, "SELECT count(*) FROM full1"), "0")
        run(cluster.proxy_dsn, "INSERT INTO full1 VALUES (1, 1)")
    finally:
        for t in places:
            cluster.sql(f"DROP TRIGGER no_space ON mosaic.{t}", catalog)
    equal(cluster.value(map_query, catalog), before)
    equal(cluster.on_shards("SELECT count(*) FROM pg_class WHERE relname IN ('full1', 'full2')"), ["1", "0", "0"])
    no_fences(cluster)
    run(cluster.proxy_dsn, "DROP TABLE full1")


# ---- the dead leave something behind ----

@test
def an_open_decider_of_a_dead_proxy_is_ended(cluster):
    own = cluster.value("SELECT id FROM mosaic.cluster", cluster.catalog_dsn)
    dead = 888888
    cluster.sql("INSERT INTO mosaic.proxies (incarnation, name, version, expires_at) OVERRIDING SYSTEM VALUE VALUES "
                f"({dead}, 'dead', '0', now())", cluster.catalog_dsn)
    for dsn in cluster.shard_dsns():
        cluster.sql(f"INSERT INTO mosaic.proxies VALUES ('{own}', {dead})", dsn)
    for dsn in cluster.shard_dsns():
        cluster.sql("CREATE TABLE IF NOT EXISTS parts (v text)", dsn)
    gid = f"mosaic:{own}:{dead}:1-{1:016x}:1"
    role = f"SET SESSION AUTHORIZATION {cluster.superuser};"
    decider = threading.Thread(target=lambda: psql(
        cluster.shard1_dsn, stdin=f"{role} SELECT mosaic.hello('{own}', {dead}, 1000000000);\nBEGIN;\n"
        f"INSERT INTO parts VALUES ('d'); SELECT mosaic.log_commit('{gid}', '{{1,2}}'); SELECT pg_sleep(100); COMMIT;\n",
        timeout=120))
    decider.start()
    time.sleep(0.5)
    done = psql(cluster.shard2_dsn, stdin=f"BEGIN; INSERT INTO parts VALUES ('p'); SELECT mosaic.log_part('{gid}', '{{1,2}}');"
                f" PREPARE TRANSACTION '{gid}';")
    check(done.returncode == 0 and "ERROR" not in done.stderr, done.stderr)
    wait_until(40, lambda: cluster.value("SELECT count(*) FROM pg_prepared_xacts", cluster.shard2_dsn) == "0",
               "the prepared part is ended")
    decider.join(20)
    check(not decider.is_alive(), "the decider's session still lives")
    equal([cluster.value("SELECT count(*) FROM parts", d) for d in cluster.shard_dsns()], ["0", "0", "0"])


@test
def a_killed_proxy_holds_nobody_up_for_longer_than_its_lease(cluster):
    proxy = other(cluster)
    run(proxy.dsn, "SELECT 1")
    proxy.kill()
    began = time.monotonic()
    run(cluster.proxy_dsn, "CREATE TABLE after_kill (k bigint) WITH (mosaic.shard_key = 'k')")
    check(time.monotonic() - began < LEASE + 6, "it took", time.monotonic() - began)
    run(cluster.proxy_dsn, "INSERT INTO after_kill VALUES (1), (2), (3)")
    run(cluster.proxy_dsn, "DROP TABLE after_kill")


@test
def no_secret_and_no_fault_is_in_the_log(cluster):
    with open(f"{cluster.dir}/proxy.log") as f:
        log = f.read()
    check(cluster.dbpassword not in log and cluster.superpassword not in log, "the log holds a password")
    check("AddressSanitizer" not in log and "runtime error" not in log, log[-2000:])


if __name__ == "__main__":
    main(start)
