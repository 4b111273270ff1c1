#!/usr/bin/env python3
"""Running the proxy: PAUSE, RESUME, RECONNECT, KILL, RELOAD, SHUTDOWN, and a restart that no client notices."""
import re
import signal
import subprocess
import threading
import time

from lib import Cluster, check, equal, main, psql, test, wait_until
from proxy import OwnProxy, binary, http_status
from wire import Closed, LoginFailed, Wire, cstring, errors, rows, tags

ROWS = 60


def start():
    return Cluster(shards=3)


def prepare(cluster):
    cluster.sql("CREATE TABLE acc (k int PRIMARY KEY, v text) WITH (mosaic.shard_key = 'k')")
    cluster.sql("INSERT INTO acc VALUES " + ", ".join(f"({k}, 'v{k}')" for k in range(1, ROWS + 1)))


def admin(proxy):
    c = proxy.cluster
    return Wire(proxy.admin_port, user=c.adminuser, password=c.adminpassword, database="pgmosaic", timeout=30)


def show(control, sql):
    """Rows as dictionaries."""
    got = control.query(sql)
    equal(errors(got), [], sql)
    names = re.findall(rb"([a-z_]+)\0.{18}", [b for k, b in got if k == "T"][0][2:], re.S)
    return [dict(zip((n.decode() for n in names), row)) for row in rows(got)]


def servers(control):
    return len(show(control, "SHOW SERVERS"))


def count(c):
    return rows(c.query("SELECT count(*) FROM acc"))[0][0]


# ---- PAUSE and RESUME

@test
def pause_waits_for_transactions_and_holds_the_next_ones_until_resume(cluster):
    with OwnProxy(cluster) as proxy, admin(proxy) as control, admin(proxy) as other:
        inside, idle, asks = proxy.wire(), proxy.wire(), proxy.wire()
        inside.query("BEGIN")
        inside.query("UPDATE acc SET v = v WHERE k = 1")
        control.send("Q", cstring("PAUSE"))
        time.sleep(0.5)
        asks.send("Q", cstring("SELECT count(*) FROM acc"))
        idle.parse("", "SELECT count(*) FROM acc")
        idle.bind("", "")
        idle.execute()
        idle.sync()
        control.sock.settimeout(0.5)
        check(not readable(control), "PAUSE did not wait for the transaction")
        equal(errors(inside.query("UPDATE acc SET v = v WHERE k = 2")), []) # it may go on, to other shards too
        equal(tags(inside.query("COMMIT")), ["COMMIT"])
        control.sock.settimeout(15)
        equal(tags(control.until_ready()), ["PAUSE"])
        equal(servers(other), 0)
        check(not readable(asks) and not readable(idle), "a statement ran in spite of PAUSE")
        equal(show(other, "SHOW STATE")[1], {"key": b"paused", "value": b"yes"})
        equal(tags(other.query("RESUME")), ["RESUME"])
        equal(rows(asks.until_ready()), [[str(ROWS).encode()]])
        equal(rows(idle.until_ready()), [[str(ROWS).encode()]])
        equal(count(inside), str(ROWS).encode())
        for c in (inside, idle, asks):
            c.close()


def readable(c):
    before, c.sock_timeout = c.sock.gettimeout(), 0
    c.sock.settimeout(0.3)
    try:
        return bool(c.sock.recv(1, 2)) # MSG_PEEK
    except OSError:
        return False
    finally:
        c.sock.settimeout(before)


@test
def a_paused_client_can_be_cancelled_and_log_ins_wait(cluster):
    from test_cancel import cancel
    with OwnProxy(cluster) as proxy, admin(proxy) as control:
        c = proxy.wire()
        equal(tags(control.query("PAUSE")), ["PAUSE"])
        equal(errors(control.query("PAUSE"))[0]["C"], "55006")
        for send in (lambda: c.send("Q", cstring("SELECT 1")), lambda: (c.parse("", "SELECT 1"), c.sync())):
            send()
            time.sleep(0.3)
            cancel(proxy.port, c.key)
            got = c.until_ready()
            equal([e["C"] for e in errors(got)], ["57014"])
        newcomers = []
        t = threading.Thread(target=lambda: newcomers.append(proxy.wire()))
        t.start()
        time.sleep(0.5)
        equal(newcomers, [])
        equal(tags(control.query("RESUME")), ["RESUME"])
        t.join(10)
        equal(count(newcomers[0]), str(ROWS).encode())
        equal(count(c), str(ROWS).encode())
        equal(errors(control.query("RESUME"))[0]["C"], "55006")


@test
def pause_names_the_database_or_none(cluster):
    with OwnProxy(cluster) as proxy, admin(proxy) as control:
        got = errors(control.query("PAUSE nosuch"))
        equal(got[0]["C"], "3D000")
        equal(tags(control.query(f"PAUSE {cluster.db}")), ["PAUSE"])
        equal(tags(control.query(f"RESUME {cluster.db};")), ["RESUME"])


