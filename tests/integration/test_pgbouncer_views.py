#!/usr/bin/env python3
"""The control port has the columns of PgBouncer 1.24's views: names, order and types, by either protocol."""
import struct

from lib import Cluster, check, equal, main, test, wait_until
from wire import Wire, errors, kinds, rows, tags

INT, BIGINT, NUMERIC, TEXT = 23, 20, 1700, 25
SOCKET = ("type user database replication state addr port:i local_addr local_port:i connect_time request_time wait:i "
          "wait_us:i close_needed:i ptr link remote_pid:i tls application_name prepared_statements:i id:q")
DEBUG = "recv_pos:i pkt_pos:i pkt_remain:i send_pos:i send_remain:i pkt_avail:i send_avail:i"
STATS = ("server_assignment_count xact_count query_count {} {} xact_time query_time wait_time client_parse_count "
         "server_parse_count bind_count")
TOTAL = [f"total_{n}:n" for n in STATS.format("received", "sent").split()]
AVERAGE = [f"avg_{n}:n" for n in STATS.format("recv", "sent").split()]
PART = [f"{n}:n" for n in STATS.format("bytes_received", "bytes_sent").split()]
POOLS = ("database user cl_active:i cl_waiting:i cl_active_cancel_req:i cl_waiting_cancel_req:i sv_active:i "
         "sv_active_cancel:i sv_being_canceled:i sv_idle:i sv_used:i sv_tested:i sv_login:i maxwait:i maxwait_us:i "
         "pool_mode load_balance_hosts")
DATABASES = ("name host port:i database force_user pool_size:i min_pool_size:i reserve_pool_size:i server_lifetime:i "
             "pool_mode load_balance_hosts max_connections:i current_connections:i max_client_connections:i "
             "current_client_connections:i paused:i disabled:i")
VIEWS = {
    "POOLS": POOLS, "CLIENTS": SOCKET, "SERVERS": SOCKET, "SOCKETS": f"{SOCKET} {DEBUG}",
    "ACTIVE_SOCKETS": f"{SOCKET} {DEBUG}", "STATS": " ".join(["database", *TOTAL, *AVERAGE]),
    "STATS_TOTALS": " ".join(["database", *PART]), "STATS_AVERAGES": " ".join(["database", *PART]),
    "TOTALS": "name value:n", "DATABASES": DATABASES,
    "USERS": "name pool_size reserve_pool_size pool_mode max_user_connections:i current_connections:i "
             "max_user_client_connections:i current_client_connections:i",
    "CONFIG": "key value default changeable", "LISTS": "list items:i", "VERSION": "version",
    "MEM": "name size:q used:q free:q memtotal:q", "STATE": "key value", "DNS_HOSTS": "hostname ttl:q addrs",
    "DNS_ZONES": "zonename serial:q count:i", "PEERS": "peer_id:i host port:i pool_size:i",
    "PEER_POOLS": "peer_id:i cl_active_cancel_req:i cl_waiting_cancel_req:i sv_active_cancel:i sv_login:i",
}
LETTERS = {"i": INT, "q": BIGINT, "n": NUMERIC, "": TEXT}


def start():
    return Cluster(shards=3)


def prepare(cluster):
    cluster.sql("CREATE TABLE acc (k int PRIMARY KEY, v text) WITH (mosaic.shard_key = 'k')")
    cluster.sql("INSERT INTO acc VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')")


def control(cluster, **options):
    return Wire(int(cluster.admin_port), user=cluster.adminuser, password=cluster.adminpassword,
                **{"database": "pgmosaic", **options})


def columns(body):
    """[(name, type oid)] of a RowDescription."""
    found, at = [], 2
    for _ in range(struct.unpack("!H", body[:2])[0]):
        end = body.index(b"\0", at)
        found.append((body[at:end].decode(), struct.unpack("!I", body[end + 7:end + 11])[0]))
        at = end + 19
    return found


def wanted(text):
    return [(n.partition(":")[0], LETTERS[n.partition(":")[2]]) for n in text.split()]


def view(c, name):
    got = c.query(f"SHOW {name};")
    equal(errors(got), [], name)
    names = [n for n, _ in columns([b for k, b in got if k == "T"][0])]
    return [dict(zip(names, (None if v is None else v.decode() for v in row))) for row in rows(got)]


@test
def every_view_has_pgbouncers_columns_first(cluster):
    with control(cluster) as c, cluster.wire() as busy:
        busy.query("BEGIN")
        busy.query("SELECT count(*) FROM acc")
        for name, text in VIEWS.items():
            got = c.query(f"SHOW {name}")
            equal(errors(got), [], name)
            found = columns([b for k, b in got if k == "T"][0])
            equal(found[:len(wanted(text))], wanted(text), name)
            equal(tags(got), ["SHOW"], name)
            for row in rows(got):
                check_values(name, found, row)


def check_values(view_name, found, row):
    """What a driver makes of a value by its type must work."""
    equal(len(row), len(found), view_name)
    for (name, oid), value in zip(found, row):
        if oid in (INT, BIGINT, NUMERIC):
            check(value is not None and int(value) >= 0, view_name, name, value)
        check(oid != INT or int(value) < 2 ** 31, view_name, name, value)


