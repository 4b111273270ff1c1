#!/usr/bin/env python3
"""The wire protocol, message by message: start-up, log-in, pipelines, portals, COPY, rudeness."""
import os
import socket
import struct
import threading
import time

from lib import Cluster, check, equal, main, test, wait_until
from proxy import OwnProxy
from wire import (CANCEL_REQUEST, GSS_REQUEST, SSL_REQUEST, Closed, LoginFailed, Wire, cstring, error_fields, errors,
                  kinds, message, rows, startup, tags)

KEYS = range(1, 41)


def before(cluster):
    cluster.sql("CREATE TABLE kv (k bigint PRIMARY KEY, v text) WITH (mosaic.shard_key = 'k')")
    cluster.sql("INSERT INTO kv VALUES " + ", ".join(f"({k}, 'v{k}')" for k in KEYS))
    cluster.sql("CREATE TABLE cp (k bigint PRIMARY KEY, v text) WITH (mosaic.shard_key = 'k')")
    cluster.sql("CREATE TABLE wr (k bigint PRIMARY KEY, v int) WITH (mosaic.shard_key = 'k')")
    cluster.sql("INSERT INTO wr VALUES " + ", ".join(f"({k}, 0)" for k in KEYS))


def raw(cluster):
    return Wire(int(cluster.proxy_port), login=False)


def request(code, extra=b""):
    return struct.pack("!II", 8 + len(extra), code) + extra


def good_startup(cluster, version=196608, **parameters):
    return startup({"user": cluster.dbuser, "database": cluster.db, **parameters}, version)


def answers(cluster):
    """The proxy still serves others."""
    with cluster.wire() as c:
        equal(rows(c.query("SELECT 1")), [[b"1"]])
    check(cluster.proxy_alive(), "the proxy has died")


def nothing_left(cluster):
    wait_until(10, lambda: cluster.open_transactions() == 0, "no transaction left open on a shard")


def sqlstates(messages):
    return [e["C"] for e in errors(messages)]


# ---- start-up

@test
def an_ssl_request_without_tls_is_answered_N_and_plain_goes_on(cluster):
    with raw(cluster) as c:
        c.send_raw(request(SSL_REQUEST))
        equal(c.read(1), b"N")
        c.send_raw(good_startup(cluster))
        c.login(cluster.dbuser, cluster.dbpassword)
        equal(rows(c.query("SELECT 1")), [[b"1"]])


@test
def a_gssenc_request_is_answered_N_before_and_after_an_ssl_request(cluster):
    for first, second in ((GSS_REQUEST, SSL_REQUEST), (SSL_REQUEST, GSS_REQUEST)):
        with raw(cluster) as c:
            for code in (first, second):
                c.send_raw(request(code))
                equal(c.read(1), b"N")
            c.send_raw(good_startup(cluster))
            c.login(cluster.dbuser, cluster.dbpassword)


@test
def a_second_ssl_request_does_not_hang_or_crash(cluster):
    c = raw(cluster)
    c.send_raw(request(SSL_REQUEST))
    equal(c.read(1), b"N")
    c.send_raw(request(SSL_REQUEST))
    check(c.is_closed(), "a second SSLRequest was taken")
    answers(cluster)


@test
def protocol_3_2_is_spoken_or_negotiated_down(cluster):
    with cluster.wire(version=(3 << 16) | 2) as c:
        equal(rows(c.query("SELECT 1")), [[b"1"]])
        if c.negotiated is not None:
            equal(struct.unpack("!I", c.negotiated[:4])[0] >> 16 in (0, 3), True)
        else:
            check(len(c.key) >= 8, "a cancel key of at least four bytes", c.key)


@test
def a_newer_minor_version_and_unknown_options_are_listed_once(cluster):
    with cluster.wire(version=(3 << 16) | 99, parameters={"_pq_.nosuch": "1", "_pq_.other": "x"}) as c:
        check(c.negotiated is not None, "no NegotiateProtocolVersion came")
        count = struct.unpack("!I", c.negotiated[4:8])[0]
        names = c.negotiated[8:].split(b"\0")[:-1]
        equal((count, names), (2, [b"_pq_.nosuch", b"_pq_.other"]))
        equal(rows(c.query("SELECT 1")), [[b"1"]])


@test
def a_3_0_client_gets_a_cancel_key_of_four_bytes(cluster):
    with cluster.wire() as c:
        equal(len(c.key), 8)
        equal(c.negotiated, None)


