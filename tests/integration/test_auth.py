#!/usr/bin/env python3
"""Who gets in: rules and methods, users looked up on the home shard, and what the shards are told."""
import base64
import hashlib
import hmac
import os
import re
import socket
import struct
import subprocess
import threading
import time

from certificates import Authority, binding_of, connect, context, open_tls, tls_wire
from lib import Cluster, check, contains, equal, main, psql, test, wait_until
from proxy import OwnProxy, http_get
from wire import LoginFailed, Wire, cstring, errors, message, rows, startup

FIND_USER = """
CREATE ROLE pgmosaic_auth LOGIN PASSWORD 'lookup';
CREATE SCHEMA mosaic_auth;
CREATE FUNCTION mosaic_auth.find_user(wanted text, OUT name name, OUT password text) RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT rolname, rolpassword FROM pg_authid
    WHERE rolname = wanted AND rolcanlogin AND NOT rolsuper
      AND (rolvaliduntil IS NULL OR rolvaliduntil > now())
$$;
REVOKE ALL ON FUNCTION mosaic_auth.find_user(text) FROM PUBLIC;
GRANT USAGE ON SCHEMA mosaic_auth TO pgmosaic_auth;
GRANT EXECUTE ON FUNCTION mosaic_auth.find_user(text) TO pgmosaic_auth;
"""
QUERY = "query: { user: pgmosaic_auth, password: lookup, cache: 1s }"


