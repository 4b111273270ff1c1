#!/usr/bin/env python3
"""The catalog's and recovery's SQL on real servers: placing tables that exist, transactions in
doubt made by hand, DDL whose proxy died in the middle."""
import subprocess
import time

from lib import Cluster, check, clean_environment, contains, equal, main, program, psql, test, wait_until

GRACE = 30  # seconds by which recovery must have ended what is in doubt


def before(cluster):
    for dsn in cluster.shard_dsns():
        run(dsn, f"CREATE TABLE doubt (v text); GRANT ALL ON doubt TO {cluster.dbuser}")


def run(dsn, sql, ok=True):
    """One psql session, in which every line is a statement of its own."""
    done = psql(dsn, "-At", "-v", "ON_ERROR_STOP=1", stdin=sql)
    check((done.returncode == 0) == ok, sql, done.stdout, done.stderr)
    return done.stdout.strip() if ok else done.stderr


def as_app(cluster, dsn):
    return dsn.replace(f"user={cluster.superuser}", f"user={cluster.dbuser}").replace(
        f"password={cluster.superpassword}", f"password={cluster.dbpassword}")


def gid(cluster, counter, decider=1):
    own = run(cluster.catalog_dsn, "SELECT id FROM mosaic.cluster")
    return f"mosaic:{own}:999:{counter}-{counter:016x}:{decider}"


def prepare(cluster, name, value, dsn=None, user=None):
    """A prepared part on shard 2, as a proxy leaves it."""
    dsn = dsn or cluster.shard2_dsn
    run(user or as_app(cluster, dsn),
        f"BEGIN; INSERT INTO doubt VALUES ('{value}'); SELECT mosaic.log_part('{name}', '{{1,2}}');"
        f" PREPARE TRANSACTION '{name}';")


def is_prepared(cluster, name):
    return run(cluster.shard2_dsn, f"SELECT count(*) FROM pg_prepared_xacts WHERE gid = '{name}'") == "1"


def rows(cluster, value):
    return run(cluster.shard2_dsn, f"SELECT count(*) FROM doubt WHERE v = '{value}'")


def log_rows(cluster, name):
    return [run(dsn, f"SELECT count(*) FROM mosaic.commit_log WHERE gid = '{name}'") for dsn in cluster.shard_dsns()]


def triggers(cluster):
    return cluster.on_shards("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'mosaic%'")


def refused(cluster, sql):
    done = cluster.admin(sql)
    check(done.returncode != 0, sql, "did not fail")
    return done.stderr


@test
def a_client_has_no_right_on_the_commit_log(cluster):
    mine = as_app(cluster, cluster.shard1_dsn)
    contains(run(mine, "SELECT * FROM mosaic.commit_log", ok=False), "permission denied")
    contains(run(mine, "INSERT INTO mosaic.commit_log (gid, owner, decision) VALUES ('x', 'y', 'commit')", ok=False),
             "permission denied")


@test
def a_decided_transaction_is_committed(cluster):
    name = gid(cluster, 1)
    prepare(cluster, name, "decided")
    run(as_app(cluster, cluster.shard1_dsn), f"BEGIN; SELECT mosaic.log_commit('{name}', '{{1,2}}'); COMMIT;")
    wait_until(GRACE, lambda: not is_prepared(cluster, name), "recovery commits")
    equal(rows(cluster, "decided"), "1")
    wait_until(GRACE, lambda: log_rows(cluster, name) == ["0", "0", "0"], "the log rows are cleaned")


@test
def an_undecided_transaction_is_rolled_back(cluster):
    name = gid(cluster, 2)
    prepare(cluster, name, "undecided")
    wait_until(GRACE, lambda: not is_prepared(cluster, name), "recovery rolls back")
    equal(rows(cluster, "undecided"), "0")


@test
def a_decision_under_another_role_is_not_believed(cluster):
    name = gid(cluster, 3)
    prepare(cluster, name, "forged", user=cluster.shard2_dsn)
    run(as_app(cluster, cluster.shard1_dsn), f"SELECT mosaic.log_commit('{name}', '{{1,2}}')")
    wait_until(GRACE, lambda: not is_prepared(cluster, name), "recovery rolls back")
    equal(rows(cluster, "forged"), "0")


@test
def a_part_committed_elsewhere_is_decision_enough(cluster):
    name = gid(cluster, 4)
    prepare(cluster, name, "one committed", cluster.shard3_dsn)
    run(cluster.shard3_dsn, f"COMMIT PREPARED '{name}'")
    prepare(cluster, name, "one committed")
    wait_until(GRACE, lambda: not is_prepared(cluster, name), "recovery commits")
    equal(rows(cluster, "one committed"), "1")


@test
def an_open_snapshot_keeps_the_log_rows(cluster):
    name = gid(cluster, 5)
    reader = subprocess.Popen([program("psql"), "-X", "-At", cluster.shard2_dsn], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True, env=clean_environment())
    try:
        reader.stdin.write("BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT 'open';\n")
        reader.stdin.flush()
        wait_until(10, lambda: reader.stdout.readline().strip() == "open", "the snapshot is open")
        prepare(cluster, name, "snapshot")
        run(as_app(cluster, cluster.shard1_dsn), f"BEGIN; SELECT mosaic.log_commit('{name}', '{{1,2}}'); COMMIT;")
        wait_until(GRACE, lambda: not is_prepared(cluster, name), "recovery commits")
        time.sleep(6)  # three passes of the cleaner
        equal(log_rows(cluster, name), ["1", "1", "0"])
    finally:
        reader.stdin.close()
        reader.wait()
    wait_until(GRACE, lambda: log_rows(cluster, name) == ["0", "0", "0"], "the log rows are cleaned")


