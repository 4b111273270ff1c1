-- PREPARE, EXECUTE and DEALLOCATE as statements: values of every form, routed by key and over
-- shards, errors, types, what ends a name.
-- @modes simple text binary prepared
PREPARE one AS SELECT id, x, t FROM a WHERE k = $1 ORDER BY id;
EXECUTE one(1);
EXECUTE one(2);
EXECUTE one(42);
EXECUTE one('2');
EXECUTE one(1 + 1);
EXECUTE one(-1);
EXECUTE one(- 1);
EXECUTE one(NULL);
EXECUTE one(2.4);
EXECUTE one(2147483648);
EXECUTE one(9223372036854775807);
EXECUTE one(9223372036854775808);
EXECUTE one('x');
EXECUTE one(1::smallint);
EXECUTE one(CASE WHEN true THEN 5 ELSE 1 / 0 END);
EXECUTE one(1 / 0);
EXECUTE one;
EXECUTE one(1, 2);
EXECUTE one((SELECT 1));
EXECUTE one(nosuch);
EXECUTE "One"(1);
EXECUTE nosuch(1);
PREPARE one AS SELECT 1;
PREPARE one AS SELECT nosuch;
PREPARE bad AS SELECT nosuch FROM a WHERE k = 1;
PREPARE bad AS SELECT * FROM nosuch;
PREPARE bad AS SELEC 1;
PREPARE bad(nosuchtype) AS SELECT $1;
PREPARE bad(int, nosuchtype, text) AS SELECT $1;
EXECUTE bad(1);
PREPARE "Odd ""name" (text) AS SELECT $1 AS v;
EXECUTE "Odd ""name"('a');
EXECUTE "Odd ""name"('a' || 'b');
EXECUTE "Odd ""name"(12);
EXECUTE "Odd ""name"(now() IS NULL);
DEALLOCATE "Odd ""name";
EXECUTE "Odd ""name"('a');
PREPARE typed(int, text, numeric(6,2), date, bool, int[], interval, varchar(3), char(2)) AS
SELECT $1 AS i, $2 AS t, $3 AS n, $4 AS d, $5 AS b, $6 AS arr, $7 AS iv, $8 AS vc, $9 AS c;
EXECUTE typed(1, 'two', 3.456, '2024-01-01', true, '{1,2}', '1 day', 'abcdef', 'xyz');
EXECUTE typed(1, 2, 3, date '2024-01-01' + 1, 'off', ARRAY[1, 2], interval '2 h', 'a', 'b');
EXECUTE typed(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
EXECUTE typed(1, 'two', 'x', '2024-01-01', true, '{1,2}', '1 day', 'abcdef', 'xyz');
EXECUTE typed(1, 'two', 3, 4, true, '{1,2}', '1 day', 'abcdef', 'xyz');
PREPARE all_rows AS SELECT k, id FROM a WHERE x > $1 ORDER BY k, id;
EXECUTE all_rows(50);
EXECUTE all_rows('50');
EXECUTE all_rows(5 * 10);
PREPARE counted(int) AS SELECT count(*), sum(x) FROM a WHERE id <= $1;
EXECUTE counted(1);
EXECUTE counted(2.5);
PREPARE keys(bigint[]) AS SELECT k, id FROM a WHERE k = ANY ($1) ORDER BY 1, 2;
EXECUTE keys('{1,2,3}');
EXECUTE keys(ARRAY[1, 5, 42]);
EXECUTE keys('{}');
EXECUTE keys(NULL);
PREPARE limited AS SELECT k, id FROM a ORDER BY k, id LIMIT $1 OFFSET $2;
EXECUTE limited(3, 2);
EXECUTE limited(NULL, 20);
EXECUTE limited(-1, 0);
PREPARE by_text(text) AS SELECT id, v FROM tt WHERE k = $1 ORDER BY id;
EXECUTE by_text('a');
EXECUTE by_text('it''s');
EXECUTE by_text(E'back\\slash');
EXECUTE by_text(upper('a'));
EXECUTE by_text(0);
PREPARE by_uuid AS SELECT v FROM uu WHERE k = $1;
EXECUTE by_uuid('ffffffff-ffff-ffff-ffff-ffffffffffff');
EXECUTE by_uuid('FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'::uuid);
EXECUTE by_uuid('nonsense');
PREPARE reference AS SELECT name FROM ref WHERE id = $1;
EXECUTE reference(1);
PREPARE lone AS SELECT v FROM solo WHERE id = $1;
EXECUTE lone(2);
PREPARE vals AS VALUES (1, 'a'), (2, 'b');
EXECUTE vals;
PREPARE ins AS INSERT INTO w_two VALUES ($1, $2);
-- @state w_two
EXECUTE ins(700, 1);
-- @state w_two
EXECUTE ins(701, 1 + 1);
EXECUTE ins(700, 1);
-- @exact-or-refused
PREPARE ins_many(bigint, int) AS INSERT INTO w_two VALUES ($1, $2), ($1 + 0, $2);
PREPARE ins_rows(bigint, bigint, int) AS INSERT INTO w_two VALUES ($1, $3), ($2, $3) RETURNING k, v;
-- @state w_two
EXECUTE ins_rows(702, 703, 5);
PREPARE upd AS UPDATE w_two SET v = v + $2 WHERE k = $1 RETURNING k, v;
-- @state w_two
EXECUTE upd(700, 10);
PREPARE upd_all(int) AS UPDATE w_two SET v = v + $1;
-- @state w_two
EXECUTE upd_all(1);
PREPARE del(bigint) AS DELETE FROM w_two WHERE k >= $1;
-- @state w_two
EXECUTE del(700);
PREPARE refwrite AS UPDATE w_ref SET n = $1;
EXECUTE refwrite(3);
DEALLOCATE PREPARE ins;
DEALLOCATE ins;
EXECUTE ins(704, 1);
DEALLOCATE nosuch;
-- @exact-or-refused
EXPLAIN (COSTS off) EXECUTE one(1);
-- @exact-or-refused
CREATE TABLE made_by_execute AS EXECUTE vals;
-- @not prepared
PREPARE with_search AS SELECT 1 AS v;
SET search_path = public, pg_catalog;
-- @not prepared
EXECUTE with_search;
RESET search_path;
-- @only simple
-- @multi
BEGIN;
EXECUTE one(1);
PREPARE in_txn AS SELECT 2 AS two;
EXECUTE in_txn;
ROLLBACK;
EXECUTE in_txn;
-- @end
-- @only simple
-- @multi
EXECUTE one(1);
EXECUTE all_rows(100);
EXECUTE one(1 / 0);
-- @end
-- @only simple
-- @multi
BEGIN;
EXECUTE one(1 / 0);
EXECUTE one(1);
PREPARE in_failed AS SELECT 1;
ROLLBACK;
-- @end
EXECUTE in_failed;
DEALLOCATE ALL;
EXECUTE one(1);
PREPARE again AS SELECT 1 AS v;
DISCARD ALL;
EXECUTE again;
