"""psycopg2: the scenario by the simple protocol, parameters written into the text by the client."""
import io
import threading

import psycopg2
import psycopg2.extensions
import psycopg2.extras
from scenario import quoted, run_parts, say, schema, statements, values


def error_text(e):
    d = e.diag
    return f"ERROR {e.pgcode} {d.message_primary} position={d.statement_position} constraint={d.constraint_name}"


def execute(conn, sql, params=None):
    try:
        with conn.cursor() as cur:
            cur.execute(sql, params)
            return f"{cur.statusmessage} {cur.fetchall() if cur.description else None}"
    except psycopg2.Error as e:
        return error_text(e)


def numbered(sql, n):
    for i in range(n, 0, -1):
        sql = sql.replace(f"${i}", "%s")
    return sql


def run_statements(conn):
    for name, sql, params in statements():
        say(name, execute(conn, numbered(sql, len(params)), params or None))


def run_values(conn):
    for number, column, literal in values():
        column = quoted(column)
        execute(conn, f"INSERT INTO samples (user_id, {column}) VALUES (%s, %s)", (number, literal))
        try:
            say(f"value {number} {column}", round_trip(conn, number, column))
        except (psycopg2.Error, ValueError, OverflowError) as e:
            say(f"value {number} {column}", f"{type(e).__name__} {e}")


def round_trip(conn, number, column):
    with conn.cursor() as cur:
        cur.execute(f"SELECT {column} FROM samples WHERE user_id = %s", (number,))
        value = cur.fetchone()[0]
    shown = readable(value)
    if not isinstance(value, (dict, list)):
        shown = (shown, execute(conn, f"UPDATE samples SET {column} = %s WHERE user_id = %s", (value, number)))
    return f"{shown!r} " + execute(conn, f"SELECT {column}::text FROM samples WHERE user_id = {number}")


def readable(value):
    if isinstance(value, list):
        return [readable(part) for part in value]
    return bytes(value) if isinstance(value, memoryview) else value


def batch(conn):
    with conn.cursor() as cur:
        psycopg2.extras.execute_values(cur, "INSERT INTO users (user_id, email) VALUES %s",
                                       [(i, f"many{i}") for i in range(100, 150)])
        say("one insert of many rows", cur.rowcount)
        psycopg2.extras.execute_batch(cur, "UPDATE users SET score = %s WHERE user_id = %s",
                                      [(i, i) for i in range(100, 150)])
        cur.execute("SELECT user_id, score FROM users WHERE score >= 100 ORDER BY user_id")
        say("batch", cur.fetchall())
        cur.execute("SELECT 1; SELECT email FROM users WHERE user_id = 7")
        say("two statements in one text", cur.fetchall())


def copy(conn):
    with conn.cursor() as cur:
        cur.copy_from(io.StringIO("".join(f"{i}\tcopy{i}\n" for i in range(200, 300))), "users",
                      columns=("user_id", "email"))
        say("copy in", cur.rowcount)
        for name, sql in (("copy out", "COPY (SELECT user_id, email FROM users WHERE user_id = 204) TO STDOUT"),
                          ("copy out csv", "COPY users (user_id, email) TO STDOUT (FORMAT csv)")):
            out = io.StringIO()
            cur.copy_expert(sql, out)
            say(name, sorted(out.getvalue().splitlines()))
    try:
        with conn.cursor() as cur:
            cur.copy_from(io.StringIO("400\tx\nbad\ty\n"), "users", columns=("user_id", "email"))
    except psycopg2.Error as e:
        say("copy of a bad line", error_text(e))
    say("after the bad line", execute(conn, "SELECT user_id FROM users WHERE user_id = 400"))


def cursors(conn):
    conn.autocommit = False
    try:
        for name, where in (("cursor of one key", "WHERE user_id = 7"), ("cursor over shards", "ORDER BY user_id")):
            with conn.cursor("named") as cur:
                cur.itersize = 20
                cur.execute("SELECT user_id FROM users " + where)
                say(name, list(cur))
    finally:
        conn.rollback()
        conn.autocommit = True


def transactions(conn):
    conn.autocommit = False
    execute(conn, "UPDATE users SET score = 1000 WHERE user_id = 1")
    conn.rollback()
    execute(conn, "UPDATE users SET score = 2000 WHERE user_id = 2")
    execute(conn, "UPDATE users SET score = 2000 WHERE user_id = 3")
    conn.commit()
    conn.set_session(isolation_level="REPEATABLE READ", readonly=True, autocommit=False)
    say("transactions", execute(conn, "SELECT user_id, score FROM users WHERE score >= 1000 ORDER BY 1"))
    say("read only session", execute(conn, "UPDATE users SET score = 0 WHERE user_id = 2"))
    say("status", conn.info.transaction_status)
    conn.rollback()
    conn.set_session(isolation_level="DEFAULT", readonly=False, autocommit=True)


def cancel(conn):
    timer = threading.Timer(0.5, conn.cancel)
    timer.start()
    say("cancel", execute(conn, "SELECT pg_sleep(20)"))
    timer.join()
    say("after cancel", execute(conn, "SELECT email FROM users WHERE user_id = 7"))


def connections(conn):
    conn.close()
    again = psycopg2.connect("")
    say("reconnect", execute(again, "SELECT count(*) FROM users"))
    again.close()
    for name, options in (("wrong password", {"password": "wrong"}), ("unknown database", {"dbname": "nosuch"})):
        try:
            psycopg2.connect("", **options)
            say(name, "connected")
        except psycopg2.OperationalError as e:
            say(name, str(e).split("FATAL:")[-1].strip())


def main():
    conn = psycopg2.connect("")
    conn.autocommit = True
    say("connect", (conn.encoding, conn.server_version))
    say("migrate", [execute(conn, sql) for sql in schema()])
    run_parts(conn, (run_statements, run_values, batch, copy, cursors, transactions, cancel, connections))


main()
