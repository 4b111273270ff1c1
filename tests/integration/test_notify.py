#!/usr/bin/env python3
"""LISTEN, NOTIFY and UNLISTEN in transaction pooling, against what a direct connection does."""
import socket
import struct
import time

from lib import Cluster, check, equal, main, test, wait_until
from pair import B, E, P, Q, S, one
from proxy import OwnProxy
from wire import cstring, errors, kinds, rows, tags


def before(cluster):
    cluster.sql("CREATE TABLE kv (k bigint PRIMARY KEY, v int) WITH (mosaic.shard_key = 'k')")
    cluster.sql("INSERT INTO kv VALUES " + ", ".join(f"({k}, 0)" for k in range(1, 10)))


def pid_of(c):
    return struct.unpack("!I", c.key[:4])[0]


def notification(body):
    pid = struct.unpack("!I", body[:4])[0]
    channel, payload, _ = body[4:].split(b"\0")
    return pid, channel.decode(), payload.decode()


def told(c, n, seconds=5):
    """The next n notifications, which come by themselves."""
    c.sock.settimeout(seconds)
    got = []
    while len(got) < n:
        kind, body = c.receive()
        equal(kind, "A", body)
        got.append(notification(body))
    return got


def nothing_told(c, seconds=0.5):
    c.sock.settimeout(seconds)
    try:
        raise AssertionError(f"told {c.receive()}")
    except (socket.timeout, TimeoutError):
        pass
    c.sock.settimeout(15)


def run(c, *statements):
    for sql in statements:
        got = c.query(sql)
        equal(errors(got), [], sql)
    return got


@test
def a_notification_reaches_who_listens_with_channel_payload_and_the_senders_pid(cluster):
    with cluster.wire() as a, cluster.wire() as b, cluster.wire() as deaf:
        equal(tags(run(a, "LISTEN news")), ["LISTEN"])
        equal(tags(run(b, "NOTIFY news, 'it''s é'")), ["NOTIFY"])
        equal(told(a, 1), [(pid_of(b), "news", "it's é")])
        run(b, "NOTIFY news")
        equal(told(a, 1), [(pid_of(b), "news", "")])
        run(b, "SELECT pg_notify('news', 'by function')", "SELECT pg_notify('other', 'x')", 'NOTIFY "News"')
        equal(told(a, 1), [(pid_of(b), "news", "by function")])
        nothing_told(a)
        nothing_told(deaf)


@test
def who_notifies_himself_is_told_with_his_own_pid(cluster):
    with cluster.wire() as c:
        run(c, "LISTEN me", "NOTIFY me, 'x'")
        equal(told(c, 1), [(pid_of(c), "me", "x")])


@test
def a_notification_from_a_direct_connection_comes_too(cluster):
    with cluster.wire() as c:
        run(c, "LISTEN direct")
        cluster.sql("NOTIFY direct, 'hello'", cluster.shard1_dsn)
        equal(told(c, 1)[0][1:], ("direct", "hello"))


@test
def by_the_extended_protocol(cluster):
    with cluster.wire() as a, cluster.wire() as b:
        equal(tags(a.run("LISTEN ext")), ["LISTEN"])
        equal(tags(b.run("NOTIFY ext, 'q'")), ["NOTIFY"])
        equal(errors(b.run("SELECT pg_notify($1, $2)", ["ext", "p"])), [])
        equal([t[1:] for t in told(a, 2)], [("ext", "q"), ("ext", "p")])
        equal(tags(a.run("UNLISTEN ext")), ["UNLISTEN"])
        b.run("NOTIFY ext, 'q'")
        nothing_told(a)


@test
def listen_in_a_transaction_takes_effect_at_commit(cluster):
    with cluster.wire() as a, cluster.wire() as b:
        run(a, "BEGIN", "LISTEN tx")
        run(b, "NOTIFY tx, 'too early'")
        run(a, "SELECT 1", "COMMIT")
        run(b, "NOTIFY tx, 'in time'")
        equal([t[2] for t in told(a, 1)], ["in time"])
        nothing_told(a)