# ---- RECONNECT, KILL, RELOAD

@test
def reconnect_replaces_connections_as_they_become_free(cluster):
    pid = "SELECT pg_backend_pid() FROM acc WHERE k = 1"
    with OwnProxy(cluster, extra="workers: 1") as proxy, admin(proxy) as control, proxy.wire() as c, proxy.wire() as d:
        first = rows(c.query(pid))
        equal(rows(c.query(pid)), first)
        d.query("BEGIN")
        inside = rows(d.query(pid))
        equal(tags(control.query("RECONNECT")), ["RECONNECT"])
        equal(rows(d.query(pid)), inside, "an open transaction keeps its connection:")
        d.query("COMMIT")
        for client in (c, d):
            check(rows(client.query(pid)) not in (first, inside), "an old connection is still used")


@test
def kill_ends_one_client_and_rolls_its_transaction_back(cluster):
    with OwnProxy(cluster) as proxy, admin(proxy) as control, proxy.wire() as bystander:
        for state in ("idle", "in a transaction", "running"):
            c = proxy.wire(parameters={"application_name": "victim"})
            if state != "idle":
                c.query("BEGIN")
                c.query("UPDATE acc SET v = 'killed'")
            if state == "running":
                c.send("Q", cstring("SELECT pg_sleep(30) FROM acc"))
                time.sleep(0.3)
            victim = [x for x in show(control, "SHOW CLIENTS") if x["application_name"] == b"victim"]
            equal(len(victim), 1)
            equal(tags(control.query(f"KILL '{victim[0]['id'].decode()}'")), ["KILL"])
            last = []
            try:
                while True:
                    last.append(c.receive())
            except (Closed, ConnectionError):
                pass
            equal([e["C"] for e in errors(last)][-1], "57P01", state)
            got = errors(control.query(f"KILL '{victim[0]['id'].decode()}'"))
            equal(got[0]["C"], "42704")
        wait_until(10, lambda: cluster.open_transactions() == 0, "rolled back")
        equal(rows(bystander.query("SELECT count(*) FROM acc WHERE v = 'killed'")), [[b"0"]])
        for wrong in ("KILL 'x'", "KILL '12345678901'", "KILL 0"):
            equal(errors(control.query(wrong))[0]["C"], "42704", wrong)


@test
def reload_and_SIGHUP_change_what_can_be_changed(cluster):
    with OwnProxy(cluster, extra="limits: { clients: 2 }") as proxy, admin(proxy) as control, proxy.wire() as a, proxy.wire() as b:
        for how in ("RELOAD", "SIGHUP"):
            refused(proxy)
            change(proxy, "clients: 2", "clients: 3")
            if how == "RELOAD":
                equal(tags(control.query("RELOAD")), ["RELOAD"])
            else:
                proxy.process.send_signal(signal.SIGHUP)
                time.sleep(0.5)
            proxy.wire().close()
            change(proxy, "clients: 3", "clients: 2")
            control.query("RELOAD")
            time.sleep(0.3)
        change(proxy, "clients: 2", "clients: two")
        got = errors(control.query("RELOAD"))
        check(got and "limits.clients" in got[0]["M"], got)
        equal(count(a), str(ROWS).encode())
        equal(count(b), str(ROWS).encode())


def refused(proxy):
    try:
        proxy.wire()
        raise AssertionError("a third client got in")
    except LoginFailed as e:
        equal(e.fields["C"], "53300")


def change(proxy, old, new):
    with open(proxy.config_path) as f:
        text = f.read()
    check(old in text, old, "is not in the configuration")
    with open(proxy.config_path, "w") as f:
        f.write(text.replace(old, new))


# ---- the end

@test
def shutdown_wait_and_SIGTERM_let_transactions_end(cluster):
    for how in ("SHUTDOWN WAIT", "SIGTERM"):
        with OwnProxy(cluster) as proxy, admin(proxy) as control:
            inside, idle = proxy.wire(), proxy.wire()
            inside.query("BEGIN")
            inside.query("UPDATE acc SET v = v WHERE k = 1")
            if how == "SIGTERM":
                proxy.process.send_signal(signal.SIGTERM)
            else:
                equal(tags(control.query(how)), ["SHUTDOWN"])
            equal([e["C"] for e in errors([idle.receive()])], ["57P01"])
            check(idle.is_closed())
            equal(errors(control.query("SHOW CLIENTS")), [], "the control port answers during the drain:")
            time.sleep(0.5)
            equal(errors(inside.query("UPDATE acc SET v = v WHERE k = 2")), [])
            got = inside.query("COMMIT")
            equal(tags(got), ["COMMIT"], how)
            equal([e["C"] for e in errors([inside.receive()])], ["57P01"])
            equal(proxy.process.wait(15), 0, how)
            check("LeakSanitizer" not in proxy.log() and "AddressSanitizer" not in proxy.log(), proxy.log()[-1500:])


