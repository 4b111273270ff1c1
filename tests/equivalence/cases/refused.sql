-- What this version does not do over several shards; each says so and why.
-- A statement that gives PostgreSQL's exact answer passes as well, but for
-- those marked refused.
-- @refused
UPDATE a SET k = 2 WHERE k = 1;
-- @refused
UPDATE a SET k = id;
-- @exact-or-refused
DECLARE c CURSOR FOR SELECT 1;
-- @exact-or-refused
LISTEN channel;
-- @exact-or-refused
NOTIFY channel;
-- @exact-or-refused
UNLISTEN *;
-- @exact-or-refused
SELECT nextval('nosuch_seq');
-- @exact-or-refused
LOCK TABLE a;
-- @exact-or-refused
DO $$ BEGIN PERFORM 1; END $$;
-- @exact-or-refused
SELECT 1 AS one INTO into_t;
-- @exact-or-refused
DROP TABLE IF EXISTS into_t;
-- @exact-or-refused
CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM a;
-- @exact-or-refused
DROP MATERIALIZED VIEW IF EXISTS mv;
-- @exact-or-refused
CREATE RULE r AS ON INSERT TO a DO INSTEAD NOTHING;
-- @exact-or-refused
DROP RULE IF EXISTS r ON a;
-- @exact-or-refused
SELECT lo_create(0) IS NULL;
-- @exact-or-refused
CREATE TABLE part (k bigint) PARTITION BY HASH (k) WITH (mosaic.shard_key = 'k');
-- @exact-or-refused
DROP TABLE IF EXISTS part;
-- @exact-or-refused
REFRESH MATERIALIZED VIEW nosuch;
-- @exact-or-refused
SELECT a.k FROM a FULL JOIN ref ON a.x = ref.id;
-- @exact-or-refused
INSERT INTO a (k, id) SELECT k + 1, id FROM b;
-- @exact-or-refused
DELETE FROM a USING b WHERE a.x = b.x AND a.k = 123456789 AND b.k = 987654321;
-- @exact-or-refused
SELECT dblink('x');
