-- Questions a planner easily answers wrongly: each exactly right, or refused.
-- @exact-or-refused
SELECT s.k, s.c FROM (SELECT k, count(*) c FROM a GROUP BY k) s WHERE s.c > 1;
-- @exact-or-refused
SELECT s.k FROM (SELECT k, x FROM a) s JOIN b ON s.k = b.k;
-- @exact-or-refused
SELECT s.k, b.x FROM (SELECT k FROM a GROUP BY k) s LEFT JOIN b ON s.k = b.k;
-- @exact-or-refused
SELECT s.k FROM (SELECT DISTINCT x AS k FROM a) s JOIN b ON s.k = b.k;
-- @exact-or-refused
SELECT s.q FROM (SELECT x AS q, k FROM a) s JOIN b ON s.q = b.k;
-- @exact-or-refused
SELECT count(*) FROM (SELECT a.k FROM a LEFT JOIN b ON a.k = b.k AND a.id = b.id) s JOIN c ON c.k = s.k;
-- @exact-or-refused
SELECT count(*) FROM (SELECT b.k FROM a LEFT JOIN b ON a.k = b.k) s LEFT JOIN c ON c.k = s.k;
-- @exact-or-refused
SELECT count(*) FROM (SELECT b.k FROM a LEFT JOIN b ON a.k = b.k AND b.x = 2) s GROUP BY s.k;
-- @exact-or-refused
SELECT DISTINCT s.k FROM (SELECT b.k FROM a LEFT JOIN b ON a.k = b.k AND b.x = 2) s;
-- @exact-or-refused
SELECT k, (SELECT count(*) FROM b WHERE b.k = a.k AND b.x = a.x) FROM a;
-- @exact-or-refused
SELECT k, (SELECT b.x FROM b WHERE b.k = a.k ORDER BY b.x, b.id LIMIT 1) FROM a;
-- @exact-or-refused
SELECT k FROM a WHERE x > (SELECT avg(x) FROM b WHERE b.k = a.k);
-- @exact-or-refused
SELECT k FROM a WHERE (SELECT count(*) FROM b WHERE b.k = a.k) = 0;
-- @exact-or-refused
SELECT k FROM a WHERE k = ANY (SELECT k FROM b WHERE b.x > 2);
-- @exact-or-refused
SELECT k FROM a WHERE (k, id) IN (SELECT k, id FROM b);
-- @exact-or-refused
SELECT k FROM a WHERE k IN (SELECT k FROM b GROUP BY k HAVING count(*) > 1);
-- @exact-or-refused
SELECT k FROM a WHERE k IN (SELECT b.k FROM b JOIN c ON b.k = c.k);
-- @exact-or-refused
SELECT k FROM a WHERE k IN (SELECT c.k FROM b LEFT JOIN c ON b.k = c.k);
-- @exact-or-refused
SELECT k FROM a WHERE NOT (k IN (SELECT k FROM b));
-- @exact-or-refused
SELECT a.k, s.x FROM a, LATERAL (SELECT x FROM b WHERE b.k = a.k ORDER BY x DESC LIMIT 1) s;
-- @exact-or-refused
SELECT a.k, s.x FROM a LEFT JOIN LATERAL (SELECT x FROM b WHERE b.k = a.k ORDER BY x DESC LIMIT 1) s ON true;
-- @exact-or-refused
SELECT a.k, s.m FROM a LEFT JOIN LATERAL (SELECT max(x) AS m FROM b WHERE b.k = a.k) s ON true;
-- @exact-or-refused
SELECT a.k, s.m FROM a, LATERAL (SELECT max(x) AS m FROM b) s;
-- @exact-or-refused
SELECT a.k, s.n FROM a, LATERAL (SELECT count(*) AS n FROM ref WHERE ref.id <= a.x) s;
-- @exact-or-refused
SELECT a.k, s.n FROM a, (SELECT count(*) AS n, sum(v) AS v FROM ref) s;
-- @exact-or-refused
SELECT a.k, s.name FROM a JOIN (SELECT id, name FROM ref ORDER BY id LIMIT 2) s ON s.id = a.id;
-- @exact-or-refused
SELECT a.k, s.rn FROM a JOIN (SELECT id, row_number() OVER (ORDER BY id) rn FROM ref) s ON s.id = a.id;
-- @exact-or-refused
WITH q AS (SELECT k, count(*) c FROM a GROUP BY k) SELECT * FROM q JOIN b ON q.k = b.k;
-- @exact-or-refused
WITH q AS (SELECT k FROM a), r AS (SELECT k FROM b) SELECT * FROM q JOIN r ON q.k = r.k;
-- @exact-or-refused
WITH q AS (SELECT k FROM a) SELECT x.k FROM q x JOIN q y ON x.k = y.k;
-- @exact-or-refused
WITH q AS (SELECT k FROM a) SELECT count(*) FROM q x, q y;
-- @exact-or-refused
WITH q AS (SELECT k, x FROM a WHERE k = 1) SELECT count(*) FROM q x, q y;
-- @exact-or-refused
WITH q AS (SELECT max(k) AS k FROM a) SELECT b.x FROM b JOIN q ON b.k = q.k;
-- @exact-or-refused
WITH q AS (SELECT id FROM ref) SELECT count(*) FROM a WHERE x IN (SELECT id FROM q);
-- @exact-or-refused
WITH a AS (SELECT 1 AS k) SELECT * FROM a;
-- @exact-or-refused
WITH q AS (SELECT 1) SELECT count(*) FROM a;
-- @exact-or-refused
SELECT * FROM (VALUES (1), (2), (42)) v(k) JOIN a ON a.k = v.k;
-- @exact-or-refused
SELECT a.k FROM (VALUES (1), (2), (42)) v(k) LEFT JOIN a ON a.k = v.k;
-- @exact-or-refused
SELECT a.k, g FROM a JOIN generate_series(1, 3) g ON g = a.k;
-- @exact-or-refused
SELECT g, a.k FROM generate_series(1, 3) g LEFT JOIN a ON g = a.k;
-- @exact-or-refused
SELECT a.k, b.k FROM a JOIN b ON a.k = b.k WHERE b.k IN (1, 42);
-- @exact-or-refused
SELECT a.k, b.k FROM a JOIN b ON a.k = b.k WHERE a.k IN (1, 42) AND b.k IN (1, 3);
-- @exact-or-refused
SELECT a.k, b.k FROM a, b WHERE a.k = 1 AND b.k = 42;
-- @exact-or-refused
SELECT a.k, b.k FROM a, b WHERE a.k IN (1, 2) AND b.k IN (1, 2);
-- @exact-or-refused
SELECT a.k, b.k FROM a LEFT JOIN b ON a.k = b.k AND b.k IN (1, 3);
-- @exact-or-refused
SELECT a.k, b.k FROM a LEFT JOIN b ON b.k = 1 AND a.id = b.id WHERE a.k IN (1, 2);
-- @exact-or-refused
SELECT a.k, b.k FROM a LEFT JOIN b ON b.k = a.k WHERE b.k IS NULL OR b.x > 2;
-- @exact-or-refused
SELECT a.k, b.k, c.k FROM a LEFT JOIN (b JOIN c ON b.k = c.k) ON a.k = b.k;
-- @exact-or-refused
SELECT a.k, b.k, c.k FROM a LEFT JOIN (b JOIN c ON b.x = c.x) ON a.k = b.k;
-- @exact-or-refused
SELECT a.k, b.k, c.k FROM (a LEFT JOIN b ON a.k = b.k) JOIN c ON c.k = b.k;
-- @exact-or-refused
SELECT a.k, b.k, c.k FROM (a LEFT JOIN b ON a.x = b.x AND b.k = 1) JOIN c ON c.k = a.k;
-- @exact-or-refused
SELECT a.k FROM a LEFT JOIN b ON a.k = b.k LEFT JOIN c ON c.k = a.k AND c.k = b.k;
-- @exact-or-refused
SELECT a.k FROM a RIGHT JOIN b USING (k) ORDER BY k, b.id, a.id;
-- @exact-or-refused
SELECT k, a.x, b.x FROM a RIGHT JOIN b USING (k) ORDER BY k, a.id, b.id;
-- @exact-or-refused
SELECT * FROM a JOIN b USING (k) ORDER BY 1, 2, 6;
-- @exact-or-refused
SELECT k FROM a NATURAL JOIN b ORDER BY k;
-- @exact-or-refused
SELECT j.k FROM (a JOIN b USING (k)) AS j ORDER BY j.k;
-- @exact-or-refused
SELECT k, count(*) FROM a JOIN b USING (k) GROUP BY k;
-- @exact-or-refused
SELECT b.k, count(*) FROM a LEFT JOIN b USING (k) GROUP BY b.k;
-- @exact-or-refused
SELECT k, count(*) FROM a LEFT JOIN b USING (k) GROUP BY k;
-- @exact-or-refused
SELECT k, count(*) FROM a RIGHT JOIN b USING (k) GROUP BY k;
-- @exact-or-refused
SELECT a.k, count(*) FROM a RIGHT JOIN b USING (k) GROUP BY a.k;
-- @exact-or-refused
SELECT DISTINCT a.k FROM a RIGHT JOIN b USING (k);
-- @exact-or-refused
SELECT k AS x, x AS k FROM a GROUP BY k, x ORDER BY k, x;
-- @exact-or-refused
SELECT x AS k, count(*) FROM a GROUP BY k ORDER BY 1;
-- @exact-or-refused
SELECT x AS foo, count(*) FROM a GROUP BY foo HAVING count(*) > 0 ORDER BY foo;
-- @exact-or-refused
SELECT x + 1 AS x, count(*) FROM a GROUP BY x ORDER BY x;
-- @exact-or-refused
SELECT x + 1 AS x, count(*) FROM a GROUP BY 1 ORDER BY 1;
-- @exact-or-refused
SELECT -x AS y, count(*) FROM a GROUP BY -x ORDER BY -x;
-- @exact-or-refused
SELECT upper(t) AS u, count(*) FROM a GROUP BY upper(t) ORDER BY u;
-- @exact-or-refused
SELECT length(t), count(*) FROM a GROUP BY length(t) ORDER BY length(t) DESC, 2;
-- @exact-or-refused
SELECT x, t, count(*) FROM a GROUP BY t, x ORDER BY x NULLS FIRST, t;
-- @exact-or-refused
SELECT a.x, count(*) FROM a GROUP BY x ORDER BY a.x;
-- @exact-or-refused
SELECT x, sum(id) * 2 + count(*) FROM a GROUP BY x ORDER BY sum(id) * 2 + count(*), x;
-- @exact-or-refused
SELECT x, count(*) AS c FROM a GROUP BY x ORDER BY c DESC, x NULLS LAST LIMIT 3 OFFSET 1;
-- @exact-or-refused
SELECT x, max(t) FROM a GROUP BY x HAVING max(t) > 'm' ORDER BY x;
-- @exact-or-refused
SELECT x, avg(id), min(n), max(n), sum(n) FROM a GROUP BY x ORDER BY x;
-- @exact-or-refused
SELECT CASE WHEN x > 50 THEN 'big' ELSE 'small' END, count(*) FROM a GROUP BY 1;
-- @exact-or-refused
SELECT coalesce(x, 0), count(*) FROM a GROUP BY coalesce(x, 0) ORDER BY 1;
-- @exact-or-refused
SELECT x IS NULL, count(*) FROM a GROUP BY x IS NULL ORDER BY 1;
-- @exact-or-refused
SELECT k > 5, count(*), sum(x) FROM a GROUP BY k > 5 ORDER BY 1;
-- @exact-or-refused
SELECT count(*), count(*) FILTER (WHERE x > 10) AS f, sum(x) FILTER (WHERE t LIKE '%e%') FROM a;
-- @exact-or-refused
SELECT count(*) * 100 / count(x), max(x) - min(x) FROM a;
-- @exact-or-refused
SELECT -count(*), count(*)::text || 'x', (count(*))::float8 / 3 FROM a;
-- @exact-or-refused
SELECT sum(x)::numeric / count(*) AS r FROM a;
-- @exact-or-refused
SELECT count(DISTINCT x), count(DISTINCT t), sum(id), max(k) FROM a;
-- @exact-or-refused
SELECT id, count(DISTINCT x), count(*) FROM a GROUP BY id ORDER BY id;
-- @exact-or-refused
SELECT avg(DISTINCT x), sum(DISTINCT id) FROM a;
-- @exact-or-refused
SELECT count(DISTINCT n) FROM a;
-- @exact-or-refused
SELECT sum(x) FROM a HAVING sum(x) > 0;
-- @exact-or-refused
SELECT 1 FROM a HAVING count(*) > 1000;
-- @exact-or-refused
SELECT max(k) FROM a ORDER BY max(k);
-- @exact-or-refused
SELECT count(*) AS n FROM a ORDER BY n;
-- @exact-or-refused
SELECT DISTINCT x IS NULL FROM a ORDER BY 1;
-- @exact-or-refused
SELECT DISTINCT x % 3 FROM a WHERE x IS NOT NULL ORDER BY 1 DESC;
-- @exact-or-refused
SELECT DISTINCT t, x FROM a ORDER BY x DESC NULLS LAST, t LIMIT 5;
-- @exact-or-refused
SELECT DISTINCT count(*) FROM a;
-- @exact-or-refused
SELECT DISTINCT k FROM a ORDER BY k LIMIT 4;
-- @exact-or-refused
SELECT DISTINCT k, x FROM a ORDER BY x NULLS FIRST, k;
-- @exact-or-refused
SELECT DISTINCT ON (k) k, id FROM a ORDER BY k, id;
-- @exact-or-refused
SELECT count(*) FROM a WHERE k IN (SELECT id FROM ref);
-- @exact-or-refused
SELECT count(*) FROM a JOIN ref ON a.k = ref.id;
-- @exact-or-refused
SELECT sum(r.v) FROM a JOIN ref r ON a.id = r.id;
-- @exact-or-refused
SELECT r.name, sum(a.x) FROM ref r JOIN a ON a.id = r.id GROUP BY r.name ORDER BY 1;
-- @exact-or-refused
SELECT k, rank() OVER (PARTITION BY k ORDER BY id) FROM a ORDER BY k, id;
-- @exact-or-refused
SELECT k, rank() OVER (PARTITION BY k, x ORDER BY id) FROM a;
-- @exact-or-refused
SELECT k, rank() OVER w FROM a WINDOW w AS (PARTITION BY x ORDER BY k);
-- @exact-or-refused
SELECT k, sum(x) OVER (PARTITION BY k) FROM a ORDER BY 2 DESC NULLS LAST, 1;
-- @exact-or-refused
SELECT k, count(*) OVER (PARTITION BY k) FROM a GROUP BY k;
-- @exact-or-refused
SELECT k, count(*), rank() OVER (PARTITION BY k ORDER BY count(*)) FROM a GROUP BY k, x;
-- @exact-or-refused
SELECT a.*, b.x AS bx FROM a JOIN b USING (k) ORDER BY bx, a.k, a.id, b.id;
-- @exact-or-refused
SELECT k, id, t FROM a ORDER BY t DESC NULLS LAST, k LIMIT 7 OFFSET 2;
-- @exact-or-refused
SELECT k, "id" AS "Order by" FROM a ORDER BY "Order by", k;
-- @exact-or-refused
SELECT k AS "limit", id AS "from" FROM a ORDER BY "limit", "from" LIMIT 2;
-- @exact-or-refused
SELECT k AS limit, id AS order FROM a ORDER BY k, id OFFSET 1 LIMIT 2;
-- @exact-or-refused
SELECT a.k, 'from x order by y limit 3' AS s FROM a ORDER BY a.k, a.id LIMIT 3;
-- @exact-or-refused
SELECT k /* from */ , id -- order by
 FROM a ORDER BY k, id;
