#!/usr/bin/env python3
"""Shards that go, proxies that are killed, pools that are full."""
import os
import random
import re
import signal
import subprocess
import threading
import time

from lib import (Cluster, check, clean_environment, contains, equal, main, process_lives, program, psql, test,
                 wait_until)
from proxy import OwnProxy, http_status
from wire import Closed, LoginFailed, cstring, errors, rows, tags

ACCOUNTS = 60
EACH = 1000
KILLS = int(os.environ.get("PGMOSAIC_KILLS", "4"))  # of the proxy amid commits


def before(cluster):
    cluster.sql("CREATE TABLE acc (k bigint PRIMARY KEY, v bigint NOT NULL) WITH (mosaic.shard_key = 'k')")
    cluster.sql("INSERT INTO acc VALUES " + ", ".join(f"({k}, {EACH})" for k in range(1, ACCOUNTS + 1)))


def key_on(cluster, shard):
    """A key that lives on shard 1, 2, …"""
    return cluster.value("SELECT min(k) FROM acc", getattr(cluster, f"shard{shard}_dsn"))


def first_error(cluster, sql, port=None):
    with (port or cluster).wire(timeout=40) as c:
        got = errors(c.query(sql))
        return got[0] if got else None


def total(cluster):
    return sum(int(v) for v in cluster.on_shards("SELECT coalesce(sum(v), 0) FROM acc"))


def nothing_prepared(cluster):
    return cluster.on_shards("SELECT count(*) FROM pg_prepared_xacts") == ["0", "0", "0"]


@test
def rows_live_on_all_three_shards(cluster):
    counts = [int(n) for n in cluster.on_shards("SELECT count(*) FROM acc")]
    equal(sum(counts), ACCOUNTS)
    check(min(counts) > 0, counts)


@test
def a_killed_shard_fails_only_its_own_statements_and_the_error_names_it(cluster):
    here, there = key_on(cluster, 1), key_on(cluster, 2)
    cluster.script("stop", "shard2")
    try:
        error = first_error(cluster, f"SELECT v FROM acc WHERE k = {there}")
        check(error is not None, "a statement for a shard that is down gave rows")
        check(error["C"][:2] in ("08", "57", "53"), error)
        contains(" ".join(error.values()), "s2")
        error = first_error(cluster, "SELECT count(*) FROM acc")
        check(error is not None, "a count without one shard gave a number")
        contains(" ".join(error.values()), "s2")
        equal(cluster.value(f"SELECT v FROM acc WHERE k = {here}"), str(EACH))
        check(cluster.proxy_alive(), "the proxy has died")
    finally:
        cluster.script("start", "shard2")


@test
def a_shard_that_is_back_is_used_again(cluster):
    there = key_on(cluster, 2)
    wait_until(20, lambda: psql(cluster.proxy_dsn, "-Atc", f"SELECT v FROM acc WHERE k = {there}").returncode == 0,
               "the shard is used again")
    equal(cluster.value("SELECT count(*) FROM acc"), str(ACCOUNTS))


@test
def a_session_that_was_open_goes_on_after_the_shard_is_back(cluster):
    there = key_on(cluster, 3)
    with cluster.wire(timeout=40) as c:
        equal(rows(c.query(f"SELECT v FROM acc WHERE k = {there}")), [[str(EACH).encode()]])
        cluster.script("restart", "shard3")
        wait_until(20, lambda: rows(c.query(f"SELECT v FROM acc WHERE k = {there}")) == [[str(EACH).encode()]],
                   "the session works again")


@test
def a_shard_lost_in_a_transaction_fails_the_transaction_whole(cluster):
    one, two = key_on(cluster, 1), key_on(cluster, 2)
    with cluster.wire(timeout=40) as c:
        c.query("BEGIN")
        c.query(f"UPDATE acc SET v = v - 7 WHERE k = {one}")
        c.query(f"UPDATE acc SET v = v + 7 WHERE k = {two}")
        cluster.script("restart", "shard2")
        got = c.query("COMMIT")
        check(errors(got) or tags(got) == ["ROLLBACK"], "COMMIT after a shard was lost said", tags(got))
        equal(got[-1], ("Z", b"I"))
    wait_until(20, lambda: nothing_prepared(cluster), "no prepared transaction")
    equal(total(cluster), ACCOUNTS * EACH)


