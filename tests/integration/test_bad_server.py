#!/usr/bin/env python3
"""A shard's server that breaks the protocol: no crash, no hang, nothing for another client."""
import socket
import struct
import threading
import time

from lib import Cluster, check, equal, main, test, wait_until
from pair import B, D, E, P, Q, S, data, one
from wire import errors, kinds, message, rows, tags

ANSWER = b"evil"  # a row with this text makes the one in the middle act
READY = message("Z", b"I")


class Middle:
    """Between the proxy and shard s2. `change(bytes)` replaces an answer that holds ANSWER, once."""

    def __init__(self, port, server_port):
        self.server_port, self.change, self.mangle, self.sockets = server_port, None, None, []
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.server_port))
            self.sockets.append(client)
            threading.Thread(target=self.pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, True), daemon=True).start()

    def pump(self, source, target, is_answer):
        try:
            while True:
                part = source.recv(65536)
                if not part:
                    break
                if not is_answer and self.mangle:
                    part = self.mangle(part)
                if is_answer and self.change and ANSWER in part:
                    change, self.change = self.change, None
                    part = change(part)
                target.sendall(part)
        except OSError:
            pass
        for s in (source, target):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def say(self, raw):
        """On every connection, out of the blue."""
        for s in self.sockets:
            try:
                s.sendall(raw)
            except OSError:
                pass


def before(cluster):
    cluster.sql("CREATE TABLE kv (k bigint PRIMARY KEY, v text) WITH (mosaic.shard_key = 'k')")
    cluster.sql("INSERT INTO kv VALUES " + ", ".join(f"({k}, 'v{k}')" for k in range(1, 41)))
    dsn = dict(part.split("=", 1) for part in cluster.shard2_dsn.split())
    port = int(cluster.proxy_port) + 45
    cluster.middle = Middle(port, int(dsn["port"]))
    dsn["port"] = str(port)
    cluster.on_two = int(cluster.value("SELECT min(k) FROM kv", cluster.shard2_dsn))
    done = cluster.admin("ALTER SHARD s2 SET (dsn = '" + " ".join(f"{k}={v}" for k, v in dsn.items()) + "');")
    equal(done.returncode, 0, done.stderr)


def good(cluster, c=None):
    """The session, or another one, gets right answers from the shard."""
    wires = [c] if c else [cluster.wire() for _ in range(3)]
    for w in wires:
        for _ in range(3):
            equal(rows(w.query(f"SELECT v FROM kv WHERE k = {cluster.on_two}")), [[f"v{cluster.on_two}".encode()]])
        equal(rows(w.query("SELECT count(*) FROM kv")), [[b"40"]])
        if not c:
            w.close()
    check(cluster.proxy_alive(), "the proxy has died")


def evil(cluster, c, change, how="simple"):
    sql = f"SELECT 'evil', v FROM kv WHERE k = {cluster.on_two}"
    if how == "scatter":
        sql = "SELECT 'evil', v FROM kv"
    cluster.middle.change = change
    c.send_raw(one(sql) + S() if how == "extended" else Q(sql))
    return c.until_ready()


WAYS = ("simple", "extended", "scatter")


@test
def an_error_without_sqlstate_or_message_is_passed_on(cluster):
    for fields in (b"SERROR\0Mno code\0\0", b"\0", b"", b"SERROR\0C\0M\0\0", b"M\xff\xfe\0\0", b"SERROR"):
        for how in WAYS:
            with cluster.wire() as c:
                got = evil(cluster, c, lambda _, f=fields: message("E", f) + READY, how)
                equal((kinds(got)[-1], "E" in kinds(got)), ("Z", True), fields)
                good(cluster, c)


@test
def an_answer_behind_the_answer_is_nobodys(cluster):
    row = message("D", struct.pack("!HI", 1, 6) + b"stolen")
    for extra in (row + message("C", b"SELECT 1\0"), row + message("C", b"SELECT 1\0") + READY, READY, message("T", b"\0\0"),
                  message("1"), message("G", b"\0\0\0")):
        for how in WAYS:
            with cluster.wire() as c:
                got = evil(cluster, c, lambda part, e=extra: part + e, how)
                check(b"stolen" not in repr(got).encode(), got)
                good(cluster, c)
        good(cluster)


