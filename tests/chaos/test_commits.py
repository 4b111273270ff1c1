#!/usr/bin/env python3
"""Commits over shards while proxies, servers and server processes die.

Each transfer moves money between two keys and leaves a row beside each of them, all in one
transaction. After every blow the load stops, the cluster comes to rest, and the rows are compared:
a transfer is there twice or not at all, one that was acknowledged is there, the sum has not
changed, nothing is prepared, no transaction is open, and the commit log is empty again.

    test_commits.py [--build DIR] [--port P]
    PGMOSAIC_CHAOS_BLOWS=200  how many blows (default 10); PGMOSAIC_CHAOS_SEED=7 repeats a run
"""
import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
from lib import Cluster, check, equal, main, process_lives, test, wait_until  # noqa: E402
from proxy import OwnProxy  # noqa: E402
from wire import Closed, LoginFailed, errors, tags  # noqa: E402

ACCOUNTS = 60
EACH = 1000
CLIENTS = 8
BLOWS = int(os.environ.get("PGMOSAIC_CHAOS_BLOWS", "10"))
SEED = int(os.environ.get("PGMOSAIC_CHAOS_SEED", str(int(time.time()))))


class Load:
    """Clients that transfer through several proxies; what became of each transfer."""

    def __init__(self, doors, first_id, dice):
        self.doors, self.stop = doors, False
        self.acknowledged, self.unknown, self.refused = set(), 0, 0
        self.lock, self.next_id = threading.Lock(), first_id
        self.threads = [threading.Thread(target=self.work, args=(n, random.Random(dice.random())), daemon=True)
                        for n in range(CLIENTS)]
        for t in self.threads:
            t.start()

    def work(self, number, dice):
        while not self.stop:
            try:
                with self.doors[number % len(self.doors)]() as c:
                    while not self.stop:
                        self.transfer(c, dice)
            except (OSError, Closed, LoginFailed):
                time.sleep(0.02)

    def draw_id(self):
        with self.lock:
            self.next_id += 1
            return self.next_id

    def transfer(self, c, dice):
        a, b = dice.sample(range(1, ACCOUNTS + 1), 2)
        n, me, dirty = dice.randint(1, 5), self.draw_id(), False
        for sql in ("BEGIN",
                    f"UPDATE acc SET v = v - {n} WHERE k = {min(a, b)}",
                    f"INSERT INTO moved VALUES ({a}, {me})",
                    f"UPDATE acc SET v = v + {n} WHERE k = {max(a, b)}",
                    f"INSERT INTO moved VALUES ({b}, {me})"):
            dirty |= bool(errors(c.query(sql)))
        answer = c.query("COMMIT")
        with self.lock:
            if tags(answer) == ["COMMIT"]:
                check(not dirty, "COMMIT after an error")
                self.acknowledged.add(me)
            elif errors(answer) and errors(answer)[0]["C"] == "08007":
                self.unknown += 1
            else:
                self.refused += 1

    def finish(self):
        self.stop = True
        for t in self.threads:
            t.join(120)
        check(not any(t.is_alive() for t in self.threads), "a client hangs")


# ---- the blows: each returns when it has been dealt, and what it broke is up again ----

def kill_proxy(world):
    world.second.process.kill()
    world.second.process.wait()
    time.sleep(world.dice.random())
    world.second.start()


def restart_shard(world):
    world.cluster.script("restart", f"shard{world.dice.randint(1, 3)}")


def crash_shard(world):
    """The postmaster dies at once; its back ends a moment later, in the middle of what they do."""
    name = f"shard{world.dice.randint(1, 3)}"
    with open(os.path.join(world.cluster.dir, "servers", name, "postmaster.pid")) as f:
        os.kill(int(f.readline()), signal.SIGKILL)
    time.sleep(world.dice.random() / 2)
    world.cluster.script("start", name)


def kill_backends(world):
    """kill -9 of one back end makes its server restart all of them and recover from its log."""
    dsn = world.dice.choice(world.cluster.shard_dsns())
    pids = world.cluster.sql(f"SELECT pid FROM pg_stat_activity WHERE usename = '{world.cluster.dbuser}'", dsn)
    if pids:
        os.kill(int(world.dice.choice(pids)[0]), signal.SIGKILL)


