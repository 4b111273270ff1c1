-- Reads where the short rule answers wrongly.
-- @exact-or-refused
SELECT b.k, count(*) FROM a LEFT JOIN b ON a.k = b.k GROUP BY b.k;
-- @exact-or-refused
SELECT k, count(*) FROM a FULL JOIN b USING (k) GROUP BY k;
-- @exact-or-refused
SELECT DISTINCT count(*) FROM a GROUP BY k;
-- @exact-or-refused
SELECT DISTINCT count(*) OVER (PARTITION BY k) FROM a;
-- @exact-or-refused
SELECT count(*) OVER () FROM a GROUP BY k;
-- @exact-or-refused
SELECT count(*) FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.x = 2);
-- @exact-or-refused
SELECT EXISTS (SELECT 1 FROM a WHERE x = 51);
-- @exact-or-refused
SELECT EXISTS (SELECT 1 FROM a WHERE x = 123456);
-- @exact-or-refused
SELECT NOT EXISTS (SELECT 1 FROM a WHERE k = 1);
-- @exact-or-refused
SELECT id, EXISTS (SELECT 1 FROM a WHERE a.x = ref.id) FROM ref;
-- @exact-or-refused
SELECT k FROM a WHERE id IN (SELECT id FROM b WHERE x = 7);
-- @exact-or-refused
SELECT k FROM a WHERE k IN (SELECT k FROM b WHERE x = 2);
-- @exact-or-refused
SELECT k FROM a WHERE x > ALL (SELECT x FROM b);
-- @exact-or-refused
SELECT k FROM a WHERE k NOT IN (SELECT k FROM b);
-- @exact-or-refused
SELECT k FROM a WHERE x NOT IN (SELECT x FROM b WHERE b.k = a.k);
-- @exact-or-refused
SELECT id FROM a WHERE k = 1 AND EXISTS (SELECT 1 FROM b WHERE b.x = 77);
-- @exact-or-refused
SELECT id FROM a WHERE k = 1 AND EXISTS (SELECT 1 FROM b WHERE b.k = a.id AND b.x = 2);
-- @exact-or-refused
SELECT r.id, s.x FROM ref r, LATERAL (SELECT x FROM a WHERE a.x > r.id * 10 ORDER BY x LIMIT 1) s;
-- @exact-or-refused
SELECT r.id, s.c FROM ref r, LATERAL (SELECT count(*) c FROM a WHERE a.x = r.id) s;
-- @exact-or-refused
SELECT count(*) FROM a CROSS JOIN b LEFT JOIN c ON a.k = b.k AND c.k = a.k;
-- @exact-or-refused
SELECT a.k, b.k FROM a LEFT JOIN b ON a.k = b.k AND b.k = 2;
-- @exact-or-refused
SELECT a.k, a.id, b.k FROM a LEFT JOIN b ON a.k = b.k AND a.k = 2;
-- @exact-or-refused
SELECT a.k, b.k FROM a FULL JOIN b ON a.k = b.k AND a.k = 1;
-- @exact-or-refused
SELECT a.k, b.k FROM a LEFT JOIN b ON a.k = b.k WHERE b.k = 2;
-- @exact-or-refused
SELECT a.k, b.k FROM a RIGHT JOIN b ON a.k = b.k AND b.k = 3;
-- @exact-or-refused
SELECT a.k FROM a LEFT JOIN b ON a.k = b.k WHERE b.k IS NULL;
-- @exact-or-refused
SELECT a.k, b.k, c.k FROM a LEFT JOIN b ON a.k = b.k LEFT JOIN c ON b.k = c.k;
-- @exact-or-refused
SELECT a.k, c.k FROM a LEFT JOIN b ON a.k = b.k RIGHT JOIN c ON b.k = c.k;
-- @exact-or-refused
SELECT * FROM a WHERE NOT (k = 1);
-- @exact-or-refused
SELECT * FROM a WHERE NOT (k = 1 AND id = 1) AND k < 3;
-- @exact-or-refused
SELECT * FROM a WHERE NOT (k <> 1 OR id <> 1);
-- @exact-or-refused
SELECT * FROM a WHERE (k = 1) IS NOT TRUE;
-- @exact-or-refused
SELECT * FROM a WHERE (k = 1) IS FALSE;
-- @exact-or-refused
SELECT k, (k = 1) FROM a;
-- @exact-or-refused
SELECT CASE WHEN k = 1 THEN 'one' ELSE 'not' END FROM a;
SELECT count(*) FROM a WHERE false;
SELECT count(*) FROM a WHERE k = NULL;
SELECT a.k, b.k FROM a LEFT JOIN b ON a.k = b.k AND b.k = NULL WHERE a.k IN (1, 2);
-- @exact-or-refused
SELECT a.k, b.k FROM a LEFT JOIN b ON a.k = b.k AND false;
-- @exact-or-refused
SELECT count(*) FROM a LEFT JOIN b ON a.k = b.k AND b.k = NULL;
-- @exact-or-refused
WITH r AS (SELECT random() v) SELECT count(DISTINCT v) FROM a, r;
-- @exact-or-refused
SELECT count(DISTINCT s.v) FROM a, (SELECT random() v) s;
-- @exact-or-refused
SELECT count(DISTINCT now()) FROM a;
-- @exact-or-refused
SELECT count(DISTINCT clock_timestamp()) > 1 FROM a;
-- @exact-or-refused
-- @count-only
SELECT now() FROM a;
-- @exact-or-refused
-- @count-only
SELECT random(), k FROM a;
-- @exact-or-refused
SELECT count(*) FROM a WHERE 'now'::timestamptz IS NOT NULL;
SELECT avg(f4) FROM types WHERE f4 IN (16777216, 1.5);
SELECT avg(dec) FROM types WHERE id IN (1, 8, 10);
SELECT avg(num) FROM types WHERE id = 10;
SELECT * FROM vc WHERE k = 'a'::char(3);
SELECT * FROM tt WHERE k = 'a'::char(2);
SELECT * FROM a WHERE k = 9223372036854775807::float8;
SELECT * FROM a WHERE k = 9223372036854775807::numeric;
SELECT * FROM a WHERE k = 41.9999::numeric;
SELECT * FROM types WHERE k = '2024-01-15'::date - '2024-01-14'::date;
SELECT count(*) FROM a WHERE k = ALL ('{}'::bigint[]);
SELECT count(*) FROM a WHERE k <> ALL ('{1,2}'::bigint[]);
SELECT k FROM a ORDER BY k, id LIMIT -1 OFFSET 5;
SELECT k FROM a ORDER BY k, id LIMIT -1 OFFSET -5;
-- @exact-or-refused
SELECT k FROM a ORDER BY k, id LIMIT 2.5::float8;
-- @exact-or-refused
SELECT k FROM a ORDER BY k, id OFFSET 1.5;
-- @exact-or-refused
SELECT string_agg(t, id::text ORDER BY k, id) FROM a WHERE k < 10;
-- @exact-or-refused
SELECT array_agg(x) FROM (SELECT x FROM a WHERE x > 50 ORDER BY x DESC) s;
-- @exact-or-refused
SELECT json_agg(b ORDER BY k, id) FROM b;
-- @exact-or-refused
SELECT array_agg(arr ORDER BY id) FROM types WHERE id IN (1, 9, 10);
-- @exact-or-refused
SELECT array_agg(DISTINCT x) FROM a;
-- @exact-or-refused
SELECT count(DISTINCT x) FILTER (WHERE k > 3), count(*) FROM a;
-- @exact-or-refused
SELECT (SELECT sum(a.x)) FROM a;
-- @exact-or-refused
SELECT (SELECT count(*) FROM ref WHERE ref.id = sum(a.x)) FROM a;
-- @exact-or-refused
-- @by-value
SELECT num, count(*) FROM types WHERE id IN (1, 2) GROUP BY num;
-- @exact-or-refused
-- @by-value
SELECT f8 + 0, count(*) FROM types WHERE id IN (9, 10) GROUP BY 1;
-- @exact-or-refused
SELECT iv, count(*) FROM types WHERE id IN (2, 4) GROUP BY iv;
-- @exact-or-refused
SELECT js, count(*) FROM types GROUP BY js;
-- @exact-or-refused
SELECT bp, count(*) FROM types GROUP BY bp;
-- @exact-or-refused
SELECT -k AS id, id AS k FROM b ORDER BY id, k;
-- @exact-or-refused
SELECT x AS k, count(*) FROM a GROUP BY k, x ORDER BY x, 2;
-- @exact-or-refused
SELECT k, a.id, unnest(ARRAY[1, 2]) u FROM a WHERE k < 3 ORDER BY x, k, a.id, u;
-- @exact-or-refused
SELECT count(*) FROM a_view;
-- @exact-or-refused
SELECT a.* FROM a JOIN b ON a.k = b.k GROUP BY a.k, a.id;
-- @exact-or-refused
SELECT a FROM a WHERE k IN (1, 2);
-- @exact-or-refused
SELECT a FROM a ORDER BY a;
-- @exact-or-refused
SELECT public.a.k FROM public.a ORDER BY public.a.k, public.a.id;
-- @exact-or-refused
SELECT 100 / (a.x - 11) FROM a JOIN b ON a.x = b.x;
-- @exact-or-refused
SELECT o1.k FROM a o1, a o2 WHERE o1.x = o2.x AND o1.id < o2.id;
-- @exact-or-refused
SELECT o1.k FROM a o1, a o2 WHERE o1.k = 1;
-- @exact-or-refused
SELECT count(*) FROM a o1, a o2 WHERE o1.k = 1 AND o2.x = 11;
-- @exact-or-refused
SELECT ctid FROM a WHERE k = 1 AND false;
-- @exact-or-refused
SELECT k FROM a WHERE ctid = '(0,1)' AND k > 100000000000000000 AND k < 0;
-- @exact-or-refused
SELECT count(*) FROM a WHERE xmin IS NOT NULL;
SELECT FROM a ORDER BY x, k, id;
SELECT FROM a WHERE k = 1 ORDER BY x;
-- @exact-or-refused
SELECT k FROM a FOR UPDATE;
-- @exact-or-refused
-- @count-only
SELECT k FROM a LIMIT 1 FOR UPDATE SKIP LOCKED;
-- @exact-or-refused
SELECT count(*) FROM a TABLESAMPLE BERNOULLI (100);
-- @exact-or-refused
SELECT count(*) FROM a TABLESAMPLE SYSTEM (50) REPEATABLE (1) WHERE false;
SELECT * FROM ref WHERE id = 1 FOR UPDATE;
SELECT * FROM ref ORDER BY id LIMIT 2 FOR SHARE;
-- @exact-or-refused
SELECT k FROM a WHERE k = (SELECT 1);
-- @exact-or-refused
SELECT k FROM a WHERE k = (SELECT id FROM ref WHERE name = 'two');
-- @exact-or-refused
SELECT max(x), max(x) FROM a;
-- @exact-or-refused
SELECT sum(x) AS "select", sum(x) FROM a ORDER BY "select";
-- @exact-or-refused
SELECT x FROM a GROUP BY x ORDER BY x LIMIT 2;
-- @exact-or-refused
SELECT x FROM a GROUP BY x ORDER BY sum(k) LIMIT 2;
-- @exact-or-refused
SELECT count(*) FROM (SELECT k FROM a LIMIT 3) s;
-- @exact-or-refused
SELECT sum(k) FROM (SELECT k FROM a ORDER BY k, id LIMIT 3) s;
-- @exact-or-refused
SELECT * FROM (SELECT max(k) AS m FROM a) s, ref r WHERE r.id = 1;
-- @exact-or-refused
SELECT k FROM a WHERE x = ANY (SELECT x FROM b);
-- @exact-or-refused
SELECT k FROM a WHERE (SELECT count(*) FROM b) > 3;
-- @exact-or-refused
SELECT pg_typeof(k), pg_typeof(sum(x)) FROM a GROUP BY k ORDER BY k LIMIT 1;
-- @exact-or-refused
SELECT ROW(count(*), sum(x)) FROM a;
-- @exact-or-refused
SELECT count(*) FROM a, LATERAL (SELECT 1 LIMIT 1) s;
-- @exact-or-refused
SELECT lower(min(t)) FROM a;
-- @exact-or-refused
SELECT setseed(0.5);
-- @exact-or-refused
SELECT pg_advisory_xact_lock(1) FROM a WHERE k = 1;
-- @exact-or-refused
SELECT query_to_xml('select count(*) from a', true, false, '');
-- @exact-or-refused
SELECT pg_relation_size('a') >= 0;
