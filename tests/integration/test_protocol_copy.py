#!/usr/bin/env python3
"""COPY against a direct PostgreSQL, message by message."""
import struct
import time

from lib import Cluster, check, equal, main, test, wait_until
from pair import B, C, D, E, H, P, Pair, Q, S, data, done, fail, make_single, on_both, one
from wire import errors, kinds, message, rows, tags

BY_K = " WITH (mosaic.shard_key = 'k')"
BINARY = b"PGCOPY\n\xff\r\n\0" + struct.pack("!II", 0, 0)


def before(cluster):
    make_single(cluster)
    on_both(cluster, "CREATE TABLE cp (k bigint PRIMARY KEY, v text)", BY_K)
    on_both(cluster, "CREATE TABLE one (k bigint PRIMARY KEY, v text)")
    on_both(cluster, "CREATE TABLE ref (k bigint PRIMARY KEY, v text)", "")
    cluster.admin("REFERENCE TABLE ref")


def nothing_left(cluster):
    wait_until(10, lambda: cluster.open_transactions() == 0, "no transaction left open on a shard")


def binary_row(k, v):
    v = v.encode() if isinstance(v, str) else v
    return struct.pack("!Hiq", 2, 8, k) + (struct.pack("!i", -1) if v is None else struct.pack("!i", len(v)) + v)


def same_rows(p, table="cp"):
    got = p.same(Q(f"SELECT k, v FROM {table} ORDER BY k"))
    p.same(Q(f"DELETE FROM {table}"))
    return rows(got)


def each_table(p):
    """A sharded, a single, a reference table."""
    for table in ("cp", "one", "ref"):
        yield table
        same_rows(p, table)


def pieces(raw, size):
    return [raw[i:i + size] for i in range(0, len(raw), size)]


# ---- in

@test
def copy_in_by_both_protocols(cluster):
    lines = b"".join(b"%d\tv%d\n" % (k, k) for k in range(1, 30))
    with Pair(cluster) as p:
        for t in each_table(p):
            p.same(Q(f"COPY {t} FROM STDIN") + data(lines) + done())
            equal(len(same_rows(p, t)), 29)
            p.same(one(f"COPY {t} FROM STDIN") + S() + data(lines) + done() + S(), ready=1)
            equal(len(same_rows(p, t)), 29)
            p.same(one(f"COPY {t} FROM STDIN") + data(lines) + done() + S())


@test
def sync_and_flush_inside_of_copy_in_are_ignored(cluster):
    with Pair(cluster) as p:
        for t in each_table(p):
            p.same(one(f"COPY {t} FROM STDIN") + S() + S() + H() + data(b"1\ta\n") + S() + H() + data(b"2\tb\n") + done() + S(), ready=1)
            p.same(Q("SELECT 1") + Q(f"COPY {t} FROM STDIN") + S() + H() + data(b"3\tc\n") + S() + done() + Q("SELECT 2"), ready=3)


@test
def other_messages_inside_of_copy_in_are_an_error(cluster):
    for t in ("cp", "one", "ref"):
        for raw in (Q("SELECT 1"), P("", "SELECT 1")):
            with Pair(cluster) as p:
                p.send(Q(f"COPY {t} FROM STDIN") + data(b"1\ta\n") + raw)
                want = p.direct.until("E")  # and then the server ends the connection
                check(p.direct.is_closed(), "the server goes on")
                got = p.proxy.until_ready()
                equal(kinds(got), kinds(want) + "Z", t)
                equal([(e["V"], e["C"], e["M"]) for e in errors(got)], [(e["V"], e["C"], e["M"]) for e in errors(want)])
                equal(rows(p.proxy.query(f"SELECT count(*) FROM {t}")), [[b"0"]])


@test
def copy_fail_is_57014_and_leaves_nothing(cluster):
    with Pair(cluster) as p:
        for t in each_table(p):
            p.same(Q(f"COPY {t} FROM STDIN") + data(b"1\ta\n2\tb\n3\tc\n") + fail("no more"), fields="VCM")
            p.same(one(f"COPY {t} FROM STDIN") + S() + data(b"1\ta\n2\tb\n") + fail("no more") + S(), ready=1, fields="VCM")
            p.same(Q("BEGIN") + Q(f"COPY {t} FROM STDIN") + fail("") + Q("SELECT 1") + Q("ROLLBACK"), fields="VCM")
    nothing_left(cluster)


