#!/usr/bin/env python3
"""TLS towards clients: negotiation, certificates, channel binding, and what attackers try."""
import os
import socket
import ssl
import struct
import threading
import time

from certificates import Authority, ask_tls, binding_of, connect, context, open_direct, open_tls, openssl, request, tls_wire
from lib import Cluster, check, contains, equal, main, psql, test, wait_until
from proxy import OwnProxy, http_get, run_binary
from wire import CANCEL_REQUEST, GSS_REQUEST, SSL_REQUEST, LoginFailed, Wire, cstring, errors, message, rows, startup

ALPN = ("postgresql",)


class World:
    """The cluster, its certificates, and a proxy with TLS, shared by the tests."""

    def __init__(self):
        self.cluster = Cluster(shards=2)
        self.folder = os.path.join(self.cluster.dir, "tls")
        self.ca = Authority(self.folder)
        self.other_ca = Authority(os.path.join(self.folder, "other"), "other")
        self.crt, self.key = self.ca.server()
        self.app = self.ca.issue("app", "app")
        self.proxy = OwnProxy(self.cluster, extra=self.tls("allow"), name="tls", offset=30)

    def tls(self, mode, ca=True, more="", crt=None, key=None):
        ca = f", ca: \"{self.ca.crt}\"" if ca else ""
        return f"tls: {{ mode: {mode}, cert: \"{crt or self.crt}\", key: \"{key or self.key}\"{ca}{more} }}"

    @property
    def context(self):
        return context(self.ca.crt)

    def login(self, sock=None, tls=None, **options):
        c = self.cluster
        options.setdefault("user", c.dbuser)
        options.setdefault("password", c.dbpassword)
        options.setdefault("database", c.db)
        if sock is None:
            return tls_wire(self.proxy.port, tls or self.context, **options)
        return Wire(self.proxy.port, sock=sock, **options)

    def dsn(self, more):
        return f"{self.proxy.dsn.replace('host=127.0.0.1', 'host=localhost hostaddr=127.0.0.1')} {more}"

    def hello(self):
        c = self.cluster
        return startup({"user": c.dbuser, "database": c.db})

    def answers(self):
        with self.proxy.wire() as c:
            equal(rows(c.query("SELECT 1")), [[b"1"]])
        with self.login() as c:
            equal(rows(c.query("SELECT 1")), [[b"1"]])
        check(self.proxy.process.poll() is None, "the proxy has died")


def closed_without_a_word(sock):
    sock.settimeout(10)
    try:
        return sock.recv(100) == b""
    except ConnectionError:
        return True


def refused(call, *args, **options):
    """The ErrorResponse's fields of a log-in that must fail."""
    try:
        call(*args, **options).close()
    except LoginFailed as failure:
        return failure.fields
    raise AssertionError("the log-in was accepted")


def breaks(call):
    """The TLS connection must fail: in the handshake, or (TLS 1.3) at the first read behind it."""
    try:
        sock = call()
        sock.settimeout(10)
        sock.recv(1)
    except (ssl.SSLError, ConnectionError) as error:
        return str(error)
    raise AssertionError("the handshake was accepted")


# ---- the good ways

@test
def psql_verifies_the_proxy_and_binds_its_password_to_the_certificate(w):
    done = psql(w.dsn(f"sslmode=verify-full sslrootcert={w.ca.crt} channel_binding=require"), "-Atc",
                "SELECT 1", "-c", "\\conninfo")
    equal(done.returncode, 0, done.stderr)
    contains(done.stdout, "SSL connection (protocol: TLSv1.3")


@test
def a_client_without_tls_gets_in_where_it_is_allowed(w):
    done = psql(w.dsn("sslmode=disable"), "-Atc", "SELECT 1")
    equal(done.stdout, "1\n", done.stderr)


