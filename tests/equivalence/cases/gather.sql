-- What no merge of the shards' answers can give: brought together, finished by
-- PostgreSQL. All of it must be answered.
-- aggregates
SELECT array_agg(x ORDER BY x, k, id) FROM a;
SELECT string_agg(t, ',' ORDER BY t COLLATE "C", k) FROM a WHERE t <> '';
SELECT string_agg(t, t ORDER BY k, id) FROM a;
SELECT json_agg(x ORDER BY k, id) FROM a;
SELECT jsonb_object_agg(k, x) FROM b WHERE id = 1;
SELECT id, array_agg(k ORDER BY k) FROM a GROUP BY id ORDER BY id;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM a;
SELECT percentile_disc(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY x) FROM a;
SELECT mode() WITHIN GROUP (ORDER BY x) FROM a;
SELECT rank(11) WITHIN GROUP (ORDER BY x) FROM a;
SELECT stddev(x), variance(x), stddev_pop(x), var_pop(x) FROM a WHERE x < 1000;
SELECT stddev(n), var_samp(n) FROM a;
SELECT corr(a.k, a.x) IS NULL, regr_count(a.x, a.id) FROM a WHERE a.k BETWEEN -10 AND 50;
SELECT count(DISTINCT x) FILTER (WHERE id = 1), sum(x) FROM a;
SELECT count(DISTINCT (x, id)) FROM a;
SELECT sum(DISTINCT n), avg(DISTINCT n) FROM a;
SELECT n, count(*) FROM a GROUP BY n HAVING count(*) > 0 ORDER BY n NULLS FIRST;
SELECT x % 2 = 0 AS even, array_length(array_agg(k), 1) FROM a GROUP BY 1 ORDER BY 1 NULLS LAST;
SELECT bool_or(x > 100) AND bool_and(x IS NOT NULL), every(id < 5) FROM a;
-- grouping sets
SELECT id, x % 3 AS m, count(*) FROM a GROUP BY ROLLUP (id, x % 3) ORDER BY 1 NULLS LAST, 2 NULLS LAST, 3;
SELECT id, x, count(*) FROM b GROUP BY CUBE (id, x) ORDER BY 1, 2, 3;
SELECT id, x, GROUPING(id, x), sum(k) FROM c GROUP BY GROUPING SETS ((id), (x), ()) ORDER BY 3, 1, 2;
-- @params 1
SELECT id, count(*) + $1::int FROM a GROUP BY ROLLUP (id) ORDER BY 1;
-- windows
SELECT k, id, row_number() OVER (ORDER BY k, id) FROM a ORDER BY k, id;
SELECT k, id, sum(x) OVER (PARTITION BY id ORDER BY k) FROM a ORDER BY k, id;
SELECT k, x, rank() OVER w, dense_rank() OVER w FROM a WINDOW w AS (ORDER BY x NULLS FIRST) ORDER BY x NULLS FIRST, k, id;
SELECT k, lag(x) OVER (ORDER BY k, id), lead(x, 2, -1) OVER (ORDER BY k, id) FROM b ORDER BY k, id;
SELECT id, count(*), sum(count(*)) OVER (ORDER BY id) FROM a GROUP BY id ORDER BY id;
SELECT k, first_value(t) OVER (PARTITION BY id ORDER BY k ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM a ORDER BY k, id;
SELECT * FROM (SELECT k, x, row_number() OVER (PARTITION BY id ORDER BY x DESC NULLS LAST, k) AS r FROM a) s WHERE r <= 2 ORDER BY k, r;
SELECT ntile(4) OVER (ORDER BY k, id), k FROM a ORDER BY k, id LIMIT 5 OFFSET 3;
-- set operations
SELECT x FROM a UNION SELECT x FROM b ORDER BY 1 NULLS FIRST;
SELECT k FROM a UNION ALL SELECT x FROM b ORDER BY 1;
SELECT k FROM a INTERSECT SELECT k FROM b ORDER BY k;
SELECT k FROM a EXCEPT SELECT k FROM c ORDER BY k DESC LIMIT 4;
SELECT id FROM ref EXCEPT SELECT x FROM a ORDER BY 1;
SELECT k, 'a' AS of FROM a UNION ALL SELECT id, 'ref' FROM ref UNION ALL SELECT id, v FROM solo ORDER BY 1, 2;
SELECT count(*) FROM (SELECT k FROM a UNION SELECT k FROM b) u;
SELECT NULL AS k UNION SELECT k FROM c ORDER BY k;
VALUES (1::bigint), (2) EXCEPT SELECT k FROM c;
-- joins off the key
SELECT a.k, b.k FROM a JOIN b ON a.x = b.x ORDER BY 1, 2, a.id, b.id;
SELECT a.k, a.id, b.k, c.x FROM a LEFT JOIN b ON a.x = b.k LEFT JOIN c ON c.x = b.x ORDER BY 1, 2, 3, 4;
SELECT a.k, b.k FROM a FULL JOIN b ON a.x = b.k AND a.id = b.id ORDER BY 1, 2, a.id, b.id;
SELECT a.k, b.k FROM a FULL JOIN b USING (k, id) ORDER BY 1, 2, a.id, b.id;
SELECT ref.id, count(a.k) FROM ref LEFT JOIN a ON a.x = ref.id GROUP BY ref.id ORDER BY 1;
SELECT ref.id, a.k FROM ref RIGHT JOIN a ON a.id = ref.id ORDER BY a.k, a.id;
SELECT ref.name, a.k FROM ref FULL JOIN a ON a.k = ref.id ORDER BY ref.id, a.k, a.id;
SELECT solo.v, a.k FROM solo JOIN a ON a.k = solo.k ORDER BY 1, 2, a.id;
SELECT count(*) FROM a CROSS JOIN b;
SELECT count(*) FROM a o1, a o2 WHERE o1.x < o2.x;
SELECT o1.k FROM a o1 JOIN a o2 ON o2.x = o1.x AND o2.k <> o1.k ORDER BY 1, o2.k, o1.id, o2.id;
SELECT * FROM b NATURAL JOIN c ORDER BY k, id;
SELECT * FROM b JOIN c USING (id) ORDER BY b.k, c.k, id;
SELECT tt.k, tt.id, a.x FROM tt JOIN a ON a.id = tt.id ORDER BY tt.k COLLATE "C", tt.id, a.k, a.id;
SELECT count(*) FROM a, i4, i2 WHERE a.k = i4.k AND i2.k = a.id;
-- sub-queries
SELECT k, id FROM a WHERE x > (SELECT avg(x) FROM a WHERE x < 100) ORDER BY k, id;
SELECT k FROM a WHERE x IN (SELECT x FROM b) ORDER BY k, id;
SELECT k FROM a WHERE x NOT IN (SELECT x FROM b WHERE x IS NOT NULL) ORDER BY k, id;
SELECT k FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.x = a.x) ORDER BY k, id;
SELECT k, (SELECT count(*) FROM b WHERE b.x = a.x) FROM a ORDER BY k, id;
SELECT k, (SELECT max(b.k) FROM b WHERE b.k < a.k) FROM a ORDER BY k, id;
SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b), (SELECT max(v) FROM ref);
SELECT EXISTS (SELECT 1 FROM a WHERE x = 11), EXISTS (SELECT 1 FROM a WHERE x = 12345);
SELECT id FROM ref WHERE id IN (SELECT x FROM a) ORDER BY id;
SELECT id FROM ref WHERE NOT EXISTS (SELECT 1 FROM a WHERE a.k = ref.id) ORDER BY id;
SELECT count(*) FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.x = 2);
SELECT ARRAY(SELECT k FROM a WHERE x = 11 ORDER BY k);
SELECT k FROM a WHERE (x, id) IN (SELECT x, id FROM b) ORDER BY k, id;
SELECT k FROM a WHERE x > ALL (SELECT x FROM c WHERE x < 20) ORDER BY k, id;
SELECT k FROM a WHERE x = ANY (SELECT x FROM c) ORDER BY k, id;
SELECT (SELECT sum(a.x)) FROM a WHERE x < 1000;
SELECT s.m FROM (SELECT max(x) AS m FROM a) s JOIN (SELECT min(x) AS m FROM b) t ON s.m > t.m;
SELECT k FROM (SELECT k, x FROM a ORDER BY x DESC NULLS LAST, k LIMIT 3) s ORDER BY k;
SELECT max(k) FROM (SELECT k FROM a ORDER BY k LIMIT 4) s;
-- lateral
SELECT r.id, s.x FROM ref r, LATERAL (SELECT x FROM a WHERE a.x > r.id * 10 ORDER BY x LIMIT 1) s ORDER BY 1, 2;
SELECT a.k, s.c FROM a, LATERAL (SELECT count(*) AS c FROM b WHERE b.k <= a.k) s ORDER BY 1, 2, a.id;
SELECT a.k, g FROM a, LATERAL generate_series(1, a.id) g WHERE EXISTS (SELECT 1 FROM b WHERE b.x = a.x) ORDER BY 1, 2, a.id;
SELECT c.k, u FROM c LEFT JOIN LATERAL unnest(ARRAY[c.x, c.id]) u ON u > (SELECT min(x) FROM b) ORDER BY 1, 2;
-- WITH
WITH q AS (SELECT k, x FROM a WHERE x > 10), r AS (SELECT max(x) AS m FROM q) SELECT q.k FROM q, r WHERE q.x = r.m;
WITH q AS MATERIALIZED (SELECT * FROM a) SELECT count(*) FROM q x, q y WHERE x.k = y.x;
WITH RECURSIVE t(n) AS (SELECT min(id) FROM b UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT t.n, count(a.k) FROM t LEFT JOIN a ON a.id = t.n GROUP BY 1 ORDER BY 1;
WITH RECURSIVE reach(k, depth) AS (SELECT 1::bigint, 0 UNION SELECT b.x::bigint, depth + 1 FROM reach JOIN b ON b.k = reach.k WHERE depth < 3) SELECT * FROM reach ORDER BY 2, 1;
WITH a AS (SELECT 1 AS k) SELECT a.k, b.x FROM a JOIN b ON b.x > a.k ORDER BY 2, b.k;
-- DISTINCT
SELECT DISTINCT ON (id) id, k, x FROM a ORDER BY id, x DESC NULLS LAST, k;
SELECT DISTINCT n FROM a WHERE n = 5 OR n = 11 ORDER BY n;
SELECT DISTINCT x + 0 AS y FROM a ORDER BY y NULLS FIRST;
SELECT count(*) FROM (SELECT DISTINCT x, id FROM a) s;
-- ORDER BY and LIMIT
SELECT k, x FROM a ORDER BY x USING >, k, id LIMIT 4;
-- @unordered
SELECT k, x FROM a ORDER BY x NULLS FIRST FETCH FIRST 3 ROWS WITH TIES;
SELECT k FROM a ORDER BY k, id LIMIT (SELECT count(*) FROM c);
SELECT k FROM a ORDER BY k, id LIMIT 1 + 1 OFFSET 2 * 1;
SELECT k FROM a ORDER BY (SELECT max(b.x) FROM b WHERE b.k = a.id), k, id LIMIT 5;
SELECT bp FROM types ORDER BY bp, k, id;
-- types that travel
SELECT k, id, i2, i4, i8, num, dec, f4, f8, txt, vc, bp, flag, d, ts, tz, u, by, js, iv, arr, row_number() OVER (ORDER BY k, id) FROM types ORDER BY k, id;
SELECT x.arr, y.js, y.iv, y.dec, y.bp FROM types x JOIN types y ON x.id = y.id AND x.k <> y.k ORDER BY x.k, x.id, y.k;
SELECT x.f8, x.f4 FROM types x, types y WHERE x.f8 = y.f8 ORDER BY x.k, x.id, y.k, y.id;
SELECT max(by::text), min(u::text), max(iv), min(tz) FROM types x WHERE x.d IN (SELECT d FROM types);
SELECT dec::text, vc, length(bp) FROM types t1 WHERE dec = (SELECT max(dec) FROM types);
-- column lists, quoted names, expressions of the clock
SELECT p, q FROM a AS z(p, q) ORDER BY (SELECT min(x) FROM b), p, q LIMIT 3;
SELECT "Key", (SELECT count(*) FROM "Odd Names") FROM "Odd Names" ORDER BY 1;
SELECT count(*) FROM a WHERE now() > '2020-01-01' AND x IN (SELECT x FROM b);
SELECT (SELECT count(*) FROM public.a), (SELECT max(k) FROM public.b o);
SELECT x + 1 AS id, id AS x, array_agg(k ORDER BY k) FROM a GROUP BY id, x, x + 1 ORDER BY a.id, a.x NULLS FIRST;
SELECT x AS t, count(*), array_agg(id ORDER BY id, k) FROM a GROUP BY t, x ORDER BY 1 NULLS FIRST, 2, 3;
-- parameters
-- @params 11
-- @types int4
SELECT array_agg(k ORDER BY k) FROM a WHERE x = $1;
-- @params 1,5
-- @types int8,int8
SELECT count(*) FROM a JOIN b ON a.x = b.x WHERE a.k BETWEEN $1 AND $2;
-- @params 2,\N
SELECT k, row_number() OVER (ORDER BY k, id) + $1::int FROM a WHERE x IS DISTINCT FROM $2::int ORDER BY k, id;
-- errors as PostgreSQL gives them
-- @sqlstate-only
SELECT array_agg(1 / (x - 11)) FROM a;
SELECT array_agg(nosuch) FROM a;
SELECT array_agg(x) FROM a GROUP BY nosuch;
SELECT k, array_agg(x) FROM a;
SELECT (SELECT x FROM a);
SELECT x FROM a UNION SELECT t FROM a;
SELECT rank() OVER (ORDER BY k) FROM a WHERE rank() OVER (ORDER BY k) > 1;
-- what a table's replacement would change
-- @exact-or-refused
SELECT a.*, array_agg(b.x) FROM a, b WHERE b.x = a.x GROUP BY a.k, a.id ORDER BY a.k, a.id;
-- @exact-or-refused
SELECT array_agg(z ORDER BY z)::text FROM a z;
-- @exact-or-refused
SELECT count(*) FROM a, pg_class WHERE a.t = relname;
