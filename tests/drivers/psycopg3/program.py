"""psycopg 3: the scenario with parameters on the server, in text and in binary; pipeline, COPY, cursors."""
import threading
import time

import psycopg
from scenario import quoted, run_parts, say, schema, statements, values


def error_text(e):
    d = e.diag
    return f"ERROR {e.sqlstate} {d.message_primary} position={d.statement_position} constraint={d.constraint_name}"


def outcome(cur):
    rows = cur.fetchall() if cur.description else None
    types = [(c.name, c.type_code) for c in cur.description or () if c.type_code < 16384]
    return f"{cur.statusmessage} {types} {rows}"


def numbered(sql, n):
    """psycopg writes %s where PostgreSQL has $1."""
    sql = sql.replace("%", "%%") if n else sql
    for i in range(n, 0, -1):
        sql = sql.replace(f"${i}", "%s")
    return sql


def run_statements(conn):
    for name, sql, params in statements():
        try:
            say(name, outcome(conn.execute(numbered(sql, len(params)), params or None)))
        except psycopg.Error as e:
            say(name, error_text(e))


def run_values(conn):
    for number, column, literal in values():
        conn.execute(f"INSERT INTO samples (user_id, {quoted(column)}) VALUES ({number}, $v${literal}$v$)"
                     if literal is not None else f"INSERT INTO samples (user_id) VALUES ({number})")
        for binary in (False, True):
            name = f"value {number} {column} {'binary' if binary else 'text'}"
            try:
                say(name, round_trip(conn, number, quoted(column), binary))
            except (psycopg.Error, ValueError, OverflowError) as e:
                say(name, f"{type(e).__name__} {e}")
                conn.rollback()


def round_trip(conn, number, column, binary):
    cur = conn.cursor(binary=binary)
    value = cur.execute(f"SELECT {column} FROM samples WHERE user_id = %s", [number]).fetchone()[0]
    mark = "%b" if binary else "%t"
    try:
        cur.execute(f"UPDATE samples SET {column} = {mark} WHERE user_id = %s", [value, number])
        back = cur.statusmessage
    except psycopg.Error as e:
        back = type(e).__name__
    text = conn.execute(f"SELECT {column}::text FROM samples WHERE user_id = {number}").fetchone()[0]
    return f"{value!r} {back} {text!r}"


def all_samples(conn):
    for binary in (False, True):
        cur = conn.cursor(binary=binary)
        cur.execute("SELECT user_id, int8, numeric, float8, text, bytea, uuid, int4s, jsonb FROM samples ORDER BY user_id")
        say(f"samples over shards {'binary' if binary else 'text'}", cur.fetchall())


def batch(conn):
    with conn.cursor() as cur:
        cur.executemany("INSERT INTO users (user_id, email) VALUES (%s, %s)", [(i, f"batch{i}") for i in range(100, 150)])
        say("batch", cur.rowcount)
        cur.executemany("INSERT INTO users (user_id, email) VALUES (%s, %s) RETURNING user_id",
                        [(i, f"batch{i}") for i in range(150, 160)], returning=True)
        got = [cur.fetchone()]
        while cur.nextset():
            got.append(cur.fetchone())
        say("batch returning", got)


def pipeline(conn):
    with conn.pipeline(), conn.transaction():
        cursors = [conn.execute("UPDATE users SET score = %s WHERE user_id = %s RETURNING user_id, score", [i, i])
                   for i in range(100, 130)]
        say("pipeline", [c.fetchone() for c in cursors])
    try:
        with conn.pipeline():
            conn.execute("UPDATE users SET score = 777 WHERE user_id = 100")
            conn.execute("SELECT nosuch")
            conn.execute("UPDATE users SET score = 777 WHERE user_id = 101")
    except psycopg.Error as e:
        say("error in a pipeline", error_text(e))
    say("after the error", outcome(conn.execute("SELECT user_id FROM users WHERE score = 777 ORDER BY 1")))


