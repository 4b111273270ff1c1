#!/usr/bin/env python3
"""Many clients over few server connections change their state at random; after each step each must
see exactly its own: settings, role, search path, prepared statements, temporary tables, locks.

STATE_LEAKS_SECONDS (for each pool mode, default 20 in all) and STATE_LEAKS_SEED choose how long and which.
"""
import os
import random
import threading
import time

from lib import Cluster, check, main, psql, test
from proxy import OwnProxy
from wire import Closed, Wire, errors, rows, tags

KEYS = 40
CLIENTS = 10
PERMITS = 2  # clients that may be pinned at a time, fewer than connections
SECONDS = float(os.environ.get("STATE_LEAKS_SECONDS", "20"))
SEED = int(os.environ.get("STATE_LEAKS_SEED") or random.SystemRandom().randrange(1 << 30))
BUSY = {"53300"}

DEFAULTS = {"leak.mark": "", "application_name": "", "timezone": None, "search_path": '"$user", public',
            "statement_timeout": "0", "lock_timeout": "0", "datestyle": "ISO, MDY", "work_mem": "4096",
            "role": "none"}


def before(cluster):
    cluster.sql("CREATE TABLE kv (k bigint PRIMARY KEY, v text) WITH (mosaic.shard_key = 'k')")
    cluster.sql("INSERT INTO kv VALUES " + ", ".join(f"({k}, 'v{k}')" for k in range(KEYS)))
    for schema in ("one", "two"):
        cluster.sql(f"CREATE SCHEMA {schema}")
        cluster.sql(f"CREATE TABLE {schema}.where_am_i (name text)")
        cluster.sql(f"INSERT INTO {schema}.where_am_i VALUES ('{schema}')")
    cluster.sql("CREATE TABLE where_am_i (name text)")
    cluster.sql("INSERT INTO where_am_i VALUES ('public')")
    for dsn in cluster.shard_dsns():
        for sql in ("CREATE ROLE leak_a", "CREATE ROLE leak_b", f"GRANT leak_a, leak_b TO {cluster.dbuser}",
                    "GRANT USAGE ON SCHEMA public, one, two TO leak_a, leak_b",
                    "GRANT SELECT ON ALL TABLES IN SCHEMA public, one, two TO leak_a, leak_b",
                    f"GRANT TEMPORARY ON DATABASE {cluster.db} TO leak_a, leak_b"):
            done = psql(dsn, "-c", sql)
            check(done.returncode == 0 or "already exists" in done.stderr, sql, done.stderr)
    cluster.admin("RELOAD;")


class Leak(AssertionError):
    pass