@test
def large_answers_and_large_statements_pass_through_tls(w):
    with w.login() as c:
        got = rows(c.query("SELECT repeat('x', 300000), g FROM generate_series(1, 30) g"))
        equal([len(r[0]) for r in got], [300000] * 30)
        text = "y" * 3_000_000
        equal(rows(c.query(f"SELECT length('{text}')")), [[b"3000000"]])
        equal(rows(c.run("SELECT md5($1)", [text])), rows(c.query(f"SELECT md5('{text}')")))


@test
def copy_in_and_out_and_a_scatter_pass_through_tls(w):
    with w.login() as c:
        c.query("DROP TABLE IF EXISTS tls_t")
        c.query("CREATE TABLE tls_t (k bigint PRIMARY KEY, v text) WITH (mosaic.shard_key = 'k')")
        c.send("Q", cstring("COPY tls_t FROM STDIN"))
        c.receive_kind("G")
        for start in range(0, 20000, 500):
            c.send("d", "".join(f"{k}\t{'z' * 100}\n" for k in range(start, start + 500)).encode())
        c.send("c")
        c.until_ready()
        equal(rows(c.query("SELECT count(*), sum(length(v)) FROM tls_t")), [[b"20000", b"2000000"]])
        equal(rows(c.query("SELECT k FROM tls_t ORDER BY k LIMIT 2 OFFSET 9999")), [[b"9999"], [b"10000"]])
        got = c.query("COPY tls_t TO STDOUT")
        equal(sum(kind == "d" for kind, _ in got), 20000)
        c.query("DROP TABLE tls_t")


@test
def a_slow_reader_over_tls_gets_everything(w):
    with w.login(timeout=60) as c:
        c.send("Q", cstring("SELECT repeat('x', 10000) FROM generate_series(1, 3000)"))
        time.sleep(1)
        equal(sum(kind == "D" for kind, _ in c.until_ready()), 3000)


