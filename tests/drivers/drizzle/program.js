"use strict";
// Drizzle over postgres.js: its migrator, typed queries, relational queries, transactions.
const fs = require("fs");
const os = require("os");
const path = require("path");
const postgres = require("postgres");
const { drizzle } = require("drizzle-orm/postgres-js");
const { migrate: runMigrations } = require("drizzle-orm/postgres-js/migrator");
const { asc, count, desc, eq, inArray, relations, sql, sum } = require("drizzle-orm");
const t = require("drizzle-orm/pg-core");
const { runParts, say } = require("scenario");

const users = t.pgTable("users", {
  userId: t.bigint("user_id", { mode: "number" }).primaryKey(), email: t.text("email").notNull(),
  score: t.integer("score").notNull().default(0), profile: t.jsonb("profile"), tags: t.text("tags").array(),
});
const orders = t.pgTable("orders", {
  userId: t.bigint("user_id", { mode: "number" }).notNull().references(() => users.userId),
  orderId: t.uuid("order_id").notNull().defaultRandom(), amount: t.numeric("amount", { precision: 12, scale: 2 }).notNull(),
}, (table) => [t.primaryKey({ columns: [table.userId, table.orderId] })]);
const tables = {
  users, orders,
  usersRelations: relations(users, ({ many }) => ({ orders: many(orders) })),
  ordersRelations: relations(orders, ({ one }) => ({ user: one(users, { fields: [orders.userId], references: [users.userId] }) })),
};
const migration = `CREATE TABLE "users" ("user_id" bigint PRIMARY KEY NOT NULL, "email" text NOT NULL, "score" integer DEFAULT 0 NOT NULL,
  "profile" jsonb, "tags" text[]);
--> statement-breakpoint
CREATE TABLE "orders" ("user_id" bigint NOT NULL, "order_id" uuid DEFAULT gen_random_uuid() NOT NULL, "amount" numeric(12, 2) NOT NULL,
  CONSTRAINT "orders_pk" PRIMARY KEY ("user_id", "order_id"));
--> statement-breakpoint
ALTER TABLE "orders" ADD CONSTRAINT "orders_user" FOREIGN KEY ("user_id") REFERENCES "public"."users"("user_id") ON DELETE no action;
--> statement-breakpoint
CREATE INDEX "by_email" ON "users" USING btree ("email");`;

const cause = (e) => `ERROR ${(e.cause || e).code} ${(e.cause || e).message}`;

async function migrate(db) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "drizzle-"));
  fs.mkdirSync(path.join(folder, "meta"));
  fs.writeFileSync(path.join(folder, "0000_one.sql"), migration);
  fs.writeFileSync(path.join(folder, "meta", "_journal.json"), JSON.stringify({
    version: "7", dialect: "postgresql", entries: [{ idx: 0, version: "7", when: 1700000000000, tag: "0000_one", breakpoints: true }] }));
  await runMigrations(db, { migrationsFolder: folder });
  await runMigrations(db, { migrationsFolder: folder });
  fs.rmSync(folder, { recursive: true });
  say("migrate", await db.execute(sql`SELECT count(*) FROM drizzle.__drizzle_migrations`));
}

async function writing(db) {
  await db.insert(users).values(Array.from({ length: 40 }, (_, i) => ({ userId: i + 1, email: `u${i + 1}`, profile: { n: i }, tags: ["a", ""] })));
  say("insert returning", await db.insert(users).values({ userId: 50, email: "u50" }).returning());
  say("generated key", (await db.insert(orders).values({ userId: 50, amount: "1.5" }).returning())[0].orderId.length);
  for (let i = 1; i < 10; i++)
    await db.insert(orders).values({ userId: i, orderId: `00000000-0000-0000-0000-00000000000${i}`, amount: `${i}.25` });
  say("upsert", await db.insert(users).values({ userId: 50, email: "again" })
    .onConflictDoUpdate({ target: users.userId, set: { email: sql`excluded.email` } }).returning({ email: users.email }));
  say("do nothing", (await db.insert(users).values({ userId: 50, email: "never" }).onConflictDoNothing().returning()).length);
  say("update", await db.update(users).set({ score: sql`${users.score} + 1` }).where(eq(users.userId, 5)).returning({ score: users.score }));
  say("delete", await db.delete(users).where(eq(users.userId, 40)).returning({ id: users.userId }));
  say("unique violation", await db.insert(users).values({ userId: 1, email: "twice" }).catch(cause));
}

async function reading(db) {
  say("select", await db.select().from(users).where(eq(users.userId, 7)));
  say("join", await db.select({ email: users.email, amount: orders.amount }).from(users)
    .innerJoin(orders, eq(orders.userId, users.userId)).orderBy(asc(users.userId)).limit(3).offset(2));
  say("left join of one key", await db.select().from(users).leftJoin(orders, eq(orders.userId, users.userId)).where(eq(users.userId, 3)));
  say("in", await db.select({ id: users.userId }).from(users).where(inArray(users.userId, [1, 2, 99])).orderBy(desc(users.userId)));
  say("aggregates", await db.select({ n: count(), sum: sum(users.score) }).from(users));
  const prepared = db.select().from(users).where(eq(users.userId, sql.placeholder("id"))).prepare("one");
  say("prepared", [await prepared.execute({ id: 1 }), await prepared.execute({ id: 2 })]);
  say("relational", await db.query.users.findFirst({ where: eq(users.userId, 3), with: { orders: true } }));
}

async function transactions(db) {
  await db.transaction(async (tx) => {
    await tx.update(users).set({ score: 1000 }).where(eq(users.userId, 1));
    await tx.transaction(async (inner) => {
      await inner.update(users).set({ score: 1000 }).where(eq(users.userId, 2));
      inner.rollback();
    }).catch(() => {});
    await tx.update(users).set({ score: 1000 }).where(eq(users.userId, 3));
  }, { isolationLevel: "repeatable read" });
  say("transactions", await db.select({ id: users.userId }).from(users).where(eq(users.score, 1000)).orderBy(users.userId));
}

async function back(db) {
  await db.execute(sql`DROP SCHEMA drizzle CASCADE`);
  say("schema dropped", await db.execute(sql`SELECT count(*) FROM pg_namespace WHERE nspname = 'drizzle'`));
}

async function main() {
  const ssl = process.env.PGSSLMODE === "require" ? { rejectUnauthorized: false } : false;
  const client = postgres({ max: 3, ssl, onnotice: () => {} });
  const db = drizzle(client, { schema: tables });
  say("connect", await db.execute(sql`SELECT current_user`));
  await runParts(db, [migrate, writing, reading, transactions, back]);
  await client.end();
}

main();
