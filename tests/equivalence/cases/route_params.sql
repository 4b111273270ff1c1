-- Keys that come as parameters, in text and in binary, typed and not.
-- @params 1
-- @params -1
-- @params 9223372036854775807
-- @params -9223372036854775808
-- @params 777
-- @params \N
-- @params abc
-- @params  42 
SELECT * FROM a WHERE k = $1;
-- @types int8
-- @params 1
-- @params 42
-- @params \N
SELECT k, id, t FROM a WHERE k = $1;
-- @types int4
-- @params 5
-- @params -2
-- @params 2147483648
SELECT k, id FROM a WHERE k = $1;
-- @types int2
-- @params 7
SELECT k, id FROM a WHERE k = $1;
-- @types numeric
-- @params 42
-- @params 42.5
SELECT k, id FROM a WHERE k = $1;
-- @types float8
-- @params 42
SELECT k, id FROM a WHERE k = $1;
-- @types text
-- @params 42
SELECT k, id FROM a WHERE k = $1;
-- @types text
-- @params 42
SELECT k, id FROM a WHERE k = $1::bigint;
-- @params 42
SELECT k, id FROM a WHERE k = $1::int;
-- @params 42
SELECT k, id FROM a WHERE k = $1::text::bigint;
-- @types int8,int4
-- @params 1,2
-- @params 5,2
-- @params 5,\N
SELECT t FROM a WHERE k = $1 AND id = $2;
-- @params 2,1
SELECT t FROM a WHERE id = $1 AND k = $2;
-- @types int8,int8
-- @params 1,5
-- @params 5,5
-- @params \N,5
SELECT * FROM a WHERE k IN ($1, $2);
-- @types int8,int8
-- @params 1,5
-- @params 5,5
SELECT * FROM a WHERE k = $1 AND k = $2;
-- @types int8,int8
-- @params 1,42
SELECT * FROM a WHERE k = $1 OR k = $2;
-- @types int8[]
-- @params {1,5,42}
-- @params {}
-- @params {1,NULL}
-- @params \N
SELECT * FROM a WHERE k = ANY ($1);
-- @params {2,3}
SELECT * FROM a WHERE k = ANY ($1::bigint[]);
-- @types int4[]
-- @params {1,100}
SELECT * FROM a WHERE k = ANY ($1);
-- @types int8,text
-- @params 1,prefix
SELECT $2 || t FROM a WHERE k = $1;
-- @params 1,x
SELECT $2::text AS p, t FROM a WHERE k = $1;
-- @params 1,1
SELECT k + $2::int FROM a WHERE k = $1;
-- @params a
-- @params 
-- @params ä
-- @params \N
SELECT * FROM tt WHERE k = $1;
-- @types text
-- @params a 
SELECT * FROM tt WHERE k = $1;
-- @types varchar
-- @params b
SELECT * FROM tt WHERE k = $1;
-- @types bpchar
-- @params a
SELECT * FROM tt WHERE k = $1;
-- @types text[]
-- @params {a,b}
SELECT * FROM tt WHERE k = ANY ($1);
-- @params a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11
-- @params {A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}
-- @params nonsense
SELECT * FROM uu WHERE k = $1;
-- @types uuid
-- @params 00000000-0000-0000-0000-000000000000
SELECT * FROM uu WHERE k = $1;
-- @params 1
-- @params 2147483648
SELECT * FROM i4 WHERE k = $1;
-- @types int8
-- @params 2
-- @params 2147483648
SELECT * FROM i4 WHERE k = $1;
-- @types int8
-- @params -3
-- @params 100000
SELECT * FROM i2 WHERE k = $1;
-- @types int8,int8
-- @params 1,1
-- @params 1,2
SELECT a.t, b.x FROM a JOIN b ON a.k = b.k WHERE a.k = $1 AND b.k = $2;
-- @types int8,int4
-- @params 1,1
SELECT * FROM a WHERE k = $1 ORDER BY id LIMIT $2;
-- @types int8,int4
-- @params 1,1
SELECT * FROM a WHERE k = $1 ORDER BY id OFFSET $2;
-- @params 1
SELECT * FROM a WHERE k = $1 AND k = $1 AND id < $1 + 1;
-- @params 1,2
SELECT * FROM a WHERE k = $1;
-- @params 5
SELECT * FROM a WHERE k = $1 AND x = $2;
-- @params 5
SELECT * FROM ref WHERE id = $1;
-- @types int4
-- @params 3
SELECT * FROM solo WHERE id = $1;
-- @params 1,2
SELECT $1::int + $2::int;
-- @params 10
SELECT count(*) FROM a WHERE x > $1;
-- @types int4,int4
-- @params 3,2
SELECT k, id FROM a ORDER BY k, id LIMIT $1 OFFSET $2;
-- @params 3
SELECT k, id FROM a WHERE x > 0 ORDER BY k DESC, id LIMIT $1;
-- @params \N
SELECT k FROM a ORDER BY k, id LIMIT $1;
-- @types int8
-- @params -1
SELECT k FROM a ORDER BY k, id LIMIT $1;
