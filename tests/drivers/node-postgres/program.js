"use strict";
// node-postgres: text and named statements, a pool, cursors, query streams, COPY.
const { pipeline } = require("stream/promises");
const { Readable } = require("stream");
const pg = require("pg");
const copy = require("pg-copy-streams");
const Cursor = require("pg-cursor");
const QueryStream = require("pg-query-stream");
const { runParts, say, schema, statements, values } = require("scenario");

const errorText = (e) => `ERROR ${e.code} ${e.message} position=${e.position} constraint=${e.constraint}`;

async function attempt(client, query) {
  try {
    const r = await client.query(query);
    return [r.command, r.rowCount, r.fields.map((f) => f.dataTypeID < 16384 ? f.dataTypeID : 0), r.rows];
  } catch (e) {
    return errorText(e);
  }
}

async function runStatements(client) {
  for (const { name, sql, params } of statements())
    say(name, await attempt(client, { text: sql, values: params.length ? params : undefined, rowMode: "array" }));
}

async function runValues(client) {
  for (const { number, column, literal } of values()) {
    await client.query(`INSERT INTO samples (user_id, ${column}) VALUES ($1, $2)`, [number, literal]);
    const value = (await client.query(`SELECT ${column} AS v FROM samples WHERE user_id = $1`, [number])).rows[0].v;
    const back = await attempt(client, { text: `UPDATE samples SET ${column} = $1 WHERE user_id = $2`, values: [value, number] });
    const text = (await client.query(`SELECT ${column}::text AS t FROM samples WHERE user_id = ${number}`)).rows[0].t;
    const binary = await attempt(client, { text: `SELECT ${column} FROM samples WHERE user_id = $1`, values: [number], binary: true, rowMode: "array" });
    say(`value ${number} ${column}`, [value, back, text, binary]);
  }
}

async function named(client) {
  const got = [];
  for (let i = 90; i < 160; i++) {
    const r = await client.query({ name: "by key", text: "SELECT email FROM users WHERE user_id = $1", values: [i % 12] });
    got.push(r.rows);
  }
  say("prepared many times", got);
}

async function queued(client) {
  const waiting = [];
  for (let i = 100; i < 150; i++) waiting.push(client.query("INSERT INTO users (user_id, email) VALUES ($1, $2)", [i, `q${i}`]));
  say("queued queries", (await Promise.all(waiting)).map((r) => r.rowCount));
  const many = await client.query("SELECT 1 AS a; SELECT email FROM users WHERE user_id = 7; SELECT count(*) FROM users");
  say("several statements in one text", many.map((r) => r.rows));
}

async function transactions(client) {
  await client.query("BEGIN");
  for (const id of [1, 2, 3]) await client.query("UPDATE users SET score = 1000 WHERE user_id = $1", [id]);
  await client.query("ROLLBACK");
  await client.query("BEGIN");
  for (const id of [4, 5, 6]) await client.query("UPDATE users SET score = 1000 WHERE user_id = $1", [id]);
  await client.query("COMMIT");
  say("transactions", await attempt(client, "SELECT user_id FROM users WHERE score = 1000 ORDER BY user_id"));
}

async function cursors(client) {
  const cursor = client.query(new Cursor("SELECT user_id FROM users ORDER BY user_id", []));
  const parts = [await cursor.read(5), await cursor.read(5)];
  await cursor.close();
  say("cursor over shards", parts);
  const stream = client.query(new QueryStream("SELECT email FROM users WHERE user_id < $1 ORDER BY user_id", [9], { batchSize: 3 }));
  const got = [];
  for await (const row of stream) got.push(row.email);
  say("query stream", got);
}

async function copies(client) {
  const lines = Array.from({ length: 100 }, (_, i) => `${200 + i}\tcopy${i}\n`);
  const into = client.query(copy.from("COPY users (user_id, email) FROM STDIN"));
  await pipeline(Readable.from(lines), into);
  say("copy in", into.rowCount);
  let text = "";
  for await (const part of client.query(copy.to("COPY users (user_id, email) TO STDOUT (FORMAT csv)"))) text += part;
  say("copy out", text.split("\n").sort());
}

async function notices(client) {
  const heard = [];
  client.on("notice", (n) => heard.push(n.message));
  await client.query("CREATE TABLE IF NOT EXISTS users (user_id bigint PRIMARY KEY)");
  await client.query("DROP TABLE IF EXISTS nosuch");
  say("notices", heard);
}

async function pools() {
  const pool = new pg.Pool({ max: 5 });
  const got = await Promise.all(Array.from({ length: 40 }, (_, i) =>
    pool.query("SELECT email FROM users WHERE user_id = $1", [i]).then((r) => r.rows)));
  say("pool", got);
  await pool.end();
}

async function cancel(client) {
  const other = new pg.Client();
  await other.connect();
  await client.query("SET statement_timeout = '300ms'");
  say("statement timeout", await attempt(client, "SELECT pg_sleep(20)"));
  await client.query("RESET statement_timeout");
  const waiting = attempt(client, "SELECT pg_sleep(20)");
  const sleeping = client.activeQuery || client._activeQuery;
  setTimeout(() => new pg.Client().cancel(client, sleeping), 300);
  say("cancel", await waiting);
  say("after cancel", await attempt(client, "SELECT email FROM users WHERE user_id = 7"));
  await other.end();
}

async function connections(client) {
  await client.end();
  const again = new pg.Client({ application_name: "again", statement_timeout: 5000 });
  await again.connect();
  say("reconnect", [await attempt(again, "SHOW statement_timeout"), await attempt(again, "SHOW application_name")]);
  await again.end();
  for (const [name, options] of [["wrong password", { password: "wrong" }], ["unknown database", { database: "nosuch" }]]) {
    const bad = new pg.Client(options);
    say(name, await bad.connect().then(() => "connected", errorText));
    await bad.end().catch(() => {});
  }
}

async function main() {
  const client = new pg.Client();
  await client.connect();
  say("connect", await attempt(client, "SELECT current_user"));
  for (const sql of schema()) await client.query(sql);
  say("migrate", schema().length);
  await runParts(client, [runStatements, runValues, named, queued, transactions, cursors, copies, notices, pools, cancel, connections]);
}

main();