@test
def another_major_version_is_refused(cluster):
    c = raw(cluster)
    c.send_raw(good_startup(cluster, 4 << 16))
    error = error_fields(c.receive_kind("E"))
    equal((error["S"], error["C"]), ("FATAL", "0A000"))
    check("unsupported frontend protocol" in error["M"], error)
    check(c.is_closed(), "the connection stays open")
    for version in (2 << 16, 1 << 16):  # so old that the error has another form
        c = raw(cluster)
        c.send_raw(good_startup(cluster, version))
        check(b"unsupported frontend protocol" in c.rest(), "version", version >> 16)


@test
def a_startup_packet_may_come_byte_by_byte(cluster):
    with raw(cluster) as c:
        for byte in good_startup(cluster):
            c.send_raw(bytes([byte]))
        c.login(cluster.dbuser, cluster.dbpassword)
        for byte in message("Q", cstring("SELECT v FROM kv WHERE k = 1")):
            c.send_raw(bytes([byte]))
        equal(rows(c.until_ready()), [[b"v1"]])


@test
def an_oversized_startup_packet_is_cut_off(cluster):
    for size in (10001, 0x7FFFFFFF, 0xFFFFFFFF, 3, 0):
        c = raw(cluster)
        c.send_raw(struct.pack("!II", size, 196608))
        try:
            c.send_raw(b"x" * 20000)
        except OSError:
            pass
        check(c.is_closed(), "size", size, "was waited for")
    answers(cluster)


@test
def a_startup_packet_without_its_end_is_refused(cluster):
    for body in (b"user", b"user\0app", b"user\0app\0database\0app\0", b"\0\0\0", b"database\0app\0\0"):
        c = raw(cluster)
        c.send_raw(struct.pack("!II", 8 + len(body), 196608) + body)
        check(c.is_closed(), body, "was taken")
    answers(cluster)


@test
def garbage_on_the_port_does_no_harm(cluster):
    for garbage in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\xff" * 100, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                    os.urandom(4096), b"\0" * 64, b"SSH-2.0-OpenSSH\r\n"):
        c = raw(cluster)
        try:
            c.send_raw(garbage)
            c.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        check(c.is_closed(), garbage[:20], "keeps the connection open")
    answers(cluster)


@test
def connections_that_say_nothing_and_go_leave_nothing(cluster):
    for _ in range(50):
        raw(cluster).drop()
    answers(cluster)


@test
def startup_parameters_are_applied(cluster):
    with cluster.wire(parameters={"application_name": "wire test", "statement_timeout": "1234",
                                  "options": "-c lock_timeout=77 --work_mem=3MB -c geqo=off"}) as c:
        for name, value in (("application_name", b"wire test"), ("statement_timeout", b"1234ms"),
                            ("lock_timeout", b"77ms"), ("work_mem", b"3MB"), ("geqo", b"off")):
            equal(rows(c.query(f"SHOW {name}")), [[value]], name)
            equal(rows(c.query(f"SELECT current_setting('{name}') FROM kv WHERE k = 1")), [[value]], name)
        c.query("SET lock_timeout = 5")
        c.query("RESET lock_timeout")
        equal(rows(c.query("SHOW lock_timeout")), [[b"77ms"]])


@test
def a_bad_startup_parameter_is_an_error_and_no_hang(cluster):
    for parameters in ({"nosuch_parameter": "1"}, {"work_mem": "lots"}, {"replication": "true"}):
        try:
            with cluster.wire(parameters=parameters) as c:
                check(sqlstates(c.query("SELECT v FROM kv WHERE k = 1")), parameters, "was ignored")
        except LoginFailed as error:
            check(error.fields["C"] in ("42704", "22023", "0A000", "42501", "28000"), parameters, error.fields)
        except Closed:
            raise AssertionError(f"{parameters}: closed without an error")


@test
def the_parameter_status_set_is_complete(cluster):
    with cluster.wire() as c:
        for name in ("server_version", "server_encoding", "client_encoding", "application_name", "is_superuser",
                     "session_authorization", "DateStyle", "IntervalStyle", "TimeZone", "integer_datetimes",
                     "standard_conforming_strings", "default_transaction_read_only", "in_hot_standby"):
            check(name in c.settings, name, "is missing")
        equal(c.settings["client_encoding"], "UTF8")
        equal(c.settings["session_authorization"], cluster.dbuser)
        equal(c.settings["is_superuser"], "off")
        version = cluster.value("SHOW server_version", cluster.shard1_dsn)
        equal(c.settings["server_version"], version)


@test
def a_changed_setting_is_reported_once(cluster):
    with cluster.wire() as c:
        got = c.query("SET application_name = 'changed'")
        equal([b for k, b in got if k == "S"], [b"application_name\0changed\0"])
        got = c.query("SET DateStyle = 'German'")
        equal([b for k, b in got if k == "S"], [b"DateStyle\0German, DMY\0"])