@test
def listen_in_a_transaction_that_fails_has_no_effect(cluster):
    with cluster.wire() as a, cluster.wire() as b:
        run(a, "BEGIN", "LISTEN gone", "ROLLBACK")
        a.query("BEGIN")
        a.query("LISTEN gone")
        a.query("SELECT 1/0")
        equal(errors(a.query("LISTEN gone"))[0]["C"], "25P02")
        equal(tags(a.query("COMMIT")), ["ROLLBACK"])
        a.query("LISTEN gone; SELECT 1/0")
        a.send_raw(one("LISTEN gone") + one("SELECT 1/0") + S())
        a.until_ready()
        run(a, "BEGIN", "SAVEPOINT s", "LISTEN gone", "ROLLBACK TO s", "LISTEN kept", "RELEASE s", "COMMIT")
        run(b, "NOTIFY gone", "NOTIFY kept, 'k'")
        equal([t[1:] for t in told(a, 1)], [("kept", "k")])
        nothing_told(a)


@test
def unlisten_and_discard_end_it(cluster):
    with cluster.wire() as a, cluster.wire() as b:
        run(a, "LISTEN one", "LISTEN two", "LISTEN two", "UNLISTEN one", "UNLISTEN nosuch")
        run(b, "NOTIFY one", "NOTIFY two")
        equal([t[1] for t in told(a, 1)], ["two"])
        run(a, "BEGIN", "UNLISTEN two", "ROLLBACK")
        run(b, "NOTIFY two, 'still'")
        equal([t[2] for t in told(a, 1)], ["still"])
        run(a, "UNLISTEN *", "LISTEN one")
        run(b, "NOTIFY two", "NOTIFY one")
        equal([t[1] for t in told(a, 1)], ["one"])
        run(a, "DISCARD ALL")
        run(b, "NOTIFY one")
        nothing_told(a)


@test
def nothing_is_told_inside_a_transaction(cluster):
    with cluster.wire() as a, cluster.wire() as b:
        run(a, "LISTEN later", "BEGIN", "SELECT v FROM kv WHERE k = 1")
        run(b, "NOTIFY later, '1'", "NOTIFY later, '2'")
        nothing_told(a)
        equal(kinds(run(a, "SELECT v FROM kv")), "T" + "D" * 9 + "CZ")
        run(a, "COMMIT")
        equal([t[2] for t in told(a, 2)], ["1", "2"])


@test
def a_long_statement_is_not_interrupted(cluster):
    with cluster.wire() as a, cluster.wire() as b:
        run(a, "LISTEN busy")
        a.send_raw(Q("SELECT pg_sleep(1) FROM kv WHERE k = 1"))
        time.sleep(0.3)
        run(b, "NOTIFY busy, 'x'")
        equal(kinds(a.until_ready()), "TDCZ")
        equal([t[2] for t in told(a, 1)], ["x"])


@test
def notify_takes_effect_at_commit_and_not_at_rollback(cluster):
    with cluster.wire() as a, cluster.wire() as b:
        run(a, "LISTEN ch")
        run(b, "BEGIN", "NOTIFY ch, 'a'", "NOTIFY ch, 'b'", "NOTIFY ch, 'a'", "SELECT pg_notify('ch', 'c')")
        nothing_told(a)
        run(b, "COMMIT")
        equal(told(a, 3), [(pid_of(b), "ch", x) for x in "abc"])
        run(b, "BEGIN", "NOTIFY ch, 'no'", "ROLLBACK", "BEGIN", "SAVEPOINT s", "NOTIFY ch, 'no'", "ROLLBACK TO s", "COMMIT")
        b.query("NOTIFY ch, 'no'; SELECT 1/0")
        nothing_told(a)


@test
def notify_in_a_transaction_over_several_shards_is_atomic_with_it(cluster):
    with cluster.wire() as a, cluster.wire() as b:
        run(a, "LISTEN multi")
        for early in (True, False):
            run(b, "BEGIN", *(["NOTIFY multi, 'x'"] if early else []), *(f"UPDATE kv SET v = v + 1 WHERE k = {k}" for k in range(1, 10)),
                *([] if early else ["NOTIFY multi, 'x'"]), "COMMIT")
            equal(told(a, 1), [(pid_of(b), "multi", "x")])
        equal(cluster.value("SELECT sum(v) FROM kv"), "18")
        run(b, "BEGIN", "NOTIFY multi, 'x'", *(f"UPDATE kv SET v = v + 1 WHERE k = {k}" for k in range(1, 10)), "ROLLBACK")
        nothing_told(a)
    wait_until(10, lambda: cluster.open_transactions() == 0, "nothing left open")