class Client(threading.Thread):
    """One client and the model of its state."""

    def __init__(self, proxy, number, seed, deadline, permits, cluster, mode):
        super().__init__(daemon=True)
        self.proxy, self.number, self.deadline, self.permits = proxy, number, deadline, permits
        self.cluster, self.mode = cluster, mode
        self.random = random.Random(seed * 1000 + number)
        self.steps, self.problem, self.log, self.c = 0, None, [], None
        self.holds_permit = False

    # ---- talking

    def fail(self, *what):
        raise Leak(f"client {self.number}: " + " ".join(str(w) for w in what) + "\n      " + "\n      ".join(self.log[-60:]))

    def ask(self, sql):
        """Rows; None when the pool was busy (and a transaction is aborted then)."""
        self.log.append(sql)
        if self.random.random() < 0.3 and ";" not in sql:
            messages = self.c.run(sql)
        else:
            messages = self.c.query(sql)
        found = errors(messages)
        status = messages[-1][1].decode()
        if found and found[0]["C"] in BUSY:
            self.log.append("-- busy")
            if self.txn:
                self.failed = True
            return None
        if found:
            self.fail(sql, "failed:", found)
        want = "I" if not self.txn else "E" if self.failed else "T"
        self.last_tags = tags(messages)
        self.status = status
        return [[None if v is None else v.decode() for v in row] for row in rows(messages)]

    def must_fail(self, sql, code):
        self.log.append(sql)
        found = errors(self.c.query(sql))
        if found and found[0]["C"] in BUSY:
            pass
        elif not found or found[0]["C"] != code:
            self.fail(sql, "gave", found or "no error", "instead of", code)
        if self.txn:
            self.failed = True

    # ---- the model

    def connect(self):
        self.startup = {}
        if self.random.random() < 0.5:
            self.startup["application_name"] = f"start{self.number}"
        if self.random.random() < 0.3:
            self.startup["timezone"] = self.random.choice(("Asia/Tokyo", "Europe/Paris"))
        if self.random.random() < 0.3:
            self.startup["leak.mark"] = f"startup{self.number}"
        if self.random.random() < 0.3:
            self.startup["search_path"] = self.random.choice(("one", "two"))
        parameters = dict(self.startup)
        if "leak.mark" in parameters:
            parameters["options"] = f"-c leak.mark={parameters.pop('leak.mark')}"
        self.c = self.proxy.wire(parameters=parameters, timeout=30)
        self.log = [f"connect {parameters}"]
        self.begin_session()

    def begin_session(self):
        self.base = {**DEFAULTS, **self.startup}
        self.values, self.local = dict(self.base), {}
        self.txn, self.failed, self.saved, self.savepoints = False, False, None, []
        self.statements, self.temp, self.locks = {}, {}, set()

    def disconnect(self):
        self.log.append("disconnect")
        (self.c.close if self.random.random() < 0.5 else self.c.drop)()
        self.c = None
        self.give_permit()

    def take_permit(self):
        self.holds_permit = self.holds_permit or self.permits.acquire(blocking=False)
        return self.holds_permit

    def give_permit(self):
        if self.holds_permit:
            self.permits.release()
        self.holds_permit = False

    def effective(self, name):
        return self.local.get(name, self.values[name])

    def snapshot(self):
        return dict(self.values), dict(self.local), dict(self.temp)

    def restore(self, snapshot):
        self.values, self.local, self.temp = dict(snapshot[0]), dict(snapshot[1]), dict(snapshot[2])

    # ---- steps

    def some_setting(self):
        name = self.random.choice(list(DEFAULTS))
        n = self.random.randrange(1000)
        value = {"leak.mark": f"m{self.number}_{n}", "application_name": f"app{self.number}_{n}",
                 "timezone": self.random.choice(("Europe/Berlin", "America/New_York", "Asia/Tokyo")),
                 "search_path": self.random.choice(("one", "two", "public")),
                 "statement_timeout": str(100000 + 1000 * self.number + n),
                 "lock_timeout": str(200000 + 1000 * self.number + n),
                 "datestyle": self.random.choice(("ISO, DMY", "SQL, MDY", "German, DMY")),
                 "work_mem": str(4096 + 64 * self.number),
                 "role": self.random.choice(("leak_a", "leak_b", "none"))}[name]
        return name, value

    def step_set(self):
        name, value = self.some_setting()
        local = self.txn and self.random.random() < 0.4
        quoted = value if name in ("role", "search_path") else f"'{value}'"
        form = self.random.random()
        if form < 0.3 and name not in ("role", "datestyle"):
            sql = f"SELECT set_config('{name}', '{value}', {'true' if local else 'false'})"
        elif name == "role":
            sql = f"SET {'LOCAL ' if local else ''}ROLE {value}"
        else:
            sql = f"SET {'LOCAL ' if local else ''}{name} = {quoted}"
        if self.ask(sql) is None:
            return
        if local:
            self.local[name] = value
        else:
            self.values[name] = value
            self.local.pop(name, None)

    def step_reset(self):
        name = self.random.choice(list(DEFAULTS))
        if self.ask("RESET ROLE" if name == "role" else f"RESET {name}") is None:
            return
        self.values[name] = self.base[name]
        self.local.pop(name, None)

    def step_reset_all(self):
        if self.ask("RESET ALL") is None:
            return
        for name in DEFAULTS:
            if name != "role":
                self.values[name] = self.base[name]
                self.local.pop(name, None)

    def step_begin(self):
        if self.txn or self.mode == "statement" or self.ask("BEGIN") is None:
            return
        self.txn, self.failed, self.saved, self.savepoints = True, False, self.snapshot(), []

    def step_end(self):
        if not self.txn:
            return
        commit = self.random.random() < 0.6
        failed = self.failed
        if self.ask("COMMIT" if commit else "ROLLBACK") is None:
            return
        if commit and not failed:
            self.local = {}
        else:
            self.restore((self.saved[0], {}, self.saved[2]))
        self.txn = self.failed = False

    def step_savepoint(self):
        if not self.txn:
            return
        if self.savepoints and self.random.random() < 0.5:
            at = self.random.randrange(len(self.savepoints))
            if self.random.random() < 0.6 or self.failed:
                if self.ask(f"ROLLBACK TO sp{at}") is not None:
                    self.restore(self.savepoints[at])
                    del self.savepoints[at + 1:]
                    self.failed = False
            elif self.ask(f"RELEASE sp{at}") is not None:
                del self.savepoints[at:]
        elif not self.failed and self.ask(f"SAVEPOINT sp{len(self.savepoints)}") is not None:
            self.savepoints.append(self.snapshot())

    def step_error(self):
        self.must_fail("SELECT 1 / 0" if self.random.random() < 0.5 else
                       f"SELECT 1 / (k - k) FROM public.kv WHERE k = {self.random.randrange(KEYS)}", "22012")

    def step_prepare(self):
        name = f"p{self.random.randrange(4)}"
        if name in self.statements:
            if self.random.random() < 0.5:
                if self.ask(f"DEALLOCATE {name}") is not None:
                    del self.statements[name]
            else:
                self.must_fail(f"PREPARE {name} AS SELECT 1", "42P05")
            return
        mark = f"{self.number}_{self.random.randrange(10 ** 6)}"
        if self.random.random() < 0.5:
            if self.ask(f"PREPARE {name} (bigint) AS SELECT '{mark}' FROM public.kv WHERE k = $1") is None:
                return
        else:
            self.log.append(f"Parse {name} {mark}")
            self.c.parse(name, f"SELECT '{mark}'::text FROM public.kv WHERE k = $1", [20])
            self.c.sync()
            found = errors(self.c.until_ready())
            if found and found[0]["C"] in BUSY:
                self.failed = self.txn
                return
            if found:
                self.fail("Parse failed", found)
        self.statements[name] = mark

    def step_temp(self):
        if self.effective("role") != "none":
            return
        name = self.random.choice(("kv", "mine", "where_am_i"))
        if name in self.temp:
            if self.ask(f"DROP TABLE pg_temp.{name}") is not None:
                del self.temp[name]
            return
        if not self.take_permit():
            return
        mark = f"temp{self.number}_{self.random.randrange(10 ** 6)}"
        if self.ask(f"CREATE TEMP TABLE {name} AS SELECT '{mark}'::text AS name, 1 AS k") is not None:
            self.temp[name] = mark

    def step_lock(self):
        key = self.number * 100 + self.random.randrange(3)
        if key in self.locks:
            got = self.ask(f"SELECT pg_advisory_unlock({key})")
            if got is not None:
                self.locks.discard(key)
        elif self.take_permit():
            got = self.ask(f"SELECT pg_try_advisory_lock({key})")
            if got is not None and got != [["t"]]:
                self.fail("the lock", key, "is held by somebody else")
            if got is not None:
                self.locks.add(key)

    def step_discard(self):
        if self.txn or self.ask("DISCARD ALL") is None:
            return
        self.begin_session()
        self.give_permit()

    def step_reconnect(self):
        self.disconnect()
        self.connect()

    # ---- what must be seen

    def same(self, what, got, want):
        if got is not None and got != want:
            self.fail(what, "is", got, "instead of", want)

    def check_setting(self):
        name = self.random.choice([n for n in DEFAULTS if n != "role" and self.effective(n) is not None])
        got = self.ask(f"SELECT setting FROM pg_settings WHERE name = '{self.spelled(name)}'")
        if name == "leak.mark":
            got = self.ask("SELECT coalesce(current_setting('leak.mark', true), '')")
        self.same(name, got, [[self.effective(name)]])

    @staticmethod
    def spelled(name):
        return {"timezone": "TimeZone", "datestyle": "DateStyle"}.get(name, name)

    def check_on_shard(self):
        k = self.random.randrange(KEYS)
        got = self.ask("SELECT coalesce(current_setting('leak.mark', true), ''), current_setting('application_name'),"
                       f" current_user FROM public.kv WHERE k = {k}")
        self.same(f"key {k}'s shard's state", got,
                  [[self.effective("leak.mark"), self.effective("application_name"), self.user()]])

    def user(self):
        return self.cluster.dbuser if self.effective("role") == "none" else self.effective("role")

    def check_user(self):
        self.same("user", self.ask("SELECT current_user, session_user"), [[self.user(), self.cluster.dbuser]])

    def check_path(self):
        if "where_am_i" in self.temp:
            want = self.temp["where_am_i"]
        else:
            path = self.effective("search_path")
            want = path if path in ("one", "two") else "public"
        if self.effective("role") == "none":
            self.same("where_am_i", self.ask("SELECT name FROM where_am_i"), [[want]])

    def check_statement(self):
        if self.statements:
            name = self.random.choice(list(self.statements))
            self.same(name, self.ask(f"EXECUTE {name}({self.random.randrange(KEYS)})"), [[self.statements[name]]])
        missing = [f"p{i}" for i in range(4) if f"p{i}" not in self.statements]
        if missing and not self.txn:
            self.must_fail(f"EXECUTE {missing[0]}(1)", "26000")

    def check_temp(self):
        got = self.ask("SELECT relname FROM pg_catalog.pg_class WHERE relkind = 'r' AND relnamespace ="
                       " pg_catalog.pg_my_temp_schema() ORDER BY 1")
        self.same("temporary tables", got, [[n] for n in sorted(self.temp)])
        for name, mark in self.temp.items():
            if self.effective("role") == "none":
                self.same(name, self.ask(f"SELECT name FROM {name}"), [[mark]])

    def check_locks(self):
        got = self.ask("SELECT count(*) FROM pg_catalog.pg_locks WHERE locktype = 'advisory'"
                       " AND pid = pg_catalog.pg_backend_pid()")
        self.same("number of locks", got, [[str(len(self.locks))]])

    def look(self):
        if self.failed:
            return
        self.random.choice((self.check_setting, self.check_on_shard, self.check_user, self.check_path,
                            self.check_statement, self.check_temp, self.check_locks))()

    def act(self):
        steps = ((self.step_set, 12), (self.step_reset, 4), (self.step_reset_all, 1), (self.step_begin, 5),
                 (self.step_end, 5), (self.step_savepoint, 5), (self.step_error, 2), (self.step_prepare, 4),
                 (self.step_temp, 3), (self.step_lock, 3), (self.step_discard, 1), (self.step_reconnect, 1))
        if self.failed:
            self.random.choice((self.step_end, self.step_savepoint))()
            return
        self.random.choices([s for s, _ in steps], [w for _, w in steps])[0]()

    def run(self):
        try:
            self.connect()
            while time.monotonic() < self.deadline:
                self.act()
                for _ in range(self.random.randrange(1, 4)):
                    self.look()
                self.steps += 1
            self.disconnect()
        except Exception as problem:
            self.problem = problem if isinstance(problem, Leak) else \
                Leak(f"client {self.number}: {problem!r}\n      " + "\n      ".join(self.log[-60:]))
            if self.c is not None:
                self.c.drop()
            self.give_permit()


