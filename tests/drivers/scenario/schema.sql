-- Statements end at a line's end with a semicolon. For the one PostgreSQL the runner takes the
-- mosaic options away.
CREATE TABLE countries (code text PRIMARY KEY, name text NOT NULL) WITH (mosaic.reference = true);
CREATE TABLE users (
    user_id bigint PRIMARY KEY,
    email text NOT NULL,
    country text REFERENCES countries (code),
    score int NOT NULL DEFAULT 0 CHECK (score >= 0),
    UNIQUE (user_id, email)) WITH (mosaic.shard_key = 'user_id');
CREATE TABLE orders (
    user_id bigint NOT NULL REFERENCES users (user_id),
    order_id uuid NOT NULL DEFAULT gen_random_uuid(),
    amount numeric(12,2) NOT NULL,
    placed timestamptz NOT NULL,
    PRIMARY KEY (user_id, order_id)) WITH (mosaic.shard_key = 'user_id');
CREATE TABLE items (
    user_id bigint NOT NULL,
    order_id uuid NOT NULL,
    line int NOT NULL,
    sku text NOT NULL,
    quantity int NOT NULL,
    PRIMARY KEY (user_id, order_id, line),
    FOREIGN KEY (user_id, order_id) REFERENCES orders (user_id, order_id) ON DELETE CASCADE)
    WITH (mosaic.shard_key = 'user_id');
CREATE TABLE samples (
    user_id bigint PRIMARY KEY,
    bool bool, int2 int2, int4 int4, int8 int8, oid oid, float4 float4, float8 float8, "numeric" numeric,
    money money, text text, "varchar" varchar(20), bpchar char(5), "char" "char", name name, bytea bytea,
    date date, "time" time, timetz timetz, "timestamp" timestamp, timestamptz timestamptz, "interval" interval,
    uuid uuid, json json, jsonb jsonb, jsonpath jsonpath, xml xml, inet inet, cidr cidr, macaddr macaddr,
    macaddr8 macaddr8, "bit" bit(5), varbit varbit, point point, line line, lseg lseg, box box, path path,
    polygon polygon, circle circle, tsvector tsvector, tsquery tsquery, pg_lsn pg_lsn, xid8 xid8,
    int4range int4range, int8range int8range, numrange numrange, daterange daterange, tsrange tsrange,
    tstzrange tstzrange, int4multirange int4multirange, int4s int4[], int8s int8[], float8s float8[],
    numerics numeric[], texts text[], bools bool[], uuids uuid[], byteas bytea[], timestamptzs timestamptz[],
    jsonbs jsonb[], int4ranges int4range[]) WITH (mosaic.shard_key = 'user_id');