@test
def pg_notify_over_sharded_rows_is_refused(cluster):
    with cluster.wire() as c:
        for sql in ("SELECT pg_notify('c', v::text) FROM kv", "SELECT pg_notify('c', v::text) FROM kv WHERE k = 1",
                    "SELECT pg_listening_channels()"):
            equal([e["C"] for e in errors(c.query(sql))], ["0A000"], sql)


@test
def many_clients_listen_and_all_are_told_in_order(cluster):
    clients = [cluster.wire() for _ in range(60)]
    with cluster.wire() as sender:
        for c in clients:
            run(c, "LISTEN crowd")
        for n in range(50):
            run(sender, f"NOTIFY crowd, '{n}'")
        for c in clients:
            equal([t[2] for t in told(c, 50)], [str(n) for n in range(50)])
    for c in clients[:30]:
        c.close()
    for c in clients[30:]:
        c.drop()


@test
def the_server_listens_once_and_only_while_somebody_does(cluster):
    listens = "SELECT count(*) FROM pg_stat_activity WHERE query ILIKE 'LISTEN%once%' OR query ILIKE 'UNLISTEN%once%'"
    with cluster.wire() as a, cluster.wire() as b:
        run(a, "LISTEN once")
        run(b, "LISTEN once")
        equal(cluster.value(listens, cluster.shard1_dsn), "1")
    wait_until(5, lambda: cluster.sql("SELECT query FROM pg_stat_activity WHERE query ILIKE 'UNLISTEN%once%'", cluster.shard1_dsn),
               "the server no longer listens")


@test
def a_killed_listener_connection_is_replaced_and_who_listens_is_warned(cluster):
    find = "SELECT pid FROM pg_stat_activity WHERE query ILIKE 'LISTEN%killed%'"
    with cluster.wire() as a, cluster.wire() as b:
        run(a, "LISTEN killed")
        for _ in range(3):
            pid = cluster.value(find, cluster.shard1_dsn)
            cluster.value(f"SELECT pg_terminate_backend({pid})", cluster.shard1_dsn)
            a.sock.settimeout(10)
            kind, body = a.receive()
            equal(kind, "N")
            check(b"notifications may have been lost" in body, body)
            run(b, "NOTIFY killed, 'again'")
            equal(told(a, 1), [(pid_of(b), "killed", "again")])


@test
def listen_fails_when_the_home_shard_is_down_and_works_when_it_is_back(cluster):
    with OwnProxy(cluster, name="listen") as proxy, proxy.wire() as a, proxy.wire() as b:
        run(a, "LISTEN up")
        cluster.script("stop", "shard1")
        equal(errors(b.query("LISTEN down"))[0]["C"][:2], "08")
        cluster.script("start", "shard1")
        a.sock.settimeout(20)
        equal(a.receive()[0], "N")
        wait_until(20, lambda: not errors(b.query("LISTEN down")), "LISTEN works again")
        with proxy.wire() as c:
            run(c, "NOTIFY up, '1'", "NOTIFY down, '2'")
        equal([t[2] for t in told(a, 1)], ["1"])
        equal([t[2] for t in told(b, 1)], ["2"])


@test
def notifications_that_are_never_taken_end_the_session_not_the_proxy(cluster):
    with cluster.wire() as sender:
        c = cluster.wire()
        run(c, "LISTEN flood", "BEGIN", "SELECT 1")
        payload = "x" * 7900
        for n in range(0, 2600, 100):
            sender.query("; ".join(f"NOTIFY flood, '{n + i:04d}{payload}'" for i in range(100)))
        got = c.receive()
        equal((got[0], errors([got])[0]["C"]), ("E", "54000"))
        check(c.is_closed(), "not closed")
        equal(rows(sender.query("SELECT 1")), [[b"1"]])


if __name__ == "__main__":
    main(Cluster, before)