def terminate_backends(world):
    for dsn in world.cluster.shard_dsns():
        world.cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                          f"WHERE usename = '{world.cluster.dbuser}' AND random() < 0.5", dsn)


BLOWS_KNOWN = (kill_proxy, restart_shard, crash_shard, kill_backends, terminate_backends)


class World:
    def __init__(self, cluster, second):
        self.cluster, self.second, self.dice = cluster, second, random.Random(SEED)


def answers(cluster):
    try:
        cluster.on_shards("SELECT 1")
        return True
    except AssertionError:
        return False


def at_rest(cluster):
    """Nobody is in a transaction and nothing is prepared, seen twice: what one look missed while a
    commit went from one shard to the next is there at the second."""
    return answers(cluster) and cluster.open_transactions() == 0 and \
        (time.sleep(0.3) or cluster.open_transactions() == 0)


def moved(cluster):
    """{transfer: how many of its two rows are there}, read from the shards themselves."""
    found = {}
    for dsn in cluster.shard_dsns():
        for (me,) in cluster.sql("SELECT id FROM moved", dsn):
            found[int(me)] = found.get(int(me), 0) + 1
    return found


def compare(cluster, load, blow):
    found = moved(cluster)
    torn = sorted(me for me, n in found.items() if n != 2)
    lost = sorted(me for me in load.acknowledged if me not in found)
    check(not torn, f"after {blow}: torn transfers:", torn[:10])
    check(not lost, f"after {blow}: acknowledged but lost:", lost[:10])
    equal(sum(int(v) for v in cluster.on_shards("SELECT sum(v) FROM acc")), ACCOUNTS * EACH, f"after {blow}:")
    equal(cluster.value("SELECT sum(v) FROM acc"), str(ACCOUNTS * EACH), f"through the proxy, after {blow}:")


@test
def no_transfer_is_torn_or_lost_whoever_dies(cluster):
    totals = {"acknowledged": 0, "unknown": 0, "refused": 0}
    dealt, first_id = {}, 0
    with OwnProxy(cluster, name="second") as second:
        world = World(cluster, second)
        doors = [lambda: cluster.wire(timeout=60), lambda: second.wire(timeout=60)]
        for _ in range(BLOWS):
            blow = world.dice.choice(BLOWS_KNOWN)
            load = Load(doors, first_id, world.dice)
            try:
                wait_until(40, lambda: len(load.acknowledged) >= 30, "transfers go through")
                time.sleep(world.dice.random() / 4)
                blow(world)
                so_far = len(load.acknowledged)
                wait_until(60, lambda: len(load.acknowledged) >= so_far + 20, f"transfers go on after {blow.__name__}")
            finally:
                load.finish()
            wait_until(60, lambda: at_rest(cluster), f"the cluster comes to rest after {blow.__name__}")
            compare(cluster, load, blow.__name__)
            first_id = load.next_id
            dealt[blow.__name__] = dealt.get(blow.__name__, 0) + 1
            for key in totals:
                value = getattr(load, key)
                totals[key] += value if isinstance(value, int) else len(value)
        check(cluster.proxy_alive(), "the first proxy has died")
    print(f"    seed {SEED}: {sum(dealt.values())} blows {dealt}, transfers {totals}", flush=True)


@test
def the_commit_log_is_empty_again(cluster):
    wait_until(60, lambda: cluster.on_shards("SELECT count(*) FROM mosaic.commit_log") == ["0", "0", "0"],
               "decisions are cleaned")


def before(cluster):
    cluster.sql("CREATE TABLE acc (k bigint PRIMARY KEY, v bigint NOT NULL) WITH (mosaic.shard_key = 'k')")
    cluster.sql("CREATE TABLE moved (k bigint, id bigint, PRIMARY KEY (k, id)) WITH (mosaic.shard_key = 'k')")
    cluster.sql("INSERT INTO acc VALUES " + ", ".join(f"({k}, {EACH})" for k in range(1, ACCOUNTS + 1)))


if __name__ == "__main__":
    main(lambda: Cluster(shards=3), before)
