#!/usr/bin/env python3
"""pgbench through the proxy: load, point selects, updates by key, transactions over shards."""
import os
import re
import subprocess
import tempfile

from lib import Cluster, check, clean_environment, contains, equal, main, program, test

SCALE = 10
SECONDS = os.environ.get("PGMOSAIC_PGBENCH_SECONDS", "4")
ACCOUNTS = SCALE * 100000


def start():
    return Cluster(default_shard_key="aid,tid,bid")


def pgbench(cluster, *args, timeout=300):
    environment = {**clean_environment(), "PGPASSWORD": cluster.dbpassword}
    done = subprocess.run([program("pgbench"), "-h", "127.0.0.1", "-p", cluster.proxy_port, "-U", cluster.dbuser, *args,
                           cluster.db], capture_output=True, text=True, timeout=timeout, env=environment)
    check(done.returncode == 0, "pgbench", *args, "failed:", done.stderr[-2000:])
    check("ERROR" not in done.stderr and "FATAL" not in done.stderr, done.stderr[-2000:])
    return done.stdout


def transactions(output):
    return int(re.search(r"transactions actually processed: (\d+)", output).group(1))


def run_for_a_while(cluster, *args):
    out = pgbench(cluster, "-n", "-c", "16", "-j", "2", "-T", SECONDS, *args)
    check(transactions(out) > 100, "hardly anything was done:", out)
    check("number of failed transactions: 0" in out or "failed" not in out, out)
    return transactions(out)


@test
def pgbench_initialises_through_the_proxy(cluster):
    pgbench(cluster, "-i", "-s", str(SCALE), "-q")
    equal(cluster.value("SELECT count(*) FROM pgbench_accounts"), str(ACCOUNTS))
    equal(cluster.sql("SELECT count(*), sum(bbalance) FROM pgbench_branches"), [[str(SCALE), "0"]])
    equal(cluster.sql("SELECT count(*), sum(tbalance) FROM pgbench_tellers"), [[str(SCALE * 10), "0"]])


@test
def accounts_are_spread_over_three_shards_and_none_is_lost_or_twice(cluster):
    counts = [int(n) for n in cluster.on_shards("SELECT count(*) FROM pgbench_accounts")]
    equal(sum(counts), ACCOUNTS)
    check(min(counts) > ACCOUNTS // 10, "uneven:", counts)
    sums = [int(n) for n in cluster.on_shards("SELECT coalesce(sum(aid), 0) FROM pgbench_accounts")]
    equal(sum(sums), ACCOUNTS * (ACCOUNTS + 1) // 2)
    average = cluster.value(f"SELECT avg(0) FROM generate_series(1, {ACCOUNTS})", cluster.shard1_dsn)
    equal(cluster.sql("SELECT sum(aid), min(aid), max(aid), avg(abalance) FROM pgbench_accounts"),
          [[str(sum(sums)), "1", str(ACCOUNTS), average]])
    for dsn in cluster.shard_dsns():
        equal(cluster.value("SELECT count(*) FROM pg_constraint WHERE contype = 'p'"
                            " AND conrelid = 'pgbench_accounts'::regclass", dsn), "1")


@test
def select_only_runs_without_error_in_simple_mode(cluster):
    run_for_a_while(cluster, "-S", "-M", "simple")


@test
def select_only_runs_without_error_in_extended_mode(cluster):
    run_for_a_while(cluster, "-S", "-M", "extended")


@test
def select_only_runs_without_error_in_prepared_mode(cluster):
    run_for_a_while(cluster, "-S", "-M", "prepared")


@test
def updates_by_key_add_up(cluster):
    script = f"\\set aid random(1, {ACCOUNTS})\nUPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :aid;\n"
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as f:
        f.write(script)
        f.flush()
        done = sum(run_for_a_while(cluster, "-M", mode, "-f", f.name) for mode in ("simple", "prepared"))
    equal(cluster.value("SELECT sum(abalance) FROM pgbench_accounts"), str(done))
    equal(sum(int(n) for n in cluster.on_shards("SELECT sum(abalance) FROM pgbench_accounts")), done)
    cluster.sql("UPDATE pgbench_accounts SET abalance = 0 WHERE abalance <> 0")
    equal(cluster.value("SELECT sum(abalance) FROM pgbench_accounts"), "0")


@test
def tpcb_transactions_over_several_shards_stay_consistent(cluster):
    done = sum(run_for_a_while(cluster, "-M", mode) for mode in ("simple", "prepared"))
    equal(cluster.value("SELECT count(*) FROM pgbench_history"), str(done))
    sums = [cluster.value(sql) for sql in ("SELECT sum(abalance) FROM pgbench_accounts",
                                           "SELECT sum(tbalance) FROM pgbench_tellers",
                                           "SELECT sum(bbalance) FROM pgbench_branches",
                                           "SELECT sum(delta) FROM pgbench_history")]
    equal(len(set(sums)), 1, f"balances differ: {sums};")
    equal(cluster.on_shards("SELECT count(*) FROM pg_prepared_xacts"), ["0", "0", "0"])


@test
def the_proxy_is_still_the_same_process(cluster):
    check(cluster.proxy_alive(), "the proxy has died")
    with open(os.path.join(cluster.dir, "proxy.log")) as f:
        log = f.read()
    check("ERROR: AddressSanitizer" not in log and "runtime error" not in log, log[-2000:])


if __name__ == "__main__":
    main(start)
