#!/usr/bin/env python3
"""Every key of timeouts, limits and tcp does what the documentation says, with an error of its own."""
import os
import re
import signal
import time

from lib import Cluster, check, contains, equal, main, test, wait_until
from proxy import OwnProxy
from wire import Closed, LoginFailed, Wire, cstring, errors, kinds, message, rows, startup, tags

ROWS = 300


def start():
    return Cluster(shards=3)


def prepare(cluster):
    cluster.sql("CREATE TABLE acc (k int PRIMARY KEY, v text) WITH (mosaic.shard_key = 'k')")
    cluster.sql("INSERT INTO acc VALUES " + ", ".join(f"({k}, 'v{k}')" for k in range(1, ROWS + 1)))
    cluster.sql("CREATE TABLE wide (k int PRIMARY KEY, v text) WITH (mosaic.shard_key = 'k')")
    cluster.sql("INSERT INTO wide VALUES " + ", ".join(f"({k}, repeat('{k}', 8000))" for k in range(100, 200)))


def key_on(cluster, shard):
    return cluster.value("SELECT min(k) FROM acc", cluster.shard_dsns()[shard])


def the_error(messages, code, part):
    got = errors(messages)
    check(len(got) == 1 and got[0]["C"] == code, "instead of", code, ":", got)
    contains(got[0]["M"], part)
    check(got[0].get("H"), "no hint:", got[0])
    return got[0]


def still_works(cluster, c):
    equal(rows(c.query("SELECT count(*) FROM acc")), [[str(ROWS).encode()]])


def backend_of(cluster, shard, like):
    """The pid of the server process that runs such a statement."""
    sql = f"SELECT pid FROM pg_stat_activity WHERE state <> 'idle' AND pid <> pg_backend_pid() AND query LIKE '{like}'"
    return int(wait_until(10, lambda: cluster.sql(sql, cluster.shard_dsns()[shard]), f"shard {shard} runs {like}")[0][0])


def postmaster_of(cluster, shard):
    folder = cluster.value("SHOW data_directory", cluster.shard_dsns()[shard])
    with open(os.path.join(folder, "postmaster.pid")) as f:
        return int(f.readline())


class Frozen:
    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        os.kill(self.pid, signal.SIGSTOP)

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGCONT)


# ---- timeouts

@test
def timeouts_connect_ends_the_wait_for_a_server_that_does_not_answer(cluster):
    k = key_on(cluster, 1)
    with OwnProxy(cluster, extra="timeouts: { connect: 700ms }") as proxy, proxy.wire() as c:
        with Frozen(postmaster_of(cluster, 1)):
            began = time.monotonic()
            the_error(c.query(f"SELECT v FROM acc WHERE k = {k}"), "08006", "timeouts.connect")
            check(0.6 < time.monotonic() - began < 5, "after", time.monotonic() - began, "s")
        wait_until(10, lambda: not errors(c.query(f"SELECT v FROM acc WHERE k = {k}")), "the shard is back")
        still_works(cluster, c)


@test
def timeouts_login_ends_a_client_that_does_not_log_in(cluster):
    with OwnProxy(cluster, extra="timeouts: { login: 1s }") as proxy:
        silent = Wire(proxy.port, login=False)
        half = Wire(proxy.port, login=False)
        half.send_raw(startup({"user": cluster.dbuser, "database": cluster.db}))
        for c in (silent, half):
            got = [m for m in read_all(c) if m[0] == "E"]
            the_error(got, "57014", "timeouts.login")
        with proxy.wire() as c:
            time.sleep(1.5)
            still_works(cluster, c)


def read_all(c):
    got = []
    try:
        while True:
            got.append(c.receive())
    except (Closed, ConnectionError):
        return got


@test
def timeouts_queue_ends_the_wait_for_a_connection_and_keeps_the_session(cluster):
    k = key_on(cluster, 1)
    extra = "workers: 1\npool: { size: 1, reserve: 0 }\ntimeouts: { queue: 1s }"
    with OwnProxy(cluster, extra=extra) as proxy, proxy.wire() as holder, proxy.wire() as c:
        holder.query("BEGIN")
        holder.query(f"SELECT v FROM acc WHERE k = {k}")
        the_error(c.query(f"SELECT v FROM acc WHERE k = {k}"), "53300", "became free")
        the_error(c.query("SELECT count(*) FROM acc"), "53300", "became free")
        holder.query("COMMIT")
        still_works(cluster, c)