@test
def a_piece_of_a_message_behind_the_answer_is_nobodys(cluster):
    for extra in (b"D", b"D\0\0\0\x20half", b"\0\0\0", b"Z\0\0\0"):
        for how in WAYS:
            with cluster.wire() as c:
                evil(cluster, c, lambda part, e=extra: part + e, how)
                good(cluster, c)
        good(cluster)


@test
def lengths_that_make_no_sense_end_the_server_connection_only(cluster):
    for raw in (b"D\xff\xff\xff\xff", b"D\0\0\0\0", b"D\x80\0\0\0", b"T\0\0\0\x03", b"D\x7f\xff\xff\xff" + b"x" * 100, b"\0" * 50):
        for how in WAYS:
            with cluster.wire() as c:
                got = evil(cluster, c, lambda _, r=raw: r, how)
                check([e["C"] for e in errors(got)] in (["08006"], ["54000"]), raw, errors(got))
                good(cluster, c)


@test
def counts_and_lengths_inside_messages_are_not_believed(cluster):
    for raw in (message("D", b"\xff\xff"), message("D", b"\0\1\x7f\xff\xff\xff"), message("T", b"\xff\xffx"), message("D", b""),
                message("T", b""), message("C", b""), message("C", b"SELECT 99999999999999999999999\0"), message("S", b"x"),
                message("N", b"M"), message("Z", b"")):
        for how in WAYS:
            with cluster.wire(timeout=10) as c:
                cluster.middle.change = lambda part, r=raw: r + part
                c.send_raw(Q("SELECT 'evil', v FROM kv" + ("" if how == "scatter" else f" WHERE k = {cluster.on_two}")))
                c.until_ready()
            good(cluster)


@test
def what_an_idle_server_says_is_told_to_nobody(cluster):
    with cluster.wire() as c:
        good(cluster, c)
        for raw in (message("N", b"SNOTICE\0C00000\0Mlook\0\0"), message("S", b"application_name\0evil\0"), message("A", b"\0\0\0\1x\0y\0"),
                    message("E", b"SFATAL\0C57P01\0Mgo\0\0"), message("D", b"\0\0"), b"\xff\xff\xff\xff\xff\xff"):
            cluster.middle.say(raw)
            time.sleep(0.2)
            good(cluster, c)
            good(cluster)


@test
def a_setting_that_changes_by_itself_reaches_the_client_once(cluster):
    with cluster.wire() as c:
        got = evil(cluster, c, lambda part: part[:-6] + message("S", b"TimeZone\0Mars/Base\0") * 3 + READY)
        equal([b for k, b in got if k == "S"], [b"TimeZone\0Mars/Base\0"])
        good(cluster, c)


def with_begin_refused(cluster, run):
    cluster.middle.mangle = lambda part: part.replace(b"BEGIN\0", b"BOGUS\0")
    try:
        return run()
    finally:
        cluster.middle.mangle = None


@test
def a_begin_that_the_server_refuses_leaves_nothing_done_outside_of_the_transaction(cluster):
    k = cluster.on_two
    update = f"UPDATE kv SET v = 'outside' WHERE k = {k}"
    for send in (lambda c: c.query(update),
                 lambda c: c.send_raw(P("", update) + B() + D("P") + E() + S()) or c.until_ready()):
        with cluster.wire() as c:
            c.query("BEGIN")
            got = with_begin_refused(cluster, lambda: send(c))
            check(errors(got) and errors(got)[0]["C"] == "42601", got)
            equal(got[-1], ("Z", b"E"))
            equal(errors(c.query("SELECT 1"))[0]["C"], "25P02")
            equal(tags(c.query("COMMIT")), ["ROLLBACK"])
            equal(c.query("BEGIN")[-1], ("Z", b"T"))
            equal(tags(c.query(f"UPDATE kv SET v = 'v{k}' WHERE k = {k}")), ["UPDATE 1"])
            equal(tags(c.query("COMMIT")), ["COMMIT"])
            good(cluster, c)


if __name__ == "__main__":
    main(lambda: Cluster(shards=3), before)
