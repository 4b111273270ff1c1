#!/usr/bin/env python3
"""The first messages of a connection, protocol 3.2, cancel keys, encodings."""
import socket
import struct
import time

from lib import Cluster, check, equal, main, test, wait_until
from pair import B, E, P, Pair, Q, S, direct_port, make_single, one
from wire import CANCEL_REQUEST, Closed, LoginFailed, Wire, cstring, error_fields, errors, kinds, message, rows, startup

PROTOCOL_3_2 = 3 << 16 | 2


def before(cluster):
    make_single(cluster)
    cluster.sql("CREATE TABLE kv (k bigint PRIMARY KEY, v text) WITH (mosaic.shard_key = 'k')")
    cluster.sql("INSERT INTO kv VALUES " + ", ".join(f"({k}, 'v{k}')" for k in range(1, 10)))


def refused(cluster, **options):
    try:
        cluster.wire(**options).close()
    except LoginFailed as error:
        return error.fields
    raise AssertionError(f"{options}: logged in")


@test
def a_replication_connection_is_refused_with_what_to_do(cluster):
    for value in ("true", "on", "1", "yes", "database", "TRUE", "t"):
        fields = refused(cluster, parameters={"replication": value})
        equal((fields["S"], fields["C"]), ("FATAL", "0A000"), value)
        check("replication" in fields["M"] and "shard" in fields["H"], fields)
    for value in ("false", "off", "0", "no"):
        with cluster.wire(parameters={"replication": value}) as c:
            equal(rows(c.query("SELECT v FROM kv WHERE k = 1")), [[b"v1"]])


@test
def the_database_defaults_to_the_user(cluster):
    c = Wire(int(cluster.proxy_port), login=False)
    c.send_raw(startup({"user": cluster.dbuser}))
    c.login(cluster.dbuser, cluster.dbpassword)
    equal(rows(c.query("SELECT current_database()")), [[cluster.dbuser.encode()]])
    c.close()


@test
def unknown_protocol_options_are_listed_once_and_the_session_works(cluster):
    for version in (3 << 16, PROTOCOL_3_2, 3 << 16 | 77):
        c = Wire(int(cluster.proxy_port), login=False)
        c.send_raw(startup({"user": cluster.dbuser, "database": cluster.db, "_pq_.one": "1", "_pq_.two": ""}, version))
        seen = []
        original = c.receive

        def receive():
            m = original()
            seen.append(m)
            return m

        c.receive = receive
        c.login(cluster.dbuser, cluster.dbpassword)
        told = [b for k, b in seen if k == "v"]
        equal(len(told), 1, version)
        equal(told[0][4:], struct.pack("!I", 2) + b"_pq_.one\0_pq_.two\0")
        equal(seen[0][0], "v", "it comes first;")
        equal(rows(c.query("SELECT 1")), [[b"1"]])
        c.close()


@test
def a_3_2_client_gets_a_longer_cancel_key_and_all_of_it_counts(cluster):
    with cluster.wire(version=PROTOCOL_3_2) as c:
        equal(c.negotiated, None)
        check(8 < len(c.key) <= 4 + 256, len(c.key))
        check(not c.key[0] & 0x80, "the process id is negative")
        c.send_raw(Q("SELECT pg_sleep(2) FROM kv WHERE k = 1"))
        time.sleep(0.3)
        for key in (c.key[:8], c.key[:-1], c.key + b"\0", c.key[:-1] + bytes([c.key[-1] ^ 1])):
            cancel(cluster, key)
        equal(errors(c.until_ready()), [])
        c.send_raw(Q("SELECT pg_sleep(20) FROM kv WHERE k = 1"))
        time.sleep(0.3)
        cancel(cluster, c.key)
        equal(errors(c.until_ready())[0]["C"], "57014")


@test
def a_cancel_request_of_any_length_is_closed_without_a_word(cluster):
    for n in (0, 1, 3, 4, 5, 256, 257, 5000):
        cancel(cluster, struct.pack("!I", 1) + b"x" * n)
    with cluster.wire() as c:
        equal(rows(c.query("SELECT 1")), [[b"1"]])


