#!/usr/bin/env python3
"""What an idle client costs: the proxy's memory for each of many clients that have logged in and
say nothing, before and after each has run a statement, with some that are busy all the time.

    tests/bench/idle.py --build build/release [--clients 10000] [--active 500] [--port P]

Prints figures; the check is that every client is held and gets right answers. Needs `ulimit -Hn` above
twice the clients, and a release build for figures that mean something: sanitizers take a multiple.
"""
import argparse
import os
import resource
import selectors
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))

import lib  # noqa: E402
from lib import Cluster, check  # noqa: E402
from proxy import OwnProxy  # noqa: E402
from wire import cstring, message, rows  # noqa: E402

ROWS = 100


def rss_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def settle(pid):
    """Resident KiB once it no longer falls: idle clients are trimmed a second after their last word."""
    time.sleep(3)
    return rss_kib(pid)


def log_in(proxy, n, threads=8):
    clients, faults = [], []
    lock = threading.Lock()

    def work(count):
        try:
            mine = [proxy.wire(timeout=60) for _ in range(count)]
            with lock:
                clients.extend(mine)
        except Exception as error:
            faults.append(repr(error))

    workers = [threading.Thread(target=work, args=(n // threads + (i < n % threads),)) for i in range(threads)]
    for t in workers:
        t.start()
    for t in workers:
        t.join()
    check(not faults, faults[:3])
    return clients


def ask_each(clients, batch=200):
    """One statement for each; the answers are checked."""
    for at in range(0, len(clients), batch):
        part = clients[at:at + batch]
        for i, c in enumerate(part):
            c.send("Q", cstring(f"SELECT v FROM acc WHERE k = {(at + i) % ROWS + 1}"))
        for i, c in enumerate(part):
            want = [[f"v{(at + i) % ROWS + 1}".encode()]]
            got = rows(c.until_ready())
            check(got == want, "client", at + i, "got", got)


class Busy:
    """Clients that ask one statement after the other, in one thread."""

    def __init__(self, proxy, n):
        self.clients = log_in(proxy, n)
        self.n, self.faults, self.stop = 0, [], False
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        query = message("Q", cstring("SELECT v FROM acc WHERE k = 7"))
        with selectors.DefaultSelector() as ready:
            for c in self.clients:
                ready.register(c.sock, selectors.EVENT_READ, c)
                c.send_raw(query)
            while not self.stop:
                for key, _ in ready.select(1):
                    got = key.data.until_ready()
                    if rows(got) != [[b"v7"]]:
                        self.faults.append(got)
                    self.n += 1
                    key.data.send_raw(query)

    def finish(self):
        self.stop = True
        self.thread.join(30)
        check(not self.faults and self.n, self.n, self.faults[:3])


def prepare(cluster):
    cluster.sql("CREATE TABLE acc (k int PRIMARY KEY, v text) WITH (mosaic.shard_key = 'k')")
    cluster.sql("INSERT INTO acc VALUES " + ", ".join(f"({k}, 'v{k}')" for k in range(1, ROWS + 1)))


def measure(cluster, n_clients, n_active):
    """Figures as (name, value, unit)."""
    extra = f"limits: {{ clients: {n_clients + n_active + 100} }}\nworkers: 2\ntimeouts: {{ login: 60s, queue: 60s }}"
    rules = ["type: host, database: all, user: all, address: all, method: trust"]
    with OwnProxy(cluster, rules=rules, extra=extra) as proxy:
        pid = proxy.process.pid
        busy = Busy(proxy, n_active) if n_active else None
        ask_each(log_in(proxy, 64)) # what the first clients make the process learn is not counted
        before = settle(pid)
        clients = log_in(proxy, n_clients)
        held = settle(pid)
        asked = busy.n if busy else 0
        began = time.monotonic()
        ask_each(clients)
        seconds = time.monotonic() - began
        after = settle(pid)
        if busy:
            asked = (busy.n - asked) / (time.monotonic() - began)
            busy.finish()
        ask_each(clients)
        return [("idle clients held", n_clients, ""), ("active clients beside them", n_active, ""),
                ("memory before", before, "KiB"),
                ("for each idle client, logged in", (held - before) / n_clients, "KiB"),
                ("for each idle client, after a statement", (after - before) / n_clients, "KiB"),
                ("one statement by each took", seconds, "s"), ("statements of active clients", asked, "per s")]


def allow_files(n):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    check(hard == resource.RLIM_INFINITY or hard >= n, "ulimit -Hn is", hard, "and", n, "are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="")
    parser.add_argument("--port", type=int, default=lib.PORT)
    parser.add_argument("--clients", type=int, default=10000)
    parser.add_argument("--active", type=int, default=500)
    options = parser.parse_args()
    lib._options.build, lib._options.port = options.build, options.port
    allow_files(options.clients + options.active + 200)
    cluster = Cluster(shards=3)
    prepare(cluster)
    for name, value, unit in measure(cluster, options.clients, options.active):
        print(f"{name:42} {value:12.1f} {unit}")


if __name__ == "__main__":
    main()
