"use strict";
// Knex: migrations with their lock table, the query builder, transactions, batches.
const knex = require("knex");
const { runParts, say } = require("scenario");

const reference = process.env.REFERENCE;
const migrations = {
  one: {
    up: async (db) => {
      await db.raw(`CREATE TABLE countries (code varchar(2) PRIMARY KEY, name text NOT NULL) ${reference}`);
      await db.schema.createTable("users", (t) => {
        t.bigInteger("user_id").primary();
        t.string("email").notNullable().index();
        t.string("country", 2).references("code").inTable("countries");
        t.integer("score").notNullable().defaultTo(0);
        t.jsonb("profile");
        t.timestamp("joined", { useTz: true });
      });
      await db.schema.createTable("orders", (t) => {
        t.bigInteger("user_id").references("user_id").inTable("users");
        t.uuid("order_id").defaultTo(db.raw("gen_random_uuid()"));
        t.decimal("amount", 12, 2).notNullable();
        t.primary(["user_id", "order_id"]);
      });
    },
    down: async (db) => { for (const t of ["orders", "users", "countries"]) await db.schema.dropTable(t); },
  },
  two: {
    up: (db) => db.schema.alterTable("users", (t) => { t.string("nick").defaultTo("none"); t.index(["country"]); }),
    down: (db) => db.schema.alterTable("users", (t) => { t.dropIndex(["country"]); t.dropColumn("nick"); }),
  },
};
const migrationSource = {
  getMigrations: async () => Object.keys(migrations), getMigrationName: (m) => m, getMigration: async (m) => migrations[m],
};
const errorText = (e) => `ERROR ${e.code} ${e.message.split(" - ").pop()} constraint=${e.constraint}`;

async function migrate(db) {
  say("migrate", (await db.migrate.latest({ migrationSource }))[1]);
  say("back one", (await db.migrate.down({ migrationSource }))[1]);
  say("and again", (await db.migrate.latest({ migrationSource }))[1]);
  say("nothing left", (await db.migrate.list({ migrationSource })).map((l) => l.length));
  say("has table", [await db.schema.hasTable("users"), await db.schema.hasTable("nosuch"), await db.schema.hasColumn("users", "nick")]);
  say("columns", await db("users").columnInfo());
}

async function writing(db) {
  await db("countries").insert([{ code: "FR", name: "France" }, { code: "DE", name: "Germany" }]);
  const users = Array.from({ length: 60 }, (_, i) => ({ user_id: i + 1, email: `u${i + 1}`, country: i % 2 ? "FR" : null, profile: { n: i + 1 } }));
  await db.batchInsert("users", users, 25);
  say("count", await db("users").count());
  say("insert returning", await db("users").insert({ user_id: 70, email: "u70" }).returning(["user_id", "nick", "score"]));
  say("generated key", (await db("orders").insert({ user_id: 1, amount: 12.5 }).returning("order_id"))[0].order_id.length);
  for (let i = 2; i < 12; i++) await db("orders").insert({ user_id: i, order_id: `00000000-0000-0000-0000-0000000000${10 + i}`, amount: i });
  say("upsert", await db("users").insert({ user_id: 70, email: "merged" }).onConflict("user_id").merge(["email"]).returning("email"));
  say("ignore", (await db("users").insert({ user_id: 70, email: "ignored" }).onConflict().ignore()).rowCount);
  say("increment", await db("users").where("country", "FR").increment("score", 3));
  say("update", await db("users").where({ user_id: 5 }).update({ email: "changed" }, ["user_id", "email"]));
  say("delete", await db("users").where("user_id", ">", 58).andWhere("user_id", "<", 65).del());
  say("unique violation", await db("users").insert({ user_id: 1, email: "twice" }).catch(errorText));
}

async function reading(db) {
  say("first", await db("users").where("user_id", 7).first());
  say("join", await db("users").join("orders", "orders.user_id", "users.user_id").where("users.user_id", 3).select("email", "amount"));
  say("join over shards", await db("users as u").join("orders as o", "o.user_id", "u.user_id").join("countries as c", "c.code", "u.country")
    .select("u.user_id", "c.name", "o.amount").orderBy("u.user_id").limit(4).offset(1));
  say("where in", await db("users").whereIn("user_id", [1, 5, 99]).orderBy("user_id").pluck("email"));
  say("group by", await db("users").select("country").count("* as n").groupBy("country").having(db.raw("count(*) > ?", [1])).orderBy("country"));
  say("aggregates", await db("orders").where("user_id", ">", 1).sum("amount").avg("amount").max("user_id").first());
  say("distinct", await db("users").distinct("country").orderBy("country"));
  say("exists", await db("users").whereExists(db("orders").whereRaw("orders.user_id = users.user_id")).count());
  say("for update", await db.transaction((t) => t("users").where("user_id", 3).forUpdate().select("email")));
}

async function transactions(db) {
  await db.transaction(async (t) => {
    await t("users").where("user_id", 1).update({ score: 1000 });
    await t.transaction((s) => s("users").insert({ user_id: 2, email: "twice" })).catch((e) => say("savepoint", errorText(e)));
    await t("users").where("user_id", 3).update({ score: 1000 });
  });
  await db.transaction(async (t) => { await t("users").update({ score: 2000 }); throw new Error("no"); }).catch((e) => say("rolled back", e.message));
  say("transactions", await db("users").where("score", ">=", 1000).orderBy("user_id").pluck("user_id"));
  say("serializable", await db.transaction((t) => t("users").where("user_id", 1).pluck("email"), { isolationLevel: "serializable" }));
  say("read only", await db.transaction((t) => t("users").where("user_id", 1).update({ score: 0 }), { readOnly: true }).catch(errorText));
}

async function back(db) {
  say("migrated back", (await db.migrate.rollback({ migrationSource }, true))[1]);
}

async function main() {
  const db = knex({ client: "pg", connection: {}, pool: { min: 0, max: 4 } });
  say("connect", (await db.raw("SELECT current_user")).rows);
  await runParts(db, [migrate, writing, reading, transactions, back]);
  await db.destroy();
}

main();