def prepared(conn):
    got = [conn.execute("SELECT email FROM users WHERE user_id = %s", [i], prepare=True).fetchone()
           for i in range(90, 160)]
    say("prepared many times", got)


def copy(conn):
    with conn.cursor() as cur:
        with cur.copy("COPY users (user_id, email, country) FROM STDIN") as c:
            for i in range(200, 300):
                c.write_row((i, f"copy\t{i}", None if i % 2 else "FR"))
        say("copy in", cur.rowcount)
        with cur.copy("COPY users (user_id, email) FROM STDIN (FORMAT binary)") as c:
            c.set_types(["int8", "text"])
            for i in range(300, 310):
                c.write_row((i, f"binary{i}"))
        say("copy in binary", cur.rowcount)
        for name, form in (("copy out", ""), ("copy out csv", "(FORMAT csv, HEADER)")):
            with cur.copy(f"COPY (SELECT user_id, email, country FROM users WHERE user_id = 204) TO STDOUT {form}") as c:
                say(name, b"".join(bytes(block) for block in c))
        with cur.copy("COPY users (user_id, email) TO STDOUT (FORMAT binary)") as c:
            c.set_types(["int8", "text"])
            say("copy out binary", sorted(c.rows())[-12:])


def cursor_of_one_key(conn):
    with conn.transaction(), conn.cursor(name="one_key") as cur:
        cur.execute("SELECT user_id, email FROM users WHERE user_id = 7")
        say("cursor of one key", cur.fetchall())


def cursor_over_shards(conn):
    with conn.transaction(), conn.cursor(name="over_shards") as cur:
        cur.itersize = 50
        cur.execute("SELECT user_id FROM users ORDER BY user_id")
        say("cursor over shards", (cur.fetchmany(5), len(list(cur))))


def transactions(conn):
    with conn.transaction():
        conn.execute("UPDATE users SET score = 1000 WHERE user_id = 1")
        try:
            with conn.transaction():
                conn.execute("UPDATE users SET score = 2000 WHERE user_id = 2")
                raise psycopg.Rollback
        except psycopg.Rollback:
            pass
        conn.execute("UPDATE users SET score = 3000 WHERE user_id = 3")
    say("nested transactions", outcome(conn.execute("SELECT user_id, score FROM users WHERE score >= 1000 ORDER BY 1")))


def cancel(conn):
    timer = threading.Timer(0.5, conn.cancel_safe)
    timer.start()
    started = time.monotonic()
    say("cancel", attempt(conn, "SELECT pg_sleep(20)"))
    say("cancel is quick", time.monotonic() - started < 5)
    timer.join()
    say("after cancel", attempt(conn, "SELECT email FROM users WHERE user_id = 7"))
    conn.execute("SET statement_timeout = '300ms'")
    say("statement timeout", attempt(conn, "SELECT pg_sleep(20)"))
    conn.execute("RESET statement_timeout")


def attempt(conn, sql):
    try:
        return outcome(conn.execute(sql))
    except psycopg.Error as e:
        return error_text(e)


def connections(conn):
    conn.close()
    with psycopg.connect(autocommit=True) as again:
        say("reconnect", outcome(again.execute("SELECT count(*) FROM users")))
    for name, options in (("wrong password", {"password": "wrong"}), ("unknown database", {"dbname": "nosuch"})):
        try:
            psycopg.connect(**options)
            say(name, "connected")
        except psycopg.OperationalError as e:
            say(name, str(e).split("FATAL:")[-1].strip())


def main():
    conn = psycopg.connect(autocommit=True)
    say("connect", (conn.info.encoding, conn.info.parameter_status("integer_datetimes"), conn.info.server_version))
    for sql in schema():
        conn.execute(sql)
    say("migrate", len(schema()))
    run_parts(conn, (run_statements, run_values, all_samples, batch, pipeline, prepared, copy, cursor_of_one_key,
                     cursor_over_shards, transactions, cancel, connections))


main()
