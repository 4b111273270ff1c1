"use strict";
// postgres.js: tagged templates, prepared by itself, pipelined queries, cursors, COPY streams.
const { pipeline } = require("stream/promises");
const { Readable } = require("stream");
const postgres = require("postgres");
const { runParts, say, schema, statements, values } = require("scenario");

const ssl = process.env.PGSSLMODE === "require" ? { rejectUnauthorized: false } : false;
const options = { max: 1, ssl, onnotice: () => {} };
const errorText = (e) => `ERROR ${e.code} ${e.message} position=${e.position} constraint=${e.constraint_name}`;
const plain = (rows) => rows.map((row) => Object.values(row));

async function attempt(sql, text, params = [], how = {}) {
  try {
    const r = await sql.unsafe(text, params, how);
    return [r.command, r.count, plain(r)];
  } catch (e) {
    return errorText(e);
  }
}

async function runStatements(sql) {
  for (const { name, sql: text, params } of statements())
    say(name, await attempt(sql, text, params, { prepare: params.length > 0 }));
}

async function runValues(sql) {
  for (const { number, column, literal } of values()) {
    await sql.unsafe(`INSERT INTO samples (user_id, ${column}) VALUES ($1, $2::text::${typeOf(column)})`, [number, literal]);
    const read = await sql.unsafe(`SELECT ${column} AS v FROM samples WHERE user_id = $1`, [number]).catch((e) => [{ v: e.message }]);
    const v = read[0].v;
    const back = await attempt(sql, `UPDATE samples SET ${column} = $1 WHERE user_id = $2`, [v, number]);
    const text = await attempt(sql, `SELECT ${column}::text FROM samples WHERE user_id = ${number}`);
    say(`value ${number} ${column}`, [v, back, text]);
  }
}

const arrays = { texts: "text", bools: "bool", uuids: "uuid", byteas: "bytea", timestamptzs: "timestamptz", jsonbs: "jsonb",
  int4ranges: "int4range", int4s: "int4", int8s: "int8", float8s: "float8", numerics: "numeric" };
function typeOf(column) {
  const name = column.slice(1, -1);
  return arrays[name] ? `${arrays[name]}[]` : { char: '"char"', bit: "bit(5)" }[name] || name;
}

async function templates(sql) {
  const user = { user_id: 100, email: "t100" };
  say("insert helper", plain(await sql`INSERT INTO users ${sql(user)} RETURNING user_id, email, score`));
  const many = Array.from({ length: 40 }, (_, i) => ({ user_id: 101 + i, email: `t${i}` }));
  say("insert many", (await sql`INSERT INTO users ${sql(many)}`).count);
  say("update helper", (await sql`UPDATE users SET ${sql({ score: 5, email: "new" })} WHERE user_id = ${100}`).count);
  say("in", plain(await sql`SELECT user_id, email FROM users WHERE user_id IN ${sql([1, 100, 999])} ORDER BY user_id`));
  say("any", plain(await sql`SELECT user_id FROM users WHERE user_id = ANY (${[2, 3, 101]}::bigint[]) ORDER BY user_id`));
  const fragment = sql`WHERE user_id < ${5}`;
  say("fragment", plain(await sql`SELECT email FROM users ${fragment} ORDER BY user_id LIMIT ${2}`));
  say("described", (await sql`SELECT user_id, email FROM users WHERE user_id = ${1}`.describe()).types);
}

async function pipelined(sql) {
  const got = await Promise.all(Array.from({ length: 60 }, (_, i) => sql`SELECT email FROM users WHERE user_id = ${i}`));
  say("pipeline", got.map(plain));
  const mixed = await Promise.allSettled([sql`SELECT 1 AS a`, sql`SELECT nosuch FROM users`, sql`SELECT count(*) FROM users`]);
  say("error in a pipeline", mixed.map((m) => m.status === "fulfilled" ? plain(m.value) : errorText(m.reason)));
}

async function transactions(sql) {
  await sql.begin(async (t) => {
    await t`UPDATE users SET score = 1000 WHERE user_id = 1`;
    await t.savepoint((s) => s`INSERT INTO users (user_id, email) VALUES (1, 'twice')`).catch((e) => say("savepoint", errorText(e)));
    await t`UPDATE users SET score = 1000 WHERE user_id = 2`;
  });
  await sql.begin("READ ONLY", (t) => t`UPDATE users SET score = 1 WHERE user_id = 1`).catch((e) => say("read only", errorText(e)));
  const [a, b] = await sql.begin((t) => [t`SELECT user_id FROM users WHERE score = 1000 ORDER BY 1`, t`SELECT count(*) FROM users`]);
  say("transactions", [plain(a), plain(b)]);
}

async function cursors(sql) {
  const parts = [];
  await sql`SELECT user_id FROM users ORDER BY user_id`.cursor(20, (rows) => { parts.push(plain(rows)); });
  say("cursor over shards", parts);
  const got = [];
  await sql`SELECT email FROM users WHERE user_id = ${7}`.forEach((row) => { got.push(row.email); });
  say("for each", got);
}

async function copies(sql) {
  const lines = Array.from({ length: 100 }, (_, i) => `${200 + i}\tcopy${i}\n`);
  const into = await sql`COPY users (user_id, email) FROM STDIN`.writable();
  await pipeline(Readable.from(lines), into);
  let text = "";
  for await (const part of await sql`COPY users (user_id, email) TO STDOUT`.readable()) text += part;
  say("copy in and out", text.split("\n").sort());
}

async function cancel(sql) {
  const query = sql`SELECT pg_sleep(20)`;
  setTimeout(() => query.cancel(), 300);
  say("cancel", await query.then(() => "slept", errorText));
  say("after cancel", await attempt(sql, "SELECT email FROM users WHERE user_id = 7"));
}

async function connections(sql) {
  await sql.end();
  const many = postgres({ ...options, max: 5, fetch_types: true, connection: { application_name: "again", search_path: "public" } });
  say("reconnect", plain(await many`SHOW application_name`));
  say("pool", (await Promise.all(Array.from({ length: 40 }, (_, i) => many`SELECT email FROM users WHERE user_id = ${i}`))).map(plain));
  await many.end();
  for (const [name, bad] of [["wrong password", { password: "wrong" }], ["unknown database", { database: "nosuch" }]]) {
    const other = postgres({ ...options, ...bad });
    say(name, await other`SELECT 1`.then(() => "connected", errorText));
    await other.end();
  }
}

async function main() {
  const sql = postgres(options);
  say("connect", plain(await sql`SELECT current_user`));
  for (const text of schema()) await sql.unsafe(text);
  say("migrate", schema().length);
  await runParts(sql, [runStatements, runValues, templates, pipelined, transactions, cursors, copies, cancel, connections]);
}

main();
