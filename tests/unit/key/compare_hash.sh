#!/bin/sh
# Compares the proxy's hashes and value readers with a PostgreSQL server's: random values of every
# key type, and random texts that may be none.
#
#	tests/unit/key/compare_hash.sh BUILD_DIR ["connection string"]
#
# The server is only read, but for temporary objects. Needs psql.
set -eu

build=$1
dsn=${2:-}
vectors=$(mktemp)
trap 'rm -f "$vectors"' EXIT
rows=${PGMOSAIC_HASH_ROWS:-100000} # of each type; texts that may be none: a fifth

psql -X -q -At -F "$(printf '\t')" -v ON_ERROR_STOP=1 -v rows="$rows" -d "$dsn" >"$vectors" <<'SQL'
SET extra_float_digits = 3;
SET TimeZone = 'UTC';
SELECT setseed(0.42) \g /dev/null
\set seed 8816678312871386365
SELECT 'hash 20', hashint8extended(v, :seed), v FROM (
	SELECT ((random() - 0.5) * 2 * 2 ^ (random() * 63))::numeric::bigint AS v
	FROM generate_series(1, :rows)) s;
SELECT 'hash 23', hashint4extended(v, :seed), v FROM (
	SELECT ((random() - 0.5) * 4294967290)::int AS v FROM generate_series(1, :rows)) s;
SELECT 'hash 21', hashint2extended(v, :seed), v FROM (
	SELECT ((random() - 0.5) * 65530)::int2 AS v FROM generate_series(1, :rows)) s;
SELECT 'hash 25', hashtextextended(v, :seed), v FROM (
	SELECT left(md5(random()::text) || 'äöü€ß' || md5(random()::text), (random() * 69)::int) AS v
	FROM generate_series(1, :rows)) s WHERE v <> '';
SELECT 'hash 1042', hashbpcharextended(v::bpchar, :seed), v FROM (
	SELECT left(md5(random()::text), 1 + (random() * 20)::int) || repeat(' ', (random() * 4)::int) AS v
	FROM generate_series(1, :rows)) s;
SELECT 'hash 2950', uuid_hash_extended(v, :seed), v FROM (
	SELECT gen_random_uuid() AS v FROM generate_series(1, :rows)) s;
SELECT 'hash 16', hashcharextended(v::int::"char", :seed), v FROM (
	SELECT random() < 0.5 AS v FROM generate_series(1, :rows)) s;
SELECT 'hash 1082', hashint4extended(v - date '2000-01-01', :seed), v FROM (
	SELECT date '0001-01-01' + (random() * 3652058)::int AS v FROM generate_series(1, :rows)) s;
SELECT 'hash 1114', timestamp_hash_extended(v, :seed), v FROM (
	SELECT timestamp '0001-01-01' + random() * interval '3652058 days' AS v
	FROM generate_series(1, :rows)) s;
SELECT 'hash 1184', timestamp_hash_extended(v::timestamp, :seed), v FROM (
	SELECT timestamptz '0001-01-01' + random() * interval '3652058 days' AS v
	FROM generate_series(1, :rows)) s;

SELECT 'hash 1082', hash_array_extended(ARRAY[v], :seed)::numeric - 31, v FROM (VALUES
	(date '0001-01-01'), ('9999-12-31'), ('infinity'), ('-infinity'), ('2000-02-29')) s(v)
	WHERE hash_array_extended(ARRAY[v], :seed)::numeric - 31 > -9223372036854775808;
SELECT 'hash 1114', timestamp_hash_extended(v, :seed), v FROM (VALUES
	(timestamp '0001-01-01'), ('infinity'), ('-infinity'), ('1999-12-31 23:59:59.999999')) s(v);
SELECT 'hash 17', mod(hash_array_extended(ARRAY[v], :seed)::numeric - 31 + 9223372036854775808 + 18446744073709551616, 18446744073709551616) - 9223372036854775808, v FROM (
	SELECT substr(sha512(random()::text::bytea), 1, (random() * 40)::int) AS v FROM generate_series(1, :rows)) s;
SELECT 'hash 1700', hash_numeric_extended(v, :seed), v FROM (
	SELECT (CASE WHEN random() < 0.2 THEN round(v) WHEN random() < 0.3 THEN v * 1e12 WHEN random() < 0.3 THEN v / 1e12 ELSE v END) AS v FROM (
		SELECT ((random() - 0.5) * 2 * 10 ^ (random() * 30 - 10))::numeric AS v
		FROM generate_series(1, :rows)) r) s;
