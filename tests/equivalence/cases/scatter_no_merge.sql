-- Statements over several shards whose rows are only put together.
SELECT * FROM a;
SELECT k, id FROM a WHERE x = 11;
SELECT k, t FROM a WHERE t LIKE '%e%';
SELECT * FROM a WHERE x IS NULL;
SELECT * FROM a WHERE n > 5 AND x < 1000;
SELECT k + 1 AS k1, upper(t) FROM a WHERE k < 10;
SELECT * FROM types;
SELECT k, arr[1], js->>'a', iv FROM types;
SELECT * FROM empty_t;
SELECT * FROM tt;
SELECT * FROM uu WHERE v > 1;
SELECT * FROM nk;
SELECT * FROM "Odd Names";
TABLE b;
SELECT FROM a;
SELECT 'const' FROM a;
SELECT a.k, b.x FROM a JOIN b ON a.k = b.k;
SELECT a.k, b.x FROM a JOIN b ON a.k = b.k AND a.id = b.id;
SELECT a.k, b.x FROM a JOIN b USING (k, id);
SELECT a.k, b.x FROM a, b WHERE a.k = b.k;
SELECT a.k, b.k FROM a LEFT JOIN b ON a.k = b.k AND a.id = b.id;
SELECT a.k, b.k FROM a RIGHT JOIN b ON a.k = b.k AND a.id = b.id;
SELECT a.k, b.k, c.k FROM a JOIN b ON a.k = b.k JOIN c ON c.k = a.k;
-- @exact-or-refused
SELECT a.k, b.k FROM a FULL JOIN b ON a.k = b.k AND a.id = b.id;
-- @exact-or-refused
SELECT k, a.id, b.id FROM a FULL JOIN b USING (k, id);
SELECT a.k, r.name FROM a JOIN ref r ON a.x = r.id;
SELECT a.k, r.name FROM a LEFT JOIN ref r ON a.x = r.id;
SELECT a.k, r.name FROM ref r JOIN a ON a.x = r.id WHERE r.v > 10;
SELECT a.k, r.name FROM ref r, a WHERE a.x = r.id;
SELECT a.k, r.id FROM a CROSS JOIN ref r WHERE a.k < 3;
SELECT a.k, b.x, r.name FROM a JOIN b ON a.k = b.k LEFT JOIN ref r ON r.id = b.x;
SELECT * FROM a WHERE x IN (SELECT id FROM ref);
SELECT * FROM a WHERE x NOT IN (SELECT id FROM ref WHERE id < 5);
SELECT * FROM a WHERE EXISTS (SELECT 1 FROM ref WHERE ref.id = a.x);
-- @exact-or-refused
SELECT * FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.k = a.k);
-- @exact-or-refused
SELECT * FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.k = a.k);
-- @exact-or-refused
SELECT * FROM a WHERE k IN (SELECT k FROM b);
-- @exact-or-refused
SELECT k, (SELECT max(x) FROM b WHERE b.k = a.k) FROM a;
-- @exact-or-refused
SELECT * FROM (SELECT k, x FROM a WHERE x > 50) s;
-- @exact-or-refused
WITH q AS (SELECT k, x FROM a) SELECT * FROM q WHERE x < 20;
-- @exact-or-refused
SELECT * FROM a_view;
-- @exact-or-refused
SELECT k FROM a_view WHERE x > 1000;
SELECT a.k, g FROM a, generate_series(1, 2) g;
SELECT k, generate_series(1, 2) FROM a WHERE k < 3;
SELECT * FROM a WHERE k IN (1, 2, 3, 4, 5, 6, 7, 8, 9);
SELECT * FROM a WHERE k BETWEEN -5 AND 5;
SELECT * FROM a WHERE k < 0 OR x > 1000;
SELECT * FROM a WHERE true;
SELECT * FROM a WHERE false;
SELECT * FROM a WHERE NULL;
SELECT k FROM a WHERE x = 11 AND 1 = 0;
SELECT x / (x - 11) FROM a WHERE x IS NOT NULL AND k > 0;
-- @sqlstate-only
SELECT t::int FROM a;
-- @sqlstate-only
SELECT k::smallint FROM a;
-- @not binary
SELECT tableoid::regclass, k FROM a;
-- @exact-or-refused
SELECT 1 FROM a LIMIT ALL;
-- one relation twice, joined on its key
SELECT p.k, q.id FROM a p JOIN a q ON p.k = q.k;
SELECT p.id FROM a p, a q WHERE p.k = q.k AND q.id = 2;
-- not joined on the key: never a part of the answer
-- @exact-or-refused
SELECT a.k, b.k FROM a JOIN b ON a.x = b.x;
-- @exact-or-refused
SELECT count(*) FROM a, b;
-- @exact-or-refused
SELECT a.k FROM a JOIN b ON a.k > b.k;
-- @exact-or-refused
SELECT a.k FROM a JOIN b ON a.k = b.k + 0;
-- @exact-or-refused
SELECT a.k FROM a JOIN b ON a.k = b.id;
-- @exact-or-refused
SELECT a.k FROM a JOIN b ON a.k = b.k OR a.id = b.id;
-- @exact-or-refused
SELECT r.id, a.k FROM ref r LEFT JOIN a ON a.x = r.id;
-- @exact-or-refused
SELECT r.id, a.k FROM ref r FULL JOIN a ON a.x = r.id;
-- @exact-or-refused
SELECT * FROM ref WHERE id IN (SELECT x FROM a);
-- @exact-or-refused
SELECT * FROM ref WHERE EXISTS (SELECT 1 FROM a WHERE a.x = ref.id);
-- @exact-or-refused
SELECT s.v, a.t FROM solo s JOIN a ON s.k = a.k;
-- @exact-or-refused
SELECT s.v, a.t FROM solo s, a WHERE s.k = a.k AND a.k = 1;
-- @exact-or-refused
SELECT tt.k, a.k FROM tt JOIN a ON tt.id = a.id;
-- @exact-or-refused
SELECT tt.k, a.k FROM tt, a WHERE tt.k = 'a' AND a.k = 1;