@test
def timeouts_query_ends_a_statement_wherever_it_runs(cluster):
    k = key_on(cluster, 1)
    with OwnProxy(cluster, extra="timeouts: { query: 1s }") as proxy, proxy.wire() as c:
        one, all_shards = f"SELECT pg_sleep(20) FROM acc WHERE k = {k}", "SELECT pg_sleep(20), count(*) FROM acc"
        for sql in (one, "SELECT k, pg_sleep(1) FROM acc", "SELECT k, pg_sleep(1) FROM acc ORDER BY k",
                    "UPDATE acc SET v = v WHERE pg_sleep(1) IS NOT NULL"):
            for run in (c.query, c.run):
                began = time.monotonic()
                the_error(run(sql), "57014", "timeouts.query")
                check(time.monotonic() - began < 4, sql, "ended after", time.monotonic() - began)
                still_works(cluster, c)
        c.query("BEGIN")
        the_error(c.query(one), "57014", "timeouts.query")
        equal(errors(c.query("SELECT 1"))[0]["C"], "25P02")
        equal(tags(c.query("ROLLBACK")), ["ROLLBACK"])
        # each statement of a message has its own time
        got = c.query("; ".join([f"SELECT pg_sleep(0.5) FROM acc WHERE k = {k}"] * 4))
        equal(errors(got), [])
        still_works(cluster, c)
    wait_until(5, lambda: cluster.open_transactions() == 0, "nothing goes on on the shards")


@test
def timeouts_query_counts_the_wait_for_a_connection(cluster):
    k = key_on(cluster, 1)
    extra = "workers: 1\npool: { size: 1, reserve: 0 }\ntimeouts: { query: 1s }"
    with OwnProxy(cluster, extra=extra) as proxy, proxy.wire() as holder, proxy.wire() as c:
        holder.query("BEGIN")
        holder.query(f"SELECT v FROM acc WHERE k = {k}")
        the_error(c.query(f"SELECT v FROM acc WHERE k = {k}"), "57014", "timeouts.query")
        holder.query("COMMIT")
        still_works(cluster, c)


@test
def timeouts_idle_transaction_rolls_back_on_all_shards_and_ends_the_session(cluster):
    before = cluster.sql("SELECT k, v FROM acc ORDER BY k")
    with OwnProxy(cluster, extra="timeouts: { idle_transaction: 1s }") as proxy:
        c = proxy.wire()
        c.query("BEGIN")
        c.query("UPDATE acc SET v = 'lost'")
        equal(cluster.open_transactions(), 3)
        got = read_all(c)
        equal(the_error(got, "25P03", "timeouts.idle_transaction")["S"], "FATAL")
        wait_until(5, lambda: cluster.open_transactions() == 0, "rolled back everywhere")
        equal(cluster.sql("SELECT k, v FROM acc ORDER BY k"), before)
        with proxy.wire() as c: # idle outside of a transaction is no fault
            time.sleep(2)
            still_works(cluster, c)


@test
def timeouts_idle_transaction_ends_a_pipeline_without_its_Sync(cluster):
    with OwnProxy(cluster, extra="timeouts: { idle_transaction: 1s }") as proxy:
        c = proxy.wire()
        c.parse("", "UPDATE acc SET v = 'lost'")
        c.bind("", "")
        c.execute()
        c.flush()
        got = read_all(c)
        the_error(got, "25P03", "timeouts.idle_transaction")
        wait_until(5, lambda: cluster.open_transactions() == 0, "rolled back everywhere")
        equal(cluster.value("SELECT count(*) FROM acc WHERE v = 'lost'"), "0")


@test
def timeouts_idle_transaction_leaves_a_long_statement_alone(cluster):
    with OwnProxy(cluster, extra="timeouts: { idle_transaction: 1s }") as proxy, proxy.wire() as c:
        c.query("BEGIN")
        equal(errors(c.query(f"SELECT pg_sleep(2) FROM acc WHERE k = {key_on(cluster, 1)}")), [])
        equal(tags(c.query("COMMIT")), ["COMMIT"])


@test
def timeouts_client_idle_ends_a_silent_client(cluster):
    with OwnProxy(cluster, extra="timeouts: { client_idle: 1s }") as proxy:
        c = proxy.wire()
        busy = proxy.wire()
        for _ in range(4):
            still_works(cluster, busy)
            time.sleep(0.5)
        the_error(read_all(c), "57P05", "timeouts.client_idle")
        busy.close()