@test
def server_processes_that_are_killed_are_replaced(cluster):
    with cluster.wire(timeout=40) as c:
        for shard in (1, 2, 3):
            k = key_on(cluster, shard)
            c.query(f"SELECT v FROM acc WHERE k = {k}")
        for dsn in cluster.shard_dsns():
            cluster.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{cluster.dbuser}'", dsn)
        time.sleep(0.5)
        for shard in (1, 2, 3):  # the connections were idle: nobody need notice
            k = key_on(cluster, shard)
            equal(rows(c.query(f"SELECT v FROM acc WHERE k = {k}")), [[str(EACH).encode()]])


@test
def a_shard_down_at_start_does_not_stop_the_others(cluster):
    here, there = key_on(cluster, 1), key_on(cluster, 3)
    cluster.script("stop", "shard3")
    try:
        with OwnProxy(cluster, name="late", wait_ready=False) as proxy:
            def answers():
                try:
                    with proxy.wire(timeout=20) as c:
                        return rows(c.query(f"SELECT v FROM acc WHERE k = {here}")) == [[str(EACH).encode()]]
                except (OSError, Closed, LoginFailed):
                    check(proxy.process.poll() is None, "the proxy ended:", proxy.log()[-1000:])
                    return False
            wait_until(30, answers, f"statements for the other shards; log: {proxy.log()[-600:]}")
            error = first_error(cluster, f"SELECT v FROM acc WHERE k = {there}", proxy)
            check(error is not None, "a statement for a shard that is down gave rows")
            contains(" ".join(error.values()), "s3")
            cluster.script("start", "shard3")
            wait_until(30, lambda: first_error(cluster, f"SELECT v FROM acc WHERE k = {there}", proxy) is None,
                       "the shard is used once it is up")
    finally:
        cluster.script("start", "shard3")


@test
def a_full_pool_answers_53300_after_the_queue_time_out(cluster):
    k = key_on(cluster, 1)
    extra = "workers: 1\npool: { size: 1, reserve: 0 }\ntimeouts: { queue: 1s }"
    with OwnProxy(cluster, extra=extra, name="full") as proxy:
        with proxy.wire() as holder, proxy.wire() as waiter:
            holder.query("BEGIN")
            holder.query(f"SELECT v FROM acc WHERE k = {k}")
            start = time.monotonic()
            got = errors(waiter.query(f"SELECT v FROM acc WHERE k = {k}"))
            waited = time.monotonic() - start
            check(got and got[0]["C"] == "53300", got)
            check(0.5 < waited < 5, "waited", waited, "s")
            equal(rows(waiter.query("SELECT 1")), [[b"1"]])
            holder.query("COMMIT")
            equal(rows(waiter.query(f"SELECT v FROM acc WHERE k = {k}")), [[str(EACH).encode()]])


@test
def a_client_in_the_queue_is_served_when_a_server_is_free(cluster):
    k = key_on(cluster, 1)
    with OwnProxy(cluster, extra="workers: 1\npool: { size: 1, reserve: 0 }", name="queue") as proxy:
        with proxy.wire() as holder, proxy.wire() as waiter:
            holder.query("BEGIN")
            holder.query(f"SELECT v FROM acc WHERE k = {k}")
            waiter.send("Q", cstring(f"SELECT v FROM acc WHERE k = {k}"))
            time.sleep(0.3)
            holder.query("COMMIT")
            equal(rows(waiter.until_ready()), [[str(EACH).encode()]])


@test
def query_and_idle_transaction_time_outs_end_what_takes_too_long(cluster):
    k = key_on(cluster, 1)
    with OwnProxy(cluster, extra="timeouts: { query: 1s, idle_transaction: 1s }", name="slow") as proxy:
        with proxy.wire() as c:
            got = errors(c.query(f"SELECT pg_sleep(20) FROM acc WHERE k = {k}"))
            check(got and got[0]["C"] == "57014", got)
            c.query("BEGIN")
            c.query(f"UPDATE acc SET v = v + 1 WHERE k = {k}")
            time.sleep(2.5)
            got = errors([c.receive()])
            check(got and got[0]["C"] == "25P03", got)
            check(c.is_closed())
    equal(total(cluster), ACCOUNTS * EACH)


