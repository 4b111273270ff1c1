#!/usr/bin/env python3
"""Clients of every kind under disturbance, for a while: nothing may crash, leak, hang or answer wrongly.

    tests/chaos/soak.py --build build/debug [--seconds 300] [--seed N] [--port P]

Clients move money between accounts, read, scatter, copy, prepare, leave without a word, and cancel.
Meanwhile server processes are killed (pg_terminate_backend) and a shard is restarted. Build with
sanitizers. Wrong is: a sum that is not the one at the start, a row that was not asked for, an error
that no disturbance explains, a client that waits longer than a minute, or a word of a sanitizer.
"""
import argparse
import collections
import os
import random
import socket
import struct
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))

import lib  # noqa: E402
from lib import Cluster, check, equal, wait_until  # noqa: E402
from proxy import OwnProxy  # noqa: E402
from wire import CANCEL_REQUEST, Closed, LoginFailed, cstring, errors, rows, tags  # noqa: E402

ACCOUNTS, EACH = 60, 1000
# What killing servers, cancelling and waiting may end in.
EXPLAINED = {"57014", "57P01", "57P02", "57P03", "08006", "08007", "08003", "25P02", "40001", "40P01", "53300", "55006"}


class Soak:
    def __init__(self, cluster, proxy, seconds, seed, clients=12):
        self.cluster, self.proxy, self.seed = cluster, proxy, seed
        self.deadline = time.monotonic() + seconds
        self.counts, self.faults = collections.Counter(), []
        self.lock = threading.Lock()
        self.keys = {}
        self.threads = [threading.Thread(target=self.client, args=(n,), daemon=True) for n in range(clients)]
        self.threads += [threading.Thread(target=self.disturb, args=(act, pause), daemon=True)
                         for act, pause in ((self.kill_server, 1.0), (self.cancel_somebody, 0.05), (self.restart_shard, 9.0))]

    def run(self):
        for t in self.threads:
            t.start()
        for t in self.threads:
            t.join(max(0, self.deadline - time.monotonic()) + 70)
        if any(t.is_alive() for t in self.threads):
            self.fault("a client is stuck")

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def fault(self, what):
        with self.lock:
            self.faults.append(what)

    def over(self):
        return time.monotonic() > self.deadline

    # ---- clients

    def client(self, n):
        dice = random.Random(self.seed * 1000 + n)
        acts = (self.transfer, self.read_one, self.read_all, self.prepared, self.copy, self.many_statements, self.set_and_show)
        while not self.over():
            try:
                c = self.proxy.wire(timeout=60, parameters={"application_name": f"soak {n}"})
            except LoginFailed as e:
                self.explained(e.fields, "log-in")
                time.sleep(0.1)
                continue
            except (OSError, Closed):
                self.fault("a log-in was cut off")
                continue
            self.session(c, n, dice, acts)

    def session(self, c, n, dice, acts):
        with self.lock:
            self.keys[n] = c.key
        self.count("sessions")
        try:
            for _ in range(dice.randint(1, 30)):
                if self.over():
                    break
                dice.choice(acts)(c, dice)
            if dice.random() < 0.3: # leaves in the middle of something
                c.send("Q", cstring(dice.choice(("SELECT pg_sleep(0.2), k FROM acc", "BEGIN; UPDATE acc SET v = v + 1",
                                                 "COPY acc TO STDOUT", "SELECT v FROM acc WHERE k = 3"))))
                c.drop()
                self.count("left without a word")
            else:
                c.close()
        except socket.timeout:
            self.fault("no answer within a minute")
        except (OSError, Closed):
            self.count("sessions ended by the proxy")
        finally:
            with self.lock:
                self.keys.pop(n, None)

    def ask(self, c, sql):
        """The messages, or None when a disturbance ended it."""
        got = c.query(sql)
        return None if self.failed(got, sql) else got

    def failed(self, got, sql):
        for e in errors(got):
            self.explained(e, sql)
            return True
        return False

    def explained(self, e, sql):
        self.count(f"error {e['C']}")
        if e["C"] not in EXPLAINED:
            self.fault(f"{sql}: {e}")

    def transfer(self, c, dice):
        a, b = dice.sample(range(1, ACCOUNTS + 1), 2)
        ok = self.ask(c, "BEGIN")
        for sign, k in (("-", a), ("+", b)):
            ok = ok and self.ask(c, f"UPDATE acc SET v = v {sign} 1 WHERE k = {k}")
        if ok and tags(self.ask(c, "COMMIT") or []) == ["COMMIT"]:
            self.count("transfers")
        else:
            c.query("ROLLBACK")

    def read_one(self, c, dice):
        k = dice.randint(1, ACCOUNTS)
        got = self.ask(c, f"SELECT k, name FROM acc WHERE k = {k}")
        if got:
            self.right(rows(got), [[str(k).encode(), f"n{k}".encode()]])

    def read_all(self, c, dice):
        got = self.ask(c, "SELECT k, name FROM acc ORDER BY k")
        if got:
            self.right(rows(got), [[str(k).encode(), f"n{k}".encode()] for k in range(1, ACCOUNTS + 1)])

    def prepared(self, c, dice):
        k = dice.randint(1, ACCOUNTS)
        got = c.run("SELECT k, name FROM acc WHERE k = $1", [str(k)])
        if not self.failed(got, "prepared"):
            self.right(rows(got), [[str(k).encode(), f"n{k}".encode()]])

    def copy(self, c, dice):
        got = self.ask(c, "COPY (SELECT k, name FROM acc WHERE k < 20) TO STDOUT")
        if got:
            lines = sorted(b"".join(body for kind, body in got if kind == "d").split())
            self.right(lines, sorted(w for k in range(1, 20) for w in (str(k).encode(), f"n{k}".encode())))

    def many_statements(self, c, dice):
        k = dice.randint(1, ACCOUNTS)
        got = self.ask(c, f"SELECT k FROM acc WHERE k = {k}; SELECT count(*) FROM acc; SELECT name FROM acc WHERE k = {k}")
        if got:
            self.right(rows(got), [[str(k).encode()], [str(ACCOUNTS).encode()], [f"n{k}".encode()]])

    def set_and_show(self, c, dice):
        mb = dice.randint(1, 64)
        if self.ask(c, f"SET work_mem = '{mb}MB'"):
            got = self.ask(c, "SELECT current_setting('work_mem') FROM acc WHERE k = 1")
            if got:
                self.right(rows(got), [[f"{mb}MB".encode()]])

    def right(self, got, want):
        self.count("right answers")
        if got != want:
            self.fault(f"got {got[:5]} instead of {want[:5]}")

    # ---- disturbance

    def disturb(self, act, pause):
        dice = random.Random(self.seed)
        while not self.over():
            time.sleep(pause * (0.5 + dice.random()))
            if self.over():
                return
            try:
                act(dice)
            except (OSError, AssertionError, Closed) as error:
                self.count(f"disturbance failed: {type(error).__name__}")

    def kill_server(self, dice):
        dsn = dice.choice(self.cluster.shard_dsns())
        killed = self.cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = "
                                  f"'{self.cluster.dbuser}' ORDER BY random() LIMIT 1", dsn)
        self.counts["server processes killed"] += len(killed)

    def cancel_somebody(self, dice):
        with self.lock:
            key = dice.choice(list(self.keys.values()) or [None])
        if key is None:
            return
        body = struct.pack("!I", CANCEL_REQUEST) + key
        with socket.create_connection(("127.0.0.1", self.proxy.port), timeout=20) as c:
            c.sendall(struct.pack("!I", len(body) + 4) + body)
            c.recv(1)
        self.count("cancel requests")

    def restart_shard(self, dice):
        self.cluster.script("restart", f"shard{dice.randint(2, 3)}")
        self.count("shards restarted")