# ---- restart without a refused connection

class Connecting:
    """Clients that connect, ask and leave, again and again; whatever goes wrong is noted."""

    def __init__(self, proxy, clients):
        self.proxy, self.stop, self.n, self.faults = proxy, False, 0, []
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(clients)]
        for t in self.threads:
            t.start()

    def work(self):
        while not self.stop:
            try:
                with self.proxy.wire(timeout=20) as c:
                    equal(count(c), str(ROWS).encode())
                self.n += 1
            except Exception as error:
                self.faults.append(f"{type(error).__name__}: {error}")

    def finish(self):
        self.stop = True
        for t in self.threads:
            t.join(30)


def complaint(proxy):
    """What a sanitizer or an assertion said."""
    found = re.search(r"(?s)(==\d+==ERROR|pgmosaic: [A-Z]+ failed|runtime error).*", proxy.log())
    return found.group(0)[:4000] if found else proxy.log()[-1500:]


def take_over(proxy):
    """Starts the next process; the old one, which ends by itself."""
    old = proxy.process
    with open(proxy.log_path, "a") as log:
        proxy.process = subprocess.Popen([binary(), "-c", proxy.config_path, "--takeover"], stdin=subprocess.DEVNULL,
                                         stdout=log, stderr=log, start_new_session=True)
    return old


@test
def a_takeover_refuses_and_resets_no_connection(cluster):
    with OwnProxy(cluster) as proxy:
        clients = Connecting(proxy, 6)
        for _ in range(3):
            time.sleep(1)
            before = clients.n
            old = take_over(proxy)
            equal(old.wait(30), 0, "the old process ends: " + complaint(proxy))
            wait_until(20, lambda: clients.n > before + 20, "clients are served by the new process")
            wait_until(10, lambda: http_status(proxy.http_port, "/readyz") == 200, "/readyz of the new process")
            with admin(proxy) as control: # its control port, too
                equal(errors(control.query("SHOW VERSION")), [])
            time.sleep(1) # the name is free again for the next one
        clients.finish()
        check(not clients.faults, len(clients.faults), "of", clients.n, ":", clients.faults[:5])
        check("Sanitizer" not in proxy.log(), proxy.log()[-1500:])


@test
def a_takeover_lets_transactions_end_and_passes_their_cancels_on(cluster):
    from test_cancel import cancel
    with OwnProxy(cluster, extra="timeouts: { shutdown: 30s }") as proxy:
        inside, idle = proxy.wire(), proxy.wire()
        inside.query("BEGIN")
        inside.query("UPDATE acc SET v = v WHERE k = 1")
        old = take_over(proxy)
        equal([e["C"] for e in errors([idle.receive()])], ["57P01"])
        inside.send("Q", cstring("SELECT pg_sleep(20) FROM acc WHERE k = 1"))
        time.sleep(0.5)
        with proxy.wire() as c:
            equal(count(c), str(ROWS).encode())
        cancel(proxy.port, inside.key) # reaches the new process
        equal([e["C"] for e in errors(inside.until_ready())], ["57014"])
        equal(tags(inside.query("ROLLBACK")), ["ROLLBACK"])
        equal(old.wait(15), 0)
        with proxy.wire() as c:
            equal(count(c), str(ROWS).encode())


@test
def a_new_process_that_does_not_get_ready_leaves_the_old_one_alone(cluster):
    with OwnProxy(cluster) as proxy:
        bad = proxy.config_path + ".bad"
        with open(proxy.config_path) as f, open(bad, "w") as g:
            g.write(re.sub(r'(?m)^  dsn: ".*port=\d+', '  dsn: "host=127.0.0.1 port=1', f.read(), count=1))
        other = subprocess.Popen([binary(), "-c", bad, "--takeover"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        clients = Connecting(proxy, 3)
        time.sleep(2)
        other.terminate()
        other.wait(20)
        time.sleep(1)
        clients.finish()
        check(not clients.faults and clients.n > 10, clients.n, clients.faults[:3])
        check(proxy.process.poll() is None, "the old process ended")


@test
def without_takeover_an_address_in_use_is_an_error(cluster):
    with OwnProxy(cluster) as proxy:
        done = subprocess.run([binary(), "-c", proxy.config_path], capture_output=True, text=True, timeout=30)
        equal(done.returncode, 1)
        check("--takeover" in done.stderr, done.stderr)
        equal(psql(proxy.dsn, "-Atc", "SELECT count(*) FROM acc").stdout.strip(), str(ROWS))


if __name__ == "__main__":
    main(start, prepare)