class Transfers:
    """Clients that move money between two keys in one transaction, until told to stop."""

    def __init__(self, proxy, clients=8, seed=0):
        self.proxy, self.stop, self.done = proxy, False, 0
        self.threads = [threading.Thread(target=self.work, args=(seed + n,), daemon=True) for n in range(clients)]
        for t in self.threads:
            t.start()

    def work(self, seed):
        dice = random.Random(seed)
        while not self.stop:
            try:
                with self.proxy.wire(timeout=20) as c:
                    while not self.stop:
                        self.transfer(c, dice)
            except (OSError, Closed, LoginFailed):
                time.sleep(0.05)

    def transfer(self, c, dice):
        a, b = sorted(dice.sample(range(1, ACCOUNTS + 1), 2))
        n = dice.randint(1, 5)
        c.query("BEGIN")
        c.query(f"UPDATE acc SET v = v - {n} WHERE k = {a}")
        c.query(f"UPDATE acc SET v = v + {n} WHERE k = {b}")
        if tags(c.query("COMMIT")) == ["COMMIT"]:
            self.done += 1

    def finish(self):
        self.stop = True
        for t in self.threads:
            t.join(90)
        check(not any(t.is_alive() for t in self.threads), "a client still runs: a sum of the shards would tell nothing")


@test
def kill_9_of_the_proxy_amid_commits_leaves_every_transfer_whole(cluster):
    before_kill = total(cluster)
    equal(before_kill, ACCOUNTS * EACH)
    with OwnProxy(cluster, name="killed") as proxy:
        for round_number in range(KILLS):
            kill_amid_transfers(proxy, round_number)
            proxy.start()
            wait_until(15, lambda: nothing_prepared(cluster), "recovery ends every prepared transaction")
            wait_until(15, lambda: cluster.open_transactions() == 0, "no transaction is left open")
            equal(total(cluster), before_kill, f"after kill {round_number + 1}:")
            equal(cluster.value("SELECT sum(v) FROM acc"), str(before_kill))


def kill_amid_transfers(proxy, round_number):
    load = Transfers(proxy, seed=1000 * round_number)
    wait_until(20, lambda: load.done >= 40, "transfers go through")
    time.sleep(random.Random(round_number).random() / 5)  # another point of the commits each time
    proxy.process.send_signal(signal.SIGKILL)
    proxy.process.wait()
    load.finish()


class Rubbish:
    """Clients that send what is no protocol at all, at the start and after the log in, until told to stop."""

    def __init__(self, cluster, clients=6):
        self.cluster, self.stop, self.sent, self.unexpected = cluster, False, 0, []
        self.threads = [threading.Thread(target=self.work, args=(n,), daemon=True) for n in range(clients)]
        for t in self.threads:
            t.start()

    def work(self, seed):
        dice = random.Random(seed)
        while not self.stop:
            try:
                c = self.cluster.wire(timeout=5, login=dice.random() < 0.5)
            except (OSError, Closed, LoginFailed) as error:
                self.unexpected.append(repr(error))
                return
            try:
                c.send_raw(self.bytes(dice))
                if dice.random() < 0.5:
                    c.sock.settimeout(0.2)
                    c.rest()
            except OSError:
                pass
            c.drop()
            self.sent += 1

    @staticmethod
    def bytes(dice):
        noise = dice.randbytes(dice.choice((1, 3, 8, 100, 5000)))
        kind = bytes([dice.choice(b"QPBDEHSCFdcfpX")])
        return dice.choice((noise, kind + noise, kind + dice.randint(0, 200).to_bytes(4, "big") + noise,
                            kind + b"\x7f\xff\xff\xff" + noise, (8).to_bytes(4, "big") + noise))

    def finish(self):
        self.stop = True
        for t in self.threads:
            t.join(30)


@test
def rubbish_from_many_connections_does_not_disturb_pgbench(cluster):
    pid = int(cluster.proxy_pid)
    before_it = total(cluster)
    rubbish = Rubbish(cluster)
    try:
        done = pgbench_updates(cluster)
    finally:
        rubbish.finish()
    equal(rubbish.unexpected, [])
    check(rubbish.sent > 50, "only", rubbish.sent, "connections")
    check(process_lives(pid), "the proxy has died")
    equal(total(cluster), before_it + done)
    wait_until(15, lambda: cluster.open_transactions() == 0, "no transaction is left open")
    cluster.sql(f"UPDATE acc SET v = {EACH}")


