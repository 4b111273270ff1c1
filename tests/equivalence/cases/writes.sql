-- Writes by key, split over shards, and without a key. Each mode starts anew.
-- @modes simple text binary prepared txn
-- @setup on
TRUNCATE w_one, w_two;
TRUNCATE w_null;
TRUNCATE w_text;
INSERT INTO w_two (k, v) VALUES (1,10), (2,20), (3,30), (4,40), (5,50), (6,60), (7,70), (8,80);
-- @setup off
-- @state w_one
INSERT INTO w_one (k, id, v) VALUES (1, 1, 'a');
INSERT INTO w_one VALUES (2, 1, 'b', 1.005, 5);
INSERT INTO w_one (id, k) VALUES (3, 3);
INSERT INTO w_one (k) VALUES (4);
INSERT INTO w_one (k, v, n) VALUES (5, DEFAULT, NULL);
INSERT INTO w_one (k, id) VALUES ('6', '1');
INSERT INTO w_one (k, id) VALUES (-7, 1), (-8, 1);
-- @exact-or-refused
INSERT INTO w_one (k, id) VALUES (40 + 2, 1);
-- @exact-or-refused
INSERT INTO w_one (k, id, v) VALUES (42.4, 2, 'rounded down');
-- @exact-or-refused
INSERT INTO w_one (k, id, v) VALUES (42.5, 3, 'rounded up');
-- @exact-or-refused
INSERT INTO w_one (k, id, v) VALUES (42.5::float8, 4, 'half to even');
INSERT INTO w_one (k, id, v) VALUES (43::smallint, 5, 'small');
-- @state w_one
INSERT INTO w_one (k, id) VALUES ('9223372036854775807', 1), (-9223372036854775808, 1);
INSERT INTO w_one (k, id) VALUES ('abc', 1);
-- @exact-or-refused
INSERT INTO w_one (k, id) VALUES ('0x2A', 1);
INSERT INTO w_one (k, id) VALUES (9223372036854775808, 1);
INSERT INTO w_one (k, id) VALUES ('42'::text, 1);
INSERT INTO w_one (k, id) VALUES (true, 1);
INSERT INTO w_one (k, id) VALUES (NULL, 1);
INSERT INTO w_one (id) VALUES (1);
INSERT INTO w_one DEFAULT VALUES;
INSERT INTO w_one (k, id) VALUES (DEFAULT, 1);
INSERT INTO w_one (k, id, m) VALUES (1, 90, -1);
INSERT INTO w_one (k, id) VALUES (1, 1);
INSERT INTO w_one (k, id, n) VALUES (1, 91, 123456.7);
INSERT INTO w_one (k, id, nosuch) VALUES (1, 1, 1);
INSERT INTO w_one (k, id) VALUES (1, 2, 3);
INSERT INTO w_one (k, id, v) VALUES (1, 2);
INSERT INTO w_one (k, k) VALUES (1, 2);
INSERT INTO nosuch VALUES (1);
-- @state w_one
INSERT INTO w_one (k, id, v) VALUES (10,1,'ten'), (11,1,'eleven'), (12,1,'twelve'), (13,1,NULL), (10,2,DEFAULT);
-- @ordered
INSERT INTO w_one (k, id, v) VALUES (20,1,'x'), (21,1,'y'), (22,1,'z'), (20,2,'x2') RETURNING k, id, v;
-- @ordered
INSERT INTO w_one (k, id) VALUES (23,1), (24,1) RETURNING *;
INSERT INTO w_one (k, id) VALUES (25,1) RETURNING k + 1 AS next, v;
-- @state w_one
INSERT INTO w_one (k, id) VALUES (30,1), (31,1), (10,1);
INSERT INTO w_one (k, id) VALUES (32,1), (32,1);
INSERT INTO w_one (k, id, m) VALUES (33,1,1), (34,1,0), (35,1,1);
INSERT INTO w_one (k, id) VALUES (36,1), ('x',1);
INSERT INTO w_one (k, id) VALUES (36,1), (NULL,1);
-- @state w_one
INSERT INTO w_one (k, id) VALUES (36,1), (37);
-- @state w_one
INSERT INTO w_one (k, id, v) VALUES (1,1,'again') ON CONFLICT DO NOTHING;
INSERT INTO w_one (k, id, v) VALUES (1,1,'again') ON CONFLICT (k, id) DO NOTHING RETURNING k;
INSERT INTO w_one (k, id, v) VALUES (1,1,'new') ON CONFLICT (k, id) DO UPDATE SET v = excluded.v || '!' RETURNING v;
INSERT INTO w_one AS o (k, id, v) VALUES (1,1,'n') ON CONFLICT (k, id) DO UPDATE SET v = o.v || excluded.v WHERE o.v <> 'x';
-- @state w_one
INSERT INTO w_one (k, id, v) VALUES (1,1,'m'), (10,1,'m'), (50,1,'m') ON CONFLICT (k, id) DO UPDATE SET v = 'multi';
INSERT INTO w_one (k, id, v) VALUES (1,1,'m'), (1,1,'m') ON CONFLICT (k, id) DO UPDATE SET v = 'twice';
-- @exact-or-refused
INSERT INTO w_one (k, id) VALUES (1,1) ON CONFLICT (id) DO NOTHING;
-- @refused
INSERT INTO w_one (k, id) VALUES (1,1) ON CONFLICT (k, id) DO UPDATE SET k = 999;
-- @types int8,int4,text
-- @params 60,1,p
-- @params 61,1,\N
-- @params 60,1,dup
-- @params \N,1,null key
INSERT INTO w_one (k, id, v) VALUES ($1, $2, $3);
-- @params 62,1,untyped
-- @params bad,1,x
INSERT INTO w_one (k, id, v) VALUES ($1, $2, $3);
-- @types int8,int8
-- @params 63,64
INSERT INTO w_one (k, id) VALUES ($1, 1), ($2, 1), ($1, 2);
-- @ordered
-- @types int8,int8,int8
-- @params 65,66,67
INSERT INTO w_one (k, id) VALUES ($1, 1), ($2, 1), ($3, 1) RETURNING k;
-- @params 68
-- @state w_one
-- @exact-or-refused
INSERT INTO w_one (k, id) VALUES ($1::int + 1, 1);
-- @exact-or-refused
INSERT INTO w_one (k, id) VALUES (abs(-70), 1);
-- @exact-or-refused
INSERT INTO w_one (k, id) VALUES ((SELECT 71), 1);
-- @exact-or-refused
INSERT INTO w_one (k, id) SELECT 72, 1;
-- @exact-or-refused
INSERT INTO w_one (k, id) SELECT k, 1000 + id FROM w_one WHERE k = 1;
-- @exact-or-refused
INSERT INTO w_one (k, id) SELECT k, 2000 FROM w_two;
-- @exact-or-refused
INSERT INTO w_one (k, id) SELECT v, 3000 FROM w_two;
-- @exact-or-refused
-- @state w_one
INSERT INTO w_one (k, id) SELECT generate_series(80, 85), 1;
-- @exact-or-refused
INSERT INTO w_one (k, id, v) VALUES (86, 1, (SELECT max(t) FROM a));
-- @exact-or-refused
INSERT INTO w_one (k, id, v) VALUES (87, 1, (SELECT name FROM ref WHERE id = 1));
-- @exact-or-refused
-- @state w_one
WITH q AS (INSERT INTO w_one (k, id) VALUES (88, 1) RETURNING k) SELECT * FROM q;
-- nullable key
INSERT INTO w_null (k, v) VALUES (NULL, 1);
INSERT INTO w_null (v) VALUES (2);
-- @state w_null
INSERT INTO w_null VALUES (1, 3), (NULL, 4), (2, 5), (3, 6);
UPDATE w_null SET v = v + 100 WHERE k IS NULL;
-- @state w_null
DELETE FROM w_null WHERE k IS NULL;
-- text key
INSERT INTO w_text VALUES ('a', 'x'), ('A', 'y'), ('', 'empty'), ('ä', 'umlaut'), ('it''s', 'quote');
INSERT INTO w_text VALUES (E'tab\there', $$dollar$$), ($$5$$, 'number');
-- @exact-or-refused
INSERT INTO w_text VALUES (6, 'number');
INSERT INTO w_text VALUES ('a', 'again');
-- @exact-or-refused
INSERT INTO w_text VALUES ('b'::char(3), 'padded'), ('c'::varchar, 'v');
UPDATE w_text SET v = 'up' WHERE k = 'ä';
-- @state w_text
DELETE FROM w_text WHERE k IN ('a', '', 'nothing');
-- update by key
UPDATE w_two SET v = v + 1 WHERE k = 1;
UPDATE w_two SET v = 0 WHERE k = 999;
UPDATE w_two SET v = v + 1 WHERE k = 2 RETURNING *;
UPDATE w_two SET v = v * 2 WHERE k IN (1, 3);
-- @state w_two
UPDATE w_two SET v = v + 1 WHERE k = ANY ('{1,2,3,4,5}');
UPDATE w_two SET v = NULL WHERE k = 1;
UPDATE w_two SET v = 1 / 0 WHERE k = 1;
UPDATE w_two SET v = 'x' WHERE k = 1;
UPDATE w_two SET nosuch = 1 WHERE k = 1;
UPDATE w_two AS z SET v = z.v - 1 WHERE z.k = 4;
UPDATE w_two SET (v) = ROW(99) WHERE k = 5;
UPDATE w_two SET v = (SELECT max(v) FROM ref) WHERE k = 6;
-- @types int4,int8
-- @params 5,1
-- @params 7,7
-- @params 7,\N
UPDATE w_two SET v = v + $1 WHERE k = $2;
-- @exact-or-refused
UPDATE w_two SET v = w_two.v + b.x FROM b WHERE b.k = w_two.k AND w_two.k = 1 AND b.id = 1;
-- @exact-or-refused
UPDATE w_two SET v = w_two.v + b.x FROM b WHERE b.k = w_two.k AND b.id = 1;
-- @exact-or-refused
UPDATE w_two SET v = r.v FROM ref r WHERE r.id = w_two.k AND w_two.k = 2;
-- @exact-or-refused
-- @state w_two
UPDATE w_two SET v = v + 1 WHERE k = 3 AND EXISTS (SELECT 1 FROM a WHERE a.x = 420);
-- without a key: every shard, one tag
UPDATE w_two SET v = v + 1;
UPDATE w_two SET v = v + 1 WHERE v > 1000;
-- @state w_two
UPDATE w_two SET v = v + 1 WHERE v % 2 = 0;
UPDATE w_two SET v = v + 1 WHERE k > 3 RETURNING k, v;
-- @state w_two
UPDATE w_two SET v = 1 / (k - 5);
-- @sqlstate-only
UPDATE w_two SET v = NULL WHERE v > 0;
UPDATE w_two SET v = v WHERE false;
-- @sqlstate-only
-- @state w_one
UPDATE w_one SET m = 0;
-- the key itself
-- @refused
UPDATE w_two SET k = 100 WHERE k = 1;
-- @refused
UPDATE w_two SET k = k + 1;
-- @refused
UPDATE w_two SET v = 1, k = 100 WHERE k = 1;
-- @exact-or-refused
UPDATE w_two SET k = 1 WHERE k = 1;
-- @refused
UPDATE w_two SET (k, v) = (100, 1) WHERE k = 1;
-- delete
DELETE FROM w_two WHERE k = 1;
DELETE FROM w_two WHERE k = 1;
DELETE FROM w_two WHERE k = 2 RETURNING *;
-- @state w_two
DELETE FROM w_two WHERE k IN (3, 4, 99);
-- @types int8
-- @params 5
DELETE FROM w_two WHERE k = $1;
-- @exact-or-refused
DELETE FROM w_two USING ref r WHERE r.id = w_two.k AND w_two.k = 6;
-- @exact-or-refused
DELETE FROM w_two WHERE k IN (SELECT k FROM b WHERE x = 7);
-- @refused
DELETE FROM w_two WHERE ctid IN (SELECT ctid FROM w_two WHERE v > 0 LIMIT 1);
DELETE FROM w_two WHERE v < 0;
-- @state w_two
DELETE FROM w_two WHERE k > 6 RETURNING k;
DELETE FROM w_two;
-- @state w_one,w_two
DELETE FROM w_one WHERE id > 1;
-- @exact-or-refused
MERGE INTO w_two USING (VALUES (1, 5)) s(k, v) ON w_two.k = s.k WHEN NOT MATCHED THEN INSERT VALUES (s.k, s.v);
TRUNCATE w_one;
-- @state w_one,w_two,w_text
TRUNCATE TABLE w_two, w_text;
-- @exact-or-refused
TRUNCATE TABLE w_two, w_text RESTART IDENTITY CASCADE;
