#!/usr/bin/env python3
"""psql through the proxy, as a person uses it."""
import os
import pty
import re
import select
import signal
import subprocess
import tempfile
import time

from lib import Cluster, check, clean_environment, contains, equal, main, program, psql, test, wait_until


def before(cluster):
    cluster.sql("CREATE TABLE people (id bigint PRIMARY KEY, name text) WITH (mosaic.shard_key = 'id')")
    cluster.sql("INSERT INTO people VALUES (1, 'ann'), (2, 'bob'), (3, 'cyd'), (4, 'dan'), (5, 'eve')")
    cluster.sql("CREATE TABLE countries (code text PRIMARY KEY) WITH (mosaic.reference = true)")


@test
def backslash_d_shows_a_table_as_one_postgresql_does(cluster):
    through = psql(cluster.proxy_dsn, "-c", "\\d people")
    direct = psql(cluster.shard1_dsn, "-c", "\\d people")
    equal(through.stderr, "")
    contains(through.stdout, "id     | bigint |")
    equal(through.stdout, direct.stdout)


@test
def backslash_dt_lists_the_tables(cluster):
    out = psql(cluster.proxy_dsn, "-At", "-c", "\\dt").stdout
    contains(out, "public|people|table|" + cluster.dbuser)
    contains(out, "public|countries|table|" + cluster.dbuser)


@test
def other_backslash_commands_answer_without_an_error(cluster):
    for command in ("\\d", "\\di", "\\dv", "\\ds", "\\dn", "\\df", "\\du", "\\l", "\\dT", "\\d+ people", "\\dp",
                    "\\conninfo", "\\encoding", "\\dx", "\\db"):
        done = psql(cluster.proxy_dsn, "-v", "ON_ERROR_STOP=1", "-c", command)
        check("ERROR" not in done.stderr and "FATAL" not in done.stderr, command, "gave", done.stderr)
        check(done.returncode == 0 or "Did not find any" in done.stderr, command, "gave", done.stderr)


@test
def backslash_copy_in_splits_rows_over_the_shards_and_out_brings_them_back(cluster):
    cluster.sql("CREATE TABLE loaded (id bigint PRIMARY KEY, v text) WITH (mosaic.shard_key = 'id')")
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "in.csv"), os.path.join(folder, "out.csv")
        lines = [f'{i},"row {i}"' for i in range(1, 1001)]
        with open(source, "w") as f:
            f.write("\n".join(lines) + "\n")
        done = psql(cluster.proxy_dsn, "-c", f"\\copy loaded from '{source}' csv")
        equal((done.stdout.strip(), done.stderr), ("COPY 1000", ""))
        counts = [int(n) for n in cluster.on_shards("SELECT count(*) FROM loaded")]
        equal(sum(counts), 1000)
        check(min(counts) > 0, "a shard got no row:", counts)
        done = psql(cluster.proxy_dsn, "-c", f"\\copy loaded to '{target}' csv")
        equal((done.stdout.strip(), done.stderr), ("COPY 1000", ""))
        with open(target) as f:
            got = [line.rstrip("\n").replace('"', "") for line in f]
        equal(sorted(got), sorted(line.replace('"', "") for line in lines))


@test
def a_bad_line_in_backslash_copy_leaves_nothing_behind(cluster):
    cluster.sql("TRUNCATE loaded")
    data = "".join(f"{i}\tx\n" for i in range(1, 200)) + "bad\tx\n\\.\n"
    done = psql(cluster.proxy_dsn, "-c", "\\copy loaded from pstdin", stdin=data)
    contains(done.stderr, 'invalid input syntax for type bigint: "bad"')
    contains(done.stderr, "line 200")
    equal(cluster.on_shards("SELECT count(*) FROM loaded"), ["0", "0", "0"])


@test
def the_caret_stands_under_the_mistake(cluster):
    for sql in ("SELECT nosuch FROM people WHERE id = 1", "SELECT id,\n nosuch\nFROM people",
                "SELEC 1", "SELECT 'ü', nosuch FROM people", "SELECT * FROM people WHERE id = = 1"):
        through = psql(cluster.proxy_dsn, "-c", sql).stderr
        contains(through, "^")
        equal(through, psql(cluster.shard1_dsn, "-c", sql).stderr, sql)


@test
def a_statement_over_several_lines_works(cluster):
    done = psql(cluster.proxy_dsn, "-At", stdin="SELECT name\nFROM people\n-- a comment\nWHERE id\n= 3\n;\n")
    equal((done.stdout, done.stderr), ("cyd\n", ""))


@test
def backslash_watch_repeats(cluster):
    with Terminal(cluster.proxy_dsn) as term:
        term.type("SELECT count(*) AS people_now FROM people \\watch 0.3\n")
        wait_until(10, lambda: term.read().count("people_now") >= 4, "three rounds of \\watch")
        term.type("\x03")
        term.type("SELECT 'still ' || 'here';\n")
        term.expect("still here")


@test
def backslash_gdesc_describes(cluster):
    done = psql(cluster.proxy_dsn, "-At", stdin="SELECT id, name FROM people WHERE id = 1 \\gdesc\n")
    equal((done.stdout, done.stderr), ("id|bigint\nname|text\n", ""))


@test
def ctrl_c_cancels_a_routed_statement(cluster):
    cancelled(cluster, "SELECT pg_sleep(30) FROM people WHERE id = 1;\n")


@test
def ctrl_c_cancels_a_statement_on_all_shards(cluster):
    cancelled(cluster, "SELECT pg_sleep(30) FROM people;\n")
    wait_until(5, lambda: sleepers(cluster) == 0, "no pg_sleep left on the shards")


def sleepers(cluster):
    return sum(int(n) for n in cluster.on_shards(
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_' || 'sleep%'"
        " AND pid <> pg_backend_pid()"))


def cancelled(cluster, sql):
    with Terminal(cluster.proxy_dsn) as term:
        term.type(sql)
        wait_until(5, lambda: sleepers(cluster) > 0, "the statement runs")
        start = time.monotonic()
        term.type("\x03")
        term.expect("canceling statement due to user request")
        check(time.monotonic() - start < 5, "cancelling took too long")
        term.type("SELECT 'still ' || 'here';\n")
        term.expect("still here")


class Terminal:
    """psql under a pseudo-terminal."""

    def __init__(self, dsn):
        self.fd, child = pty.openpty()
        self.output = ""
        self.process = subprocess.Popen([program("psql"), "-X", "-n", "-P", "pager=off", dsn], stdin=child, stdout=child,
                                        stderr=child, preexec_fn=self.lead, env=clean_environment())
        os.close(child)
        self.expect("=[>#] ")

    @staticmethod
    def lead():
        import fcntl
        import termios
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    def type(self, text):
        os.write(self.fd, text.encode())

    def read(self):
        while select.select([self.fd], [], [], 0)[0]:
            try:
                self.output += os.read(self.fd, 65536).decode(errors="replace")
            except OSError:
                break
        return self.output

    def expect(self, pattern, seconds=10):
        wait_until(seconds, lambda: re.search(pattern, self.read()), f"{pattern!r} in {self.output[-300:]!r}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.fd)


if __name__ == "__main__":
    main(Cluster, before)
