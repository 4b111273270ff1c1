"""asyncpg: everything prepared and binary, a cache of statements, COPY, cursors, a pool."""
import asyncio
import io

import asyncpg
from scenario import quoted, say, schema, statements, values


def error_text(e):
    return f"ERROR {e.sqlstate} {e.message} position={e.position} constraint={e.constraint_name}"


async def attempt(conn, sql, *params):
    try:
        statement = await conn.prepare(sql)
        rows = await statement.fetch(*params)
        types = [a.type.name for a in statement.get_attributes()]
        return f"{statement.get_statusmsg()} {types} {[tuple(r) for r in rows]}"
    except asyncpg.PostgresError as e:
        return error_text(e)


async def run_statements(conn):
    for name, sql, params in statements():
        say(name, await attempt(conn, sql, *params))


async def run_values(conn):
    for number, column, literal in values():
        text = "NULL" if literal is None else f"$v${literal}$v$"
        await conn.execute(f"INSERT INTO samples (user_id, {quoted(column)}) VALUES ({number}, {text})")
        try:
            said = await round_trip(conn, number, quoted(column))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError, OverflowError) as e:
            said = f"{type(e).__name__} {e}"
        say(f"value {number} {column}", said)


async def round_trip(conn, number, column):
    value = await conn.fetchval(f"SELECT {column} FROM samples WHERE user_id = $1", number)
    try:
        back = await conn.execute(f"UPDATE samples SET {column} = $2 WHERE user_id = $1", number, value)
    except (asyncpg.PostgresError, asyncpg.DataError) as e:
        back = type(e).__name__
    text = await conn.fetchval(f"SELECT {column}::text FROM samples WHERE user_id = $1", number)
    shown = tuple(value) if isinstance(value, (asyncpg.Path, asyncpg.Polygon)) else value
    return f"{shown!r} {back} {text!r}"


async def batch(conn):
    await conn.executemany("INSERT INTO users (user_id, email) VALUES ($1, $2)", [(i, f"b{i}") for i in range(100, 160)])
    say("batch", await attempt(conn, "SELECT count(*) FROM users WHERE user_id >= 100"))
    try:
        await conn.executemany("INSERT INTO users (user_id, email) VALUES ($1, $2)", [(160, "x"), (161, "y"), (100, "z")])
    except asyncpg.PostgresError as e:
        say("error in a batch", error_text(e))
    say("after the error", await attempt(conn, "SELECT user_id FROM users WHERE user_id IN (160, 161)"))


async def prepared(conn):
    statement = await conn.prepare("SELECT email FROM users WHERE user_id = $1")
    say("parameters", ([p.name for p in statement.get_parameters()], [a.name for a in statement.get_attributes()]))
    say("prepared many times", [await statement.fetchval(i) for i in range(90, 160)])


async def copy(conn):
    records = [(i, f"copy{i}", None) for i in range(200, 300)]
    say("copy in binary", await conn.copy_records_to_table("users", records=records, columns=["user_id", "email", "country"]))
    source = io.BytesIO(b"".join(b"%d,csv\n" % i for i in range(300, 320)))
    say("copy in csv", await conn.copy_to_table("users", source=source, columns=["user_id", "email"], format="csv"))
    for form in ("text", "csv"):
        out = io.BytesIO()
        await conn.copy_from_table("users", columns=["user_id", "email"], output=out, format=form)
        say(f"copy out {form}", sorted(out.getvalue().splitlines()))
    out = io.BytesIO()
    await conn.copy_from_query("SELECT user_id, email FROM users WHERE user_id = $1", 204, output=out, format="binary")
    say("copy out binary", out.getvalue())


async def cursors(conn):
    async with conn.transaction():
        rows = [r[0] async for r in conn.cursor("SELECT user_id FROM users ORDER BY user_id", prefetch=10)]
        say("cursor over shards", rows)
        cursor = await conn.cursor("SELECT user_id, email FROM users WHERE user_id = $1", 7)
        say("cursor of one key", (await cursor.fetch(1), await cursor.fetch(1)))


async def transactions(conn):
    async with conn.transaction(isolation="repeatable_read"):
        await conn.execute("UPDATE users SET score = 1000 WHERE user_id = 1")
        try:
            async with conn.transaction():
                await conn.execute("UPDATE users SET score = 1000 WHERE user_id = 2")
                raise ValueError
        except ValueError:
            pass
        await conn.execute("UPDATE users SET score = 1000 WHERE user_id = $1", 3)
    say("nested transactions", await attempt(conn, "SELECT user_id FROM users WHERE score = 1000 ORDER BY 1"))


async def schema_change(conn):
    await conn.fetch("SELECT * FROM countries WHERE code = $1", "FR")
    await conn.execute("ALTER TABLE countries ADD COLUMN capital text")
    say("cached statement after a change", await conn.fetch("SELECT * FROM countries WHERE code = $1", "FR"))
    await conn.execute("ALTER TABLE countries DROP COLUMN capital")
    say("and back", await conn.fetch("SELECT * FROM countries WHERE code = $1", "FR"))


async def introspection(conn):
    await conn.execute("CREATE TABLE pairs (user_id bigint PRIMARY KEY, v int8range[], c countries) WITH (fillfactor = 90)")
    say("type of a table's row", await attempt(conn, "SELECT c FROM pairs WHERE user_id = 1"))


async def cancel(conn):
    try:
        await asyncio.wait_for(conn.execute("SELECT pg_sleep(20)"), 0.5)
    except asyncio.TimeoutError:
        say("cancel", "timed out")
    say("after cancel", await attempt(conn, "SELECT email FROM users WHERE user_id = 7"))
    say("reload of settings", await conn.execute("SET application_name = 'x'"))
    await conn.reset()
    say("after reset", await attempt(conn, "SHOW application_name"))


async def pool(conn):
    async with asyncpg.create_pool(min_size=2, max_size=5, ssl=False) as connections:
        got = await asyncio.gather(*(connections.fetchval("SELECT email FROM users WHERE user_id = $1", i) for i in range(1, 40)))
        say("pool", got)


async def connections(conn):
    await conn.close()
    for name, options in (("wrong password", {"password": "wrong"}), ("unknown database", {"database": "nosuch"})):
        try:
            await asyncpg.connect(**options)
            say(name, "connected")
        except asyncpg.PostgresError as e:
            say(name, f"{e.sqlstate} {e}")


async def main():
    conn = await asyncpg.connect(server_settings={"application_name": "drivers"})
    say("connect", (conn.get_server_version()[:2], conn.get_settings().client_encoding))
    for sql in schema():
        await conn.execute(sql)
    say("migrate", len(schema()))
    for part in (run_statements, run_values, batch, prepared, copy, cursors, transactions, schema_change, introspection,
                 cancel, pool, connections):
        try:
            await part(conn)
        except Exception as e:
            say(f"{part.__name__} ended by", f"{type(e).__name__} {e}")


asyncio.run(main())