@test
def an_error_in_mid_copy_swallows_what_the_client_still_sends(cluster):
    more = data(b"".join(b"%d\tx\n" % k for k in range(1000, 1200)))
    with Pair(cluster) as p:
        for t in each_table(p):
            for bad in (b"bad\tx\n", b"1\tx\ty\n", b"1\n", b"1\tx\n1\ty\n"):
                p.same(Q(f"COPY {t} FROM STDIN") + data(bad) + more * 20 + done() + Q("SELECT 5"), ready=2, fields="VCM")
                p.same(one(f"COPY {t} FROM STDIN") + S() + data(bad) + more * 20 + done() + S() + one("SELECT 6") + S(), ready=2,
                       fields="VCM")
                p.same(Q(f"COPY {t} FROM STDIN") + data(bad) + more + fail("x") + Q("SELECT 7"), ready=2, fields="VCM")
    nothing_left(cluster)


@test
def late_copy_messages_without_a_copy_are_ignored(cluster):
    with Pair(cluster) as p:
        p.same(data(b"1\tx\n") + done() + fail("x") + Q("SELECT 1"))
        p.same(Q("BEGIN") + data(b"x") + done() + Q("COMMIT"))
        p.same(one("SELECT 1") + data(b"x") + done() + one("SELECT 2") + S())


@test
def rows_may_straddle_messages_anywhere(cluster):
    text = b"1\ta\n2\tb\\nc\\\nd\n3\t\\N\n4\t\n5\t\\\\.\n"
    csv = b'1,a\r\n2,"b\nc ""q"" \r\n"\r\n3,\r\n4,""\r\n5,"\\."\r\n6,"x,y"\r\n'
    with Pair(cluster) as p:
        for t in each_table(p):
            for size in (1, 2, 3, 7, 1000):
                p.same(Q(f"COPY {t} FROM STDIN") + data(*pieces(text, size)) + done(), fields="VCM")
                check(len(same_rows(p, t)) in (0, 5), t)
                p.same(Q(f"COPY {t} FROM STDIN WITH (FORMAT csv)") + data(*pieces(csv, size)) + done(), fields="VCM")
                equal(len(same_rows(p, t)), 6, t)


@test
def a_last_row_without_its_line_end_and_the_end_marker(cluster):
    with Pair(cluster) as p:
        for t in each_table(p):
            for raw in (b"1\ta\n2\tb", b"1\ta\n2\tb\n\\.\n", b"1\ta\n\\.\n3\tc\n", b"", b"\n", b"1\ta\r\n2\tb\r\n", b"1\ta\r\n2\tb\n"):
                p.same(Q(f"COPY {t} FROM STDIN") + data(raw) + done(), fields="VCM")
                same_rows(p, t)
                p.same(Q(f"COPY {t} FROM STDIN CSV") + data(raw.replace(b"\t", b",")) + done(), fields="VCM")
                same_rows(p, t)


@test
def a_csv_header_is_skipped_once(cluster):
    with Pair(cluster) as p:
        for t in each_table(p):
            for raw in (b"k,v\n1,a\n2,b\n3,c\n", b'"k","multi\nline"\n1,a\n2,b\n', b"k,v\n", b""):
                p.same(Q(f"COPY {t} FROM STDIN WITH (FORMAT csv, HEADER)") + data(raw) + done())
                same_rows(p, t)


@test
def binary_has_one_header_and_trailer(cluster):
    body = b"".join(binary_row(k, v) for k, v in ((1, "a"), (2, None), (3, ""), (4, "d" * 5000)))
    with Pair(cluster) as p:
        for t in each_table(p):
            for raw in (BINARY + body + b"\xff\xff", BINARY + b"\xff\xff", BINARY + body):
                for size in (1, 11, 19, 1 << 20):
                    p.same(Q(f"COPY {t} FROM STDIN (FORMAT binary)") + data(*pieces(raw, size)) + done(), fields="VC")
                    same_rows(p, t)
            for raw in (b"nonsense nonsense nonsense", BINARY + b"\0\x03" + body, BINARY + body[:-3], b""):
                p.same(Q(f"COPY {t} FROM STDIN (FORMAT binary)") + data(raw) + done(), fields="VC")