# ---- log-in

@test
def a_wrong_password_is_28P01(cluster):
    for password in ("wrong", "", "x" * 500):
        try:
            cluster.wire(password=password).close()
        except LoginFailed as error:
            equal((error.fields["S"], error.fields["C"]), ("FATAL", "28P01"))
            equal(error.fields["M"], f'password authentication failed for user "{cluster.dbuser}"')
        else:
            raise AssertionError("logged in with a wrong password")


@test
def an_unknown_user_gets_the_same_exchange_and_error_as_a_wrong_password(cluster):
    try:
        Wire(int(cluster.proxy_port), user="nobody_here", password="x", database=cluster.db).close()
    except LoginFailed as error:
        equal(error.fields["C"], "28P01")
        equal(error.fields["M"], 'password authentication failed for user "nobody_here"')
    else:
        raise AssertionError("an unknown user logged in")
    first = [server_first(cluster, "nobody_here") for _ in range(2)]
    known = server_first(cluster, cluster.dbuser)
    equal(first[0]["i"], known["i"], "iterations;")
    equal(first[0]["s"], first[1]["s"], "an unknown user's salt changes;")
    equal(len(first[0]["s"]), len(known["s"]), "salt length;")


def server_first(cluster, user):
    c = raw(cluster)
    c.send_raw(startup({"user": user, "database": cluster.db}))
    kind, body = c.receive()
    equal((kind, body[:4]), ("R", b"\0\0\0\x0a"))
    data = b"n,,n=,r=abcdefghijklmnop"
    c.send("p", cstring("SCRAM-SHA-256") + struct.pack("!I", len(data)) + data)
    parts = dict(p.split("=", 1) for p in c.sasl(11).decode().split(","))
    c.drop()
    return parts


@test
def an_unknown_database_is_3D000(cluster):
    try:
        cluster.wire(database="nosuch").close()
    except LoginFailed as error:
        equal((error.fields["S"], error.fields["C"]), ("FATAL", "3D000"))
        equal(error.fields["M"], 'database "nosuch" does not exist')
    else:
        raise AssertionError("logged in to an unknown database")


@test
def rules_choose_trust_md5_and_reject(cluster):
    rules = (f"type: host, database: all, user: {cluster.dbuser}, address: 127.0.0.1/32, method: trust",
             f"type: host, database: all, user: {cluster.superuser}, address: 127.0.0.1/32, method: md5",
             "type: host, database: all, user: all, address: 127.0.0.1/32, method: reject")
    with OwnProxy(cluster, rules=rules, name="rules") as proxy:
        with proxy.wire(password="not needed") as c:
            equal(c.auth_method, "trust")
            equal(rows(c.query("SELECT v FROM kv WHERE k = 1")), [[b"v1"]])
        with proxy.wire(user=cluster.superuser, password=cluster.superpassword) as c:
            equal(c.auth_method, "md5")
            equal(rows(c.query("SELECT v FROM kv WHERE k = 1")), [[b"v1"]])
        for user, password, state in ((cluster.superuser, "wrong", "28P01"),
                                      (cluster.adminuser, cluster.adminpassword, "28000")):
            try:
                proxy.wire(user=user, password=password).close()
            except LoginFailed as error:
                equal(error.fields["C"], state, user)
            else:
                raise AssertionError(f"{user} logged in")


@test
def messages_before_the_log_in_are_refused(cluster):
    c = raw(cluster)
    c.send_raw(good_startup(cluster) + message("Q", cstring("SELECT 1")))
    got = []
    try:
        while True:
            got.append(c.receive())
    except (Closed, ConnectionError):
        pass
    check("D" not in kinds(got), "a query was answered before the log-in", got)
    answers(cluster)


# ---- cancel

@test
def a_cancel_request_ends_the_running_statement_only(cluster):
    with cluster.wire() as c, cluster.wire() as other:
        c.send("Q", cstring("SELECT pg_sleep(30) FROM kv WHERE k = 1"))
        time.sleep(0.5)
        start = time.monotonic()
        cancel(cluster, c.key)
        got = c.until_ready()
        equal(sqlstates(got), ["57014"])
        check(time.monotonic() - start < 5, "cancelling took too long")
        equal(rows(c.query("SELECT v FROM kv WHERE k = 1")), [[b"v1"]])
        equal(rows(other.query("SELECT v FROM kv WHERE k = 1")), [[b"v1"]])


