-- Unicode, quotes, comments and odd spellings.
SELECT 'ünïcödé', '日本語', '😀', U&'\+01F600', E'\u00fc\U0001F600';
SELECT length('😀'), octet_length('😀'), '😀' AS "😀";
SELECT 'it''s', E'it\'s', $$it's$$, $tag$a $$ b$tag$;
SELECT E'a\nb\tc\\d', 'a\nb';
SELECT E'\x41\101\u0041';
SELECT 'a' 'b';
SELECT 'a'
  'b'
  'c' AS abc;
SELECT b'1010', x'1F', B'1'::bit(3);
SELECT 1e10, 1.5e-3, .5, 5., 1_000;
SELECT 0.1 + 0.2, 1::float8 / 3, 1 / 3.0;
SELECT -1, - 1, +1, - - 1, -(-1);
SELECT "k" FROM "a" WHERE "a"."k" = 1;
SELECT "select" FROM "Odd Names" WHERE "Key" = 1;
SELECT "Key", "ümlaut" FROM "Odd Names" ORDER BY "ümlaut" DESC, "Key";
SELECT U&"\00fcmlaut" FROM "Odd Names" WHERE "Key" = 1;
SELECT "Odd Names".* FROM "Odd Names" WHERE "Odd Names"."Key" = 1;
/* before */ SELECT /* in */ k /* nested /* comment */ */ FROM a -- to the end
  WHERE k = /* the key */ 1 -- last
;
-- @multi
--comment first
SELECT 1 AS one
-- @end
SELECT/**/1;
SELECT
	k
FROM
	a
WHERE
	k
	=
	1
;
select K, ID from PUBLIC.A where K=1 order by ID;
SELECT k FROM a WHERE k=1AND id=1;
SELECT k FROM a WHERE t = 'it''s';
SELECT k FROM a WHERE t = 'back\slash';
SELECT k FROM a WHERE t = '日本語';
SELECT t FROM a WHERE k = 102;
SELECT k FROM a WHERE t = $$it's$$ OR t = E'tab\there';
SELECT k FROM a WHERE t ~ '^[a-z]+$' AND k < 50;
SELECT t LIKE '%''%' FROM a WHERE k = 101;
SELECT '{"a": "b\"c"}'::json -> 'a';
SELECT 'a;b', ';';
SELECT $1$ a $1$ IS NULL;
SELECT ARRAY['a,b', 'c"d', NULL, ''];
SELECT '{"a,b",c}'::text[];
SELECT ROW('a,b', 'c"d', NULL);
SELECT '\x00ff'::bytea, '\\000'::bytea;
SELECT ''::text IS NULL, ''::bytea, ' ' = '';
SELECT 'a'::"char", 'abc'::char(2), 'abc'::varchar(2), 'abc'::name;
SELECT CAST('1' AS int), '1'::int, int '1', int4('1');
SELECT date '2024-02-29' + 1, timestamp '2024-01-01 00:00' + interval '1 month';
SELECT NULL, NULL::int, NULL::text;
SELECT true, false, 't'::bool, 'no'::bool;
SELECT 1 AS "very long column name that is longer than sixty-three characters in all";
SELECT 1 AS very_long_alias_name_that_is_longer_than_the_sixty_three_bytes_allowed_here;
SELECT 'one' AS a, 'two' AS a;
SELECT 1 AS "a""b", 2 AS "";
SELECT * FROM tt WHERE k = 'it''s' AND v = 9;
SELECT * FROM tt WHERE k = E'it\'s';
SELECT * FROM tt WHERE k = $$it's$$;
SELECT * FROM tt WHERE k = 'a' -- 'b'
;
SELECT * FROM tt WHERE k = 'a' /* OR k = 'b' */;
SELECT * FROM tt WHERE k = '日' || '本';
SELECT k -- a comment between
, id FROM a WHERE k = 1;
