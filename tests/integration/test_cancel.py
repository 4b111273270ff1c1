#!/usr/bin/env python3
"""Cancel requests under load: the right statement, whatever it waits for, and never another one."""
import random
import signal
import socket
import struct
import subprocess
import threading
import time

from lib import Cluster, check, clean_environment, equal, main, program, test, wait_until
from proxy import OwnProxy
from wire import CANCEL_REQUEST, cstring, errors, rows, tags

ROWS = 90


def start():
    return Cluster(shards=3)


def prepare(cluster):
    cluster.sql("CREATE TABLE acc (k int PRIMARY KEY, v text) WITH (mosaic.shard_key = 'k')")
    cluster.sql("INSERT INTO acc VALUES " + ", ".join(f"({k}, 'v{k}')" for k in range(1, ROWS + 1)))


def cancel(port, key):
    """As PQcancel: sends, and waits until the other side has closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=15) as c:
        body = struct.pack("!I", CANCEL_REQUEST) + key
        c.sendall(struct.pack("!I", len(body) + 4) + body)
        equal(c.recv(1), b"", "a cancel connection answered")


ONE_SHARD = "SELECT {n}, pg_sleep({s}) FROM acc WHERE k = {k}"
ALL_SHARDS = "SELECT {n}, count(*), count(pg_sleep({s})) FROM acc WHERE k < 9"


class Load:
    """Clients with statements of unique markers; a part of them is cancelled while it runs."""

    def __init__(self, proxy, clients, seconds, sql, begin=False, settings=()):
        self.proxy, self.sql, self.begin, self.settings = proxy, sql, begin, settings
        self.stop = time.monotonic() + seconds
        self.faults, self.canceled, self.whole = [], 0, 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.work, args=(n,), daemon=True) for n in range(clients)]
        for t in self.threads:
            t.start()
        for t in self.threads:
            t.join(seconds + 60)
        if any(t.is_alive() for t in self.threads):
            self.faults.append("a client still waits")

    def work(self, n):
        dice = random.Random(n)
        try:
            with self.proxy.wire(timeout=30) as c:
                for i in range(100000):
                    if time.monotonic() > self.stop:
                        return
                    self.one(c, dice, n * 1000000 + i)
        except Exception as error:
            self.faults.append(f"client {n}: {type(error).__name__} {error}")

    def one(self, c, dice, marker):
        wants = dice.random() < 0.5
        k = dice.randint(1, ROWS)
        for setting in self.settings: # so that server connections must be brought to it
            equal(errors(c.query(setting.format(n=dice.randint(1, 3)))), [])
        if self.begin:
            c.query("BEGIN")
        c.send("Q", cstring(self.sql.format(n=marker, k=k, s=20 if wants else 0.02)))
        if wants:
            time.sleep(dice.random() * 0.1)
            cancel(self.proxy.port, c.key)
        got = c.until_ready()
        codes = [e["C"] for e in errors(got)]
        if wants != (codes == ["57014"]) or (not wants and (codes or int(rows(got)[0][0]) != marker)):
            self.faults.append(f"marker {marker}, to be cancelled {wants}: {got}")
        with self.lock:
            self.canceled += wants
            self.whole += not wants
        # the very next statement of the session is safe
        if self.begin:
            equal(tags(c.query("ROLLBACK")), ["ROLLBACK"])
        got = c.query(f"SELECT v FROM acc WHERE k = {k}")
        if rows(got) != [[f"v{k}".encode()]]:
            self.faults.append(f"after marker {marker}: {got}")

    def check(self):
        check(not self.faults, len(self.faults), "faults:", self.faults[:3])
        check(self.canceled > 5 and self.whole > 5, "too little happened:", self.canceled, self.whole)


def run_load(cluster, extra, clients, seconds, **options):
    with OwnProxy(cluster, extra=extra) as proxy:
        Load(proxy, clients, seconds, **options).check()
        with proxy.wire() as c:
            equal(rows(c.query("SELECT count(*) FROM acc")), [[str(ROWS).encode()]])
    wait_until(10, lambda: cluster.open_transactions() == 0, "no statement and no transaction goes on")


@test
def random_cancels_end_the_right_statements_on_one_shard(cluster):
    run_load(cluster, "", 16, 6, sql=ONE_SHARD)


@test
def random_cancels_end_the_right_statements_on_all_shards(cluster):
    run_load(cluster, "", 10, 6, sql=ALL_SHARDS)


@test
def random_cancels_in_transactions_with_settings_end_the_right_statements(cluster):
    run_load(cluster, "pool: { size: 4 }", 12, 6, sql=ONE_SHARD, begin=True,
             settings=("SET work_mem = '{n}MB'",))


@test
def fifty_clients_on_two_connections_lose_no_cancel(cluster):
    run_load(cluster, "workers: 1\npool: { size: 2, reserve: 0 }\ntimeouts: { queue: 60s }", 50, 10,
             sql=ONE_SHARD)


@test
def a_cancel_ends_the_wait_for_a_connection_and_keeps_the_session(cluster):
    with OwnProxy(cluster, extra="workers: 1\npool: { size: 1, reserve: 0 }\ntimeouts: { queue: 60s }") as proxy:
        with proxy.wire() as holder, proxy.wire() as c:
            holder.query("BEGIN")
            holder.query("UPDATE acc SET v = v")
            for sql in ("SELECT v FROM acc WHERE k = 1", "SELECT count(*) FROM acc"):
                c.send("Q", cstring(sql))
                time.sleep(0.3)
                began = time.monotonic()
                cancel(proxy.port, c.key)
                got = c.until_ready()
                equal([e["C"] for e in errors(got)], ["57014"])
                equal(got[-1], ("Z", b"I"))
                check(time.monotonic() - began < 2, "it took", time.monotonic() - began)
            equal(tags(holder.query("ROLLBACK")), ["ROLLBACK"])
            equal(rows(c.query("SELECT count(*) FROM acc")), [[str(ROWS).encode()]])


@test
def a_cancel_in_a_transaction_reaches_every_busy_shard(cluster):
    with cluster.wire() as c:
        c.query("BEGIN")
        c.send("Q", cstring("UPDATE acc SET v = v WHERE pg_sleep(10) IS NOT NULL"))
        time.sleep(0.5)
        cancel(int(cluster.proxy_port), c.key)
        equal([e["C"] for e in errors(c.until_ready())], ["57014"])
        asleep = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'UPDATE acc%pg_sleep%'"
        wait_until(3, lambda: cluster.on_shards(asleep) == ["0"] * 3, "no shard goes on")
        equal(tags(c.query("ROLLBACK")), ["ROLLBACK"])


@test
def a_flood_of_cancels_for_one_statement_hits_no_other(cluster):
    port = int(cluster.proxy_port)
    with cluster.wire() as c:
        for _ in range(10):
            c.send("Q", cstring("SELECT pg_sleep(20) FROM acc WHERE k = 1"))
            time.sleep(0.1)
            flood = [threading.Thread(target=cancel, args=(port, c.key)) for _ in range(20)]
            for t in flood:
                t.start()
            equal([e["C"] for e in errors(c.until_ready())], ["57014"])
            for t in flood:
                t.join()
            equal(rows(c.query("SELECT v FROM acc WHERE k = 1")), [[b"v1"]])


@test
def ctrl_c_of_many_psqls_ends_each_ones_own_statement(cluster):
    def psql(seconds):
        return subprocess.Popen([program("psql"), "-X", "-At", cluster.proxy_dsn, "-c",
                                 f"SELECT pg_sleep({seconds}) FROM acc WHERE k = 1", "-c", "SELECT v FROM acc WHERE k = 2"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment())
    doomed, others = [psql(30) for _ in range(6)], [psql(3) for _ in range(6)]
    time.sleep(1.5)
    for p in doomed:
        p.send_signal(signal.SIGINT)
    for p in doomed:
        check("canceling statement due to user request" in p.communicate(timeout=20)[1], "not cancelled")
    for p in others:
        out, err = p.communicate(timeout=20)
        equal((out.split(), err), (["v2"], ""))


if __name__ == "__main__":
    main(start, prepare)
