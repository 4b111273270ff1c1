-- Aggregates over all shards, without and with groups.
SELECT count(*) FROM a;
SELECT count(x) FROM a;
SELECT count(1) FROM a WHERE x > 50;
SELECT count(*) AS "How many" FROM a;
SELECT count(*), count(x), count(t), count(n) FROM a;
SELECT sum(x), min(x), max(x), avg(x) FROM a;
SELECT sum(k) FROM a WHERE k < 1000;
SELECT sum(k) FROM a;
SELECT sum(i2), avg(i2), min(i2), max(i2) FROM types;
SELECT sum(i4), avg(i4), min(i4), max(i4) FROM types;
SELECT sum(i8), avg(i8), min(i8), max(i8) FROM types;
SELECT sum(dec), avg(dec), min(dec), max(dec) FROM types;
SELECT sum(num), avg(num), min(num), max(num) FROM types;
SELECT sum(num), avg(num), min(num), max(num) FROM types WHERE id IN (1, 2, 7, 8, 9, 10);
SELECT sum(num), avg(num) FROM types WHERE id IN (1, 2, 9, 10);
SELECT avg(num), max(num) FROM types WHERE num = 'Infinity' OR num = '-Infinity';
SELECT sum(n), avg(n), min(n), max(n) FROM a;
SELECT avg(n) FROM a WHERE k IN (1, 3, 5);
SELECT avg(x) FROM a WHERE k BETWEEN 1 AND 3;
SELECT avg(k) FROM a WHERE k IN (1, 2);
SELECT avg(k) FROM a WHERE k IN (1, 2, 5);
SELECT avg(x) FROM a WHERE k IN (9, 10);
-- @rounded
SELECT sum(f8), avg(f8), min(f8), max(f8) FROM types WHERE id IN (1, 2, 7, 9, 10);
-- @rounded
SELECT sum(f4), avg(f4), min(f4), max(f4) FROM types WHERE id IN (1, 2, 7, 9, 10);
-- @rounded
SELECT sum(f8), avg(f8), min(f8), max(f8) FROM types;
SELECT avg(f4) FROM types WHERE id IN (8, 1, 10);
SELECT min(txt), max(txt) FROM types;
SELECT min(t), max(t) FROM a;
SELECT min(vc), max(vc) FROM types;
SELECT min(d), max(d), min(ts), max(ts), min(tz), max(tz) FROM types;
-- @exact-or-refused
SELECT min(bp), max(bp) FROM types;
-- @exact-or-refused
SELECT min(iv), max(iv), sum(iv), avg(iv) FROM types;
-- @exact-or-refused
SELECT min(arr), max(arr) FROM types;
SELECT min(u) FROM types;
SELECT sum(t) FROM a;
SELECT sum(x) FROM empty_t;
SELECT count(*), count(x), sum(x), min(x), max(x), avg(x) FROM empty_t;
SELECT sum(i8), avg(i8), sum(n), avg(n), sum(f), avg(f), min(t), max(d) FROM empty_t;
SELECT count(*), sum(x) FROM a WHERE false;
SELECT count(*), sum(x) FROM a WHERE k = 1 AND k = 2;
SELECT count(*), sum(x) FROM a WHERE x > 100000;
SELECT max(x) FROM a WHERE x IS NULL;
SELECT count(*) FROM a WHERE k IN (1, 5, 42);
SELECT count(*) FROM a JOIN b ON a.k = b.k;
SELECT sum(a.x), avg(b.x) FROM a JOIN b ON a.k = b.k AND a.id = b.id;
SELECT count(b.k) FROM a LEFT JOIN b ON a.k = b.k;
SELECT count(*), max(r.v) FROM a JOIN ref r ON a.x = r.id;
SELECT count(*) FROM tt;
SELECT min(k), max(k) FROM tt;
SELECT count(k), count(*) FROM nk;
-- @exact-or-refused
SELECT count(*) FROM a_view;
SELECT count(*), 1 AS one FROM ref;
SELECT sum(v), avg(v) FROM ref;
SELECT count(*) FROM solo;
SELECT sum(i8) FROM types WHERE id IN (4, 7);
SELECT sum(i4) FROM types WHERE id = 4;
-- @exact-or-refused
SELECT count(*) FROM a LIMIT 1;
-- @exact-or-refused
SELECT count(*) FROM a LIMIT 0;
-- @exact-or-refused
SELECT count(*) FROM a OFFSET 1;
-- @exact-or-refused
SELECT count(*) FROM a ORDER BY 1;
-- @exact-or-refused
SELECT sum(x + 1), avg(x * 2), max(length(t)) FROM a;
-- @exact-or-refused
SELECT sum(x) + 1 FROM a;
-- @exact-or-refused
SELECT sum(x) - sum(id), round(avg(x), 2), coalesce(sum(x), 0) FROM a;
-- @exact-or-refused
SELECT coalesce(sum(x), -1) FROM empty_t;
-- @exact-or-refused
SELECT count(*)::int FROM a;
-- @exact-or-refused
SELECT 'x', count(*) FROM a;
-- @exact-or-refused
SELECT count(*) > 3 FROM a;
-- @exact-or-refused
SELECT count(*) FILTER (WHERE x > 50) FROM a;
-- @exact-or-refused
SELECT sum(x) FILTER (WHERE k > 0), count(*) FROM a;
-- @exact-or-refused
SELECT count(DISTINCT x) FROM a;
-- @exact-or-refused
SELECT sum(DISTINCT x), avg(DISTINCT x), count(DISTINCT t) FROM a;
-- @exact-or-refused
SELECT count(DISTINCT k) FROM a;
-- @exact-or-refused
SELECT min(DISTINCT x), max(DISTINCT x) FROM a;
-- @exact-or-refused
SELECT bool_and(flag), bool_or(flag), every(flag) FROM types;
-- @exact-or-refused
SELECT bit_and(i4), bit_or(i4), bit_xor(i4) FROM types;
-- @exact-or-refused
-- @rounded
SELECT stddev(f8), variance(f8) FROM types WHERE id IN (1, 2, 7, 9, 10);
-- @exact-or-refused
SELECT stddev(x), var_pop(x) FROM a;
-- @exact-or-refused
-- @rounded
SELECT corr(f8, f4), regr_slope(f8, f4) FROM types WHERE id IN (1, 2, 7, 9, 10);
-- @exact-or-refused
SELECT array_agg(k ORDER BY k, id) FROM a;
-- @exact-or-refused
SELECT string_agg(t, ',' ORDER BY k, id) FROM a;
-- @exact-or-refused
SELECT json_agg(k ORDER BY k, id), jsonb_agg(k ORDER BY k, id) FROM a;
-- @exact-or-refused
SELECT json_object_agg(id, k ORDER BY k) FROM b WHERE id = 2;
-- @exact-or-refused
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY k) FROM a;
-- @exact-or-refused
SELECT mode() WITHIN GROUP (ORDER BY x) FROM a;
-- @exact-or-refused
SELECT rank(5) WITHIN GROUP (ORDER BY x) FROM a;
-- @exact-or-refused
SELECT count(*) FROM a HAVING count(*) > 5;
-- @exact-or-refused
SELECT count(*) FROM a HAVING count(*) > 500;
-- @exact-or-refused
SELECT 'y' FROM a HAVING true;
-- @exact-or-refused
SELECT 'y' FROM a HAVING false;
-- groups that hold the key
-- @exact-or-refused
SELECT k, count(*) FROM a GROUP BY k;
-- @exact-or-refused
SELECT k, count(*), sum(x), avg(n) FROM a GROUP BY k HAVING count(*) > 1;
-- @exact-or-refused
SELECT k, count(*) FROM a GROUP BY k ORDER BY k;
-- @exact-or-refused
SELECT k, count(*) AS c FROM a GROUP BY k ORDER BY c DESC, k LIMIT 3;
-- @exact-or-refused
SELECT k, x, count(*) FROM a GROUP BY k, x;
-- @exact-or-refused
SELECT count(*) FROM a GROUP BY k;
-- @exact-or-refused
SELECT k % 2, count(*) FROM a GROUP BY k;
-- @exact-or-refused
SELECT a.k, sum(b.x) FROM a JOIN b ON a.k = b.k GROUP BY a.k;
-- @exact-or-refused
SELECT k, t FROM a GROUP BY k, id;
-- groups that do not
-- @exact-or-refused
SELECT x, count(*) FROM a GROUP BY x;
-- @exact-or-refused
SELECT x, count(*), sum(k), avg(n), min(t) FROM a GROUP BY x ORDER BY x;
-- @exact-or-refused
SELECT x, count(*) FROM a GROUP BY x HAVING count(*) > 1;
-- @exact-or-refused
SELECT x FROM a GROUP BY x;
-- @exact-or-refused
SELECT id, count(*) FROM a GROUP BY id ORDER BY count(*) DESC, id LIMIT 1;
-- @exact-or-refused
SELECT k % 3, count(*) FROM a GROUP BY 1;
-- @exact-or-refused
SELECT k % 3, count(*) FROM a GROUP BY k % 3;
-- @exact-or-refused
SELECT k % 2 AS parity, sum(x) FROM b GROUP BY parity;
-- @exact-or-refused
SELECT r.name, count(*) FROM a JOIN ref r ON a.x = r.id GROUP BY r.name;
-- @exact-or-refused
SELECT x, count(*) FROM a GROUP BY ROLLUP (x);
-- @exact-or-refused
SELECT k, x, count(*) FROM a GROUP BY GROUPING SETS ((k), (x));
-- @exact-or-refused
SELECT k, count(*) FROM a GROUP BY CUBE (k);
-- @exact-or-refused
-- @by-value
SELECT num, count(*) FROM types GROUP BY num;
-- @exact-or-refused
SELECT dec > 0, count(*) FROM types GROUP BY 1;
-- @exact-or-refused
SELECT txt, count(*) FROM types GROUP BY txt;
SELECT k, count(*) FROM a;
SELECT x FROM a GROUP BY k;
SELECT sum(count(*)) FROM a;
SELECT count(*) FROM a WHERE count(*) > 1;