@test
def timeouts_cancel_gives_up_on_a_server_that_does_not_react(cluster):
    k = key_on(cluster, 1)
    with OwnProxy(cluster, extra="timeouts: { query: 1s, cancel: 1s }") as proxy, proxy.wire() as c:
        # of several shards the first one's reason is told
        for sql, part in ((f"SELECT pg_sleep(30) FROM acc WHERE k = {k}", "timeouts.cancel"),
                          ("SELECT k, pg_sleep(30) FROM acc", "timeouts.query")):
            c.send("Q", cstring(sql))
            with Frozen(backend_of(cluster, 1, "SELECT%pg_sleep(30)%")):
                got = c.until_ready()
                the_error(got, "57014", part)
                equal(got[-1], ("Z", b"I"))
                still_works(cluster, c)


@test
def timeouts_phase_two_answers_a_decided_commit_without_the_frozen_shard(cluster):
    a, b = key_on(cluster, 0), key_on(cluster, 1)
    decider, other = cluster.shard_dsns()[0], cluster.shard_dsns()[1]
    with OwnProxy(cluster, extra="timeouts: { phase_two: 1s }") as proxy, proxy.wire() as c:
        lock = Wire(int(re.search(r"port=(\d+)", decider).group(1)), user=cluster.superuser,
                    password=cluster.superpassword, database=cluster.db)
        lock.query("BEGIN; LOCK TABLE mosaic.commit_log IN SHARE MODE")
        c.query("BEGIN")
        c.query(f"UPDATE acc SET v = 'decided' WHERE k = {a}")
        c.query(f"UPDATE acc SET v = 'decided' WHERE k = {b}")
        c.send("Q", cstring("COMMIT"))
        wait_until(10, lambda: cluster.sql("SELECT gid FROM pg_prepared_xacts", other), "the other shard is prepared")
        pid = int(cluster.value("SELECT pid FROM pg_stat_activity WHERE query LIKE '%PREPARE TRANSACTION%' "
                                "AND pid <> pg_backend_pid()", other))
        with Frozen(pid):
            lock.query("ROLLBACK")
            got = c.until_ready()
            equal(errors(got), [])
            equal(tags(got), ["COMMIT"])
            check("N" in kinds(got), "no warning that a shard is behind:", got)
        lock.close()
        wait_until(20, lambda: cluster.sql("SELECT count(*) FROM acc WHERE v = 'decided'") == [["2"]], "recovery ends it")
        c.query(f"UPDATE acc SET v = 'v' || k WHERE k IN ({a}, {b})")


@test
def timeouts_shutdown_bounds_the_wait_for_an_open_transaction(cluster):
    with OwnProxy(cluster, extra="timeouts: { shutdown: 2s }") as proxy:
        c = proxy.wire()
        c.query("BEGIN")
        c.query("SELECT count(*) FROM acc")
        began = time.monotonic()
        proxy.process.send_signal(signal.SIGTERM)
        equal([e["C"] for e in errors(read_all(c))], ["57P01"])
        check(1.5 < time.monotonic() - began < 8, "after", time.monotonic() - began)
        equal(proxy.process.wait(20), 0)


@test
def aggregation_timeout_ends_a_merged_statement_only(cluster):
    with OwnProxy(cluster, extra="aggregation: { timeout: 1s }") as proxy, proxy.wire() as c:
        the_error(c.query("SELECT k, pg_sleep(1) FROM acc ORDER BY k"), "57014", "aggregation.timeout")
        equal(errors(c.query(f"SELECT pg_sleep(2) FROM acc WHERE k = {key_on(cluster, 1)}")), [])


# ---- limits

@test
def limits_clients_refuses_one_more(cluster):
    with OwnProxy(cluster, extra="limits: { clients: 3 }") as proxy:
        held = [proxy.wire() for _ in range(3)]
        try:
            proxy.wire()
            raise AssertionError("a fourth client logged in")
        except LoginFailed as refused:
            equal(refused.fields["C"], "53300")
            contains(refused.fields["M"], "limits.clients")
            check(refused.fields.get("H"), refused.fields)
        with Wire(proxy.admin_port, user=cluster.adminuser, password=cluster.adminpassword, database="pgmosaic") as admin:
            equal(errors(admin.query("SHOW CLIENTS")), [])
        held.pop().close()
        wait_until(5, lambda: can_log_in(proxy), "there is room again")
        for c in held:
            still_works(cluster, c)