SELECT 'hash 1700', hash_numeric_extended(v, :seed), v FROM (VALUES (0::numeric), (0.000), ('NaN'),
	('Infinity'), ('-Infinity'), (1), (1.000), (10000), (100000000), (0.0001), (0.00001), (-0.5), (1e100), (1e-100), (9999.9999),
	(123456789012345678901234567890.123456789)) s(v);
SELECT 'hash 869', hashinetextended(v, :seed), v FROM (
	SELECT CASE WHEN random() < 0.5 THEN set_masklen(inet '0.0.0.0' + (random() * 4294967295)::bigint, (random() * 32)::int)
		ELSE set_masklen(inet '2001:db8::' + (random() * 9e18)::bigint, (random() * 128)::int) END AS v
	FROM generate_series(1, :rows)) s;
SELECT 'hash 869', hashinetextended(v, :seed), v FROM (VALUES (inet '0.0.0.0/0'), ('::'), ('::1/128'), ('255.255.255.255'), ('::ffff:1.2.3.4'), ('10.0.0.0/8')) s(v);
SELECT 'text ' || t, v, v FROM (
	SELECT 1082 AS t, (date '0001-01-01' + (random() * 3652058)::int)::text AS v FROM generate_series(1, :rows / 10)
	UNION ALL SELECT 1114, (timestamp '0001-01-01' + random() * interval '3652058 days')::text FROM generate_series(1, :rows / 10)
	UNION ALL SELECT 1184, (timestamptz '0001-01-01' + random() * interval '3652058 days')::text FROM generate_series(1, :rows / 10)
	UNION ALL SELECT 2950, gen_random_uuid()::text FROM generate_series(1, :rows / 10)
	UNION ALL SELECT 17, substr(sha512(random()::text::bytea), 1, (random() * 40)::int)::text FROM generate_series(1, :rows / 10)
	UNION ALL SELECT 869, set_masklen(inet '0.0.0.0' + (random() * 4294967295)::bigint, (random() * 31)::int)::text FROM generate_series(1, :rows / 10)
	UNION ALL SELECT 1700, trim_scale(((random() - 0.5) * 2 * 10 ^ (random() * 30 - 10))::numeric)::text FROM generate_series(1, :rows / 10)) s;
SELECT 'order 1700', sign(a - b)::int, a || ';' || b FROM (
	SELECT ((random() - 0.5) * 10 ^ (random() * 8 - 2)::int)::numeric(20, 6) AS a, ((random() - 0.5) * 10 ^ (random() * 8 - 2)::int)::numeric(20, 6) AS b
	FROM generate_series(1, :rows / 5)) s;
SELECT 'order 2950', CASE WHEN a < b THEN -1 WHEN a > b THEN 1 ELSE 0 END, a || ';' || b FROM (
	SELECT gen_random_uuid() AS a, gen_random_uuid() AS b FROM generate_series(1, :rows / 10)) s;
SELECT 'order 25', CASE WHEN a COLLATE "C" < b COLLATE "C" THEN -1 WHEN a COLLATE "C" > b COLLATE "C" THEN 1 ELSE 0 END, a || ';' || b FROM (
	SELECT left(md5(random()::text), 1 + (random() * 2)::int) AS a, left(md5(random()::text), 1 + (random() * 2)::int) || 'ä' AS b FROM generate_series(1, :rows / 10)) s;

CREATE TEMPORARY TABLE pair (a bigint, b text) PARTITION BY HASH (a, b);
SELECT format('CREATE TEMPORARY TABLE pair_%s PARTITION OF pair FOR VALUES WITH (MODULUS 64, REMAINDER %s)', i, i)
FROM generate_series(0, 63) i \gexec
INSERT INTO pair SELECT ((random() - 0.5) * 1e15)::bigint, md5(random()::text)
FROM generate_series(1, :rows);
SELECT 'pair 0', replace(tableoid::regclass::text, 'pair_', ''), a || ';' || b FROM pair;

CREATE FUNCTION pg_temp.soup(alphabet text[], most int) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT coalesce(string_agg(alphabet[1 + floor(random() * array_length(alphabet, 1))::int], ''), '')
	FROM generate_series(1, (random() * most)::int) $$;