@test
def a_cancel_request_with_a_wrong_key_does_nothing(cluster):
    with cluster.wire() as c:
        c.send("Q", cstring("SELECT pg_sleep(1) FROM kv WHERE k = 1"))
        time.sleep(0.2)
        cancel(cluster, c.key[:4] + bytes(b ^ 255 for b in c.key[4:]))
        cancel(cluster, b"\0" * 8)
        cancel(cluster, b"")
        equal(sqlstates(c.until_ready()), [])


@test
def a_cancel_request_on_an_idle_session_hits_no_later_statement(cluster):
    with cluster.wire() as c:
        c.query("SELECT v FROM kv WHERE k = 1")
        cancel(cluster, c.key)
        for _ in range(20):
            equal(rows(c.query("SELECT v FROM kv WHERE k = 1")), [[b"v1"]])


def cancel(cluster, key):
    c = raw(cluster)
    c.send_raw(request(CANCEL_REQUEST, key))
    check(c.is_closed(), "a cancel connection stays open")


# ---- simple protocol

@test
def an_empty_query_gives_EmptyQueryResponse(cluster):
    with cluster.wire() as c:
        for sql in ("", ";", "  ", "-- a comment", "/* c */"):
            equal(kinds(c.query(sql)), "IZ", sql)


@test
def the_transaction_state_is_in_ReadyForQuery(cluster):
    with cluster.wire() as c:
        steps = (("BEGIN", b"T"), ("SELECT v FROM kv WHERE k = 1", b"T"), ("SELECT 1/0", b"E"), ("SELECT 1", b"E"),
                 ("ROLLBACK", b"I"), ("BEGIN", b"T"), ("SELECT count(*) FROM kv", b"T"), ("COMMIT", b"I"))
        for sql, state in steps:
            equal(c.query(sql)[-1], ("Z", state), sql)


@test
def an_unknown_message_type_is_a_protocol_error(cluster):
    for kind in ("y", "!", "\x01"):
        c = cluster.wire()
        c.send(kind, b"x")
        try:
            body = c.receive_kind("E")
            equal(error_fields(body)["C"], "08P01")
            check(c.is_closed() or True)
        except Closed:
            raise AssertionError(f"{kind!r}: closed without an error")
        c.drop()
    answers(cluster)


@test
def truncated_and_malformed_messages_are_refused(cluster):
    bad = (message("Q", b"no zero byte"), message("Q", b""), message("P", b"x"), message("B", b"\0\0\0\x05"),
           message("B", cstring("") + cstring("") + b"\xff\xff"), message("D", b"X\0"), message("E", b"\0"),
           message("C", b"Z\0"), message("P", cstring("") + cstring("SELECT 1") + b"\0\x09"),
           message("B", cstring("") + cstring("") + b"\0\0\0\x01\x7f\xff\xff\xff"), message("S", b"extra"))
    for data in bad:
        c = cluster.wire(timeout=5)
        c.send_raw(data + message("S"))
        try:
            kind, body = c.receive()
            equal(kind, "E", data)
            check(error_fields(body)["C"] in ("08P01", "26000"), data, error_fields(body))
        except (Closed, ConnectionError):
            pass
        c.drop()
    answers(cluster)