-- @exact-or-refused
SELECT k IS DISTINCT FROM 1 AS d, k FROM a ORDER BY d, k, id;
-- @exact-or-refused
SELECT extract(year FROM d) AS y, id FROM types ORDER BY y, id;
-- @exact-or-refused
SELECT substring(t from 1 for 2), k FROM a ORDER BY 2, id;
-- @exact-or-refused
SELECT trim(both 'e' from t), k FROM a ORDER BY k, id;
-- @exact-or-refused
SELECT CAST(k AS int) + 1 AS q, id FROM b WHERE k < 1000 ORDER BY q, id;
-- @exact-or-refused
SELECT (SELECT 1 FROM ref LIMIT 1) AS one, k FROM a;
-- @exact-or-refused
SELECT (SELECT max(v) FROM ref) AS m, k FROM a ORDER BY k, id;
-- @exact-or-refused
SELECT k, x FROM a ORDER BY x IS NULL, x, k, id;
-- @exact-or-refused
SELECT k FROM a ORDER BY -k, id LIMIT 5;
-- @exact-or-refused
SELECT k FROM a ORDER BY k % 2, k, id;
-- @exact-or-refused
SELECT k FROM a ORDER BY length(t), k, id;
-- @exact-or-refused
SELECT k FROM a ORDER BY coalesce(x, 0), k, id;
-- @exact-or-refused
SELECT k FROM a ORDER BY upper(t), k, id;
-- @exact-or-refused
SELECT id, f8 / 2 AS h FROM types ORDER BY h, id;
-- @exact-or-refused
SELECT id, i4 + i8 AS s FROM types WHERE id > 5 AND id <> 7 ORDER BY s, id;
-- @exact-or-refused
SELECT id FROM types ORDER BY i2 + 0, id;
-- @exact-or-refused
SELECT id FROM types ORDER BY num + 1, id;
-- @exact-or-refused
SELECT id FROM types ORDER BY f4 + f4, id;
-- @exact-or-refused
SELECT id, vc FROM types ORDER BY vc, txt, id;
-- @exact-or-refused
SELECT id FROM types ORDER BY tz DESC, id;
-- @exact-or-refused
SELECT id FROM types ORDER BY d::text, id;
-- @exact-or-refused
SELECT k::text FROM a ORDER BY 1, id;
-- @exact-or-refused
SELECT k FROM a WHERE k = 1 OR k = 2 OR (k = 3 AND x > 0);
-- @exact-or-refused
SELECT k FROM a WHERE (k = 1 OR k = 2) AND (k = 2 OR k = 3);
-- @exact-or-refused
SELECT k FROM a WHERE k IN (1, NULL);
-- @exact-or-refused
SELECT k FROM a WHERE k IN (NULL);
-- @exact-or-refused
SELECT k FROM a WHERE k = ANY (ARRAY[1, 2, NULL]::bigint[]);
-- @exact-or-refused
SELECT k FROM a WHERE k = ANY ('{}');
-- @exact-or-refused
SELECT k FROM a WHERE k = ANY (NULL::bigint[]);
-- @exact-or-refused
SELECT k FROM a WHERE k = ANY (ARRAY[]::bigint[]);
-- @exact-or-refused
SELECT k FROM a WHERE k NOT IN (1, 2);
-- @exact-or-refused
SELECT k FROM a WHERE k = 1 AND k = 2;
-- @exact-or-refused
SELECT k FROM a WHERE k = 1.0;
-- @exact-or-refused
SELECT k FROM a WHERE k = '1 ';
-- @exact-or-refused
SELECT k FROM a WHERE k = (1);
-- @exact-or-refused
SELECT k FROM a WHERE (k) = 1;
-- @exact-or-refused
SELECT k FROM a WHERE k = 1 + 0;
-- @exact-or-refused
SELECT k FROM a WHERE k BETWEEN 1 AND 1;
-- @exact-or-refused
SELECT k FROM a WHERE (k, id) = (1, 1);
-- @exact-or-refused
SELECT k FROM a WHERE k IS NOT DISTINCT FROM 1;
-- @exact-or-refused
SELECT k FROM i4 WHERE k = 3000000000;
-- @exact-or-refused
SELECT k FROM i2 WHERE k = -32768;
-- @exact-or-refused
SELECT a.k FROM a JOIN i4 ON a.k = i4.k;
-- @exact-or-refused
SELECT a.k, i4.v FROM a JOIN i4 ON a.k = i4.k WHERE i4.k = 2;
-- @exact-or-refused
SELECT a.k FROM a LEFT JOIN i4 ON a.k = i4.k ORDER BY a.k, a.id;
-- @exact-or-refused
SELECT tt.k FROM tt JOIN vc ON tt.k = vc.k;
-- @exact-or-refused
SELECT tt.k, vc.id FROM tt LEFT JOIN vc ON tt.k = vc.k ORDER BY tt.k, tt.id, vc.id;
-- @exact-or-refused
SELECT k, count(*) FROM vc GROUP BY k ORDER BY k;
-- @exact-or-refused
SELECT id, count(k) FROM nk GROUP BY id ORDER BY id;
-- @exact-or-refused
SELECT k, count(*) FROM nk GROUP BY k ORDER BY k NULLS FIRST;
-- @exact-or-refused
SELECT DISTINCT k FROM nk ORDER BY k;
-- @exact-or-refused
SELECT v, count(*) FROM nk GROUP BY v ORDER BY v;
-- @exact-or-refused
SELECT count(*) FROM nk n1 JOIN nk n2 ON n1.k = n2.k;
-- @exact-or-refused
SELECT count(*) FROM nk n1 LEFT JOIN nk n2 ON n1.k = n2.k;
-- @exact-or-refused
SELECT n1.id FROM nk n1 WHERE NOT EXISTS (SELECT 1 FROM nk n2 WHERE n2.k = n1.k AND n2.id <> n1.id);
-- @exact-or-refused
SELECT * FROM "Odd Names" ORDER BY "select" NULLS FIRST, "Key";
-- @exact-or-refused
SELECT "ümlaut", count(*) FROM "Odd Names" GROUP BY "ümlaut" ORDER BY "ümlaut";
-- @exact-or-refused
SELECT "Key" AS "A""b" FROM "Odd Names" ORDER BY "A""b";
-- @exact-or-refused
SELECT sum("ümlaut") AS "Sum ""q""" FROM "Odd Names";
-- @exact-or-refused
SELECT k FROM a WHERE x = 11 UNION ALL SELECT k FROM b WHERE x = 2;
-- @exact-or-refused
SELECT k FROM a UNION SELECT k FROM b;
-- @exact-or-refused
SELECT count(*) FROM (SELECT k FROM a UNION ALL SELECT k FROM b) s;
-- @exact-or-refused
SELECT s.k FROM (SELECT k FROM a UNION ALL SELECT k FROM b) s JOIN c ON c.k = s.k;
-- @exact-or-refused
SELECT c.k FROM c WHERE c.k IN (SELECT k FROM a UNION SELECT k FROM b);
-- @exact-or-refused
SELECT c.k, (SELECT count(*) FROM (SELECT k FROM a UNION ALL SELECT k FROM b) s WHERE s.k = c.k) FROM c;
-- @exact-or-refused
SELECT c.k FROM c JOIN (SELECT k FROM a EXCEPT SELECT k FROM b) s ON s.k = c.k;
-- @exact-or-refused
SELECT c.k FROM c JOIN (SELECT x AS k FROM a UNION ALL SELECT k FROM b) s ON s.k = c.k;
-- @exact-or-refused
SELECT min(x), max(x) FROM (SELECT x FROM a WHERE k < 100) s;
-- @exact-or-refused
SELECT k, x FROM (SELECT k, x, id FROM a ORDER BY x LIMIT 3) s ORDER BY k;
-- @exact-or-refused
SELECT count(*) FROM (SELECT k FROM a OFFSET 2) s;
-- @exact-or-refused
SELECT (count(*) > 3)::int, bool_or(x > 50), every(k > -5) FROM a;
-- @exact-or-refused
SELECT count(*) FROM a, ref, generate_series(1, 2);
-- @exact-or-refused
SELECT count(*) FROM a TABLESAMPLE SYSTEM (100);
-- @exact-or-refused
SELECT EXISTS (SELECT 1 FROM a WHERE k = 1 AND x = 11);
-- @exact-or-refused
SELECT 5 IN (SELECT k FROM a);
-- @exact-or-refused
SELECT ARRAY(SELECT x FROM b WHERE b.k = a.k ORDER BY x), k FROM a;
-- @exact-or-refused
SELECT k, ARRAY(SELECT id FROM ref ORDER BY id) FROM a WHERE k < 3;
-- @exact-or-refused
SELECT string_agg(name, ',') FROM ref;
-- @exact-or-refused
SELECT a.k, (SELECT string_agg(name, ',' ORDER BY id) FROM ref) FROM a;
-- @exact-or-refused
SELECT k FROM a WHERE t = (SELECT name FROM ref WHERE id = 1);
-- @exact-or-refused
SELECT k FROM a WHERE x > ALL (SELECT v FROM ref WHERE v < 20);
-- @exact-or-refused
SELECT k, generate_series(1, id) FROM a ORDER BY k, id;
-- @exact-or-refused
SELECT k, unnest(ARRAY[1,2]) FROM a ORDER BY k, id LIMIT 5;
-- @exact-or-refused
SELECT k, count(*) FROM a GROUP BY k, x HAVING x > 10 ORDER BY k;
-- @exact-or-refused
SELECT k, x FROM a GROUP BY k, x ORDER BY max(id), k, x;
-- @exact-or-refused
SELECT max(x) FROM a GROUP BY k ORDER BY k;
-- @exact-or-refused
SELECT max(x) FROM a GROUP BY x ORDER BY x;
-- @exact-or-refused
SELECT 'a' AS c, count(*) FROM a GROUP BY c;
-- @exact-or-refused
SELECT sum(x) FROM a GROUP BY ();
-- @exact-or-refused
SELECT k FROM a WHERE d_nosuch = 1;
-- @exact-or-refused
SELECT a.nosuch FROM a;
-- @exact-or-refused
SELECT nosuch.k FROM a;
-- @exact-or-refused
SELECT k, k FROM a ORDER BY k;
-- @exact-or-refused
SELECT k, id AS k FROM a ORDER BY k;
-- @exact-or-refused
SELECT count(*) FROM a ORDER BY x;
-- @exact-or-refused
SELECT x FROM a ORDER BY count(*);
-- @exact-or-refused
SELECT DISTINCT x FROM a ORDER BY id;
-- @exact-or-refused
SELECT sum(x) OVER (), count(*) FROM a;
-- @exact-or-refused
SELECT x, count(*) FROM a GROUP BY x ORDER BY id;
-- @exact-or-refused
SELECT a FROM a GROUP BY a;
-- @exact-or-refused
SELECT max(a.k) FROM a HAVING max(b.k) > 1;
-- @exact-or-refused
SELECT avg(t) FROM a;
-- @exact-or-refused
SELECT min(flag) FROM types;
-- @exact-or-refused
SELECT bit_and(i2), bit_or(i8), bit_xor(i4) FROM types;
-- @exact-or-refused
SELECT max(tz), min(ts), max(d), max(vc), min(txt) FROM types;
-- @exact-or-refused
SELECT i2, max(vc), min(tz) FROM types GROUP BY i2 ORDER BY i2;
-- @exact-or-refused
SELECT vc, count(*) FROM types GROUP BY vc ORDER BY vc;
-- @exact-or-refused
SELECT dec, count(*) FROM types GROUP BY dec ORDER BY dec;
-- @exact-or-refused
SELECT d, flag, count(*) FROM types GROUP BY d, flag ORDER BY d, flag;
-- @exact-or-refused
SELECT u, by, count(*) FROM types GROUP BY u, by ORDER BY u, by;
-- @exact-or-refused
SELECT tz, ts, count(*) FROM types GROUP BY ts, tz ORDER BY 1, 2;
-- @exact-or-refused
SELECT sum(iv), avg(iv) FROM types WHERE id < 7;
-- @exact-or-refused
SELECT bp, count(*) FROM types GROUP BY bp;
-- @exact-or-refused
SELECT js, count(*) FROM types GROUP BY js;
-- @exact-or-refused
SELECT DISTINCT d, vc FROM types ORDER BY d, vc;
-- @exact-or-refused
SELECT count(DISTINCT vc), count(DISTINCT d), count(DISTINCT bp) FROM types;
-- @exact-or-refused
SELECT count(DISTINCT lower(vc)) FROM types;
