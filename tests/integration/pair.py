"""The same bytes to one PostgreSQL and through the proxy; the answers must be the same messages.

    with Pair(cluster) as p:
        p.same(P("", "SELECT 1") + B() + E() + S())

The direct side is a database `single` on the first shard's server, whose tables hold all rows.
Compared are the types and bodies of all messages up to as many ReadyForQuery as the bytes hold
Sync, Query and FunctionCall (or `ready=n`), but for what cannot be equal: the OIDs of tables, and
of an error the places in the server's source.
"""
import struct

from lib import equal
from wire import Wire, cstring, error_fields, message

SINGLE = "single"
ERROR_FIELDS = "VCMDHPWtcdn"  # without file, line, routine, schema and table OIDs


# ---- the client's messages

def P(name, sql, types=()):
    return message("P", cstring(name) + cstring(sql) + struct.pack(f"!H{len(types)}I", len(types), *types))


def B(portal="", statement="", values=(), formats=(), results=()):
    body = cstring(portal) + cstring(statement) + struct.pack(f"!H{len(formats)}H", len(formats), *formats)
    body += struct.pack("!H", len(values))
    for v in values:
        v = v.encode() if isinstance(v, str) else v
        body += struct.pack("!i", -1) if v is None else struct.pack("!i", len(v)) + v
    return message("B", body + struct.pack(f"!H{len(results)}H", len(results), *results))


def D(kind, name=""):
    return message("D", kind.encode() + cstring(name))


def E(portal="", max_rows=0):
    return message("E", cstring(portal) + struct.pack("!i", max_rows))


def C(kind, name=""):
    return message("C", kind.encode() + cstring(name))


def S():
    return message("S")


def H():
    return message("H")


def Q(sql):
    return message("Q", cstring(sql))


def one(sql, values=(), results=()):
    """Parse, Bind, Describe, Execute of an unnamed statement, without Sync."""
    return P("", sql) + B("", "", values, (), results) + D("P") + E()


def data(*chunks):
    return b"".join(message("d", chunk) for chunk in chunks)


def done():
    return message("c")


def fail(text):
    return message("f", cstring(text))


# ---- the server's messages

def columns(body):
    """[(name, attnum, type, length, typmod, format)] of a RowDescription."""
    result, at = [], 2
    for _ in range(struct.unpack("!H", body[:2])[0]):
        end = body.index(b"\0", at)
        table, attnum, oid, length, typmod, form = struct.unpack("!IhIhih", body[end + 1:end + 19])
        result.append((body[at:end].decode(), table, attnum, oid, length, typmod, form))
        at = end + 19
    return result


def shown(kind, body, fields=ERROR_FIELDS):
    """A message in the form in which both sides must agree."""
    if kind in "EN":
        return kind, {k: v for k, v in error_fields(body).items() if k in fields}
    if kind == "T":
        return kind, [(name, bool(table), *rest) for name, table, *rest in columns(body)]
    return kind, body


def count_ready(raw):
    at, n = 0, 0
    while at < len(raw):
        n += raw[at:at + 1] in (b"S", b"Q", b"F")
        at += 1 + struct.unpack("!I", raw[at + 1:at + 5])[0]
    return n


def until_ready(wire, n):
    messages = []
    for _ in range(n):
        messages += wire.until_ready()
    return messages


class Pair:
    def __init__(self, cluster, **options):
        self.proxy = cluster.wire(**options)
        self.direct = Wire(direct_port(cluster), cluster.dbuser, cluster.dbpassword, SINGLE, **options)

    def send(self, raw):
        self.direct.send_raw(raw)
        self.proxy.send_raw(raw)

    def same(self, raw, ready=None, stop=None, fields=ERROR_FIELDS, skip=""):
        """Sends, reads up to the last ReadyForQuery (or a message of kind `stop`), compares all but
        the kinds of `skip`; the messages of the proxy."""
        self.send(raw)
        n = count_ready(raw) if ready is None else ready
        want = self.direct.until(stop) if stop else until_ready(self.direct, n)
        got = self.proxy.until(stop) if stop else until_ready(self.proxy, n)
        left = settings_last([shown(k, b, fields) for k, b in got if k not in skip])
        right = settings_last([shown(k, b, fields) for k, b in want if k not in skip])
        for at, (mine, its) in enumerate(zip(left, right)):
            equal(mine, its, f"message {at} after {raw[:300]}")
        equal(left[len(right):], right[len(left):], f"more messages after {raw[:300]}")
        return got

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proxy.close()
        self.direct.close()


def settings_last(messages):
    """ParameterStatus may come at any time: all to the next ReadyForQuery."""
    result, settings = [], []
    for m in messages:
        if m[0] == "S":
            settings.append(m)
            continue
        if m[0] == "Z":
            result += sorted(settings)
            settings = []
        result.append(m)
    return result + settings


def direct_port(cluster):
    return int(dict(part.split("=", 1) for part in cluster.shard1_dsn.split())["port"])


def direct_dsn(cluster):
    return (f"host=127.0.0.1 port={direct_port(cluster)} dbname={SINGLE} user={cluster.dbuser} "
            f"password={cluster.dbpassword}")


def make_single(cluster):
    cluster.sql(f"CREATE DATABASE {SINGLE} OWNER {cluster.dbuser}", cluster.shard1_dsn)


def on_both(cluster, sql, options=""):
    """DDL and data for both sides; `options` only for the proxy's, e.g. WITH (mosaic.…)."""
    cluster.sql(sql + options)
    cluster.sql(sql, direct_dsn(cluster))