def cancel(cluster, key):
    c = Wire(int(cluster.proxy_port), login=False)
    c.send_raw(struct.pack("!II", 8 + len(key), CANCEL_REQUEST) + key)
    equal(c.rest(), b"", "a cancel request is answered;")


@test
def parameters_reported_at_login_are_those_of_a_server(cluster):
    with Pair(cluster) as p:
        own = {"application_name", "is_superuser", "session_authorization"}
        equal(set(p.proxy.settings), set(p.direct.settings))
        for name in set(p.direct.settings) - own:
            equal(p.proxy.settings[name], p.direct.settings[name], name)


@test
def bad_start_up_settings_fail_as_they_do_directly(cluster):
    for parameters in ({"nosuch": "1"}, {"work_mem": "lots"}, {"options": "-c nosuch=1"}, {"options": "-c"}, {"options": "--work_mem"},
                       {"DateStyle": "nonsense"}, {"search_path": "a b,"}, {"statement_timeout": "-1"}):
        fields = refused(cluster, parameters=parameters)
        try:
            Wire(direct_port(cluster), cluster.dbuser, cluster.dbpassword, "single", parameters=parameters).close()
        except LoginFailed as error:
            equal((fields["S"], fields["C"]), (error.fields["S"], error.fields["C"]), parameters)
        else:
            raise AssertionError(f"{parameters} is fine for the server")


@test
def a_value_with_quotes_and_backslashes_stays_a_value(cluster):
    for value in ("it's", "a\\", "\\'", "'; DROP TABLE kv; --", "é\\'é"):
        with cluster.wire(parameters={"application_name": value}) as c:
            got = rows(c.query("SELECT current_setting('application_name') FROM kv WHERE k = 1"))[0][0].decode()
            direct = Wire(direct_port(cluster), cluster.dbuser, cluster.dbpassword, "single", parameters={"application_name": value})
            equal(got, rows(direct.query("SHOW application_name"))[0][0].decode(), value)
            direct.close()
    equal(cluster.value("SELECT count(*) FROM kv"), "9")


@test
def client_encodings_whose_bytes_may_hold_quotes_are_refused(cluster):
    for encoding in ("SJIS", "BIG5", "GBK", "GB18030", "UHC", "LATIN1", "EUC_JP"):
        equal(refused(cluster, parameters={"client_encoding": encoding})["C"], "0A000", encoding)
        with cluster.wire() as c:
            equal([e["C"] for e in errors(c.query(f"SET client_encoding = '{encoding}'"))], ["0A000"], encoding)
            equal([e["C"] for e in errors(c.query(f"SET NAMES '{encoding}'"))], ["0A000"], encoding)
            equal(rows(c.query("SHOW client_encoding")), [[b"UTF8"]])
    with cluster.wire() as c:
        equal([e["C"] for e in errors(c.query("SET standard_conforming_strings = off"))], ["0A000"])


@test
def bytes_that_are_no_utf8_are_the_servers_error(cluster):
    with Pair(cluster) as p:
        for sql in (b"SELECT '\xff'", b"SELECT '\xc3'", b"SELECT 1 AS \"\xed\xa0\x80\"", b"\xfe"):
            p.same(message("Q", sql + b"\0"), fields="VC")
            p.same(message("P", b"\0" + sql + b"\0\0\0") + S(), fields="VC")
        p.same(P("", "SELECT $1::text") + B("", "", [b"\xff"]) + E() + S(), fields="VC")
        p.same(P("", "SELECT $1::text") + B("", "", [b"a\0b"]) + E() + S(), fields="VC")


@test
def messages_may_be_cut_anywhere(cluster):
    raw = one("SELECT v FROM kv WHERE k = $1", ["3"]) + S() + Q("SELECT count(*) FROM kv") + S()
    with cluster.wire() as c:
        c.send_raw(raw)
        want = [c.until_ready() for _ in range(3)]
        for cut in range(1, len(raw), 3):
            c.send_raw(raw[:cut])
            time.sleep(0.002)
            c.send_raw(raw[cut:])
            equal([c.until_ready() for _ in range(3)], want, cut)


if __name__ == "__main__":
    main(Cluster, before)