@test
def an_oversized_or_negative_message_length_is_refused(cluster):
    for size in (0, 3, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
        c = cluster.wire(timeout=5)
        c.send_raw(b"Q" + struct.pack("!I", size) + b"SELECT 1\0")
        try:
            body = c.receive_kind("E")
            check(error_fields(body)["C"] in ("08P01", "54000", "53200"), size, error_fields(body))
        except (Closed, ConnectionError):
            pass
        check(c.is_closed(), "length", size, "was waited for")
    answers(cluster)


@test
def a_very_long_statement_works(cluster):
    with cluster.wire() as c:
        text = "x" * 2000000
        equal(rows(c.query(f"SELECT length('{text}') FROM kv WHERE k = 1")), [[b"2000000"]])
        equal(rows(c.run("SELECT length($1) FROM kv WHERE k = 1", [text])), [[b"2000000"]])


@test
def a_statement_nested_too_deeply_is_an_error_and_no_crash(cluster):
    for sql in ("SELECT " + "1+" * 50000 + "1", "SELECT " + "(" * 30000 + "1" + ")" * 30000):
        with cluster.wire() as c:
            got = c.query(sql)
            check(sqlstates(got) in (["54001"], ["42601"], ["0A000"], []), sqlstates(got))
    answers(cluster)


@test
def a_function_call_message_is_answered(cluster):
    with cluster.wire() as c:
        c.send("F", struct.pack("!IHHH", 1598, 0, 0, 0))
        check(c.until_ready()[-1] == ("Z", b"I"))
        equal(rows(c.query("SELECT 1")), [[b"1"]])


# ---- extended protocol

@test
def a_pipeline_with_several_syncs_gives_as_many_ReadyForQuery(cluster):
    with cluster.wire() as c:
        for k in KEYS:
            c.parse("", "SELECT v FROM kv WHERE k = $1")
            c.bind("", "", [str(k)])
            c.execute()
            c.sync()
        for k in KEYS:
            got = c.until_ready()
            equal(kinds(got), "12DCZ")
            equal(rows(got), [[f"v{k}".encode()]])


@test
def an_error_in_a_pipeline_skips_to_the_next_sync(cluster):
    with cluster.wire() as c:
        for sql in ("SELECT 1", "SELECT 1/0", "SELECT 2"):
            c.parse("", sql)
            c.bind("", "")
            c.execute()
        c.sync()
        c.parse("", "SELECT 3")
        c.bind("", "")
        c.execute()
        c.sync()
        first, second = c.until_ready(), c.until_ready()
        equal(sqlstates(first), ["22012"])
        equal(rows(first), [[b"1"]])
        equal(rows(second), [[b"3"]])


@test
def an_error_on_one_shard_undoes_what_the_pipeline_wrote_on_the_others(cluster):
    with cluster.wire() as c:
        for k in (1, 2, 3, 4, 5):
            c.parse("", f"UPDATE wr SET v = 99 / (5 - {k}) WHERE k = {k}")
            c.bind("", "")
            c.execute()
        c.sync()
        got = c.until_ready()
        equal(sqlstates(got), ["22012"])
        equal(got[-1], ("Z", b"I"))
    equal(cluster.value("SELECT sum(v) FROM wr"), "0")
    nothing_left(cluster)


@test
def a_statement_parsed_in_the_skipped_part_does_not_exist(cluster):
    with cluster.wire() as c:
        c.parse("", "SELECT 1/0")
        c.bind("", "")
        c.execute()
        c.parse("skipped", "SELECT 1")
        c.sync()
        c.until_ready()
        c.bind("", "skipped")
        c.sync()
        equal(sqlstates(c.until_ready()), ["26000"])


@test
def flush_brings_the_answers_so_far(cluster):
    with cluster.wire() as c:
        c.parse("s", "SELECT v FROM kv WHERE k = $1")
        c.describe("S", "s")
        c.flush()
        equal(kinds(c.until("T")), "1tT")
        c.bind("", "s", ["7"])
        c.execute()
        c.flush()
        got = c.until("C")
        equal((kinds(got), rows(got)), ("2DC", [[b"v7"]]))
        c.sync()
        equal(kinds(c.until_ready()), "Z")


@test
def describe_tells_parameters_and_columns(cluster):
    with cluster.wire() as c:
        c.parse("d", "SELECT k, v FROM kv WHERE k = $1")
        c.describe("S", "d")
        c.sync()
        got = c.until_ready()
        equal(kinds(got), "1tTZ")
        equal(got[1][1], struct.pack("!HI", 1, 20))
        check(b"k\0" in got[2][1] and b"v\0" in got[2][1], got[2])
        c.parse("n", "UPDATE wr SET v = 0 WHERE k = 1")
        c.describe("S", "n")
        c.sync()
        equal(kinds(c.until_ready()), "1tnZ")


@test
def describe_of_a_portal_has_the_formats_of_bind(cluster):
    with cluster.wire() as c:
        c.parse("", "SELECT k, v FROM kv WHERE k = $1")
        c.bind("", "", ["3"], result_format=1)
        c.describe("P")
        c.execute()
        c.sync()
        got = c.until_ready()
        equal(kinds(got), "12TDCZ")
        equal(rows(got), [[struct.pack("!q", 3), b"v3"]])
        check(got[2][1].endswith(b"\0\x01"), "the format in RowDescription", got[2])


@test
def a_portal_with_a_row_limit_suspends_and_goes_on(cluster):
    with cluster.wire() as c:
        c.parse("", "SELECT i FROM kv, generate_series(1, 5) i WHERE k = 1 ORDER BY i")
        c.bind("p", "")
        seen = []
        for want in ("DDs", "DDs", "DC"):
            c.execute("p", 2)
            c.flush()
            got = c.until("sCE")
            equal(kinds(got).lstrip("12"), want)
            seen += [int(r[0]) for r in rows(got)]
        equal(seen, [1, 2, 3, 4, 5])
        c.sync()
        c.until_ready()


@test
def a_portal_over_all_shards_with_a_row_limit_gives_every_row_once_or_is_refused(cluster):
    with cluster.wire() as c:
        c.parse("", "SELECT k FROM kv ORDER BY k")
        c.bind("p", "")
        seen = []
        while True:
            c.execute("p", 7)
            c.flush()
            got = c.until("sCE")
            if got[-1][0] == "E":
                equal(sqlstates(got), ["0A000"])
                check(errors(got)[0].get("H"), "no hint")
                break
            seen += [int(r[0]) for r in rows(got)]
            if got[-1][0] == "C":
                equal(seen, list(KEYS))
                break
        c.sync()
        equal(c.until_ready()[-1], ("Z", b"I"))
        equal(rows(c.query("SELECT 1")), [[b"1"]])


@test
def an_unnamed_statement_lives_over_several_syncs(cluster):
    with cluster.wire() as c, cluster.wire() as other:
        c.parse("", "SELECT v FROM kv WHERE k = $1")
        c.sync()
        c.until_ready()
        for k in (1, 2, 3):
            other.run("SELECT 'somebody else'")
            c.bind("", "", [str(k)])
            c.execute()
            c.sync()
            equal(rows(c.until_ready()), [[f"v{k}".encode()]])


@test
def a_statement_name_in_use_is_42P05_and_an_unknown_one_26000(cluster):
    with cluster.wire() as c:
        c.parse("twice", "SELECT 1")
        c.sync()
        c.until_ready()
        c.parse("twice", "SELECT 2")
        c.sync()
        equal(sqlstates(c.until_ready()), ["42P05"])
        for step in (lambda: c.bind("", "nosuch"), lambda: c.describe("S", "nosuch")):
            step()
            c.sync()
            equal(sqlstates(c.until_ready()), ["26000"])
        for step in (lambda: c.execute("nosuch"), lambda: c.describe("P", "nosuch")):
            step()
            c.sync()
            equal(sqlstates(c.until_ready()), ["34000"])
        c.bind("", "twice")
        c.execute()
        c.sync()
        equal(rows(c.until_ready()), [[b"1"]])


@test
def close_and_parse_of_one_name_in_one_pipeline_works(cluster):
    with cluster.wire() as c:
        c.close_name("S", "never there")
        c.sync()
        equal(kinds(c.until_ready()), "3Z")
        c.parse("s", "SELECT 1")
        c.close_name("S", "s")
        c.parse("s", "SELECT v FROM kv WHERE k = $1")
        c.bind("", "s", ["9"])
        c.execute()
        c.sync()
        got = c.until_ready()
        equal((kinds(got), rows(got)), ("1312DCZ", [[b"v9"]]))


@test
def a_named_statement_survives_a_changed_table(cluster):
    cluster.sql("CREATE TABLE chg (k bigint PRIMARY KEY, v int) WITH (mosaic.shard_key = 'k')")
    cluster.sql("INSERT INTO chg VALUES (1, 1)")
    with cluster.wire() as c:
        c.parse("s", "SELECT * FROM chg WHERE k = $1")
        c.bind("", "s", ["1"])
        c.execute()
        c.sync()
        equal(rows(c.until_ready()), [[b"1", b"1"]])
        cluster.sql("ALTER TABLE chg ADD COLUMN w int DEFAULT 5")
        c.bind("", "s", ["1"])
        c.execute()
        c.sync()
        got = c.until_ready()
        check(rows(got) == [[b"1", b"1", b"5"]] or sqlstates(got) == ["0A000"], got)
        equal(rows(c.run("SELECT * FROM chg WHERE k = 1")), [[b"1", b"1", b"5"]])


@test
def parse_in_a_failed_transaction_is_25P02(cluster):
    with cluster.wire() as c:
        c.query("BEGIN")
        c.query("SELECT 1/0")
        equal(sqlstates(c.run("SELECT v FROM kv WHERE k = 1")), ["25P02"])
        equal(tags(c.run("ROLLBACK")), ["ROLLBACK"])
        equal(rows(c.run("SELECT v FROM kv WHERE k = 1")), [[b"v1"]])


@test
def a_sync_alone_is_answered(cluster):
    with cluster.wire() as c:
        for _ in range(3):
            c.sync()
        for _ in range(3):
            equal(c.until_ready(), [("Z", b"I")])


@test
def a_query_between_parse_and_sync_is_answered_in_order(cluster):
    with cluster.wire() as c:
        c.parse("", "SELECT 1")
        c.bind("", "")
        c.execute()
        c.send("Q", cstring("SELECT 2"))
        got = c.until_ready()
        equal(rows(got), [[b"1"], [b"2"]])
        c.sync()
        c.until_ready()


@test
def many_clients_share_few_servers_with_their_own_prepared_statements(cluster):
    with OwnProxy(cluster, extra="pool: { size: 2, reserve: 0 }\nworkers: 1", name="small") as proxy:
        clients = [proxy.wire() for _ in range(20)]
        for i, c in enumerate(clients):
            c.parse("same name", f"SELECT v, {i} FROM kv WHERE k = $1")
            c.sync()
            c.until_ready()
        for _ in range(3):
            for i, c in enumerate(clients):
                c.bind("", "same name", [str(i + 1)])
                c.execute()
                c.sync()
            for i, c in enumerate(clients):
                equal(rows(c.until_ready()), [[f"v{i + 1}".encode(), str(i).encode()]])
        for c in clients:
            c.close()


@test
def settings_never_leak_to_another_client(cluster):
    with OwnProxy(cluster, extra="pool: { size: 1, reserve: 0 }\nworkers: 1", name="leak") as proxy:
        with proxy.wire() as a, proxy.wire() as b:
            usual = {s: rows(b.query(f"SHOW {s}")) for s in ("search_path", "statement_timeout", "application_name")}
            a.query("SET search_path = pg_catalog")
            a.query("SET statement_timeout = 4321")
            a.query("SET application_name = 'a'")
            for _ in range(3):
                equal(rows(a.query("SELECT current_setting('statement_timeout') FROM public.kv WHERE k = 1")), [[b"4321ms"]])
                for setting, value in usual.items():
                    equal(rows(b.query(f"SHOW {setting}")), value, setting)
                    equal(rows(b.query(f"SELECT current_setting('{setting}') FROM kv WHERE k = 1")), value, setting)
            equal(sqlstates(a.query("SELECT v FROM kv WHERE k = 1")), ["42P01"])
            a.query("BEGIN")
            a.query("SET LOCAL lock_timeout = 99")
            a.query("SELECT v FROM public.kv WHERE k = 1")
            a.query("COMMIT")
            equal(rows(b.query("SELECT current_setting('lock_timeout') FROM kv WHERE k = 1")), [[b"0"]])


# ---- COPY

def copy_in(c, sql, chunks, end=None):
    c.send("Q", cstring(sql))
    kind, body = c.receive()
    if kind != "G":
        return [(kind, body)] + c.until_ready()
    for chunk in chunks:
        c.send("d", chunk)
    c.send_raw(end or message("c"))
    return c.until_ready()


@test
def copy_in_may_split_rows_anywhere(cluster):
    data = "".join(f"{k}\tvalue {k} é\n" for k in range(1, 301)).encode()
    for size in (1, 7, 1000, len(data)):
        cluster.sql("TRUNCATE cp")
        with cluster.wire() as c:
            got = copy_in(c, "COPY cp FROM STDIN", [data[i:i + size] for i in range(0, len(data), size)])
            equal(tags(got), ["COPY 300"])
        equal(sum(int(n) for n in cluster.on_shards("SELECT count(*) FROM cp WHERE v = 'value ' || k || ' é'")), 300)


@test
def copy_in_of_csv_keeps_line_ends_inside_quotes(cluster):
    cluster.sql("TRUNCATE cp")
    data = b'k,v\n1,"two\nlines"\n2,"a ""quote"""\n3,\n4,"\\."\n'
    with cluster.wire() as c:
        got = copy_in(c, "COPY cp FROM STDIN WITH (FORMAT csv, HEADER)", [data[i:i + 3] for i in range(0, len(data), 3)])
        equal(tags(got), ["COPY 4"], errors(got))
        equal(rows(c.query("SELECT v FROM cp ORDER BY k")), [[b"two\nlines"], [b'a "quote"'], [None], [b"\\."]])


@test
def copy_fail_leaves_nothing(cluster):
    cluster.sql("TRUNCATE cp")
    with cluster.wire() as c:
        got = copy_in(c, "COPY cp FROM STDIN", [b"1\ta\n2\tb\n3\tc\n"], message("f", cstring("changed my mind")))
        equal(sqlstates(got), ["57014"])
        check("changed my mind" in errors(got)[0]["M"], errors(got))
        equal(rows(c.query("SELECT count(*) FROM cp")), [[b"0"]])
    nothing_left(cluster)


@test
def a_bad_last_line_leaves_nothing(cluster):
    data = "".join(f"{k}\tx\n" for k in range(1, 500)) + "oops\tx\n"
    with cluster.wire() as c:
        got = copy_in(c, "COPY cp FROM STDIN", [data.encode()])
        equal(sqlstates(got), ["22P02"])
        check("line 500" in errors(got)[0].get("W", ""), errors(got))
        equal(rows(c.query("SELECT count(*) FROM cp")), [[b"0"]])
    equal(cluster.on_shards("SELECT count(*) FROM cp"), ["0", "0", "0"])
    nothing_left(cluster)


@test
def copy_data_after_an_error_is_swallowed(cluster):
    with cluster.wire() as c:
        c.send("Q", cstring("COPY cp FROM STDIN"))
        c.receive_kind("G")
        c.send("d", b"bad\tx\n")
        for _ in range(200):
            c.send("d", b"1\tx\n" * 100)
        c.send("c")
        equal(sqlstates(c.until_ready()), ["22P02"])
        equal(rows(c.query("SELECT count(*) FROM cp")), [[b"0"]])


@test
def copy_in_by_the_extended_protocol_swallows_the_sync(cluster):
    with cluster.wire() as c:
        c.parse("", "COPY cp FROM STDIN")
        c.bind("", "")
        c.execute()
        c.sync()
        equal(kinds(c.until("G")), "12G")
        c.send("d", b"1\ta\n2\tb\n3\tc\n")
        c.send("c")
        c.sync()
        got = c.until_ready()
        equal(tags(got), ["COPY 3"])
        equal(rows(c.query("SELECT count(*) FROM cp")), [[b"3"]])
    cluster.sql("TRUNCATE cp")


@test
def copy_out_gives_each_row_once(cluster):
    with cluster.wire() as c:
        got = c.query("COPY kv TO STDOUT")
        equal(kinds(got).replace("d", ""), "HcCZ")
        lines = sorted(b"".join(b for k, b in got if k == "d").decode().splitlines())
        equal(lines, sorted(f"{k}\tv{k}" for k in KEYS))
        equal(tags(got), [f"COPY {len(KEYS)}"])


# ---- clients that go away

@test
def a_client_that_goes_mid_query_leaves_no_transaction(cluster):
    for sql in ("SELECT pg_sleep(60) FROM kv WHERE k = 1", "SELECT pg_sleep(60) FROM kv",
                "UPDATE wr SET v = v + 1 WHERE pg_sleep(60) IS NOT NULL"):
        c = cluster.wire()
        c.send("Q", cstring(sql))
        time.sleep(0.5)
        c.drop()
        nothing_left(cluster)
    equal(cluster.value("SELECT sum(v) FROM wr"), "0")


@test
def a_client_that_goes_in_a_transaction_leaves_none(cluster):
    c = cluster.wire()
    c.query("BEGIN")
    for k in KEYS:
        c.query(f"UPDATE wr SET v = 1 WHERE k = {k}")
    c.drop()
    nothing_left(cluster)
    equal(cluster.value("SELECT sum(v) FROM wr"), "0")


@test
def a_client_that_goes_mid_copy_leaves_nothing(cluster):
    cluster.sql("TRUNCATE cp")
    c = cluster.wire()
    c.send("Q", cstring("COPY cp FROM STDIN"))
    c.receive_kind("G")
    c.send("d", b"".join(b"%d\tx\n" % k for k in range(1000)))
    time.sleep(0.3)
    c.drop()
    nothing_left(cluster)
    equal(cluster.value("SELECT count(*) FROM cp"), "0")


@test
def a_client_that_does_not_read_stops_its_own_result_only(cluster):
    slow = cluster.wire()
    slow.send("Q", cstring("SELECT repeat('x', 1000) FROM kv, generate_series(1, 20000)"))
    time.sleep(1)
    answers(cluster)
    with open(f"/proc/{cluster.proxy_pid}/status") as f:
        rss = int(next(line for line in f if line.startswith("VmRSS")).split()[1])
    check(rss < 600 * 1024, "the proxy holds", rss, "KiB for a client that does not read")
    slow.drop()
    nothing_left(cluster)


@test
def many_clients_come_and_go_at_once(cluster):
    wrong = []

    def visit(n):
        try:
            for k in range(1, 6):
                with cluster.wire() as c:
                    if rows(c.query(f"SELECT v FROM kv WHERE k = {k}")) != [[f"v{k}".encode()]]:
                        wrong.append(n)
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=visit, args=(n,)) for n in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal(wrong, [])


@test
def after_all_this_the_proxy_is_the_same_process_and_clean(cluster):
    answers(cluster)
    nothing_left(cluster)
    with open(os.path.join(cluster.dir, "proxy.log")) as f:
        log = f.read()
    check("AddressSanitizer" not in log and "runtime error" not in log, log[-2000:])
    check(cluster.dbpassword not in log, "the log holds a password")


if __name__ == "__main__":
    main(Cluster, before)