def start_cluster():
    cluster = Cluster(shards=3)
    cluster.sql("CREATE TABLE acc (k int PRIMARY KEY, v bigint, name text) WITH (mosaic.shard_key = 'k')")
    cluster.sql("INSERT INTO acc VALUES " + ", ".join(f"({k}, {EACH}, 'n{k}')" for k in range(1, ACCOUNTS + 1)))
    return cluster


def soak(cluster, seconds, seed):
    """Runs it and checks the end; the counts."""
    with OwnProxy(cluster, extra="pool: { size: 6 }\ntimeouts: { queue: 30s, cancel: 5s }", name="soak") as proxy:
        s = Soak(cluster, proxy, seconds, seed)
        s.run()
        check(not s.faults, len(s.faults), "faults:", s.faults[:5], "counts:", dict(s.counts), "log:", complaints(proxy))
        check(proxy.process.poll() is None, "the proxy ended:", complaints(proxy))
        wait_until(60, lambda: cluster.value("SELECT count(*) FROM acc", proxy.dsn) == str(ACCOUNTS), "every shard answers again")
        wait_until(30, lambda: cluster.open_transactions() == 0, "no transaction and no prepared part is left")
        equal(cluster.value("SELECT sum(v) FROM acc", proxy.dsn), str(ACCOUNTS * EACH), "money was made or lost:")
        equal(proxy.stop(), 0, "the proxy's exit status: " + complaints(proxy))
        equal(complaints(proxy), "", "a sanitizer or an assertion spoke:")
        return s.counts


def complaints(proxy):
    lines = proxy.log().splitlines()
    at = [i for i, line in enumerate(lines) if "ERROR: " in line and "Sanitizer" in line or "runtime error" in line
          or line.startswith("pgmosaic: ")]
    return "\n".join(lines[at[0]:at[0] + 40]) if at else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="")
    parser.add_argument("--port", type=int, default=lib.PORT)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    lib._options.build, lib._options.port = options.build, options.port
    print("seed", options.seed, flush=True)
    for name, n in sorted(soak(start_cluster(), options.seconds, options.seed).items()):
        print(f"{n:8} {name}")


if __name__ == "__main__":
    main()
