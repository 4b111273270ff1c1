#!/usr/bin/env python3
"""Configurations with every kind of mistake: a message with its line, and no start."""
import os
import re
import tempfile

from lib import check, contains, equal, main, test
from proxy import run_binary

GOOD = """\
listen: 127.0.0.1:17190
admin: 127.0.0.1:17191
http: 127.0.0.1:17192
workers: 1
catalog:
  dsn: "host=127.0.0.1 port=1 dbname=mosaic user=postgres"
auth:
  users:
    - { name: app, password: secret }
    - { name: admin, password: secret2, admin: true }
pool: { size: 5 }
timeouts: { queue: 1s }
bootstrap:
  shards:
    - { name: s1, dsn: "host=127.0.0.1 port=1 dbname=app user=postgres" }
  distributions:
    - { name: d, method: hash, types: [bigint], chunks: 4 }
  tables:
    - { name: public.orders, shard_key: k, distribution: d }
"""

# (what is wrong, text to replace, its replacement, line the message must name, a word of it)
MISTAKES = [
    ("an unknown key", "workers: 1", "wrokers: 1", 4, "wrokers"),
    ("an unknown key in a section", "pool: { size: 5 }", "pool: { sise: 5 }", 11, "sise"),
    ("an unknown key in a list", "name: app,", "nmae: app,", 9, "nmae"),
    ("a word for a number", "workers: 1", "workers: many", 4, "workers"),
    ("a negative number", "workers: 1", "workers: -1", 4, "workers"),
    ("a number too big", "pool: { size: 5 }", "pool: { size: 99999999 }", 11, "size"),
    ("a duration without a unit", "queue: 1s", "queue: 1", 12, "queue"),
    ("a duration with a wrong unit", "queue: 1s", "queue: 1 fortnight", 12, "queue"),
    ("a size without sense", "workers: 1", "limits: { message: big }", 4, "message"),
    ("a key twice", "workers: 1", "workers: 1\nworkers: 2", 5, "workers"),
    ("a list for a value", "workers: 1", "workers: [1, 2]", 4, "workers"),
    ("a mapping for a value", "workers: 1", "workers: { a: 1 }", 4, "workers"),
    ("a value for a section", "pool: { size: 5 }", "pool: 5", 11, "pool"),
    ("an address without a port", "listen: 127.0.0.1:17190", "listen: 127.0.0.1", 1, "listen"),
    ("a port out of range", "listen: 127.0.0.1:17190", "listen: 127.0.0.1:99999", 1, "listen"),
    ("no YAML at all", "workers: 1", "workers: [1", None, ""),
    ("a tab for indentation", "  users:", "\tusers:", 8, ""),
    ("a missing required key", 'catalog:\n  dsn: "host=127.0.0.1 port=1 dbname=mosaic user=postgres"\n', "", None, "catalog"),
    ("a user without a name", "{ name: app, password: secret }", "{ password: secret }", 9, "name"),
    ("a bad auth method", "pool: { size: 5 }", "  rules: [{ method: passwort }]", 11, "method"),
    ("a bad address in a rule", "pool: { size: 5 }", "  rules: [{ address: 1.2.3, method: trust }]", 11, "address"),
    ("a bad yes or no", "admin: true", "admin: perhaps", 10, "admin"),
    ("a DSN that cannot be parsed", 'dsn: "host=127.0.0.1 port=1 dbname=app user=postgres"', 'dsn: "host=127.0.0.1 nonsense"', 15, "dsn"),
    ("an unknown pool mode", "pool: { size: 5 }", "pool: { mode: query }", 11, "mode"),
    ("an unknown pool mode of a user", "admin: true", "admin: true, pool_mode: query", 10, "pool_mode"),
    ("TLS without its key", "workers: 1", "tls: { mode: require, cert: x }", 4, "tls.key"),
    ("rebalance", "workers: 1", "rebalance: { auto: true }", 4, "not supported by this version"),
    ("eventual consistency", "workers: 1", "consistency: { mode: eventual }", 4, "not supported by this version"),
    ("a shared snapshot", "workers: 1", "consistency: { read_snapshot: shared }", 4, "not supported by this version"),
    ("a bad log level", "workers: 1", "log: { level: loud }", 4, "level"),
    ("a bad distribution method", "method: hash", "method: magic", 17, "method"),
    ("a bad key type", "types: [bigint]", "types: [float8]", 17, "types"),
    ("no chunks", "chunks: 4", "chunks: 0", 17, "chunks"),
    ("a bad hash function", "chunks: 4", "chunks: 4, function: md5", 17, "function"),
    ("a table of an unknown distribution", "distribution: d }", "distribution: nosuch }", 19, "bootstrap.tables[0].distribution"),
    ("a table without a kind", ", shard_key: k, distribution: d", "", 19, "bootstrap.tables[0]"),
    ("a table of two kinds", "distribution: d }", "distribution: d, reference: true }", 19, "bootstrap.tables[0]"),
    ("two shards of one name", "  distributions:", '    - { name: s1, dsn: "host=127.0.0.1 dbname=b" }\n  distributions:', 16, "bootstrap.shards[1].name"),
    ("two users of one name", "name: admin,", "name: app,", 10, "auth.users[1].name"),
    ("min_size above size", "pool: { size: 5 }", "pool: { size: 5, min_size: 6 }", 11, "min_size"),
]