def shake(cluster, mode, size, seconds):
    print(f"# {mode}: seed {SEED}, {seconds:.0f} s", flush=True)
    extra = (f"workers: 2\npool: {{ mode: {mode}, size: {size}, reserve: 0 }}\n"
             "timeouts: { queue: 2s }")
    with OwnProxy(cluster, name=f"leaks-{mode}", extra=extra) as proxy:
        permits = threading.Semaphore(PERMITS)
        deadline = time.monotonic() + seconds
        clients = [Client(proxy, i, SEED, deadline, permits, cluster, mode) for i in range(CLIENTS)]
        for c in clients:
            c.start()
        for c in clients:
            c.join(seconds + 60)
        check(not any(c.is_alive() for c in clients), "a client hangs")
        problems = [c.problem for c in clients if c.problem]
        check(not problems, f"seed {SEED}:", "\n    ".join(str(p) for p in problems[:2]))
        steps = sum(c.steps for c in clients)
        check(steps > 5 * CLIENTS, "only", steps, "steps")
        print(f"# {steps} steps", flush=True)


@test
def in_transaction_mode_every_client_sees_its_own_state_only(cluster):
    shake(cluster, "transaction", 4, SECONDS * 0.6)


@test
def in_session_mode_every_client_sees_its_own_state_only(cluster):
    shake(cluster, "session", 2 * CLIENTS, SECONDS * 0.2)


@test
def in_statement_mode_every_client_sees_its_own_state_only(cluster):
    shake(cluster, "statement", 4, SECONDS * 0.2)


if __name__ == "__main__":
    main(lambda: Cluster(shards=3), before)