def verifier(password, iterations=4096, salt=b"0123456789abcdef"):
    """What PostgreSQL keeps of a password."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    b64 = lambda raw: base64.b64encode(raw).decode()
    return f"SCRAM-SHA-256${iterations}:{b64(salt)}${b64(stored)}:{b64(server)}"


class World:
    def __init__(self):
        self.cluster = Cluster(shards=2)
        self.folder = os.path.join(self.cluster.dir, "tls")
        self.ca = Authority(self.folder)
        self.crt, self.key = self.ca.server()
        self.on_shards("CREATE ROLE dan LOGIN PASSWORD 'dans'; CREATE ROLE eve LOGIN PASSWORD 'eves';"
                       "CREATE ROLE open LOGIN; CREATE ROLE nologin PASSWORD 'x';"
                       "CREATE ROLE late LOGIN PASSWORD 'x' VALID UNTIL '2001-01-01'")
        self.cluster.sql(FIND_USER, self.cluster.shard1_dsn)
        self.cluster.sql("CREATE TABLE secrets (k bigint PRIMARY KEY) WITH (mosaic.shard_key = 'k')")
        self.cluster.sql("GRANT SELECT ON secrets TO dan")
        for dsn in self.cluster.shard_dsns():
            self.trust_open(dsn)

    def trust_open(self, dsn):
        """The shards let role `open` in without a password."""
        path = self.cluster.value("SHOW hba_file", dsn)
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write("host all open 127.0.0.1/32 trust\n" + text)
        self.cluster.sql("SELECT pg_reload_conf()", dsn)

    def on_shards(self, sql):
        for dsn in self.cluster.shard_dsns():
            self.cluster.sql(sql, dsn)

    def tls(self, more=""):
        return f'tls: {{ mode: allow, cert: "{self.crt}", key: "{self.key}", ca: "{self.ca.crt}"{more} }}'

    def proxy(self, name, rules, **options):
        return OwnProxy(self.cluster, rules=rules, name=name, **options)

    def tls_login(self, proxy, client=None, **options):
        options.setdefault("database", self.cluster.db)
        return tls_wire(proxy.port, context(self.ca.crt, client), **options)


def refused(call, *args, **options):
    try:
        call(*args, **options).close()
    except LoginFailed as failure:
        return failure.fields
    raise AssertionError("the log-in was accepted")


def whoami(c):
    return rows(c.query("SELECT current_user, session_user"))[0]


def unix_wire(folder, port, **options):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(15)
    sock.connect(os.path.join(folder, f".s.PGSQL.{port}"))
    return Wire(0, sock=sock, **options)


def socket_folder(w, name):
    folder = os.path.join(w.cluster.dir, name)
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o755)
    return folder


def count_on_home(w, what):
    return int(w.cluster.value(f"SELECT count(*) FROM pg_stat_activity WHERE {what}", w.cluster.shard1_dsn))


# ---- passwords in clear

@test
def a_password_in_clear_is_taken_over_tls_and_refused_without(w):
    with w.proxy("clear", ["type: host, method: password"], extra=w.tls()) as proxy:
        c = w.cluster
        with w.tls_login(proxy, user=c.dbuser, password=c.dbpassword) as s:
            equal(s.auth_method, "password")
            equal(rows(s.query("SELECT 1")), [[b"1"]])
        equal(refused(w.tls_login, proxy, user=c.dbuser, password="wrong")["C"], "28P01")
        equal(refused(w.tls_login, proxy, user=c.dbuser, password="")["C"], "28P01")
        equal(refused(w.tls_login, proxy, user="nobody", password="x")["C"], "28P01")
        fields = refused(proxy.wire)
        equal(fields["C"], "28000")
        contains(fields["M"], "needs TLS")
        check(c.dbpassword not in proxy.log(), "a password is in the log")


@test
def a_password_in_clear_over_plain_tcp_must_be_allowed(w):
    with w.proxy("plain", ["type: host, method: password"], auth=["password_without_tls: true"]) as proxy:
        with proxy.wire() as s:
            equal((s.auth_method, rows(s.query("SELECT 1"))), ("password", [[b"1"]]))
        equal(refused(proxy.wire, password="wrong")["C"], "28P01")


@test
def a_password_in_clear_fits_verifiers_and_opens_the_shards(w):
    md5 = "md5" + hashlib.md5(("eves" + "eve").encode()).hexdigest()
    users = [f'name: dan, password: "{verifier("dans", 20000)}"', f'name: eve, password: "{md5}"']
    with w.proxy("verifiers", ["type: hostssl, method: password"], extra=w.tls(), users=users) as proxy:
        for user, password in (("dan", "dans"), ("eve", "eves")):
            equal(refused(w.tls_login, proxy, user=user, password="x" + password)["C"], "28P01")
            with w.tls_login(proxy, user=user, password=password) as s:
                equal(whoami(s), [user.encode()] * 2)
        contains(proxy.log(), "no server_password")


# ---- what the shards are told

@test
def scram_against_a_verifier_alone_needs_a_libpq_that_passes_keys(w):
    dans = verifier("dans")
    users = [f'name: dan, password: "{dans}"', f'name: open, password: "{verifier("opens")}"']
    w.on_shards(f"ALTER ROLE dan PASSWORD '{dans}'")  # the same text everywhere
    with w.proxy("keys", [], users=users, extra=w.tls()) as proxy:
        with proxy.wire(user="open", password="opens") as s:  # the shards ask for none
            equal(whoami(s), [b"open"] * 2)
        equal(refused(proxy.wire, user="dan", password="wrong")["C"], "28P01")
        if "libpq_passes_scram_keys=yes" in proxy.log():
            with proxy.wire(user="dan", password="dans") as s:
                equal(whoami(s), [b"dan"] * 2)
            sock = open_tls(proxy.port, context(w.ca.crt))
            with proxy.wire(user="dan", password="dans", sock=sock, binding=binding_of(sock)) as s:
                equal(whoami(s), [b"dan"] * 2)
            return
        fields = refused(proxy.wire, user="dan", password="dans")
        equal(fields["C"], "28P01")
        contains(fields["M"], "no password supplied")
        contains(fields["H"], "libpq")
        contains(fields["H"], "server_password")


@test
def server_password_opens_the_shards_beside_a_verifier(w):
    users = [f'name: dan, password: "{verifier("other")}", server_password: dans']
    with w.proxy("server", [], users=users) as proxy:
        with proxy.wire(user="dan", password="other") as s:
            equal(whoami(s), [b"dan"] * 2)


@test
def a_trusted_client_without_a_password_is_not_let_in_by_the_maintenance_users(w):
    w.on_shards(f"CREATE ROLE same LOGIN PASSWORD '{w.cluster.superpassword}'")  # the DSN's own password
    with w.proxy("trusted", ["type: host, method: trust"]) as proxy:
        for user in ("dan", "same"):
            fields = refused(proxy.wire, user=user)
            equal(fields["C"], "28P01")
            contains(fields["H"], "server_password")
        with proxy.wire(user="open") as s:
            equal(whoami(s), [b"open"] * 2)


@test
def a_client_reaches_what_its_role_may_reach(w):
    users = ["name: dan, password: dans", "name: eve, password: eves"]
    with w.proxy("roles", [], users=users) as proxy:
        with proxy.wire(user="dan", password="dans") as s:
            equal(rows(s.query("SELECT count(*) FROM secrets")), [[b"0"]])
            equal([e["C"] for e in errors(s.query("DELETE FROM secrets"))], ["42501"])
        with proxy.wire(user="eve", password="eves") as s:
            for sql in ("SELECT count(*) FROM secrets", "SELECT * FROM secrets WHERE k = 1", "SET ROLE postgres"):
                equal([e["C"] for e in errors(s.query(sql))], ["42501"], sql)


@test
def a_changed_password_counts_at_the_next_log_in_and_old_sessions_go_on(w):
    users = [f'name: eve, password: "{verifier("eves")}"']
    rules = ["type: hostssl, method: password"]
    with w.proxy("changed", rules, extra=w.tls() + "\nworkers: 1", users=users) as proxy:
        old = w.tls_login(proxy, user="eve", password="eves")
        equal(whoami(old), [b"eve"] * 2)
        w.on_shards("ALTER ROLE eve PASSWORD 'new'")
        try:
            proxy.configure(rules, w.tls() + "\nworkers: 1", [f'name: eve, password: "{verifier("new")}"'])
            proxy.reload()
            equal(refused(w.tls_login, proxy, user="eve", password="eves")["C"], "28P01")
            for dsn in w.cluster.shard_dsns():
                w.cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'eve'", dsn)
            with w.tls_login(proxy, user="eve", password="new") as s:
                equal(whoami(s), [b"eve"] * 2)
            equal(whoami(old), [b"eve"] * 2)
            old.close()
        finally:
            w.on_shards("ALTER ROLE eve PASSWORD 'eves'")


# ---- certificates

@test
def method_cert_takes_the_common_name_for_the_user(w):
    app, other = w.ca.issue("app", w.cluster.dbuser), w.ca.issue("other", "somebody")
    long = w.ca.issue("long", w.cluster.dbuser + "x" * 20)
    rules = ["type: hostssl, method: cert", "type: hostnossl, method: scram-sha-256"]
    with w.proxy("cert", rules, extra=w.tls()) as proxy:
        user = w.cluster.dbuser
        with w.tls_login(proxy, app, user=user) as s:
            equal(whoami(s), [user.encode()] * 2)
        fields = refused(w.tls_login, proxy, user=user, password=w.cluster.dbpassword)
        equal((fields["C"], fields["M"]), ("28000", "connection requires a valid client certificate"))
        for wrong in (other, long):
            equal(refused(w.tls_login, proxy, wrong, user=user)["C"], "28000")
        equal(refused(w.tls_login, proxy, app, user=w.cluster.superuser)["C"], "28000")
        proxy.wire().close()  # the rule of plain connections
        done = psql(f"host=localhost hostaddr=127.0.0.1 port={proxy.port} dbname={w.cluster.db} user={user} "
                    f"sslmode=verify-full sslrootcert={w.ca.crt} sslcert={app[0]} sslkey={app[1]}", "-Atc", "SELECT 1")
        equal(done.stdout, "1\n", done.stderr)


# ---- unix sockets

@test
def a_unix_socket_is_listened_on_and_rules_of_type_local_hold_there(w):
    folder = socket_folder(w, "s1")
    rules = ["type: local, user: app, method: password", "type: local, method: reject", "type: host, method: md5"]
    with w.proxy("local", rules, unix=folder) as proxy:
        login = dict(user=w.cluster.dbuser, password=w.cluster.dbpassword)
        with unix_wire(folder, proxy.port, **login) as s:
            equal((s.auth_method, rows(s.query("SELECT 1"))), ("password", [[b"1"]]))
        equal(refused(unix_wire, folder, proxy.port, user="dan", password="dans")["C"], "28000")
        with proxy.wire() as s:
            equal(s.auth_method, "md5")
        done = psql(f"host={folder} port={proxy.port} dbname={w.cluster.db} user={w.cluster.dbuser} "
                    f"password={w.cluster.dbpassword}", "-Atc", "SELECT 1")
        equal(done.stdout, "1\n", done.stderr)
        done = psql(f"host={folder} port={proxy.admin_port} dbname=pgmosaic user=admin", "-c", "SHOW VERSION")
        contains(done.stderr, "no rule of auth.rules")
    check(not os.path.exists(os.path.join(folder, f".s.PGSQL.{proxy.port}")), "the socket was left behind")


@test
def peer_asks_the_kernel_who_is_there(w):
    folder = socket_folder(w, "s2")
    me = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    w.on_shards(f'CREATE ROLE "{me}" LOGIN PASSWORD \'mine\'')
    users = [f"name: {me}, server_password: mine, admin: true"]
    with w.proxy("peer", ["type: local, method: peer"], users=users, unix=folder) as proxy:
        with unix_wire(folder, proxy.port, user=me) as s:
            equal(whoami(s), [me.encode()] * 2)
        fields = refused(unix_wire, folder, proxy.port, user=w.cluster.dbuser, password=w.cluster.dbpassword)
        equal((fields["C"], fields["M"]), ("28000", 'peer authentication failed for user "app"'))
        with unix_wire(folder, proxy.admin_port, user=me, database="pgmosaic") as s:
            equal(len(rows(s.query("SHOW SHARDS"))), 2)


# ---- rules

@test
def the_first_rule_that_matches_decides(w):
    rules = ["type: hostssl, user: [dan, eve], method: trust", "type: hostssl, database: nosuch, method: trust",
             "type: host, address: 10.0.0.0/255.0.0.0, method: trust", "type: hostssl, user: open, method: reject",
             "type: hostnossl, user: app, address: 127.0.0.0/255.255.255.0, method: scram-sha-256",
             "type: hostssl, user: app, method: md5"]
    with w.proxy("rules", rules, extra=w.tls()) as proxy:
        login = dict(user=w.cluster.dbuser, password=w.cluster.dbpassword)
        with proxy.wire() as s:
            equal(s.auth_method, "scram")
        with w.tls_login(proxy, **login) as s:
            equal(s.auth_method, "md5")
        fields = refused(w.tls_login, proxy, user="open")
        equal(fields["C"], "28000")
        contains(fields["D"], "with TLS")
        contains(refused(proxy.wire, user="dan")["D"], "without TLS")


# ---- users looked up on the home shard

@test
def users_that_are_not_in_the_file_are_looked_up(w):
    with w.proxy("query", ["type: hostssl, method: password", "type: host, method: scram-sha-256"], extra=w.tls(),
                 auth=[QUERY]) as proxy:
        with w.tls_login(proxy, user="dan", password="dans") as s:
            equal(whoami(s), [b"dan"] * 2)
        equal(refused(w.tls_login, proxy, user="dan", password="x")["C"], "28P01")
        for user in ("nobody", "nologin", "late", w.cluster.superuser + "x"):
            fields = refused(w.tls_login, proxy, user=user, password="x")
            equal((fields["C"], fields["M"]), ("28P01", f'password authentication failed for user "{user}"'))
        with proxy.wire() as s:  # in the file: not looked up
            equal(s.auth_method, "scram")
        fields = refused(Wire, proxy.admin_port, user="dan", password="dans", database="pgmosaic")
        equal(fields["C"], "42501")


@test
def a_looked_up_password_is_believed_shortly_and_asked_on_one_connection(w):
    w.on_shards("CREATE ROLE fay LOGIN PASSWORD 'one'")
    with w.proxy("cached", ["type: hostssl, method: password"], extra=w.tls(), auth=[QUERY]) as proxy:
        for _ in range(5):
            w.tls_login(proxy, user="fay", password="one").close()
        equal(count_on_home(w, "usename = 'pgmosaic_auth'"), 1)
        w.on_shards("ALTER ROLE fay PASSWORD 'two'")

        def new_counts():
            try:
                w.tls_login(proxy, user="fay", password="two").close()
                return True
            except LoginFailed:
                return False

        wait_until(5, new_counts, "the new password counts")
        equal(refused(w.tls_login, proxy, user="fay", password="one")["C"], "28P01")
        w.cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'pgmosaic_auth'",
                      w.cluster.shard1_dsn)
        time.sleep(1.2)
        w.tls_login(proxy, user="fay", password="two").close()


@test
def nothing_that_a_client_asks_for_reaches_the_look_up(w):
    w.on_shards("CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC; CREATE TABLE evil.pg_authid "
                "(rolname name, rolpassword text, rolcanlogin bool, rolsuper bool, rolvaliduntil timestamptz); "
                "GRANT SELECT ON evil.pg_authid TO PUBLIC; "
                "INSERT INTO evil.pg_authid VALUES ('dan', 'pwned', true, false, null)")
    sql = ("SELECT rolname, CASE WHEN current_setting('search_path') = 'pg_catalog,pg_temp' THEN 'ok' ELSE 'evil' END "
           "FROM pg_roles WHERE rolname = $1")
    query = f'query: {{ user: pgmosaic_auth, password: lookup, sql: "{sql}" }}'
    with w.proxy("evil", ["type: hostssl, method: password"], extra=w.tls(), auth=[query]) as proxy:
        for parameters in ({"search_path": "evil"}, {"options": "-c search_path=evil"},
                           {"search_path": "evil', 'x"}, {"search_path": "evil; SELECT pg_sleep(10)"}):
            for user, code in (("dan", "28P01"), ("dan' OR true --", "28P01")):
                equal(refused(w.tls_login, proxy, user=user, password="evil", parameters=parameters)["C"], code)
                equal(refused(w.tls_login, proxy, user=user, password="pwned", parameters=parameters)["C"], code)
        # The query ran, and saw its own search_path: the proxy takes this password, the shard does not.
        contains(refused(w.tls_login, proxy, user="dan", password="ok")["M"], "cannot connect to shard")


@test
def a_look_up_that_fails_is_told_apart_and_its_reason_is_in_the_log(w):
    for sql, words in (("SELECT 1", "parameter"), ("SELECT $1::text", "columns"), ("SELECT nonsense($1)", "nonsense"),
                       ("SELECT $1::text, pg_sleep(20)", "statement timeout"),
                       ("SELECT $1::text, (SELECT 'x' FROM pg_authid LIMIT 1)", "permission denied")):
        query = f'query: {{ user: pgmosaic_auth, password: lookup, sql: "{sql}" }}'
        with w.proxy("failing", [], auth=[query]) as proxy:
            fields = refused(proxy.wire, user="dan", password="dans")
            equal((fields["C"], fields["M"]), ("08006", 'user "dan" could not be looked up'), sql)
            contains(proxy.log(), words)
            proxy.wire().close()  # users of the file are not concerned


@test
def a_slow_look_up_holds_up_nobody_else(w):
    query = 'query: { user: pgmosaic_auth, password: lookup, sql: "SELECT $1::text, pg_sleep(3)::text" }'
    with w.proxy("slowquery", [], extra="workers: 1", auth=[query]) as proxy:
        sock = connect(proxy.port)
        sock.sendall(startup({"user": "dan", "database": w.cluster.db}))
        time.sleep(0.3)
        started = time.monotonic()
        with proxy.wire() as s:
            equal(rows(s.query("SELECT 1")), [[b"1"]])
        check(time.monotonic() - started < 2, "a log-in waited for somebody else's look-up")
        sock.close()


@test
def an_unknown_user_meets_the_same_exchange(w):
    def exchange(proxy, user):
        c = proxy.wire(login=False)
        c.send_raw(startup({"user": user, "database": w.cluster.db}))
        offered = c.receive()
        first = b"n,,n=,r=abcdef"
        c.send("p", cstring("SCRAM-SHA-256") + struct.pack("!I", len(first)) + first)
        kind, body = c.receive()
        salt = re.search(rb"s=([^,]*)", body).group(1)
        shape = re.sub(rb"r=[^,]*", b"r=", re.sub(rb"s=[^,]*", b"s=%d" % len(salt), body))
        c.send("p", b"c=biws,r=" + re.search(rb"r=([^,]*)", body).group(1) + b",p=" + base64.b64encode(bytes(32)))
        failure = c.receive()
        check(c.is_closed(), "it went on")
        return offered, kind, shape, failure[0], failure[1].replace(user.encode(), b"USER"), salt

    for auth in ([], [QUERY]):
        with w.proxy("mock", [], auth=auth) as proxy:
            known, unknown, again = (exchange(proxy, u) for u in ("app", "nobody", "nobody"))
            equal(known[:5], unknown[:5])
            equal(unknown[5], again[5], "the salt of an unknown user must not change")
            check(known[5] != unknown[5], "one salt for all")


# ---- limits

@test
def log_ins_under_way_are_limited_and_time_out(w):
    extra = "limits: { logins: 5 }\ntimeouts: { login: 3s }"
    with w.proxy("logins", [], extra=extra) as proxy:
        idle = [connect(proxy.port) for _ in range(5)]
        wait_until(5, lambda: "pgmosaic_clients 5" in http_get(proxy.http_port, "/metrics")[1], "five clients")
        fields = refused(proxy.wire)
        equal(fields["C"], "53300")
        contains(fields["M"], "limits.logins")
        admin = dict(user=w.cluster.adminuser, password=w.cluster.adminpassword, database="pgmosaic")
        Wire(proxy.admin_port, **admin).close()  # the control port has its own allowance
        wait_until(10, lambda: "pgmosaic_clients 0" in http_get(proxy.http_port, "/metrics")[1], "they time out")
        with proxy.wire() as s:
            equal(rows(s.query("SELECT 1")), [[b"1"]])
        logged_in = [proxy.wire() for _ in range(8)]  # those count no more
        for s in logged_in + idle:
            s.close()


@test
def deriving_keys_holds_up_nobody(w):
    users = [f'name: dan, password: "{verifier("dans", 1000000)}", server_password: dans']
    rules = ["type: hostssl, user: dan, method: password", "type: host, method: scram-sha-256"]
    with w.proxy("slowkey", rules, extra=w.tls() + "\nworkers: 1", users=users) as proxy:
        results = []
        thread = threading.Thread(target=lambda: results.append(
            w.tls_login(proxy, user="dan", password="dans", timeout=60)))
        with proxy.wire() as s:
            thread.start()
            longest = 0
            while not results:
                started = time.monotonic()
                equal(rows(s.query("SELECT 1")), [[b"1"]])
                longest = max(longest, time.monotonic() - started)
        thread.join()
        equal(whoami(results[0]), [b"dan"] * 2)
        check(longest < 0.25, "a statement waited", longest, "s for somebody's key")


@test
def many_keys_to_derive_hold_up_no_other_job(w):
    users = [f'name: dan, password: "{verifier("dans", 1000000)}"', "name: eve, password: eves"]
    rules = ["type: hostssl, user: dan, method: password", "type: host, method: scram-sha-256"]
    with w.proxy("keys20", rules, extra=w.tls() + "\nworkers: 1", users=users) as proxy:
        tried = []
        for _ in range(20):
            sock = open_tls(proxy.port, context(w.ca.crt))
            sock.sendall(startup({"user": "dan", "database": w.cluster.db}))
            equal(sock.recv(100)[:1], b"R")
            sock.sendall(message("p", cstring("wrong")))
            tried.append(sock)
        with proxy.wire(user="eve", password="eves") as s:  # opens a server connection: a job
            equal(whoami(s), [b"eve"] * 2)
        done = proxy.log().count("log-in refused user=dan")
        check(done <= 3, "a server connection waited for", done, "keys")
        for sock in tried:
            sock.close()


@test
def bytes_ahead_of_the_log_in_are_not_hoarded(w):
    query = 'query: { user: pgmosaic_auth, password: lookup, sql: "SELECT $1::text, pg_sleep(4)::text" }'
    with w.proxy("hoard", [], auth=[query]) as proxy:
        sock = connect(proxy.port)
        sock.sendall(startup({"user": "dan", "database": w.cluster.db}))
        sock.settimeout(2)
        sent, junk = 0, message("p", b"x" * 60000)
        try:
            while sent < 100 << 20:
                sent += sock.send(junk)
        except (socket.timeout, ConnectionError):
            pass
        check(sent < 20 << 20, "the proxy took", sent, "bytes of somebody who has not logged in")
        sock.close()


@test
def a_long_message_of_another_kind_is_refused_at_its_first_byte(w):
    big = connect(int(w.cluster.proxy_port))
    big.sendall(startup({"user": w.cluster.dbuser, "database": w.cluster.db}))
    big.recv(100)
    big.sendall(b"Q" + struct.pack("!I", 200 << 20) + b"x" * 1000)
    contains(big.recv(1000), b"08P01")
    with w.cluster.wire() as c:
        equal(rows(c.query("SELECT 1")), [[b"1"]])


@test
def no_secret_is_shown(w):
    users = ["name: dan, password: dans, server_password: secret-of-the-shards"]
    with w.proxy("shown", [], users=users, auth=["query: { user: pgmosaic_auth, password: secret-look-up }"]) as proxy:
        c = w.cluster
        done = psql(f"host=127.0.0.1 port={proxy.admin_port} dbname=pgmosaic user={c.adminuser} "
                    f"password={c.adminpassword}", "-c", "SHOW CONFIG")
        contains(done.stdout, "auth.query.password")
        for text in (done.stdout, proxy.log(), http_get(proxy.http_port, "/metrics")[1]):
            for secret in ("secret-of-the-shards", "secret-look-up", c.dbpassword, c.superpassword):
                check(secret not in text, secret, "is shown")


if __name__ == "__main__":
    main(World)