def can_log_in(proxy):
    try:
        proxy.wire().close()
        return True
    except LoginFailed:
        return False


@test
def limits_message_bounds_messages_of_clients_and_of_servers(cluster):
    k = key_on(cluster, 1)
    with OwnProxy(cluster, extra="limits: { message: 64kB }") as proxy:
        with proxy.wire() as c:
            for sql in (f"SELECT repeat('x', 100000) FROM acc WHERE k = {k}",
                        "SELECT k, repeat('x', 100000) FROM acc ORDER BY k"):
                the_error(c.query(sql), "54000", "limits.message")
                still_works(cluster, c)
            equal(errors(c.query(f"SELECT repeat('x', 60000) FROM acc WHERE k = {k}")), [])
        c = proxy.wire()
        c.send_raw(message("Q", b"SELECT '" + b"x" * 70000 + b"'\0"))
        equal(the_error(read_all(c), "54000", "limits.message")["S"], "FATAL")
        with proxy.wire() as c:
            still_works(cluster, c)


@test
def limits_memory_and_merge_rows_end_the_statement_not_the_session(cluster):
    with OwnProxy(cluster, extra="limits: { memory: 1MB, merge_rows: 200 }") as proxy, proxy.wire() as c:
        still_works(cluster, c)
        the_error(c.query("SELECT v, count(*) FROM acc GROUP BY v"), "54000", "limits.merge_rows")
        still_works(cluster, c)
        the_error(c.query("SELECT v, count(*) FROM wide GROUP BY v"), "54000", "limits.memory")
        still_works(cluster, c)
    with OwnProxy(cluster, extra="aggregation: { memory: 1MB }") as proxy, proxy.wire() as c:
        the_error(c.query("SELECT v, count(*) FROM wide GROUP BY v"), "54000", "aggregation.memory")
        still_works(cluster, c)


@test
def limits_statement_length_refuses_a_longer_text(cluster):
    with OwnProxy(cluster, extra="limits: { statement_length: 1kB }") as proxy, proxy.wire() as c:
        long = "SELECT count(*) FROM acc -- " + "x" * 1024
        for run in (c.query, c.run):
            the_error(run(long), "54000", "limits.statement_length")
            still_works(cluster, c)
        c.query("BEGIN")
        the_error(c.query(long), "54000", "limits.statement_length")
        equal(errors(c.query("SELECT 1"))[0]["C"], "25P02")
        c.query("ROLLBACK")
        # values are not text
        equal(errors(c.run("SELECT count(*) FROM acc WHERE v = $1", ["x" * 5000])), [])


# ---- tcp

def keepalive_timers(port):
    """Seconds to the next keepalive probe of connections from and to the port."""
    found = []
    with open("/proc/net/tcp") as f:
        for line in f.readlines()[1:]:
            field = line.split()
            local, remote = (int(a.split(":")[1], 16) for a in field[1:3])
            timer, when = field[5].split(":")
            if field[3] == "01" and port in (local, remote) and timer == "02":
                found.append((local, int(when, 16) / 100))
    return found


@test
def tcp_keepalive_settings_reach_clients_and_servers(cluster):
    k = key_on(cluster, 1)
    shard_port = int(re.search(r"port=(\d+)", cluster.shard_dsns()[1]).group(1))
    extra = "tcp: { keepalive_idle: 7s, keepalive_interval: 3s, keepalive_count: 2, user_timeout: 9s }"
    with OwnProxy(cluster, extra=extra) as proxy, proxy.wire() as c:
        c.query(f"SELECT v FROM acc WHERE k = {k}")
        time.sleep(0.5)
        mine = [when for local, when in keepalive_timers(proxy.port) if local == proxy.port]
        check(mine and all(0 < when <= 7.5 for when in mine), "client's:", mine)
        inodes = {os.readlink(f"/proc/{proxy.process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{proxy.process.pid}/fd")}
        with open("/proc/net/tcp") as f:
            lines = [line.split() for line in f.readlines()[1:]]
        servers = [int(x[5].split(":")[1], 16) / 100 for x in lines
                   if int(x[2].split(":")[1], 16) == shard_port and f"socket:[{x[9]}]" in inodes and x[5].startswith("02")]
        check(servers and any(0 < when <= 7.5 for when in servers), "servers':", servers)


main(start, prepare)
