-- Temporary tables and advisory locks: they live on the home shard, hide other tables, end with
-- their transaction or session.
-- @modes simple text binary prepared
CREATE TEMP TABLE t1 (id int PRIMARY KEY, k bigint, v text DEFAULT 'd');
INSERT INTO t1 VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, DEFAULT);
INSERT INTO t1 (id) VALUES (4) RETURNING *;
SELECT * FROM t1 ORDER BY id;
SELECT id, v FROM t1 WHERE k = 2;
SELECT count(*), max(k) FROM pg_temp.t1;
UPDATE t1 SET v = v || '!' WHERE id < 3 RETURNING id, v;
DELETE FROM t1 WHERE id = 4;
-- @sqlstate-only
INSERT INTO t1 VALUES (1, 1, 'twice');
SELECT nosuch FROM t1;
SELECT t1.id, name FROM t1 JOIN ref ON ref.id = t1.id ORDER BY 1;
SELECT t1.id, solo.v FROM t1 JOIN solo USING (id) ORDER BY 1;
SELECT id FROM t1 WHERE id IN (SELECT id FROM solo) UNION SELECT v FROM ref ORDER BY 1;
WITH w AS (SELECT id FROM t1) SELECT sum(id) FROM w;
INSERT INTO t1 SELECT id + 100, k, v FROM solo;
INSERT INTO t1 SELECT id + 200, v, name FROM ref;
SELECT count(*) FROM t1;
-- @exact-or-refused
SELECT a.t FROM t1 JOIN a ON a.k = t1.k WHERE a.k = 1 AND t1.k = 1;
-- @exact-or-refused
SELECT a.t FROM t1 JOIN a ON a.k = t1.k ORDER BY 1;
-- @exact-or-refused
SELECT t1.id, a.t FROM t1 JOIN a ON a.k = t1.k WHERE a.k = 2 ORDER BY 1, 2;
-- @exact-or-refused
SELECT t1.id, a.t FROM t1 JOIN a USING (k) WHERE k = 3 ORDER BY 1, 2;
-- @exact-or-refused
SELECT t1.v, count(*), sum(a.x) FROM t1 LEFT JOIN a USING (k) GROUP BY t1.v ORDER BY 1;
-- @exact-or-refused
SELECT id FROM t1 WHERE EXISTS (SELECT FROM a WHERE a.id = t1.id) ORDER BY 1;
-- @exact-or-refused
SELECT k FROM a WHERE k NOT IN (SELECT k FROM t1) ORDER BY 1;
-- @exact-or-refused
SELECT id::bigint FROM t1 UNION ALL SELECT k FROM b ORDER BY 1;
-- @exact-or-refused
INSERT INTO t1 SELECT k + 1000, k, t FROM a WHERE id = 1 AND k BETWEEN 1 AND 12;
-- @exact-or-refused
INSERT INTO w_two SELECT id + 5000, 1 FROM t1;
DELETE FROM w_two WHERE k > 5000;
-- A temporary table hides the sharded, the reference and the single table.
CREATE TEMP TABLE a (x int);
SELECT * FROM a;
INSERT INTO a VALUES (5);
SELECT * FROM a;
SELECT count(*) FROM public.a;
SELECT x FROM public.a WHERE k = 1 ORDER BY 1;
SELECT a.x FROM a WHERE a.k = 1;
CREATE TEMP TABLE ref AS SELECT 1 AS one;
SELECT * FROM ref;
SELECT count(*) FROM public.ref;
CREATE TEMP TABLE solo (LIKE public.solo INCLUDING ALL);
SELECT * FROM solo;
SET search_path = public, pg_temp;
SELECT count(*) FROM a;
SELECT count(*) FROM ref;
SELECT count(*) FROM t1;
RESET search_path;
SELECT count(*) FROM a;
DROP TABLE a, ref, solo;
SELECT count(*) FROM a;
SELECT count(*) FROM ref;
SELECT count(*) FROM solo;
-- Other statements on them.
CREATE INDEX t1_v ON t1 (v);
ALTER TABLE t1 ADD COLUMN extra int DEFAULT 9;
SELECT * FROM t1 WHERE id = 1;
ALTER TABLE t1 RENAME COLUMN extra TO more;
SELECT more FROM t1 WHERE id = 1;
ALTER TABLE t1 RENAME TO t2;
SELECT id FROM t1;
SELECT count(*) FROM t2;
COMMENT ON TABLE t2 IS 'temporary';
ANALYZE t2;
TRUNCATE t2;
SELECT count(*) FROM t2;
DROP INDEX t1_v;
CREATE TEMP VIEW v2 AS SELECT id FROM t2;
SELECT * FROM v2;
CREATE VIEW v3 AS SELECT id FROM t2 JOIN public.ref USING (id);
SELECT * FROM v3;
DROP VIEW v3;
DROP VIEW v2;
-- @exact-or-refused
CREATE TEMP VIEW v4 AS SELECT k FROM public.b;
-- @exact-or-refused
DROP VIEW v4;
CREATE TEMP TABLE serials (id serial, v int);
INSERT INTO serials (v) VALUES (7), (8) RETURNING id;
DROP TABLE serials;
SELECT 5 AS x INTO TEMP into_temp;
SELECT * FROM into_temp;
DROP TABLE into_temp;
CREATE TEMPORARY TABLE IF NOT EXISTS t2 (id int);
CREATE TEMP TABLE t2 (id int);
CREATE TEMP TABLE bad (id nosuchtype);
-- @exact-or-refused
CREATE TEMP TABLE from_sharded AS SELECT k, id FROM b;
-- @exact-or-refused
DROP TABLE from_sharded;
-- @exact-or-refused
CREATE TEMP TABLE child (y int) INHERITS (solo);
-- @exact-or-refused
DROP TABLE IF EXISTS child;
-- @exact-or-refused
CREATE TEMP SEQUENCE temp_s;
-- @exact-or-refused
DROP SEQUENCE temp_s;
-- @exact-or-refused
CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
-- @only simple
-- @multi
BEGIN;
CREATE TEMP TABLE dropped ON COMMIT DROP AS SELECT 1 AS one;
SELECT * FROM dropped;
COMMIT;
-- @end
SELECT * FROM dropped;
-- @only simple
-- @multi
BEGIN;
CREATE TEMP TABLE emptied (x int) ON COMMIT DELETE ROWS;
INSERT INTO emptied VALUES (1);
SELECT count(*) FROM emptied;
COMMIT;
-- @end
-- @only simple
SELECT count(*) FROM emptied;
-- @only simple
-- @multi
BEGIN;
CREATE TEMP TABLE undone (x int);
INSERT INTO undone VALUES (1);
SAVEPOINT sp;
CREATE TEMP TABLE undone2 (x int);
DROP TABLE undone;
ROLLBACK TO sp;
SELECT count(*) FROM undone;
ROLLBACK;
-- @end
SELECT * FROM undone;
-- @only simple
-- @multi
BEGIN;
DROP TABLE t2;
CREATE TEMP TABLE t2 (other text);
SELECT * FROM t2;
SELECT 1 / 0;
ROLLBACK;
SELECT * FROM t2;
-- @end
-- With writes on other shards in one transaction.
-- @only simple
-- @state w_two
-- @multi
BEGIN;
INSERT INTO t2 (id) VALUES (1);
INSERT INTO w_two VALUES (801, 1), (802, 1), (803, 1), (804, 1), (805, 1), (806, 1);
UPDATE t2 SET v = 'both';
COMMIT;
-- @end
-- @only simple
SELECT id, v FROM t2;
-- @only simple
-- @state w_two
DELETE FROM w_two WHERE k > 800;
PREPARE from_temp AS SELECT count(*) FROM t2 WHERE id = $1;
EXECUTE from_temp(1);
DROP TABLE t2;
-- @sqlstate-only
EXECUTE from_temp(1);
CREATE TEMP TABLE again (x int);
DISCARD ALL;
SELECT * FROM again;
SELECT count(*) FROM a;
-- Advisory locks.
SELECT pg_advisory_lock(42), pg_advisory_unlock(42);
SELECT pg_advisory_lock(43);
SELECT pg_try_advisory_lock(43);
SELECT pg_try_advisory_lock(44, 1);
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
SELECT pg_advisory_unlock(43);
SELECT pg_advisory_unlock(43);
SELECT pg_advisory_unlock(43);
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
SELECT pg_advisory_unlock_all();
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
SELECT pg_advisory_lock_shared(1) FROM solo WHERE id = 1;
SELECT pg_advisory_unlock_shared(1);
-- @only simple
-- @multi
BEGIN;
SELECT pg_advisory_lock(50);
SELECT pg_advisory_xact_lock(51);
ROLLBACK;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
SELECT pg_advisory_unlock_all();
-- @end
SELECT pg_advisory_lock(60), 1 / 0;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
DISCARD ALL;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
-- @exact-or-refused
SELECT pg_advisory_lock(k) FROM public.a WHERE k = 1;
-- @exact-or-refused
SELECT pg_try_advisory_lock(43) FROM a;
SELECT pg_advisory_unlock_all();
