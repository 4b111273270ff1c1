-- Reference tables (a copy on every shard) and single tables.
-- @setup on
TRUNCATE w_ref;
TRUNCATE w_solo;
TRUNCATE w_two;
INSERT INTO w_two VALUES (1, 10), (2, 20), (3, 30);
-- @setup off
SELECT * FROM ref;
SELECT * FROM ref ORDER BY id DESC LIMIT 2;
SELECT count(*), sum(v), avg(v) FROM ref;
SELECT name, count(*) FROM ref GROUP BY name;
SELECT DISTINCT v > 20 FROM ref;
SELECT r.id, s.id FROM ref r, ref s WHERE r.v = s.v;
SELECT id, row_number() OVER (ORDER BY id DESC) FROM ref;
SELECT * FROM ref WHERE v = (SELECT max(v) FROM ref);
-- @exact-or-refused
SELECT * FROM ref_view;
SELECT id FROM ref UNION SELECT id + 1 FROM ref;
WITH q AS (SELECT * FROM ref) SELECT count(*) FROM q;
SELECT * FROM ref WHERE id = 1 / 0;
SELECT nosuch FROM ref;
-- @state w_ref:ref
INSERT INTO w_ref VALUES (1, 'one', 1);
-- @state w_ref:ref
INSERT INTO w_ref (id, v) VALUES (2, 'two'), (3, 'three'), (4, NULL);
-- @exact-or-refused
INSERT INTO w_ref VALUES (5, 'five', 5) RETURNING *;
INSERT INTO w_ref VALUES (1, 'one', 1);
-- @state w_ref:ref
INSERT INTO w_ref VALUES (6, 'six'), (1, 'again');
INSERT INTO w_ref VALUES (NULL, 'x');
INSERT INTO w_ref VALUES (1, 'up') ON CONFLICT (id) DO UPDATE SET v = excluded.v;
INSERT INTO w_ref VALUES (1, 'up') ON CONFLICT DO NOTHING;
-- @types int4,text
-- @params 7,seven
-- @params 7,again
-- @params 8,\N
INSERT INTO w_ref (id, v) VALUES ($1, $2);
-- @state w_ref:ref
UPDATE w_ref SET n = n + 1;
-- @exact-or-refused
UPDATE w_ref SET v = 'new' WHERE id = 2 RETURNING id, v;
-- @state w_ref:ref
UPDATE w_ref SET n = NULL WHERE id IN (3, 4);
UPDATE w_ref SET n = 1 / (n - n);
UPDATE w_ref SET id = 50 WHERE id = 5;
-- @state w_ref:ref
DELETE FROM w_ref WHERE id = 50;
DELETE FROM w_ref WHERE id = 999;
-- @exact-or-refused
DELETE FROM w_ref WHERE id > 6 RETURNING id;
-- @exact-or-refused
-- @state w_ref:ref
INSERT INTO w_ref SELECT id + 100, name FROM ref;
-- @exact-or-refused
-- @state w_ref:ref
INSERT INTO w_ref SELECT 200 + id, name FROM ref ORDER BY id LIMIT 2;
-- @exact-or-refused
-- @state w_ref:ref
DELETE FROM w_ref WHERE id IN (SELECT x FROM a);
-- @exact-or-refused
DELETE FROM w_ref WHERE id IN (SELECT id FROM w_ref LIMIT 0);
-- @exact-or-refused
UPDATE w_ref SET n = (SELECT count(*) FROM a);
-- @exact-or-refused
WITH q AS (DELETE FROM w_ref WHERE id = 1 RETURNING id) SELECT * FROM q;
-- @exact-or-refused
SELECT w_two.k, w_ref.v FROM w_two LEFT JOIN w_ref ON w_two.k = w_ref.id;
-- @state w_ref:ref
TRUNCATE w_ref;
-- single tables
SELECT * FROM solo;
SELECT * FROM solo ORDER BY id DESC;
SELECT count(*), max(v) FROM solo;
SELECT v, count(*) OVER () FROM solo GROUP BY v;
SELECT s.v, r.name FROM solo s JOIN ref r ON s.id = r.id;
SELECT s.v, r.name FROM ref r LEFT JOIN solo s ON s.id = r.id;
SELECT * FROM solo WHERE id IN (SELECT id FROM ref);
-- @state w_solo:single
INSERT INTO w_solo VALUES (1, 'one'), (2, 'two');
INSERT INTO w_solo VALUES (3, 'three') RETURNING *;
INSERT INTO w_solo VALUES (3, 'three');
INSERT INTO w_solo SELECT id + 10, v FROM w_solo;
UPDATE w_solo SET v = v || '!' WHERE id > 1;
-- @state w_solo:single
DELETE FROM w_solo WHERE id = 1;
WITH q AS (DELETE FROM w_solo WHERE id = 2 RETURNING *) SELECT * FROM q;
UPDATE w_solo SET id = id + 100;
-- @exact-or-refused
SELECT s.id, a.k FROM solo s JOIN a ON s.k = a.k;
-- @exact-or-refused
SELECT * FROM solo WHERE k IN (SELECT k FROM a);
-- @exact-or-refused
SELECT * FROM a WHERE k IN (SELECT k FROM solo);
-- @exact-or-refused
UPDATE w_solo SET v = (SELECT max(t) FROM a);
-- @exact-or-refused
INSERT INTO w_solo SELECT 500, t FROM a WHERE k = 1 AND id = 1;
-- @exact-or-refused
INSERT INTO w_two SELECT id, id FROM w_solo;
-- @state w_solo:single
TRUNCATE w_solo;
