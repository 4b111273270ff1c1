-- DISTINCT, set operations and windows over several shards: exact, or refused.
-- @exact-or-refused
SELECT DISTINCT x FROM a;
-- @exact-or-refused
SELECT DISTINCT x FROM a ORDER BY x;
-- @exact-or-refused
SELECT DISTINCT x FROM a ORDER BY x DESC LIMIT 3;
-- @exact-or-refused
SELECT DISTINCT k FROM a;
-- @exact-or-refused
SELECT DISTINCT k, x FROM a ORDER BY k, x;
-- @exact-or-refused
SELECT DISTINCT 1 FROM a;
-- @exact-or-refused
-- @by-value
SELECT DISTINCT num FROM types WHERE num = 1;
-- @exact-or-refused
SELECT DISTINCT ON (x) x, k FROM a ORDER BY x, k, id;
-- @exact-or-refused
SELECT DISTINCT ON (k) k, id FROM a ORDER BY k, id DESC;
-- @exact-or-refused
SELECT DISTINCT a.k FROM a LEFT JOIN b ON a.k = b.k;
-- @exact-or-refused
SELECT DISTINCT b.k FROM a LEFT JOIN b ON a.k = b.k;
-- @exact-or-refused
-- @by-value
SELECT DISTINCT f8 FROM types WHERE f8 = 0;
-- @exact-or-refused
SELECT DISTINCT bp FROM types;
-- @exact-or-refused
SELECT k FROM a UNION SELECT k FROM b;
-- @exact-or-refused
SELECT k FROM a UNION ALL SELECT k FROM b;
-- @exact-or-refused
SELECT k FROM a INTERSECT SELECT k FROM b;
-- @exact-or-refused
SELECT k FROM a EXCEPT SELECT k FROM b;
-- @exact-or-refused
SELECT x FROM a UNION SELECT x FROM b;
-- @exact-or-refused
SELECT x FROM a INTERSECT SELECT x FROM b;
-- @exact-or-refused
SELECT x FROM a EXCEPT SELECT x FROM b;
-- @exact-or-refused
SELECT x FROM a EXCEPT ALL SELECT x FROM b;
-- @exact-or-refused
SELECT k FROM a WHERE k = 1 UNION ALL SELECT k FROM a WHERE k = 2;
-- @exact-or-refused
SELECT k FROM a WHERE k = 1 UNION SELECT k FROM a WHERE k = 42;
-- @exact-or-refused
SELECT k FROM a UNION ALL SELECT id FROM ref;
-- @exact-or-refused
SELECT x FROM a UNION ALL SELECT id FROM ref;
-- @exact-or-refused
SELECT k FROM a UNION ALL VALUES (1), (2);
-- @exact-or-refused
SELECT k, id FROM a UNION ALL SELECT k, id FROM b ORDER BY 1, 2 LIMIT 4;
-- @exact-or-refused
SELECT id, '01' FROM ref UNION SELECT id, '1' FROM ref;
-- @exact-or-refused
SELECT k, row_number() OVER (ORDER BY k, id) FROM a;
-- @exact-or-refused
SELECT k, id, row_number() OVER (PARTITION BY k ORDER BY id) FROM a;
-- @exact-or-refused
SELECT k, sum(x) OVER (PARTITION BY k) FROM a;
-- @exact-or-refused
SELECT k, sum(x) OVER (PARTITION BY x) FROM a;
-- @exact-or-refused
SELECT k, sum(x) OVER () FROM a;
-- @exact-or-refused
SELECT k, lag(x) OVER w FROM a WINDOW w AS (ORDER BY k, id);
-- @exact-or-refused
SELECT k, rank() OVER (PARTITION BY x ORDER BY k, id) FROM a ORDER BY x, k, id;
-- @exact-or-refused
SELECT b.k, count(*) OVER (PARTITION BY b.k) FROM a LEFT JOIN b ON a.k = b.k;
-- @exact-or-refused
SELECT count(*) OVER () FROM a LIMIT 1;
-- @exact-or-refused
WITH q AS (SELECT x, count(*) c FROM a GROUP BY x) SELECT * FROM q WHERE c > 1;
-- @exact-or-refused
WITH q AS (SELECT k, count(*) c FROM a GROUP BY k) SELECT * FROM q WHERE c > 1;
-- @exact-or-refused
WITH q AS (SELECT k FROM a ORDER BY k LIMIT 2) SELECT * FROM q;
-- @exact-or-refused
WITH q AS (SELECT count(*) n FROM a) SELECT n, r.id FROM q, ref r;
-- @exact-or-refused
WITH RECURSIVE q AS (SELECT k FROM a WHERE k BETWEEN 0 AND 2 UNION SELECT q.k + 1 FROM q WHERE q.k < 3) SELECT * FROM q;
-- @exact-or-refused
SELECT (SELECT count(*) FROM a);
-- @exact-or-refused
SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b);
-- @exact-or-refused
SELECT * FROM ref WHERE v > (SELECT avg(x) FROM a);
-- @exact-or-refused
SELECT k FROM a WHERE x = (SELECT max(x) FROM a);
-- @exact-or-refused
SELECT k FROM a WHERE k = (SELECT min(k) FROM b);
-- @exact-or-refused
SELECT count(*) FROM (SELECT DISTINCT x FROM a) s;
-- @exact-or-refused
SELECT max(c) FROM (SELECT x, count(*) AS c FROM a GROUP BY x) s;
-- @exact-or-refused
SELECT avg(c) FROM (SELECT k, count(*) AS c FROM a GROUP BY k) s;
-- @exact-or-refused
SELECT ARRAY(SELECT k FROM a ORDER BY k, id);
-- @exact-or-refused
SELECT k, r FROM a, LATERAL (SELECT max(x) AS r FROM b WHERE b.k = a.k) s;