def pgbench_updates(cluster):
    """Adds one to a random row, again and again, without an error; how often."""
    script = f"\\set k random(1, {ACCOUNTS})\nUPDATE acc SET v = v + 1 WHERE k = :k;\n"
    path = os.path.join(cluster.dir, "add.sql")
    with open(path, "w") as f:
        f.write(script)
    out = subprocess.run([program("pgbench"), "-n", "-M", "prepared", "-c", "4", "-T", "4", "-f", path, "-h", "127.0.0.1", "-p",
                          cluster.proxy_port, "-U", cluster.dbuser, cluster.db], capture_output=True, text=True, timeout=60,
                         env={**clean_environment(), "PGPASSWORD": cluster.dbpassword})
    check(out.returncode == 0 and "ERROR" not in out.stderr, out.stderr[-1000:])
    return int(re.search(r"transactions actually processed: (\d+)", out.stdout).group(1))


@test
def a_shard_killed_amid_commits_leaves_every_transfer_whole(cluster):
    load = Transfers(cluster)
    try:
        wait_until(20, lambda: load.done >= 40, "transfers go through")
        cluster.script("restart", "shard2")
        so_far = load.done
        wait_until(40, lambda: load.done >= so_far + 40, "transfers go on")
    finally:
        load.finish()
    wait_until(40, lambda: nothing_prepared(cluster), "recovery ends every prepared transaction")
    equal(total(cluster), ACCOUNTS * EACH)


@test
def sigterm_stops_the_proxy_cleanly(cluster):
    proxy = OwnProxy(cluster, name="stopped")
    with proxy.wire() as c:
        c.query("SELECT count(*) FROM acc")
    mine = [f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{cluster.dbuser}'"]
    others = [int(n) for n in cluster.on_shards(mine[0])]
    check(sum(others) > 0, "no server connection to look for")
    idle = proxy.wire()
    equal(proxy.stop(), 0)
    check(idle.is_closed(), "a client is still connected")
    equal(http_status(proxy.http_port, "/healthz"), 0)
    check("AddressSanitizer" not in proxy.log(), proxy.log()[-2000:])


@test
def sigterm_lets_a_transaction_end(cluster):
    k = key_on(cluster, 1)
    proxy = OwnProxy(cluster, name="drained")
    with proxy.wire() as c:
        c.query("BEGIN")
        c.query(f"UPDATE acc SET v = v WHERE k = {k}")
        proxy.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        equal(tags(c.query("COMMIT")), ["COMMIT"])
        check(c.is_closed(), "the client stays connected")
    equal(proxy.stop(), 0)


@test
def a_port_in_use_is_a_clear_error(cluster):
    proxy = OwnProxy(cluster, name="first")
    try:
        again = OwnProxy(cluster, name="second", wait_ready=False)
        wait_until(15, lambda: again.process.poll() is not None, "a second proxy on the same port ends")
        check(again.process.returncode != 0, "exit status 0")
        contains(again.log(), str(proxy.port))
    finally:
        proxy.stop()


@test
def stopping_everything_leaves_no_server_connection(cluster):
    cluster.script("stop", "proxy")
    wait_until(10, lambda: cluster.on_shards(
        f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{cluster.dbuser}'") == ["0", "0", "0"],
        "no connection of the proxy is left on the shards")
    cluster.script("start", "proxy")
    equal(cluster.value("SELECT count(*) FROM acc"), str(ACCOUNTS))


@test
def a_catalog_that_is_down_does_not_stop_statements(cluster):
    pid = int(cluster.proxy_pid)
    cluster.script("stop", "catalog")
    try:
        time.sleep(1)
        equal(cluster.value("SELECT count(*) FROM acc"), str(ACCOUNTS))
        equal(cluster.value(f"SELECT v FROM acc WHERE k = {key_on(cluster, 1)}").isdigit(), True)
        check(process_lives(pid), "the proxy has died")
    finally:
        cluster.script("start", "catalog")


@test
def the_log_tells_of_it_without_secrets(cluster):
    with open(os.path.join(cluster.dir, "proxy.log")) as f:
        log = f.read()
    contains(log, "s2")
    check(cluster.dbpassword not in log and cluster.superpassword not in log, "the log holds a password")
    check("AddressSanitizer" not in log and "runtime error" not in log, log[-2000:])


if __name__ == "__main__":
    main(Cluster, before)
