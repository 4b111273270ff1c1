-- Tables, indexes and views made, changed and dropped through the proxy.
-- @modes simple text
-- @setup on
DROP TABLE IF EXISTS d_one;
DROP TABLE IF EXISTS d_two;
DROP TABLE IF EXISTS d_three;
DROP TABLE IF EXISTS d_ref;
DROP TABLE IF EXISTS d_like;
DROP TABLE IF EXISTS d_renamed;
-- @setup off
CREATE TABLE d_one (k bigint PRIMARY KEY, v int, t text NOT NULL DEFAULT 'x') WITH (mosaic.shard_key = 'k');
-- @sqlstate-only
CREATE TABLE d_one (k bigint PRIMARY KEY) WITH (mosaic.shard_key = 'k');
CREATE TABLE IF NOT EXISTS d_one (k bigint PRIMARY KEY) WITH (mosaic.shard_key = 'k');
-- @state d_one
INSERT INTO d_one (k, v) VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5);
SELECT * FROM d_one ORDER BY k;
ALTER TABLE d_one ADD COLUMN extra int;
SELECT * FROM d_one ORDER BY k;
ALTER TABLE d_one ADD COLUMN extra int;
ALTER TABLE d_one ADD COLUMN IF NOT EXISTS extra int;
ALTER TABLE d_one ALTER COLUMN extra SET DEFAULT 9;
INSERT INTO d_one (k) VALUES (6), (7), (8);
-- @state d_one
SELECT k, extra FROM d_one WHERE k IN (1, 6);
ALTER TABLE d_one ALTER COLUMN v TYPE bigint;
SELECT v FROM d_one WHERE k = 1;
SELECT sum(v) FROM d_one;
ALTER TABLE d_one RENAME COLUMN v TO value;
SELECT value FROM d_one WHERE k = 2;
SELECT v FROM d_one WHERE k = 2;
ALTER TABLE d_one ADD CONSTRAINT positive CHECK (value > 0);
INSERT INTO d_one (k, value) VALUES (20, -1);
ALTER TABLE d_one ADD CONSTRAINT bigger CHECK (value > 3);
ALTER TABLE d_one DROP CONSTRAINT positive;
ALTER TABLE d_one DROP CONSTRAINT nosuch;
ALTER TABLE d_one DROP COLUMN extra;
SELECT * FROM d_one WHERE k = 1;
-- @state d_one
INSERT INTO d_one VALUES (30, 30, 'after drop'), (31, 31, 'after drop');
CREATE INDEX d_one_t ON d_one (t);
CREATE INDEX d_one_t ON d_one (t);
CREATE INDEX IF NOT EXISTS d_one_t ON d_one (t);
CREATE UNIQUE INDEX d_one_kt ON d_one (k, t);
INSERT INTO d_one (k, t) VALUES (1, 'x');
-- @refused-always
CREATE UNIQUE INDEX d_one_bad ON d_one (t);
-- @refused-always
ALTER TABLE d_one ADD UNIQUE (t);
-- @refused-always
CREATE UNIQUE INDEX d_one_expr ON d_one ((k % 10), t);
DROP INDEX d_one_t;
DROP INDEX d_one_t;
DROP INDEX IF EXISTS d_one_t;
-- @refused-always
CREATE TABLE d_bad (k bigint, id int PRIMARY KEY) WITH (mosaic.shard_key = 'k');
-- @refused-always
ALTER TABLE d_one DROP COLUMN k;
COMMENT ON TABLE d_one IS 'a comment';
SELECT obj_description('d_one'::regclass);
CREATE TABLE d_two (a bigint, b bigint, x int, PRIMARY KEY (a, b)) WITH (mosaic.shard_key = 'a');
INSERT INTO d_two VALUES (1, 1, 1), (2, 1, 1), (3, 1, 1);
-- @state d_two
INSERT INTO d_two VALUES (1, 1, 2);
CREATE TABLE d_three (k bigint PRIMARY KEY REFERENCES d_one (k)) WITH (mosaic.shard_key = 'k');
INSERT INTO d_three VALUES (1);
INSERT INTO d_three VALUES (999);
DELETE FROM d_one WHERE k = 1;
DROP TABLE d_one;
DROP TABLE d_three;
CREATE TABLE d_ref (id int PRIMARY KEY, v text) WITH (mosaic.reference = true);
-- @state d_ref:ref
INSERT INTO d_ref VALUES (1, 'a'), (2, 'b');
ALTER TABLE d_ref ADD COLUMN w int DEFAULT 5;
SELECT * FROM d_ref ORDER BY id;
CREATE UNIQUE INDEX d_ref_v ON d_ref (v);
INSERT INTO d_ref VALUES (3, 'a');
CREATE TABLE d_like (id int PRIMARY KEY, v text);
INSERT INTO d_like VALUES (1, 'single');
SELECT * FROM d_like;
-- @exact-or-refused
CREATE TABLE d_as AS SELECT 1 AS one;
-- @exact-or-refused
DROP TABLE d_as;
-- @exact-or-refused
CREATE TEMP TABLE d_temp (x int);
CREATE VIEW d_view AS SELECT k, value FROM d_one WHERE value > 2;
-- @exact-or-refused
SELECT * FROM d_view ORDER BY k;
-- @exact-or-refused
SELECT * FROM d_view WHERE k = 3;
DROP TABLE d_one;
DROP VIEW d_view;
ALTER TABLE d_two RENAME TO d_renamed;
SELECT * FROM d_renamed WHERE a = 1;
SELECT count(*) FROM d_renamed;
SELECT * FROM d_two;
-- @state d_renamed
TRUNCATE d_renamed;
CREATE SCHEMA d_schema;
CREATE TABLE d_schema.t (k bigint PRIMARY KEY, v int) WITH (mosaic.shard_key = 'k');
INSERT INTO d_schema.t VALUES (1, 1), (2, 2), (3, 3);
SELECT * FROM d_schema.t WHERE k = 2;
SELECT count(*) FROM d_schema.t;
DROP SCHEMA d_schema;
DROP TABLE d_schema.t;
DROP SCHEMA d_schema;
-- @exact-or-refused
CREATE SEQUENCE d_seq;
-- @exact-or-refused
DROP SEQUENCE IF EXISTS d_seq;
-- @not text
VACUUM d_one;
ANALYZE d_one;
VACUUM ANALYZE;
DROP TABLE d_one, d_ref;
DROP TABLE d_like;
DROP TABLE d_renamed;
DROP TABLE d_renamed;
DROP TABLE IF EXISTS d_renamed;
-- @refused-always 42703
CREATE TABLE d_bad (k bigint) WITH (mosaic.shard_key = 'nosuch');
-- @exact-or-refused
CREATE FUNCTION d_fn(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT i + 1';
-- @exact-or-refused
SELECT d_fn(1);
-- @exact-or-refused
DROP FUNCTION IF EXISTS d_fn(int);
-- @exact-or-refused
CREATE TYPE d_mood AS ENUM ('sad', 'ok', 'happy');
-- @exact-or-refused
DROP TYPE IF EXISTS d_mood;
-- a migration in one transaction, as ORMs run it: each statement sees what the ones before made
BEGIN;
CREATE TABLE m_users (user_id bigint PRIMARY KEY, email text NOT NULL);
CREATE INDEX m_users_email ON m_users (email);
CREATE TABLE m_orders (user_id bigint, order_id uuid, PRIMARY KEY (user_id, order_id));
ALTER TABLE m_orders ADD CONSTRAINT m_fk FOREIGN KEY (user_id) REFERENCES m_users (user_id);
ALTER TABLE m_users ADD COLUMN nick text;
SELECT user_id, email, nick FROM m_users;
COMMIT;
SELECT user_id, email, nick FROM m_users;
DROP TABLE m_orders;
DROP TABLE m_users;