CREATE FUNCTION pg_temp.answer(query text, s text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE r text;
	BEGIN
		EXECUTE query INTO r USING s;
		RETURN coalesce(r, 'NONE');
	EXCEPTION WHEN OTHERS THEN
		RETURN 'ERR';
	END $$;
CREATE TEMPORARY TABLE reader (what text, query text, alphabet text[], most int);
INSERT INTO reader VALUES
('read 20', 'SELECT hashint8extended($1::bigint, 8816678312871386365)', '{0,1,9,42,-,+," ",_,x,a,.,e,92233720368,54775807}', 5),
('read 23', 'SELECT hashint4extended($1::int, 8816678312871386365)', '{0,1,7,2147,483647,483648,-,+," ",0x}', 4),
('read 21', 'SELECT hashint2extended($1::int2, 8816678312871386365)', '{0,1,327,67,68,-,+," "}', 4),
('read 16', 'SELECT hashcharextended(($1::bool)::int::"char", 8816678312871386365)', '{t,r,u,e,f,a,l,s,y,n,o,0,1," ",T,true,false,yes,off}', 3),
('read 2950', 'SELECT uuid_hash_extended($1::uuid, 8816678312871386365)', '{a0eebc99,-,-,9c0b,4ef8,bb6d,6BB9BD380A11,"{","}",12,1,9c0b4ef8bb6d6bb9bd380a11," "}', 8),
('read 1082', 'SELECT hashint4extended($1::date - date ''2000-01-01'', 8816678312871386365)', '{2024,1900,-,-,01,12,02,-02-29,-12-31,-06-30,31,29,1,/," "}', 5),
('read 1114', 'SELECT timestamp_hash_extended($1::timestamp, 8816678312871386365)', '{"2024-02-29 ","1999-12-31",T," ",12:34:56,23:59:59,.5,.123456,:,00,60,Z,+01,.0000001}', 4),
('read 1184', 'SELECT timestamp_hash_extended($1::timestamptz::timestamp, 8816678312871386365)', '{"2024-02-29 12:34:56","1999-12-31 23:59:59",+01,-03:30,Z,.5,:00,+15:59,+16,1}', 4),
('read 1700', 'SELECT hashint8extended(k, 8816678312871386365) FROM (SELECT $1::numeric n) s, LATERAL (SELECT CASE WHEN n BETWEEN -9223372036854775808 AND 9223372036854775807 THEN n::bigint END k) t WHERE k = n', '{0,1,9,25,00000,-,+,.,.,e,E-,e2,922337203685,4775807," "}', 7),
('store 1700', 'SELECT hashint8extended($1::numeric::bigint, 8816678312871386365)', '{0,1,9,25,5,49,00000,-,+,.,.,e,E-,e2,922337203685,4775807," "}', 7),
('cut 1043 5', 'SELECT hashtextextended($1::varchar(5)::text, 8816678312871386365) WHERE length(rtrim($1)) <= 5', '{a,bc," "," ",ä}', 9),
('cut 1700 655362', 'SELECT hash_numeric_extended($1::numeric(10,2), 8816678312871386365)', '{0,1,9,5,49,.,-,99,00}', 6),
('cut 1700 198654', 'SELECT hash_numeric_extended($1::numeric(3,-2), 8816678312871386365) WHERE abs($1::numeric) < 99000', '{0,1,9,5,49,.,-,99,00}', 4),
('cut 1114 2', 'SELECT timestamp_hash_extended($1::timestamp(2), 8816678312871386365)', '{"2024-02-29 12:34:56","1999-12-31 23:59:59",.,5,49,99,0}', 4),
('cut 1114 0', 'SELECT timestamp_hash_extended($1::timestamp(0), 8816678312871386365)', '{"2024-02-29 12:34:56","1999-12-31 23:59:59",.,5,49,99,0}', 4),
('dec 1700', 'SELECT hash_numeric_extended($1::numeric, 8816678312871386365)', '{0,1,9,25,00000,-,+,.,.,e,E-,e2,922337203685,4775807," ",NaN,Infinity}', 7),
('read 869', 'SELECT hashinetextended($1::inet, 8816678312871386365)', '{10.,0.,192.,168.,1,255,/,8,24,32,::,:,2001:db8,ffff,01,256," "}', 7),
('read 17', 'SELECT mod(hash_array_extended(ARRAY[$1::bytea], 8816678312871386365)::numeric - 31 + 9223372036854775808 + 18446744073709551616, 18446744073709551616) - 9223372036854775808', E'{"\\\\x",ab,CD,0,1,"\\\\",000,a," "}', 5),
('array 20', 'SELECT coalesce(nullif(string_agg(coalesce('';'' || e, '';N''), '''' ORDER BY i), ''''), ''EMPTY'') FROM unnest($1::text[]) WITH ORDINALITY u(e, i)', E'{"{","}",",",1,22,NULL,null,"\\"a\\"","\\\\b"," ","{1","2}","\\"","{}"}', 8);
SELECT what, pg_temp.answer(query, s), s FROM reader,
	LATERAL (SELECT pg_temp.soup(alphabet, most) AS s FROM generate_series(1, :rows / 5) WHERE what IS NOT NULL) t
WHERE s <> '';
SQL
PGMOSAIC_HASH_VECTORS=$vectors "$build/tests/unit/unit_key_test_hash"