def run_with(text, *args):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as f:
        f.write(text)
    try:
        return run_binary(*args, "-c", f.name), f.name
    finally:
        os.unlink(f.name)


def check_mistake(what, old, new, line, word):
    check(old in GOOD, "the mistake does not apply:", old)
    for args in (("check",), ()):
        done, path = run_with(GOOD.replace(old, new, 1), *args)
        out = done.stdout + done.stderr
        check(done.returncode > 0, " ".join(args) or "start", "exit status", done.returncode, out[-500:])
        contains(out, word)
        if line is not None:
            check(re.search(rf"{re.escape(os.path.basename(path))}:{line}\b|line {line}\b", out),
                  " ".join(args) or "start", "does not name line", line, ":", out[-500:])
        check("AddressSanitizer" not in out, out[-2000:])
        check("secret" not in out, "a password is in the message", out)


def add_mistake(mistake):
    def function():
        check_mistake(*mistake)

    function.__name__ = f"{mistake[0]} is an error with its line".replace(" ", "_")
    test(function)


for m in MISTAKES:
    add_mistake(m)


@test
def a_good_file_passes_the_parser_and_check_says_what_cannot_be_reached():
    done, _ = run_with(GOOD, "check")
    out = done.stdout + done.stderr
    check(not re.search(r"\.yaml:\d+", out) or "connect" in out, out)
    contains(out, "127.0.0.1")


@test
def several_mistakes_are_all_named_in_one_run_or_the_first_is():
    done, _ = run_with(GOOD.replace("workers: 1", "wrokers: 1").replace("queue: 1s", "queue: x"), "check")
    check(done.returncode > 0)
    contains(done.stdout + done.stderr, "wrokers")


@test
def a_missing_file_is_an_error():
    for args in (("check",), ()):
        done = run_binary(*args, "-c", "/nonexistent/pgmosaic.yaml")
        check(done.returncode > 0, "exit status", done.returncode)
        contains(done.stdout + done.stderr, "/nonexistent/pgmosaic.yaml")


@test
def files_of_other_kinds_are_errors():
    for text in ("", "\0\1\2\3", "- a\n- list\n", "just text\n", "a: &x [*x]\n", "---\na: 1\n---\nb: 2\n", "x" * 100000,
                 "{" * 5000, "\xff\xfe: 1\n"):
        done, _ = run_with(text, "check")
        check(done.returncode > 0, repr(text[:20]), "exit status", done.returncode)
        check(done.returncode not in (134, 139, -6, -11) and "AddressSanitizer" not in done.stderr, done.stderr[-500:])


@test
def version_and_help_are_told():
    done = run_binary("--version")
    equal(done.returncode, 0)
    check(re.match(r"pgmosaic \d+\.\d+", done.stdout), done.stdout)
    done = run_binary("--help")
    equal(done.returncode, 0)
    for word in ("-c", "check", "--version", "--help"):
        contains(done.stdout, word)


@test
def a_wrong_command_line_is_an_error_that_shows_how():
    for args in ((), ("--nosuch",), ("-c",), ("check",), ("nosuch", "-c", "x")):
        done = run_binary(*args)
        check(done.returncode > 0, args, "exit status", done.returncode)
        check(done.stderr.strip(), args, "says nothing")


@test
def the_example_configuration_is_good():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    done = run_binary("check", "-c", os.path.join(root, "conf", "pgmosaic.yaml"), timeout=60)
    check(not re.search(r"unknown key|expected", done.stdout + done.stderr), done.stdout + done.stderr)


if __name__ == "__main__":
    main()
