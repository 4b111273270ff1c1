-- Writes a planner easily gets wrong: each exactly right, or refused.
-- @setup on
TRUNCATE w_two, w_null, w_text;
INSERT INTO w_two VALUES (1,10),(2,20),(3,30),(4,40),(5,50),(6,60),(7,70),(8,80);
-- @setup off
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
INSERT INTO w_two SELECT k, id FROM a WHERE id = 1 AND k > 20;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
INSERT INTO w_two SELECT b.k, 1 FROM a LEFT JOIN b ON a.k = b.k WHERE a.id = 1 AND b.k = 200;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
INSERT INTO w_two SELECT DISTINCT k, 5 FROM b WHERE k > 100 RETURNING *;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
INSERT INTO w_two (v, k) SELECT id, k FROM c WHERE k = 300;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
INSERT INTO w_two (v, k) SELECT k, id FROM c;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
INSERT INTO w_two SELECT id, v FROM ref WHERE id < 0;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
INSERT INTO w_two SELECT 500, count(*) FROM a WHERE k = 1;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
INSERT INTO w_two SELECT 501, count(*) FROM a;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
INSERT INTO w_two VALUES (600, (SELECT count(*) FROM a WHERE k = 600));
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
INSERT INTO w_two VALUES (601, (SELECT max(v) FROM ref));
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
INSERT INTO w_two VALUES (602, (SELECT max(v) FROM ref)), (603, 1);
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
INSERT INTO w_two (k, v) VALUES (700 - 1, 1), (+701, 2), (-(702), 3);
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
INSERT INTO w_two VALUES (710, 1), (711, 1), (712, 1), (710, 2) ON CONFLICT (k) DO UPDATE SET v = w_two.v + 10;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
INSERT INTO w_two VALUES (710, 1), (713, 1) ON CONFLICT (k) DO UPDATE SET v = excluded.v + w_two.v, k = excluded.k RETURNING *;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
INSERT INTO w_two AS z VALUES (710, 5) ON CONFLICT (k) DO UPDATE SET v = (SELECT max(x) FROM b WHERE b.k = z.k);
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
INSERT INTO w_two VALUES (710, 5) ON CONFLICT (k) DO UPDATE SET v = (SELECT max(x) FROM b WHERE b.k = 710);
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
INSERT INTO w_two VALUES (714, 1) ON CONFLICT ON CONSTRAINT w_two_pkey DO NOTHING;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
INSERT INTO w_two VALUES (714, 1) ON CONFLICT ON CONSTRAINT nosuch DO NOTHING;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
WITH s AS (SELECT 5 AS v) INSERT INTO w_two SELECT 720, v FROM s;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
WITH s AS (SELECT k, x FROM b WHERE k = 42) INSERT INTO w_two SELECT k + 0, x FROM s;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
WITH s AS (SELECT k, x FROM b WHERE k = 201) INSERT INTO w_two SELECT k, x FROM s;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
WITH s AS (DELETE FROM w_two WHERE k = 720 RETURNING *) SELECT * FROM s;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
WITH s AS (UPDATE w_two SET v = 9 WHERE k = 1 RETURNING *) SELECT * FROM s;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
WITH s AS (DELETE FROM w_two WHERE v = 9 RETURNING *) SELECT * FROM s;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
WITH s AS (DELETE FROM w_two WHERE k = 714 RETURNING k, v) INSERT INTO w_two SELECT k, v + 1 FROM s;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
UPDATE w_two SET v = v + 1 FROM b WHERE b.k = w_two.k AND b.k = 3;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
UPDATE w_two SET v = v + 1 FROM b WHERE b.k = w_two.k;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
UPDATE w_two SET v = r.v FROM ref r WHERE r.id = w_two.k;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
UPDATE w_two SET v = r.v FROM ref r WHERE r.id = w_two.k AND w_two.k = 5;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
UPDATE w_two SET v = (SELECT max(x) FROM b WHERE b.k = w_two.k) WHERE k = 3;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
UPDATE w_two SET v = (SELECT count(*) FROM b WHERE b.k = w_two.k);
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
UPDATE w_two SET (v) = (SELECT 4) WHERE k = 4;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
UPDATE w_two SET k = 99, v = 1 WHERE k = 98;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
UPDATE w_two SET k = k WHERE v > 3;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
UPDATE w_two SET v = -v WHERE k IN (1, 2, 3) OR k = 5;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
UPDATE w_two SET v = v WHERE k IN (SELECT k FROM b);
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
UPDATE w_two SET v = v WHERE EXISTS (SELECT 1 FROM b WHERE b.k = w_two.k);
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
UPDATE w_two SET v = DEFAULT WHERE k = 1;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
UPDATE w_two t SET v = t.v + 1 WHERE t.k % 2 = 0 RETURNING t.k, t.v;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
UPDATE ONLY w_two SET v = v + 1 WHERE v < 0 RETURNING *;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
UPDATE w_two SET v = 5 WHERE false;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
UPDATE w_two SET v = 5 WHERE k = NULL;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
DELETE FROM w_two USING b WHERE b.k = w_two.k AND w_two.k = 201;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
DELETE FROM w_two WHERE k IN (SELECT k FROM c);
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
DELETE FROM w_two WHERE k = (SELECT 700);
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
DELETE FROM w_two WHERE k = 710 OR k = 711 RETURNING k;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
DELETE FROM w_two WHERE v IN (SELECT id FROM ref WHERE id = 77);
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
DELETE FROM w_two WHERE k > 600 AND v = 1;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
DELETE FROM w_two t WHERE t.k = ANY ('{1,2,600}');
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
DELETE FROM w_two WHERE NOT k = 3;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
MERGE INTO w_two t USING (SELECT 800 AS k, 1 AS v) s ON t.k = s.k WHEN NOT MATCHED THEN INSERT VALUES (s.k, s.v);
-- @exact-or-refused
-- @sqlstate-only
-- @state w_two
MERGE INTO w_two t USING b ON t.k = b.k WHEN MATCHED THEN DELETE;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_null
INSERT INTO w_null SELECT k, id FROM nk;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_null
INSERT INTO w_null SELECT n2.k, n1.id FROM nk n1 LEFT JOIN nk n2 ON n1.k = n2.k AND n2.id = 5;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_null
INSERT INTO w_null SELECT NULL, 77;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_null
INSERT INTO w_null (v) SELECT id FROM nk WHERE k = 1;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_null
INSERT INTO w_null VALUES (NULL, 1), (NULL, 2), (5, 3) RETURNING *;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_null
UPDATE w_null SET v = v + 1 WHERE k IS NULL RETURNING v;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_null
DELETE FROM w_null WHERE k IS NULL AND v > 70;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_null
DELETE FROM w_null WHERE k = 4 OR k IS NULL;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_text
INSERT INTO w_text SELECT k, 'copied' FROM tt WHERE id = 1;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_text
INSERT INTO w_text SELECT k, 'copied' FROM tt WHERE k = 'a' AND id = 1 ON CONFLICT DO NOTHING;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_text
INSERT INTO w_text VALUES ('x' || 'y', 'z');
-- @exact-or-refused
-- @sqlstate-only
-- @state w_text
INSERT INTO w_text VALUES (1.5, 'num');
-- @exact-or-refused
-- @sqlstate-only
-- @state w_text
INSERT INTO w_text VALUES (true, 'bool');
-- @exact-or-refused
-- @sqlstate-only
-- @state w_text
INSERT INTO w_text VALUES (U&'d\0061t\+000061', 'uni'), (E'\u00e4\t', 'esc'), ($$dol'lar$$, 'd');
-- @exact-or-refused
-- @sqlstate-only
-- @state w_text
INSERT INTO w_text VALUES ('con'
 'tinued', 'c');
-- @exact-or-refused
-- @sqlstate-only
-- @state w_text
UPDATE w_text SET v = upper(v) WHERE k = U&'d\0061t\+000061';
-- @exact-or-refused
-- @sqlstate-only
-- @state w_text
DELETE FROM w_text WHERE k = 'con'
 'tinued';
-- @exact-or-refused
-- @sqlstate-only
-- @state w_text
DELETE FROM w_text WHERE k = ANY (ARRAY['xy', $$dol'lar$$, E'\u00e4\t']);
-- @exact-or-refused
-- @sqlstate-only
-- @state w_ref:ref
INSERT INTO w_ref VALUES (90, 'r'), (91, 's') ON CONFLICT (id) DO UPDATE SET v = excluded.v RETURNING *;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_ref:ref
INSERT INTO w_ref (id, v) SELECT 92, 't';
-- @exact-or-refused
-- @sqlstate-only
-- @state w_ref:ref
UPDATE w_ref SET n = n * 2, v = lower(v) || '!' WHERE id >= 90 RETURNING id, n, v;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_ref:ref
UPDATE w_ref SET v = (SELECT name FROM ref WHERE ref.id = 1) WHERE id = 90;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_ref:ref
DELETE FROM w_ref WHERE id IN (90, 91) RETURNING *;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_ref:ref
DELETE FROM w_ref USING ref WHERE ref.id = w_ref.id AND ref.id = 1;
-- @exact-or-refused
-- @sqlstate-only
-- @state w_ref:ref
WITH s AS (SELECT 1) DELETE FROM w_ref WHERE id = 92;