@test
def copy_in_a_pipeline_is_part_of_its_transaction(cluster):
    with Pair(cluster) as p:
        for t in each_table(p):
            p.same(one(f"INSERT INTO {t} VALUES (50, 'x')") + one(f"COPY {t} FROM STDIN") + data(b"1\ta\n2\tb\n") + done() +
                   one("SELECT 1/0") + S())
            equal(same_rows(p, t), [])
            p.same(one(f"INSERT INTO {t} VALUES (50, 'x')") + one(f"COPY {t} FROM STDIN") + data(b"1\ta\n2\tb\n") + done() +
                   one(f"SELECT count(*) FROM {t}") + S())
    nothing_left(cluster)


@test
def copy_inside_a_query_of_several_statements(cluster):
    with Pair(cluster) as p:
        for t in each_table(p):
            p.same(Q(f"SELECT 1; COPY {t} FROM STDIN; SELECT 2") + data(b"1\ta\n2\tb\n") + done(), ready=1)
            p.same(Q(f"SELECT 1; COPY {t} FROM STDIN; SELECT 1/0") + data(b"3\ta\n4\tb\n") + done(), ready=1)
            p.same(Q(f"COPY {t} FROM STDIN; COPY {t} FROM STDIN") + data(b"5\ta\n") + done() + data(b"6\tb\n") + done(), ready=1)


# ---- out

@test
def copy_out_has_one_response_and_one_end(cluster):
    lines = b"".join(b"%d\tv%d\n" % (k, k) for k in range(1, 30))
    with Pair(cluster) as p:
        for t in each_table(p):
            p.same(Q(f"COPY {t} FROM STDIN") + data(lines) + done())
            for options in ("", "(FORMAT csv)", "(FORMAT csv, HEADER)", "(FORMAT binary)"):
                for raw in (Q(f"COPY {t} TO STDOUT {options}"), one(f"COPY {t} TO STDOUT {options}") + S()):
                    p.send(raw)
                    want, got = p.direct.until_ready(), p.proxy.until_ready()
                    equal([m for m in got if m[0] != "d"], [m for m in want if m[0] != "d"], options)
                    equal(copied(got, options), copied(want, options), options)


def copied(messages, options):
    """What CopyData held: its header, its rows in any order, its trailer."""
    chunks = [b for k, b in messages if k == "d"]
    if "binary" not in options:
        whole = b"".join(chunks).splitlines(keepends=True)
        head = 1 if "HEADER" in options else 0
        return whole[:head], sorted(whole[head:])
    whole = b"".join(chunks)
    equal(whole[:19], BINARY)
    equal(whole[-2:], b"\xff\xff")
    parts, at = [], 19
    while whole[at:at + 2] != b"\xff\xff":
        start, at = at, at + 2
        for _ in range(struct.unpack("!H", whole[start:start + 2])[0]):
            n = struct.unpack("!i", whole[at:at + 4])[0]
            at += 4 + max(n, 0)
        parts.append(whole[start:at])
    equal(at + 2, len(whole), "bytes behind the trailer")
    return sorted(parts)


@test
def copy_out_of_nothing_and_of_a_failing_query(cluster):
    with Pair(cluster) as p:
        for options in ("", "(FORMAT csv, HEADER)", "(FORMAT binary)"):
            for raw in (Q(f"COPY cp TO STDOUT {options}"), Q(f"COPY one TO STDOUT {options}"), one(f"COPY cp TO STDOUT {options}") + S()):
                p.send(raw)
                want, got = p.direct.until_ready(), p.proxy.until_ready()
                equal([m for m in got if m[0] != "d"], [m for m in want if m[0] != "d"], options)
                equal(copied(got, options), copied(want, options), options)
        p.same(Q("COPY nosuch TO STDOUT"), fields="VCM")
        p.same(Q("COPY (SELECT 1/0) TO STDOUT"), fields="VCM")
        p.same(Q("BEGIN") + Q("COPY cp (nosuch) TO STDOUT") + Q("COPY cp TO STDOUT") + Q("ROLLBACK"), fields="VCM")


@test
def a_client_that_stops_reading_in_mid_copy_out_and_goes(cluster):
    with cluster.wire() as c:
        lines = b"".join(b"%d\t%s\n" % (k, b"x" * 1000) for k in range(1, 20001))
        c.send_raw(Q("COPY cp FROM STDIN") + data(*pieces(lines, 100000)) + done())
        equal(tags(c.until_ready()), ["COPY 20000"])
    c = cluster.wire()
    c.send_raw(Q("COPY cp TO STDOUT"))
    time.sleep(1)
    c.drop()
    nothing_left(cluster)
    cluster.sql("TRUNCATE cp")


if __name__ == "__main__":
    main(Cluster, before)
