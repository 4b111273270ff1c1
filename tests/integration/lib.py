"""What the integration tests share: a cluster, psql, counting, and waiting.

A test file defines functions with @test, and ends with main(). A function passes when it
returns, fails when it raises, and is skipped when it calls skip(). Its name, with blanks for
underscores, is the test's name.
"""
import argparse
import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

from wire import Wire

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PORT = 17100  # P to P+99, see scripts/lib/topology.sh

_tests = []
_options = argparse.Namespace(build="", port=PORT, only=None)


class Skipped(Exception):
    pass


def skip(reason):
    raise Skipped(reason)


def test(function):
    _tests.append(function)
    return function


def name_of(function):
    return function.__name__.replace("_", " ")


def check(condition, *what):
    """assert, with the values that were wrong."""
    if not condition:
        raise AssertionError(" ".join(str(w) for w in what))


def equal(got, want, what=""):
    check(got == want, what, "got", repr(got), "instead of", repr(want))


def contains(text, part):
    check(part in text, repr(part), "is not in", repr(text))


def wait_until(seconds, condition, what):
    """Polls; the value of the condition once it is true."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        check(time.monotonic() < deadline, "not within", seconds, "s:", what)
        time.sleep(0.1)


class Cluster:
    """Servers and a proxy by scripts/cluster. Attributes: DIR/env in small letters."""

    def __init__(self, shards=3, default_shard_key="", extra_yaml="", fast=True, up=True):
        self.dir = tempfile.mkdtemp(prefix="integration.", dir=os.environ.get("TMPDIR", "/tmp"))
        os.chmod(self.dir, 0o755)
        self.options = ["--shards", str(shards), "--port", str(_options.port), "--build", build()]
        if default_shard_key:
            self.options += ["--default-shard-key", default_shard_key]
        if fast:
            self.options += ["--fast"]
        if extra_yaml:
            extra = os.path.join(self.dir, "extra-in.yaml")
            with open(extra, "w") as f:
                f.write(extra_yaml)
            self.options += ["--config-extra", extra]
        self.dir = os.path.join(self.dir, "cluster")
        atexit.register(self.down)
        if up:
            self.script("up", *self.options)

    def script(self, command, *args, check_status=True):
        done = subprocess.run([os.path.join(ROOT, "scripts", "cluster"), command, *args, "--dir", self.dir],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180)
        if check_status and done.returncode != 0:
            raise AssertionError(f"scripts/cluster {command} failed:\n{done.stdout}")
        if os.path.exists(os.path.join(self.dir, "env")):
            self.read_env()
        return done

    def read_env(self):
        with open(os.path.join(self.dir, "env")) as f:
            for line in f:
                key, _, value = line.strip().partition("=")
                if key:
                    setattr(self, key.lower(), value.strip("'"))

    def down(self):
        if os.path.exists(os.path.join(self.dir, "cluster.conf")):
            self.script("down", "--purge", check_status=False)
        shutil.rmtree(os.path.dirname(self.dir), ignore_errors=True)

    @property
    def proxy_dsn(self):
        return f"host=127.0.0.1 port={self.proxy_port} dbname={self.db} user={self.dbuser} password={self.dbpassword}"

    @property
    def admin_dsn(self):
        return f"host=127.0.0.1 port={self.admin_port} dbname=pgmosaic user={self.adminuser} password={self.adminpassword}"

    def shard_dsns(self):
        dsns, i = [], 1
        while hasattr(self, f"shard{i}_dsn"):
            dsns.append(getattr(self, f"shard{i}_dsn"))
            i += 1
        return dsns

    def proxy_alive(self):
        return process_lives(int(self.proxy_pid))

    def wire(self, **options):
        options.setdefault("user", self.dbuser)
        options.setdefault("password", self.dbpassword)
        options.setdefault("database", self.db)
        return Wire(int(self.proxy_port), **options)

    def sql(self, sql, dsn=None):
        """The rows of a statement through the proxy (or to dsn), as lists of strings; must succeed."""
        done = psql(dsn or self.proxy_dsn, "-At", "-F", "\t", "-c", sql)
        check(done.returncode == 0, sql, "failed:", done.stderr)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def value(self, sql, dsn=None):
        return self.sql(sql, dsn)[0][0]

    def on_shards(self, sql):
        """One value from each shard, directly."""
        return [self.value(sql, dsn) for dsn in self.shard_dsns()]

    def admin(self, sql):
        return psql(self.admin_dsn, "-A", "-F", "\t", "-P", "footer=off", "-v", "VERBOSITY=verbose", "-c", sql)

    def config(self):
        with open(os.path.join(self.dir, "pgmosaic.yaml")) as f:
            return f.read()

    def open_transactions(self):
        """Client back ends on the shards that are in a transaction, and prepared transactions."""
        return sum(int(n) for n in self.on_shards(
            f"SELECT (SELECT count(*) FROM pg_stat_activity WHERE usename = '{self.dbuser}' AND state <> 'idle')"
            " + (SELECT count(*) FROM pg_prepared_xacts)"))


def process_lives(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(") ", 1)[1][0] not in "ZX"
    except OSError:
        return False


def build():
    return os.path.abspath(_options.build or os.environ.get("PGMOSAIC_BUILD") or os.path.join(ROOT, "build", "release"))


def program(name):
    """A PostgreSQL program: the newest installed, or the one in PATH."""
    for version in ("15", "16", "17", "14"):
        path = f"/usr/lib/postgresql/{version}/bin/{name}"
        if os.path.exists(path):
            return path
    return name


def clean_environment():
    return {k: v for k, v in os.environ.items() if not k.startswith("PG") or k == "PGMOSAIC_BUILD"}


def psql(dsn, *args, stdin="", timeout=60):
    return subprocess.run([program("psql"), "-X", dsn, *args], input=stdin, capture_output=True, text=True,
                          timeout=timeout, env=clean_environment())


def run_one(function, context):
    name = name_of(function)
    try:
        function(*context)
    except Skipped as reason:
        print(f"skip - {name}: {reason}", flush=True)
    except Exception as error:
        print(f"not ok - {name}: {error or type(error).__name__}", flush=True)
        if not isinstance(error, AssertionError):
            traceback.print_exc(file=sys.stdout)
        else:
            frame = traceback.extract_tb(error.__traceback__)
            print("    at", ", ".join(f"{os.path.basename(f.filename)}:{f.lineno}" for f in frame[1:]), flush=True)
        return False
    else:
        print(f"ok - {name}", flush=True)
    return True


def main(start_cluster=None, before=None):
    """Runs the tests of the file; with start_cluster they get its cluster as their argument."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="", help="folder with the pgmosaic program")
    parser.add_argument("--port", type=int, default=PORT, help="ports P to P+99 are used")
    parser.add_argument("--only", default=None, help="tests whose name holds this text")
    parser.parse_args(namespace=_options)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    context = ()
    if start_cluster is not None:
        try:
            context = (start_cluster(),)
            if before is not None:
                before(*context)
        except Exception as error:
            print(f"not ok - the cluster starts: {error}", flush=True)
            sys.exit(1)
    chosen = [t for t in _tests if _options.only is None or _options.only in name_of(t)]
    failed = [t for t in chosen if not run_one(t, context)]
    sys.exit(1 if failed else 0)
