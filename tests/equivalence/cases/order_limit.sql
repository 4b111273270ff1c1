-- ORDER BY and LIMIT over all shards: exactly one PostgreSQL's order.
SELECT k, id FROM a ORDER BY k, id;
SELECT k, id FROM a ORDER BY k DESC, id DESC;
SELECT k, id, x FROM a ORDER BY x, k, id;
SELECT k, id, x FROM a ORDER BY x DESC, k, id;
SELECT k, id, x FROM a ORDER BY x NULLS FIRST, k, id;
SELECT k, id, x FROM a ORDER BY x DESC NULLS LAST, k, id;
SELECT k, id, x FROM a ORDER BY x ASC NULLS LAST, k DESC, id;
SELECT k, id FROM a ORDER BY 1, 2;
SELECT k, id FROM a ORDER BY 1 DESC, 2 ASC;
SELECT k AS key, id AS i FROM a ORDER BY key, i;
SELECT x AS k, k AS x, id FROM a ORDER BY x, id;
SELECT -k AS k, id FROM a WHERE k > -9223372036854775808 ORDER BY k, id;
SELECT t FROM a ORDER BY k, id;
SELECT t FROM a ORDER BY x NULLS FIRST, k DESC, id;
SELECT x FROM a ORDER BY a.k, a.id;
SELECT * FROM a ORDER BY k, id;
SELECT a.* FROM a ORDER BY a.k DESC, a.id;
SELECT k, t FROM a ORDER BY t, k, id;
SELECT k, t FROM a ORDER BY t DESC, k, id;
SELECT k, t FROM a ORDER BY t NULLS FIRST, k, id;
SELECT k, tt.id, name FROM tt, ref r WHERE r.id = tt.id ORDER BY k, tt.id;
SELECT k, id FROM tt ORDER BY k, id;
SELECT k, id FROM tt ORDER BY k DESC, id;
SELECT n, k FROM a ORDER BY n, k, id;
SELECT id, i2 FROM types ORDER BY i2, id;
SELECT id, i4 FROM types ORDER BY i4 DESC, id;
SELECT id, i8 FROM types ORDER BY i8 DESC NULLS LAST, id;
SELECT id, num FROM types ORDER BY num, id;
SELECT id, num FROM types ORDER BY num DESC NULLS LAST, id;
SELECT id, dec FROM types ORDER BY dec, id;
SELECT id, f4 FROM types ORDER BY f4, id;
SELECT id, f8 FROM types ORDER BY f8, id;
SELECT id, f8 FROM types ORDER BY f8 DESC, id DESC;
SELECT id, txt FROM types ORDER BY txt, id;
SELECT id, vc FROM types ORDER BY vc DESC, id;
SELECT id, flag FROM types ORDER BY flag, id;
SELECT id, flag FROM types ORDER BY flag DESC NULLS LAST, id;
SELECT id, d FROM types ORDER BY d, id;
SELECT id, d FROM types ORDER BY d DESC, id;
SELECT id, ts FROM types ORDER BY ts, id;
SELECT id, tz FROM types ORDER BY tz, id;
SELECT id, u FROM types ORDER BY u, id;
SELECT id, by FROM types ORDER BY by, id;
SELECT id FROM types ORDER BY ts DESC NULLS LAST, id;
SELECT id FROM types ORDER BY num, f8, txt, id;
-- @exact-or-refused
SELECT id, bp FROM types ORDER BY bp, id;
-- @exact-or-refused
SELECT id, iv FROM types ORDER BY iv, id;
-- @exact-or-refused
SELECT id, js FROM types ORDER BY js, id;
-- @exact-or-refused
SELECT id, arr FROM types ORDER BY arr, id;
-- @exact-or-refused
SELECT k, id FROM a ORDER BY x + 1, k, id;
-- @exact-or-refused
SELECT k, id FROM a ORDER BY lower(t), k, id;
-- @exact-or-refused
SELECT k, x + 1 AS y FROM a ORDER BY y, k, id;
-- @exact-or-refused
SELECT k, t FROM a ORDER BY t COLLATE "C" DESC, k, id;
-- @exact-or-refused
SELECT k, id FROM a ORDER BY k USING >, id;
-- @exact-or-refused
SELECT k, id FROM a ORDER BY (k, id);
-- @exact-or-refused
SELECT k, id FROM a ORDER BY CASE WHEN x IS NULL THEN 0 ELSE 1 END, k, id;
-- @exact-or-refused
SELECT -x AS x, k FROM a ORDER BY x, k, id;
-- @exact-or-refused
SELECT -x AS x, k FROM a ORDER BY x + 0, k, id;
SELECT FROM a ORDER BY k;
SELECT 1 AS one FROM a ORDER BY one;
SELECT k FROM a ORDER BY nosuch;
SELECT k FROM a ORDER BY 5;
SELECT k FROM a ORDER BY 'x';
-- LIMIT and OFFSET
SELECT k, id FROM a ORDER BY k, id LIMIT 5;
SELECT k, id FROM a ORDER BY k, id LIMIT 5 OFFSET 3;
SELECT k, id FROM a ORDER BY k, id OFFSET 20;
SELECT k, id FROM a ORDER BY k, id OFFSET 2 LIMIT 2;
SELECT k, id FROM a ORDER BY k, id LIMIT 1000;
SELECT k, id FROM a ORDER BY k, id OFFSET 1000;
SELECT k, id FROM a ORDER BY k, id LIMIT 0;
SELECT k, id FROM a ORDER BY k, id LIMIT ALL;
SELECT k, id FROM a ORDER BY k, id LIMIT NULL;
SELECT k, id FROM a ORDER BY k, id LIMIT 3 OFFSET NULL;
SELECT k, id FROM a ORDER BY k, id LIMIT 3 OFFSET 0;
SELECT k, id FROM a ORDER BY k DESC, id LIMIT 1;
SELECT t FROM a ORDER BY x DESC NULLS LAST, k, id LIMIT 4;
SELECT id, num FROM types ORDER BY num, id LIMIT 3;
SELECT k, id FROM a ORDER BY k, id FETCH FIRST 3 ROWS ONLY;
SELECT k, id FROM a ORDER BY k, id OFFSET 1 ROW FETCH NEXT 2 ROWS ONLY;
SELECT k, id FROM a ORDER BY k, id FETCH FIRST ROW ONLY;
-- @exact-or-refused
SELECT x FROM a ORDER BY x FETCH FIRST 3 ROWS WITH TIES;
-- @exact-or-refused
SELECT k, id FROM a ORDER BY k, id LIMIT 2 + 3;
-- @exact-or-refused
SELECT k, id FROM a ORDER BY k, id LIMIT 1.5;
-- @exact-or-refused
SELECT k, id FROM a ORDER BY k, id LIMIT 2.5;
-- @exact-or-refused
SELECT k, id FROM a ORDER BY k, id LIMIT '3';
-- @exact-or-refused
SELECT k, id FROM a ORDER BY k, id LIMIT (SELECT 2);
-- @exact-or-refused
SELECT k, id FROM a ORDER BY k, id LIMIT (SELECT count(*) FROM ref);
SELECT k, id FROM a ORDER BY k, id LIMIT -1;
SELECT k, id FROM a ORDER BY k, id OFFSET -1;
SELECT k, id FROM a ORDER BY k, id LIMIT -1 OFFSET 5;
-- @exact-or-refused
SELECT k, id FROM a ORDER BY k, id LIMIT 9223372036854775807 OFFSET 1;
-- the proxy finds this error at Parse, PostgreSQL at Execute
-- @not prepared
-- @exact-or-refused
SELECT k, id FROM a ORDER BY k, id LIMIT 9223372036854775808;
SELECT k, id FROM a ORDER BY k, id LIMIT 'x';
-- @count-only
SELECT k FROM a LIMIT 7;
-- @count-only
SELECT k FROM a LIMIT 7 OFFSET 20;
-- @count-only
SELECT k FROM a OFFSET 3;
-- @count-only
SELECT k FROM a LIMIT 100;
SELECT k FROM a LIMIT 0;
-- @count-only
SELECT * FROM a WHERE x > 0 LIMIT 2;
SELECT * FROM empty_t ORDER BY k LIMIT 3;
SELECT a.k, b.x FROM a JOIN b ON a.k = b.k AND a.id = b.id ORDER BY b.x DESC, a.k, b.id LIMIT 5;
SELECT a.k, r.name FROM a JOIN ref r ON a.x = r.id ORDER BY r.name, a.k, a.id;
SELECT a.k, a.id, b.x FROM a LEFT JOIN b ON a.k = b.k AND a.id = b.id ORDER BY b.x NULLS FIRST, a.k, a.id LIMIT 9;
SELECT k, id FROM a WHERE k IN (1, 5, 42) ORDER BY k DESC, id LIMIT 3;
-- @exact-or-refused
SELECT * FROM (SELECT k, id FROM a ORDER BY k, id LIMIT 3) s;
-- @exact-or-refused
SELECT k, generate_series(1, 2) g FROM a WHERE k < 4 ORDER BY k DESC, id, g;
-- @exact-or-refused
SELECT k, id FROM a ORDER BY k, id LIMIT 2 FOR UPDATE;
-- Drivers and ORMs write casts round the parameters of LIMIT and OFFSET.
SELECT k, id FROM a ORDER BY k, id LIMIT 3::int OFFSET 2::bigint;
SELECT k, id FROM a ORDER BY k, id LIMIT CAST(4 AS smallint);
-- @params 3,2
SELECT k, id FROM a ORDER BY k, id LIMIT $1::INTEGER OFFSET $2::INTEGER;
-- @params 3,2
-- @types int2,int8
SELECT k, id FROM a ORDER BY k, id LIMIT $1::bigint OFFSET $2::smallint;
-- @params \N,3
SELECT k, id FROM a ORDER BY k, id LIMIT $1::int OFFSET $2::int;
-- @params -1
SELECT k, id FROM a ORDER BY k, id LIMIT $1::int;
-- @exact-or-refused
-- @params 70000
-- @types int4
SELECT k, id FROM a ORDER BY k, id LIMIT $1::smallint;
-- @exact-or-refused
SELECT k, id FROM a ORDER BY k, id LIMIT 70000::smallint;
-- @exact-or-refused
-- @params 2.5
-- @types float8
SELECT k, id FROM a ORDER BY k, id LIMIT $1;
-- @exact-or-refused
-- @params 2
-- @types numeric
SELECT k, id FROM a ORDER BY k, id LIMIT $1;
-- @exact-or-refused
SELECT k, id FROM a ORDER BY k, id LIMIT 2.5::int;
SELECT k, id FROM a ORDER BY k, id LIMIT '2'::int OFFSET '1';
SELECT k, id FROM a ORDER BY k, id LIMIT '-1';
-- @exact-or-refused
SELECT k, id FROM a ORDER BY k, id LIMIT ' 2 ';
-- @exact-or-refused
SELECT k, id FROM a ORDER BY k, id LIMIT '';
-- @exact-or-refused
SELECT k, id FROM a ORDER BY k, id LIMIT '-';
-- @exact-or-refused
SELECT k, id FROM a ORDER BY k, id LIMIT '99999999999999999999';
