-- Shard keys of every type, in every spelling of a constant.
-- @modes simple text binary
-- @setup on
DROP TABLE IF EXISTS kn;
DROP TABLE IF EXISTS kn2;
DROP TABLE IF EXISTS kd;
DROP TABLE IF EXISTS kts;
DROP TABLE IF EXISTS kts0;
DROP TABLE IF EXISTS ktz;
DROP TABLE IF EXISTS kb;
DROP TABLE IF EXISTS kby;
DROP TABLE IF EXISTS kbp;
DROP TABLE IF EXISTS ki;
DROP TABLE IF EXISTS kc;
DROP TABLE IF EXISTS kv;
DROP TABLE IF EXISTS kdef;
CREATE TABLE kn (k numeric NOT NULL, id int NOT NULL, PRIMARY KEY (k, id)) WITH (mosaic.shard_key = 'k');
CREATE TABLE kn2 (k numeric(8,2), id int NOT NULL) WITH (mosaic.shard_key = 'k');
CREATE TABLE kd (k date NOT NULL, id int NOT NULL DEFAULT 1, PRIMARY KEY (k, id)) WITH (mosaic.shard_key = 'k');
CREATE TABLE kts (k timestamp NOT NULL, id int NOT NULL) WITH (mosaic.shard_key = 'k');
CREATE TABLE kts0 (k timestamp(0) NOT NULL, id int NOT NULL) WITH (mosaic.shard_key = 'k');
CREATE TABLE ktz (k timestamptz NOT NULL, id int NOT NULL) WITH (mosaic.shard_key = 'k');
CREATE TABLE kb (k boolean, id int NOT NULL) WITH (mosaic.shard_key = 'k');
CREATE TABLE kby (k bytea NOT NULL, id int NOT NULL) WITH (mosaic.shard_key = 'k');
CREATE TABLE kbp (k char(5) NOT NULL, id int NOT NULL) WITH (mosaic.shard_key = 'k');
CREATE TABLE ki (k inet NOT NULL, id int NOT NULL) WITH (mosaic.shard_key = 'k');
CREATE TABLE kc (k cidr NOT NULL, id int NOT NULL) WITH (mosaic.shard_key = 'k');
CREATE TABLE kv (k varchar(4) NOT NULL, id int NOT NULL) WITH (mosaic.shard_key = 'k');
CREATE TABLE kdef (k date DEFAULT '2024-02-29', n numeric DEFAULT 1.50, id int NOT NULL) WITH (mosaic.shard_key = 'k,n');
INSERT INTO kn (k, id) VALUES (0, 1), (1, 1), (1.0, 2), (1.5, 1), (-1.5, 1), (10000, 1), (1e20, 1), (0.00001, 1), ('NaN', 1), ('Infinity', 1), ('-Infinity', 1), (12345678901234567890.5, 1);
INSERT INTO kn2 (k, id) VALUES (1.005, 1), (1.01, 2), (-0.005, 3), (NULL, 4), (99.995, 5), (100, 6), ('2.675', 7);
INSERT INTO kd (k, id) VALUES ('2024-02-29', 1), ('1999-12-31', 1), (DATE '2000-01-01', 1), ('infinity', 1), ('-infinity', 1), ('0001-01-01'::date, 1);
INSERT INTO kts VALUES ('2024-02-29 12:00:00', 1), ('2024-02-29 12:00:00.5', 2), ('1999-12-31 23:59:59.999999', 3), ('2000-01-01', 4), ('infinity', 5);
INSERT INTO kts0 VALUES ('2024-02-29 12:00:00.5', 1), ('2024-02-29 12:00:01', 2), ('1999-12-31 23:59:59.999999', 3), ('1999-12-31 23:59:58.5', 4);
INSERT INTO ktz VALUES ('2024-02-29 12:00:00+00', 1), ('2024-02-29 13:00:00+01', 2), ('2024-02-29 07:30:00-04:30', 3), ('1999-12-31 23:59:59.999999Z', 4);
INSERT INTO kb VALUES (true, 1), (false, 2), ('t', 3), ('no', 4), (NULL, 5);
INSERT INTO kby VALUES ('\x', 1), ('\x00ff', 2), ('\xdeadbeef', 3), ('plain', 4);
INSERT INTO kbp VALUES ('a', 1), ('a  ', 2), ('abcde', 3), ('', 4), (' x', 5);
INSERT INTO ki VALUES ('10.0.0.1', 1), ('10.0.0.1/32', 2), ('10.0.0.0/8', 3), ('2001:db8::1', 4), ('::ffff:1.2.3.4', 5), ('0.0.0.0/0', 6);
INSERT INTO kc VALUES ('10.0.0.0/8', 1), ('192.168.1.0/24', 2), ('2001:db8::/32', 3), ('10.1.2.3', 4);
INSERT INTO kv VALUES ('ab', 1), ('ab ', 2), ('abcd', 3), ('abcd   ', 4), ('ää', 5);
INSERT INTO kdef (id) VALUES (1), (2);
INSERT INTO kdef VALUES ('2024-02-29', 1.5, 3), ('2024-02-29', DEFAULT, 4), (NULL, NULL, 5);
-- @setup off
SELECT * FROM kn WHERE k = 1;
SELECT * FROM kn WHERE k = 1.00;
SELECT * FROM kn WHERE k = '1.0';
SELECT * FROM kn WHERE k = 1.5;
SELECT * FROM kn WHERE k = -1.5;
SELECT * FROM kn WHERE k = 1e20;
SELECT * FROM kn WHERE k = '1E+20';
SELECT * FROM kn WHERE k = 10000;
SELECT * FROM kn WHERE k = 1e-5;
SELECT * FROM kn WHERE k = 'NaN';
SELECT * FROM kn WHERE k = '-infinity';
SELECT * FROM kn WHERE k = 12345678901234567890.5;
SELECT * FROM kn WHERE k = numeric '1';
SELECT * FROM kn WHERE k = '1'::numeric;
SELECT * FROM kn WHERE k = 1::int8;
SELECT * FROM kn WHERE k = 1::numeric(3,1);
SELECT * FROM kn WHERE k = 1.5::float8;
SELECT * FROM kn WHERE k IN (1, 1.5, '10000') ORDER BY k, id;
-- @exact-or-refused
SELECT * FROM kn WHERE k = '0x10';
-- @exact-or-refused
SELECT * FROM kn WHERE k = 'abc';
-- @params 1
-- @params 1.0
-- @params 1.5
-- @params -1.5
-- @params \N
SELECT * FROM kn WHERE k = $1 ORDER BY id;
-- @types int8
-- @params 1
-- @params 10000
SELECT * FROM kn WHERE k = $1 ORDER BY id;
-- @types numeric
-- @params 1
-- @params 1.5
SELECT * FROM a WHERE k = $1 ORDER BY id;
SELECT * FROM kn2 WHERE k = 1.01 ORDER BY id;
SELECT * FROM kn2 WHERE k = 1.005;
SELECT * FROM kn2 WHERE k = -0.01;
SELECT * FROM kn2 WHERE k = 100 ORDER BY id;
SELECT k, count(*) FROM kn2 GROUP BY k ORDER BY k;
SELECT * FROM kd WHERE k = '2024-02-29';
SELECT * FROM kd WHERE k = DATE '1999-12-31';
SELECT * FROM kd WHERE k = '2000-01-01'::date;
SELECT * FROM kd WHERE k = $$2000-01-01$$;
SELECT * FROM kd WHERE k = E'2000-01-01';
SELECT * FROM kd WHERE k = U&'2000-01-01';
SELECT * FROM kd WHERE k = 'infinity';
SELECT * FROM kd WHERE k = timestamp '2024-02-29 00:00:00';
-- @exact-or-refused
SELECT * FROM kd WHERE k = 'Feb 29, 2024';
-- @exact-or-refused
SELECT * FROM kd WHERE k = 'epoch';
-- @sqlstate-only
-- @exact-or-refused
SELECT * FROM kd WHERE k = '2024-02-30';
SELECT * FROM kd WHERE k IN ('2024-02-29', '1999-12-31') ORDER BY k;
-- @params 2024-02-29
-- @params 1999-12-31
SELECT * FROM kd WHERE k = $1;
SELECT * FROM kts WHERE k = '2024-02-29 12:00:00';
SELECT * FROM kts WHERE k = '2024-02-29T12:00:00.500';
SELECT * FROM kts WHERE k = timestamp '1999-12-31 23:59:59.999999';
SELECT * FROM kts WHERE k = '2000-01-01';
SELECT * FROM kts WHERE k = DATE '2000-01-01';
SELECT * FROM kts0 WHERE k = '2024-02-29 12:00:01' ORDER BY id;
SELECT * FROM kts0 WHERE k = '2000-01-01 00:00:00';
SELECT * FROM kts0 WHERE k = '1999-12-31 23:59:58' ORDER BY id;
SELECT * FROM kts0 WHERE k = '1999-12-31 23:59:59' ORDER BY id;
SELECT id FROM ktz WHERE k = '2024-02-29 12:00:00+00' ORDER BY id;
SELECT id FROM ktz WHERE k = timestamptz '2024-02-29 14:00:00+02' ORDER BY id;
-- @exact-or-refused
SELECT id FROM ktz WHERE k = '2024-02-29 12:00:00' ORDER BY id;
-- @exact-or-refused
SELECT id FROM ktz WHERE k = '2024-02-29 12:00:00 Europe/Berlin' ORDER BY id;
-- @exact-or-refused
INSERT INTO ktz VALUES ('2024-02-29 12:00:00', 9);
SELECT * FROM kb WHERE k = true ORDER BY id;
SELECT * FROM kb WHERE k = 'f' ORDER BY id;
SELECT * FROM kb WHERE k = 'y'::bool ORDER BY id;
SELECT * FROM kb WHERE k IS TRUE ORDER BY id;
SELECT * FROM kb WHERE k ORDER BY id;
SELECT k, count(*) FROM kb GROUP BY k ORDER BY k;
SELECT * FROM kby WHERE k = '\x00ff';
SELECT * FROM kby WHERE k = E'\\xDEADBEEF';
SELECT * FROM kby WHERE k = 'plain'::bytea;
SELECT * FROM kby WHERE k = '\x';
-- @exact-or-refused
SELECT * FROM kby WHERE k = '\000\377';
SELECT * FROM kbp WHERE k = 'a' ORDER BY id;
SELECT * FROM kbp WHERE k = 'a    ' ORDER BY id;
SELECT * FROM kbp WHERE k = 'a '::char(5) ORDER BY id;
SELECT * FROM kbp WHERE k = 'a '::text ORDER BY id;
SELECT * FROM kbp WHERE k = 'a'::text ORDER BY id;
SELECT * FROM kbp WHERE k = '' ORDER BY id;
SELECT * FROM kbp WHERE k = ' x' ORDER BY id;
SELECT * FROM ki WHERE k = '10.0.0.1' ORDER BY id;
SELECT * FROM ki WHERE k = inet '10.0.0.0/8' ORDER BY id;
SELECT * FROM ki WHERE k = '2001:0db8:0::1' ORDER BY id;
SELECT * FROM ki WHERE k = '::ffff:102:304' ORDER BY id;
SELECT * FROM ki WHERE k = cidr '10.0.0.0/8' ORDER BY id;
-- @exact-or-refused
SELECT * FROM ki WHERE k = '10/8' ORDER BY id;
SELECT * FROM kc WHERE k = '10.0.0.0/8' ORDER BY id;
SELECT * FROM kc WHERE k = '10.1.2.3' ORDER BY id;
SELECT * FROM kc WHERE k = inet '192.168.1.0/24' ORDER BY id;
SELECT * FROM kv WHERE k = 'ab' ORDER BY id;
SELECT * FROM kv WHERE k = 'ab ' ORDER BY id;
SELECT * FROM kv WHERE k = 'abcd' ORDER BY id;
SELECT * FROM kv WHERE k = 'ää';
-- @sqlstate-only
INSERT INTO kv VALUES ('abcde', 9);
-- @sqlstate-only
INSERT INTO kbp VALUES ('abcdef', 9);
-- @sqlstate-only
INSERT INTO kn2 VALUES (1e9, 9);
SELECT * FROM kdef WHERE k = '2024-02-29' AND n = 1.5 ORDER BY id;
SELECT * FROM kdef WHERE k = '2024-02-29' AND n IN (1.5, 2) ORDER BY id;
SELECT * FROM kdef WHERE k = '2024-02-29' ORDER BY id;
SELECT count(*) FROM kdef WHERE k IS NULL;
SELECT x.id, y.id FROM kn x JOIN kn2 y ON x.k = y.k ORDER BY 1, 2;
-- @exact-or-refused
SELECT x.id, y.id FROM kd x JOIN kts y ON x.k = y.k ORDER BY 1, 2;
INSERT INTO kd VALUES ('2024-05-01', 7), ('2024-05-02', 7), ('2024-05-03', 7) RETURNING k;
UPDATE kd SET id = 8 WHERE k = '2024-05-02' RETURNING *;
DELETE FROM kd WHERE k IN ('2024-05-01', '2024-05-02', '2024-05-03');
-- @state kn,kn2,kd,kts,kts0,ktz,kb,kby,kbp,ki,kc,kv,kdef
DELETE FROM kn WHERE k = 12345678901234567890.5;
-- @setup on
TRUNCATE kn;
TRUNCATE kn2;
TRUNCATE kd;
TRUNCATE kts0;
TRUNCATE kb;
TRUNCATE kbp;
TRUNCATE ki;
TRUNCATE kv;
COPY kn FROM STDIN;
1	1
1.000	2
NaN	3
-0.5	4
\.
COPY kn2 (id, k) FROM STDIN (FORMAT csv);
1,1.005
2,1.01
3,
\.
COPY kd FROM STDIN;
2024-02-29	1
infinity	2
\.
COPY kts0 FROM STDIN;
2024-02-29 12:00:00.5	1
2024-02-29 12:00:01	2
\.
COPY kb FROM STDIN;
t	1
f	2
\N	3
\.
COPY kbp FROM STDIN;
a	1
a  	2
\.
COPY ki FROM STDIN;
10.0.0.0/8	1
2001:db8::1	2
\.
COPY kv FROM STDIN;
ab	1
ab 	2
abcd  	3
\.
-- @setup off
-- @state kn,kn2,kd,kts0,kb,kbp,ki,kv
SELECT * FROM kv WHERE k = 'abcd';
SELECT * FROM kn WHERE k = 1 ORDER BY id;
SELECT * FROM kn2 WHERE k = 1.01 ORDER BY id;
SELECT * FROM kts0 WHERE k = '2024-02-29 12:00:01' ORDER BY id;
SELECT * FROM kbp WHERE k = 'a' ORDER BY id;
-- @refused
CREATE TABLE kf (k float8, id int) WITH (mosaic.shard_key = 'k');