@test
def many_clients_over_tls_at_once(w):
    failures = []

    def one():
        try:
            with w.login() as c:
                for _ in range(20):
                    equal(rows(c.query("SELECT 1")), [[b"1"]])
        except Exception as error:
            failures.append(repr(error))

    threads = [threading.Thread(target=one) for _ in range(30)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    equal(failures, [])


@test
def the_control_port_speaks_tls(w):
    c = w.cluster
    dsn = (f"host=localhost hostaddr=127.0.0.1 port={w.proxy.admin_port} dbname=pgmosaic user={c.adminuser} "
           f"password={c.adminpassword} sslmode=verify-full sslrootcert={w.ca.crt} channel_binding=require")
    with w.login():
        done = psql(dsn, "-At", "-F", "|", "-c", "SHOW CLIENTS")
    equal(done.returncode, 0, done.stderr)
    contains(done.stdout, "TLSv1.3/TLS_AES_256_GCM_SHA384")


@test
def tls_1_2_works_and_1_1_does_not(w):
    with w.login(tls=context(w.ca.crt, version=ssl.TLSVersion.TLSv1_2)) as c:
        equal(c.sock.version(), "TLSv1.2")
    old = context(w.ca.crt, version=ssl.TLSVersion.TLSv1_1)
    old.set_ciphers("ALL:@SECLEVEL=0")
    breaks(lambda: open_tls(w.proxy.port, old))


@test
def gssenc_then_ssl_works_in_either_order(w):
    sock = connect(w.proxy.port)
    sock.sendall(request(GSS_REQUEST))
    equal(sock.recv(1), b"N")
    sock.sendall(request(SSL_REQUEST))
    equal(sock.recv(1), b"S")
    with w.login(w.context.wrap_socket(sock, server_hostname="localhost")) as c:
        equal(rows(c.query("SELECT 1")), [[b"1"]])


@test
def a_cancel_request_works_over_tls(w):
    with w.login(timeout=30) as c:
        pid, key = struct.unpack("!I", c.key[:4])[0], c.key[4:]
        c.send("Q", cstring("SELECT pg_sleep(20)"))
        time.sleep(0.5)
        for sock in (open_tls(w.proxy.port, w.context),):
            sock.sendall(struct.pack("!III", 12 + len(key), CANCEL_REQUEST, pid) + key)
            check(closed_without_a_word(sock), "a cancel request was answered")
        started = time.monotonic()
        equal([e["C"] for e in errors(c.until_ready())], ["57014"])
        check(time.monotonic() - started < 10, "the cancel did not reach the server")


@test
def a_record_byte_by_byte_is_taken(w):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = w.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    sock, answer = ask_tls(w.proxy.port)
    equal(answer, b"S")

    def push():
        for byte in outgoing.read():
            sock.sendall(bytes([byte]))

    def until(step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                push()
                part = sock.recv(65536)
                check(part, "the proxy closed")
                incoming.write(part)

    until(tls.do_handshake)
    tls.write(w.hello())
    push()
    got = until(lambda: tls.read(100))
    equal(got[:1], b"R")
    contains(got, b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0")
    sock.close()


@test
def the_end_of_a_connection_is_told_by_close_notify(w):
    with w.login() as c:
        c.send("X")
        equal(c.rest(), b"")  # without close_notify Python raises


# ---- direct TLS

@test
def direct_tls_with_alpn_works(w):
    with w.login(open_direct(w.proxy.port, context(w.ca.crt, alpn=ALPN))) as c:
        equal(c.sock.selected_alpn_protocol(), "postgresql")
        equal(rows(c.query("SELECT 1")), [[b"1"]])


@test
def direct_tls_without_alpn_is_closed(w):
    sock = open_direct(w.proxy.port, w.context)
    check(closed_without_a_word(sock), "it went on without ALPN")
    w.answers()


@test
def a_wrong_alpn_ends_the_handshake(w):
    for way in (open_direct, open_tls):
        contains(breaks(lambda: way(w.proxy.port, context(w.ca.crt, alpn=("http/1.1", "h2")))).lower(),
                 "no application protocol")
    with w.login(open_tls(w.proxy.port, context(w.ca.crt, alpn=("h2", "postgresql")))) as c:
        equal(c.sock.selected_alpn_protocol(), "postgresql")


@test
def a_direct_hello_byte_by_byte_is_taken(w):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context(w.ca.crt, alpn=ALPN).wrap_bio(incoming, outgoing, server_hostname="localhost")
    sock = connect(w.proxy.port)
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            for byte in outgoing.read():
                sock.sendall(bytes([byte]))
                time.sleep(0.0005)
            incoming.write(sock.recv(65536))
    equal(tls.selected_alpn_protocol(), "postgresql")
    sock.close()


@test
def direct_tls_after_an_ssl_request_or_a_gssenc_request_is_closed(w):
    sock = connect(w.proxy.port)
    sock.sendall(request(GSS_REQUEST))
    equal(sock.recv(1), b"N")
    breaks(lambda: context(w.ca.crt, alpn=ALPN).wrap_socket(sock, server_hostname="localhost"))
    w.answers()


@test
def direct_tls_can_be_switched_off(w):
    with OwnProxy(w.cluster, extra=w.tls("allow", more=", direct: false"), name="indirect") as proxy:
        breaks(lambda: open_direct(proxy.port, context(w.ca.crt, alpn=ALPN)))
        tls_wire(proxy.port, w.context, user=w.cluster.dbuser, password=w.cluster.dbpassword).close()


# ---- attacks on the negotiation

@test
def plain_bytes_behind_an_ssl_request_close_the_connection(w):
    for injected in (w.hello(), b"\x16", b"\0", request(SSL_REQUEST), message("Q", cstring("SELECT 1"))):
        sock = connect(w.proxy.port)
        sock.sendall(request(SSL_REQUEST) + injected)
        got = b""
        try:
            while part := sock.recv(100):
                got += part
        except ConnectionError:
            pass
        equal(got, b"", "after injecting " + repr(injected[:12]))
    w.answers()


@test
def plain_bytes_after_S_break_the_handshake(w):
    for injected in (w.hello(), b"\0" * 50, message("Q", cstring("SELECT 1"))):
        sock, answer = ask_tls(w.proxy.port)
        equal(answer, b"S")
        sock.sendall(injected)
        got = b""
        try:
            while part := sock.recv(1000):
                got += part
        except ConnectionError:
            pass
        check(got[:1] in (b"", b"\x15"), "something but a TLS alert came:", got)
    w.answers()


@test
def a_second_request_for_encryption_inside_tls_is_refused(w):
    for code in (SSL_REQUEST, GSS_REQUEST):
        sock = open_tls(w.proxy.port, w.context)
        sock.sendall(request(code))
        c = Wire(0, login=False, sock=sock)
        kind, body = c.receive()
        equal(kind, "E")
        contains(body, b"08P01")
        check(c.is_closed(), "it went on")
    w.answers()


@test
def a_second_hello_inside_tls_is_refused(w):
    sock = open_tls(w.proxy.port, w.context)
    sock.sendall(b"\x16\x03\x01\x00\x05hello")
    check(closed_without_a_word(sock), "it went on")
    w.answers()


@test
def garbage_in_the_middle_of_tls_ends_that_connection_alone(w):
    c = w.login()
    raw = socket.socket(fileno=os.dup(c.sock.fileno()))
    raw.sendall(b"\x17\x03\x03\x00\x20" + b"g" * 32)
    try:
        check(c.is_closed(), "garbage was taken")
    except ssl.SSLError as error:
        contains(str(error).lower(), "alert")
    raw.close()
    w.answers()


@test
def connections_cut_at_every_byte_of_the_handshake_leave_nothing(w):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = w.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = outgoing.read()
    for cut in (1, 5, 6, 40, len(hello) - 1, len(hello)):
        sock, _ = ask_tls(w.proxy.port)
        sock.sendall(hello[:cut])
        sock.close()
    connect(w.proxy.port).close()  # a probe
    w.answers()
    wait_until(10, lambda: "pgmosaic_clients 0" in http_get(w.proxy.http_port, "/metrics")[1],
               "no client left over")


@test
def an_oversized_startup_packet_inside_tls_is_refused(w):
    for packet in (struct.pack("!I", 10_100) + b"\0" * 10_096, struct.pack("!I", 0x7fffffff) + b"x" * 100,
                   struct.pack("!I", 3) + b"\0" * 8):
        sock = open_tls(w.proxy.port, w.context)
        try:
            sock.sendall(packet)
            check(closed_without_a_word(sock), "a packet of a wrong length was taken")
        except (ConnectionError, ssl.SSLError):
            pass
    w.answers()


@test
def a_handshake_that_never_ends_is_ended_by_the_log_in_timeout(w):
    with OwnProxy(w.cluster, extra=w.tls("allow") + "\ntimeouts: { login: 1s }", name="slowtls") as proxy:
        sock, answer = ask_tls(proxy.port)
        equal(answer, b"S")
        started = time.monotonic()
        sock.settimeout(10)
        try:
            while sock.recv(1000):
                pass
        except ConnectionError:
            pass
        check(time.monotonic() - started < 8, "it was left open")


# ---- SCRAM with channel binding

@test
def a_client_that_binds_gets_in_and_the_stronger_mechanism_comes_first(w):
    sock = open_tls(w.proxy.port, w.context)
    with w.login(sock, binding=binding_of(sock)) as c:
        equal(c.mechanisms, ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"])
        equal(rows(c.query("SELECT 1")), [[b"1"]])


@test
def without_tls_no_binding_is_offered_and_y_is_right(w):
    with w.proxy.wire(gs2="y,,") as c:
        equal(c.mechanisms, ["SCRAM-SHA-256"])


@test
def a_binding_to_another_certificate_is_refused(w):
    sock = open_tls(w.proxy.port, w.context)
    wrong = bytes(32)
    fields = refused(w.login, sock, binding=wrong)
    equal((fields["C"], fields["M"]), ("28000", "SCRAM channel binding check failed"))


@test
def a_downgrade_that_took_the_offer_away_is_noticed(w):
    fields = refused(w.login, open_tls(w.proxy.port, w.context), gs2="y,,")
    equal((fields["C"], fields["M"]), ("28000", "SCRAM channel binding negotiation error"))


@test
def binding_data_with_the_mechanism_that_does_not_bind_is_refused(w):
    fields = refused(w.login, open_tls(w.proxy.port, w.context), gs2="p=tls-server-end-point,,")
    equal(fields["C"], "08P01")


@test
def an_ed25519_certificate_offers_no_binding_and_works(w):
    folder = os.path.join(w.folder, "ed")
    os.makedirs(folder, exist_ok=True)
    crt, key = os.path.join(folder, "ed.crt"), os.path.join(folder, "ed.key")
    openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", key, "-out", crt, "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost", "-days", "30")
    os.chmod(key, 0o600)
    with OwnProxy(w.cluster, extra=w.tls("allow", ca=False, crt=crt, key=key), name="ed25519") as proxy:
        with tls_wire(proxy.port, context(crt), user=w.cluster.dbuser, password=w.cluster.dbpassword,
                      gs2="y,,") as c:
            equal(c.mechanisms, ["SCRAM-SHA-256"])


# ---- who must use TLS, and client certificates

@test
def require_turns_plain_clients_away_but_takes_plain_cancels(w):
    with OwnProxy(w.cluster, extra=w.tls("require", ca=False), name="require") as proxy:
        fields = refused(proxy.wire)
        equal(fields["C"], "28000")
        contains(fields["M"], "without TLS")
        login = dict(user=w.cluster.dbuser, password=w.cluster.dbpassword)
        with tls_wire(proxy.port, w.context, timeout=30, **login) as c:
            pid, key = struct.unpack("!I", c.key[:4])[0], c.key[4:]
            c.send("Q", cstring("SELECT pg_sleep(20)"))
            time.sleep(0.5)
            sock = connect(proxy.port)  # as libpq before 17 does
            sock.sendall(struct.pack("!III", 12 + len(key), CANCEL_REQUEST, pid) + key)
            check(closed_without_a_word(sock), "a cancel request was answered")
            equal([e["C"] for e in errors(c.until_ready())], ["57014"])


@test
def verify_ca_wants_a_good_certificate_of_anybody(w):
    expired = w.ca.issue("expired", "app", days=-1)
    strange = w.other_ca.issue("strange", "app")
    someone = w.ca.issue("someone", "someone else")
    login = dict(user=w.cluster.dbuser, password=w.cluster.dbpassword)
    with OwnProxy(w.cluster, extra=w.tls("verify-ca"), name="verifyca") as proxy:
        equal(refused(proxy.wire)["C"], "28000")
        breaks(lambda: open_tls(proxy.port, w.context))
        breaks(lambda: open_tls(proxy.port, context(w.ca.crt, expired)))
        breaks(lambda: open_tls(proxy.port, context(w.ca.crt, strange)))
        wait_until(5, lambda: "certificate has expired" in proxy.log(), "the reason in the log")
        tls_wire(proxy.port, context(w.ca.crt, someone), **login).close()
        equal(refused(tls_wire, proxy.port, context(w.ca.crt, someone), user=w.cluster.dbuser,
                      password="wrong")["C"], "28P01")


@test
def verify_full_wants_the_users_own_certificate_besides_the_password(w):
    someone = w.ca.issue("someone2", "someone else")
    login = dict(user=w.cluster.dbuser, password=w.cluster.dbpassword)
    with OwnProxy(w.cluster, extra=w.tls("verify-full"), name="verifyfull") as proxy:
        tls_wire(proxy.port, context(w.ca.crt, w.app), **login).close()
        fields = refused(tls_wire, proxy.port, context(w.ca.crt, someone), **login)
        equal((fields["C"], fields["D"]), ("28000", 'It belongs to "someone else".'))
        equal(refused(tls_wire, proxy.port, context(w.ca.crt, w.app), user=w.cluster.dbuser,
                      password="wrong")["C"], "28P01")


@test
def a_bad_certificate_is_refused_even_where_none_is_needed(w):
    strange = w.other_ca.issue("strange2", "app")
    breaks(lambda: open_tls(w.proxy.port, context(w.ca.crt, strange)))
    w.answers()


@test
def a_unix_socket_answers_N(w):
    folder = os.path.join(w.cluster.dir, "sock")
    os.makedirs(folder, exist_ok=True)
    with OwnProxy(w.cluster, extra=w.tls("require"), name="unixtls", unix=folder) as proxy:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(10)
        sock.connect(os.path.join(folder, f".s.PGSQL.{proxy.port}"))
        sock.sendall(request(SSL_REQUEST))
        equal(sock.recv(1), b"N")
        with Wire(0, sock=sock, user=w.cluster.dbuser, password=w.cluster.dbpassword) as c:
            equal(rows(c.query("SELECT 1")), [[b"1"]])


# ---- files and reload

@test
def new_connections_get_a_reloaded_certificate_and_old_ones_go_on(w):
    first, second = w.ca.server("first"), w.ca.server("second")
    now = tuple(os.path.join(w.folder, f"now.{x}") for x in ("crt", "key"))

    def install(pair):
        for source, target in zip(pair, now):
            with open(source, "rb") as f, open(target + ".new", "wb") as t:
                t.write(f.read())
            os.chmod(target + ".new", 0o600)
            os.rename(target + ".new", target)

    def serial():
        with open_tls(proxy.port, w.context) as sock:
            return sock.getpeercert()["serialNumber"]

    install(first)
    with OwnProxy(w.cluster, extra=w.tls("allow", crt=now[0], key=now[1]), name="reload") as proxy:
        old = tls_wire(proxy.port, w.context, user=w.cluster.dbuser, password=w.cluster.dbpassword)
        before = serial()
        install(second)
        equal(serial(), before)
        proxy.reload()
        check(serial() != before, "the old certificate is still shown")
        equal(rows(old.query("SELECT 1")), [[b"1"]])
        with open(now[0], "w") as f:
            f.write("no certificate\n")
        log = proxy.reload()
        contains(log, "was not reloaded")
        contains(log, "tls.cert")
        check(serial() != before, "a bad file changed something")
        install(first)
        c = w.cluster
        done = psql(f"host=127.0.0.1 port={proxy.admin_port} dbname=pgmosaic user={c.adminuser} "
                    f"password={c.adminpassword}", "-c", "RELOAD")
        equal(done.returncode, 0, done.stderr)
        equal(serial(), before)
        old.close()


@test
def bad_files_are_found_by_check_and_stop_the_start(w):
    config = w.cluster.config()
    loose, other = w.ca.server("loose"), w.ca.server("another")
    os.chmod(loose[1], 0o644)
    cases = ((w.tls("allow", crt="/nonexistent.crt"), "tls.cert: /nonexistent.crt: No such file"),
             (w.tls("allow", key="/nonexistent.key"), "tls.key: /nonexistent.key: No such file"),
             (w.tls("allow", crt=loose[0], key=loose[1]), "can be read by others"),
             (w.tls("allow", key=other[1]), "tls.key"),
             (w.tls("allow").replace(w.ca.crt, w.key), "tls.ca"))
    for tls, words in cases:
        path = os.path.join(w.cluster.dir, "badfiles.yaml")
        with open(path, "w") as f:
            f.write(config + tls + "\n")
        done = run_binary("check", "-c", path)
        check(done.returncode != 0, "check found nothing:", tls)
        contains(done.stdout + done.stderr, words)


# ---- towards servers

def make_shards_hostssl_only(w):
    crt, key = w.ca.server("shard")
    for i, dsn in enumerate(w.cluster.shard_dsns(), 1):
        data = os.path.realpath(os.path.join(w.cluster.dir, "servers", f"shard{i}"))
        owner = os.stat(data)
        for source, target in ((crt, "server.crt"), (key, "server.key")):
            path = os.path.join(data, target)
            with open(source, "rb") as f, open(path, "wb") as t:
                t.write(f.read())
            os.chmod(path, 0o600)
            os.chown(path, owner.st_uid, owner.st_gid)
        w.cluster.sql("ALTER SYSTEM SET ssl = on", dsn)
        with open(os.path.join(data, "pg_hba.conf"), "w") as f:
            f.write("hostssl all all 127.0.0.1/32 scram-sha-256\n")
        w.cluster.sql("SELECT pg_reload_conf()", dsn)
        wait_until(10, lambda: "no encryption" in psql(dsn + " sslmode=disable", "-c", "SELECT 1").stderr,
                   f"shard {i} takes TLS only")
        w.cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'", dsn)


@test
def shards_that_take_tls_only_work_with_verify_full(w):
    c = w.cluster
    make_shards_hostssl_only(w)
    for i, dsn in enumerate(c.shard_dsns(), 1):
        strict = dsn.replace("host=127.0.0.1", "host=localhost hostaddr=127.0.0.1")
        strict += f" sslmode=verify-full sslrootcert={w.ca.crt}"
        done = c.admin(f"ALTER SHARD s{i} SET (dsn = '{strict}')")
        equal(done.returncode, 0, done.stderr)
    with w.login(timeout=30) as s:
        s.query("DROP TABLE IF EXISTS over_tls")
        equal(errors(s.query("CREATE TABLE over_tls (k bigint PRIMARY KEY, v text) "
                             "WITH (mosaic.shard_key = 'k')")), [])
        equal(errors(s.query("INSERT INTO over_tls VALUES " +
                             ", ".join(f"({k}, repeat('v', 1000))" for k in range(1000)))), [])
        equal(rows(s.query("SELECT length(v) FROM over_tls WHERE k = 77")), [[b"1000"]])
        equal(rows(s.query("SELECT count(*), sum(k) FROM over_tls")), [[b"1000", b"499500"]])
        equal(len(rows(s.query("SELECT k, v FROM over_tls ORDER BY k"))), 1000)
        s.query("BEGIN")
        s.query("UPDATE over_tls SET v = 'x'")
        equal(errors(s.query("COMMIT")), [])
        equal(rows(s.query("SELECT count(*) FROM over_tls WHERE v = 'x'")), [[b"1000"]])
    for dsn in c.shard_dsns():
        dsn += " sslmode=require"
        used = c.value("SELECT count(*) FILTER (WHERE NOT ssl) || '/' || (count(*) > 0) FROM pg_stat_ssl "
                       "JOIN pg_stat_activity USING (pid) WHERE usename = 'app'", dsn)
        equal(used, "0/true", "sessions of the client's role without TLS")


@test
def a_shard_with_an_unknown_certificate_is_not_talked_to(w):
    c = w.cluster
    dsn = c.shard_dsns()[0].replace("host=127.0.0.1", "host=localhost hostaddr=127.0.0.1")
    done = c.admin(f"ALTER SHARD s1 SET (dsn = '{dsn} sslmode=verify-full sslrootcert={w.other_ca.crt}')")
    check(done.returncode != 0, "the shard was accepted")
    contains(done.stderr, "certificate verify failed")


if __name__ == "__main__":
    main(World)
