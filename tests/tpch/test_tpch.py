#!/usr/bin/env python3
"""TPC-H's 22 queries over three shards, each equal to one PostgreSQL's answer, simple and prepared.

    test_tpch.py [--build DIR] [--port P]
    PGMOSAIC_TPCH_SCALE=0.1   default 0.01

Prints a table: the plan's tier, and the times of one PostgreSQL and of pgmosaic (the best of three).
The one PostgreSQL is a database on the catalog's server.
"""
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
from lib import Cluster, check, equal, main, program, psql, test  # noqa: E402
from wire import Wire, errors, rows  # noqa: E402

SCALE = os.environ.get("PGMOSAIC_TPCH_SCALE", "0.01")
TABLES = ("region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem")
ONE = "one"
LIMIT = os.environ.get("PGMOSAIC_TPCH_LIMIT", "120s")  # for one query through the proxy


def text(name):
    with open(os.path.join(HERE, name)) as f:
        return f.read()


def one_dsn(cluster):
    return cluster.catalog_dsn.replace("dbname=mosaic", f"dbname={ONE}")


def load(dsn, schema, folder):
    script = schema + "".join(f"\\copy {t} FROM '{os.path.join(folder, t)}.csv' WITH (FORMAT csv)\n" for t in TABLES)
    done = psql(dsn, "-q", "-v", "ON_ERROR_STOP=1", stdin=script, timeout=900)
    check(done.returncode == 0, "loading failed:", done.stderr[-500:])


def before(cluster):
    folder = os.path.join(cluster.dir, "tpch")
    subprocess.run([os.path.join(HERE, "generate"), SCALE, folder], check=True)
    cluster.sql(f"CREATE DATABASE {ONE}", cluster.catalog_dsn)
    load(one_dsn(cluster), re.sub(r" WITH \(mosaic[^;]*\);", ";", text("schema.sql")), folder)
    load(cluster.proxy_dsn, text("schema.sql"), folder)
    for dsn in [one_dsn(cluster), *cluster.shard_dsns()]:
        cluster.sql("ANALYZE", dsn)


class Door:
    """A way in, with one connection kept."""

    def __init__(self, port, user, password, database):
        self.c = Wire(port, user=user, password=password, database=database, timeout=600)

    def simple(self, sql):
        return self.answer(self.c.query(sql))

    def prepared(self, name, sql):
        self.c.parse(name, sql)
        self.c.bind("", name, [])
        self.c.execute()
        self.c.sync()
        return self.answer(self.c.until_ready())

    def answer(self, messages):
        found = errors(messages)
        return found[0]["C"] + " " + found[0]["M"] if found else rows(messages)

    def timed(self, sql):
        """(answer, the best of three times in ms)"""
        times = []
        for _ in range(3):
            start = time.monotonic()
            answer = self.simple(sql)
            times.append((time.monotonic() - start) * 1000)
            if times[0] > 5000:
                break
        return answer, min(times)


def doors(cluster):
    keys = dict(re.findall(r"(\w+)=(\S+)", cluster.catalog_dsn))
    return (Door(int(keys["port"]), keys["user"], keys["password"], ONE),
            Door(int(cluster.proxy_port), cluster.dbuser, cluster.dbpassword, cluster.db))


def tier(cluster, sql):
    for line in cluster.admin("EXPLAIN ROUTE " + sql).stdout.splitlines():
        if line.startswith("tier\t"):
            return line.split("\t")[1]
    return "?"


@test
def all_22_queries_answer_as_one_postgresql(cluster):
    one, many = doors(cluster)
    many.simple(f"SET statement_timeout = '{LIMIT}'")
    different = []
    print(f"    scale {SCALE}, best of three")
    for n in range(1, 23):
        sql = text(f"queries/q{n:02}.sql")
        want, direct = one.timed(sql)
        got, through = many.timed(sql)
        prepared = many.prepared(f"q{n}", sql) if isinstance(got, list) else got
        if got != want or prepared != want:
            different.append(f"q{n}")
        print(f"    q{n:02} {tier(cluster, sql):8} one {direct:9.1f} ms pgmosaic {through:9.1f} ms "
              f"{through / direct:7.2f}x {len(want)} rows" + ("" if got == want else f" NOT EQUAL: {str(got)[:100]}"),
              flush=True)
    equal(different, [])


if __name__ == "__main__":
    main(lambda: Cluster(shards=3), before)