@test
def prepared_transactions_of_others_are_left_alone(cluster):
    run(cluster.shard2_dsn, "BEGIN; INSERT INTO doubt VALUES ('theirs'); PREPARE TRANSACTION 'theirs';")
    name = gid(cluster, 6)
    prepare(cluster, name, "ours")
    wait_until(GRACE, lambda: not is_prepared(cluster, name), "recovery has passed")
    check(is_prepared(cluster, "theirs"), "recovery ended a transaction that is not ours")
    run(cluster.shard2_dsn, "ROLLBACK PREPARED 'theirs'")


@test
def rows_that_would_be_misplaced_are_counted_and_nothing_changes(cluster):
    cluster.sql("CREATE TABLE full_table (k bigint PRIMARY KEY)")
    cluster.sql("INSERT INTO full_table SELECT generate_series(1, 300)")
    said = refused(cluster, "SHARD TABLE full_table BY (k);")
    contains(said, "0A000")
    contains(said, "of the 300 rows")
    equal(cluster.on_shards("SELECT count(*) FROM pg_class WHERE relname = 'full_table'"), ["1", "0", "0"])
    equal(triggers(cluster), ["0", "0", "0"])
    equal(cluster.value("SELECT count(*) FROM full_table"), "300")


@test
def a_reference_table_takes_its_rows_along(cluster):
    cluster.sql("CREATE TABLE known (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED)")
    cluster.sql("INSERT INTO known SELECT generate_series(1, 50)")
    equal(cluster.admin("REFERENCE TABLE known;").returncode, 0)
    equal(cluster.on_shards("SELECT sum(twice) FROM known"), ["2550", "2550", "2550"])
    equal(triggers(cluster), ["0", "0", "0"])


@test
def what_cannot_be_checked_over_shards_is_refused(cluster):
    cluster.sql("CREATE TABLE bad_unique (k bigint, mail text UNIQUE)")
    contains(refused(cluster, "SHARD TABLE bad_unique BY (k);"), "bad_unique_mail_key")
    cluster.sql("CREATE TABLE parent (id bigint PRIMARY KEY)")
    cluster.sql("CREATE TABLE child (k bigint REFERENCES parent)")
    contains(refused(cluster, "SHARD TABLE child BY (k);"), "child_k_fkey")
    cluster.sql("CREATE TABLE odd_key (n jsonb)")
    contains(refused(cluster, "SHARD TABLE odd_key BY (n);"), "cannot be a shard key")
    cluster.sql("CREATE TABLE decimal_key (n numeric)")
    equal(cluster.admin("SHARD TABLE decimal_key BY (n);").returncode, 0)


@test
def unshard_drops_the_empty_copies(cluster):
    cluster.sql("CREATE TABLE there_and_back (k bigint PRIMARY KEY)")
    equal(cluster.admin("SHARD TABLE there_and_back BY (k);").returncode, 0)
    equal(cluster.admin("UNSHARD TABLE there_and_back;").returncode, 0)
    equal(cluster.on_shards("SELECT count(*) FROM pg_class WHERE relname = 'there_and_back'"), ["1", "0", "0"])


def intent(cluster, kind, name):
    run(cluster.catalog_dsn,
        "WITH i AS (INSERT INTO mosaic.intents (incarnation, user_name, at)"
        " VALUES (999, 'a dead proxy', now() - interval '1 minute') RETURNING id)"
        " INSERT INTO mosaic.intent_changes (intent, place, kind, schema, name)"
        f" SELECT id, 0, '{kind}', 'public', '{name}' FROM i")


def known(cluster, name):
    return run(cluster.catalog_dsn, f"SELECT count(*) FROM mosaic.tables WHERE name = '{name}'")


@test
def ddl_that_had_committed_is_finished(cluster):
    for dsn in cluster.shard_dsns():
        run(dsn, "CREATE TABLE half_done (k int)")
    intent(cluster, "reference", "half_done")
    wait_until(GRACE, lambda: known(cluster, "half_done") == "1", "the intent is finished")


@test
def ddl_that_had_not_committed_is_put_aside(cluster):
    intent(cluster, "reference", "never_made")
    wait_until(GRACE, lambda: run(cluster.catalog_dsn, "SELECT count(*) FROM mosaic.intents WHERE NOT abandoned") == "0",
               "the intent is put aside")
    equal(known(cluster, "never_made"), "0")


@test
def every_change_of_the_map_is_audited(cluster):
    equal(cluster.admin("CREATE DISTRIBUTION seen HASH (uuid) CHUNKS 3;").returncode, 0)
    equal(run(cluster.catalog_dsn, "SELECT user_name, what, epoch <= (SELECT epoch FROM mosaic.cluster)"
                                   " FROM mosaic.audit ORDER BY id DESC LIMIT 1"),
          f"{cluster.adminuser}|CREATE DISTRIBUTION seen|t")


if __name__ == "__main__":
    main(Cluster, before)