@test
def the_extended_protocol_gives_the_same(cluster):
    with control(cluster) as c:
        for name, text in VIEWS.items():
            c.parse("s", f"SHOW {name}")
            c.describe("S", "s")
            c.bind("", "s")
            c.describe("P")
            c.execute()
            c.close_name("S", "s")
            c.sync()
            got = c.until_ready()
            equal(errors(got), [], name)
            described = [columns(b) for k, b in got if k == "T"]
            equal(len(described), 2, name)
            for found in described:
                equal(found[:len(wanted(text))], wanted(text), name)
            check(kinds(got).startswith("1tT2T") and kinds(got).endswith("C3Z"), kinds(got))


@test
def drivers_log_in_with_odd_parameters_and_ask_their_questions(cluster):
    odd = {"application_name": "exporter", "extra_float_digits": "2", "client_encoding": "UTF8", "DateStyle": "ISO",
           "TimeZone": "Europe/Berlin", "options": "-c statement_timeout=5s", "binary_parameters": "yes"}
    for database in ("pgmosaic", "pgbouncer"):
        with control(cluster, database=database, parameters=odd) as c:
            check({"server_version", "client_encoding", "standard_conforming_strings"} <= set(c.settings), c.settings)
            for sql in ("", ";", "BEGIN", "SET extra_float_digits = 3", "SELECT 1", "SHOW VERSION", "COMMIT", "ROLLBACK",
                        "SET application_name TO 'x'", "SHOW client_encoding", "DISCARD ALL"):
                equal(errors(c.query(sql)), [], sql)
            equal(errors(c.run("SHOW VERSION")), [])
            equal(view(c, "CLIENTS")[0]["type"], "C")
            equal(errors(c.query("SHOW FDS"))[0]["C"], "0A000")
            equal(errors(c.query("SHOW NOSUCH"))[0]["C"], "42601")
            equal(rows(c.query("SELECT 1")), [[b"1"]])


@test
def clients_servers_and_pools_tell_of_each_other(cluster):
    with control(cluster) as c, cluster.wire(parameters={"application_name": "seen"}) as busy:
        seen = [x for x in view(c, "CLIENTS") if x["application_name"] == "seen"]
        equal([(x["state"], x["link"], x["database"], x["user"]) for x in seen], [("idle", "", cluster.db, cluster.dbuser)])
        equal((seen[0]["addr"], seen[0]["local_port"]), ("127.0.0.1", cluster.proxy_port))
        equal(int(seen[0]["port"]), busy.sock.getsockname()[1])
        busy.query("BEGIN")
        busy.query("SELECT v FROM acc WHERE k = 1")
        client = [x for x in view(c, "CLIENTS") if x["application_name"] == "seen"][0]
        equal(client["state"], "active")
        server = [x for x in view(c, "SERVERS") if x["ptr"] == client["link"] and x["application_name"] == "seen"]
        equal(len(server), 1, "the client's link is a server:")
        equal((server[0]["link"], server[0]["state"], server[0]["close_needed"]), (client["ptr"], "active", "0"))
        check(int(server[0]["port"]) > 0 and int(server[0]["remote_pid"]) > 0, server[0])
        pools = view(c, "POOLS")
        equal(sum(int(p["sv_active"]) for p in pools), len([s for s in view(c, "SERVERS") if s["state"] == "active"]))
        check(sum(int(p["cl_active"]) for p in pools if p["user"] == cluster.dbuser) >= 1, pools)
        c.query("RECONNECT")
        server = [x for x in view(c, "SERVERS") if x["ptr"] == client["link"] and x["link"]][0]
        equal(server["close_needed"], "1")
        busy.query("COMMIT")
        lists = {x["list"]: int(x["items"]) for x in view(c, "LISTS")}
        equal((lists["used_clients"], lists["login_clients"]), (2, 0))


@test
def statistics_grow_with_what_is_done(cluster):
    with control(cluster) as c, cluster.wire() as busy:
        before = view(c, "STATS")[0]
        for _ in range(10):
            busy.query("SELECT v FROM acc WHERE k = 1")
            busy.run("SELECT v FROM acc WHERE k = $1", ["2"])
        after = view(c, "STATS")[0]
        grown = {k: int(after[k]) - int(before[k]) for k in after if k.startswith("total_")}
        equal((grown["total_xact_count"], grown["total_query_count"]), (20, 20))
        equal((grown["total_bind_count"], grown["total_client_parse_count"]), (10, 10))
        check(grown["total_server_assignment_count"] >= 20 and grown["total_query_time"] > 0, grown)
        wait_until(5, lambda: int(view(c, "STATS")[0]["total_sent"]) > int(before["total_sent"]), "bytes are counted")
        equal({x["name"]: x["value"] for x in view(c, "TOTALS")}["total_bind_count"], after["total_bind_count"])
        equal(view(c, "STATS_TOTALS")[0]["bind_count"], after["total_bind_count"])


@test
def show_proxies_lists_the_living(cluster):
    with control(cluster) as c:
        wait_until(5, lambda: view(c, "PROXIES")[0]["acked_epoch"] != "0", "the epoch is acked")
        proxies = view(c, "PROXIES")
        equal(len(proxies), 1)
        equal((proxies[0]["state"], proxies[0]["is_this"]), ("live", "t"))
        check(cluster.proxy_port in proxies[0]["name"] and int(proxies[0]["lease_left_ms"]) > 0, proxies)


main(start, prepare)
