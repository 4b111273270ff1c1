-- Tables of RANGE, DIRECTORY and composite distributions (made by `run`).
-- @modes simple text binary
-- @setup on
DROP TABLE IF EXISTS pd;
DROP TABLE IF EXISTS pd2;
DROP TABLE IF EXISTS pn;
DROP TABLE IF EXISTS pm;
DROP TABLE IF EXISTS pl;
DROP TABLE IF EXISTS pt;
DROP TABLE IF EXISTS pt2;
DROP TABLE IF EXISTS pp;
DROP TABLE IF EXISTS px;
CREATE TABLE pd (d date, id int NOT NULL, v int) WITH (mosaic.shard_key = 'd', mosaic.distribution = 'by_day');
CREATE TABLE pd2 (d date NOT NULL, id int NOT NULL) WITH (mosaic.shard_key = 'd', mosaic.distribution = 'by_day');
CREATE TABLE pn (k int NOT NULL, id int NOT NULL, PRIMARY KEY (k, id)) WITH (mosaic.shard_key = 'k', mosaic.distribution = 'by_number');
CREATE TABLE pm (k numeric(8,2) NOT NULL, id int NOT NULL) WITH (mosaic.shard_key = 'k', mosaic.distribution = 'by_amount');
CREATE TABLE pl (k text COLLATE "C" NOT NULL, l text NOT NULL, id int NOT NULL) WITH (mosaic.shard_key = 'k', mosaic.distribution = 'by_letter');
CREATE TABLE pt (t text, id int NOT NULL, v int) WITH (mosaic.shard_key = 't', mosaic.distribution = 'by_tenant');
CREATE TABLE pt2 (t varchar(10) NOT NULL, n int, PRIMARY KEY (t)) WITH (mosaic.shard_key = 't', mosaic.distribution = 'by_tenant');
CREATE TABLE pp (k bigint NOT NULL, d date NOT NULL, v int, PRIMARY KEY (k, d)) WITH (mosaic.shard_key = 'k,d', mosaic.distribution = 'by_tenant_pair');
CREATE TABLE px (k int NOT NULL, t text NOT NULL, v int, PRIMARY KEY (k, t)) WITH (mosaic.shard_key = 'k,t', mosaic.distribution = 'by_xxh3');
INSERT INTO pd VALUES ('2025-12-31', 1, 10), ('2026-01-01', 2, 20), ('2026-01-31', 3, 30), ('2026-02-01', 4, 40), ('2026-06-30', 5, 50), ('2026-07-01', 6, 60), ('infinity', 7, 70), ('-infinity', 8, 80), (NULL, 9, 90), ('2026-01-01', 10, 100);
INSERT INTO pd2 VALUES ('2026-01-01', 1), ('2026-02-01', 2), ('2026-02-02', 3);
INSERT INTO pn VALUES (-101, 1), (-100, 1), (-1, 1), (0, 1), (9, 1), (10, 1), (19, 1), (20, 1), (999, 1), (1000, 1), (2147483647, 1), (-2147483648, 1), (10, 2);
INSERT INTO pm VALUES (-0.505, 1), (-0.5, 2), (-0.504, 3), (1.499, 4), (1.495, 5), (1.5, 6), (9.99, 7), (9.995, 8), (10, 9);
INSERT INTO pl VALUES ('', 'x', 1), ('a', 'b', 2), ('az', 'm', 3), ('b', 'y', 4), ('lz', 'ä', 5), ('m', 'a', 6), ('z', 'z', 7), ('ä', 'q', 8), ('ö', 'r', 9), ('B', 's', 10);
INSERT INTO pt VALUES ('acme', 1, 1), ('globex', 2, 2), ('acme', 3, 3), ('initech', 4, 4), (NULL, 5, 5), ('umbrella', 6, 6), ('', 7, 7);
INSERT INTO pt2 VALUES ('acme', 1), ('hooli', 2), ('globex', 3);
INSERT INTO pp VALUES (1, '2026-01-01', 1), (1, '2026-01-02', 2), (2, '2026-01-01', 3), (-5, 'infinity', 4);
INSERT INTO px VALUES (1, 'a', 1), (1, 'b', 2), (2, 'a', 3), (3, '', 4);
-- @setup off
SELECT * FROM pd WHERE d = '2026-01-01' ORDER BY id;
SELECT * FROM pd WHERE d IN ('2026-01-01', '2026-07-01') ORDER BY id;
SELECT * FROM pd WHERE d < '2026-01-01' ORDER BY id;
SELECT * FROM pd WHERE d <= '2026-01-01' ORDER BY id;
SELECT * FROM pd WHERE d > '2026-01-31' ORDER BY id;
SELECT * FROM pd WHERE d >= '2026-02-01' AND d < '2026-07-01' ORDER BY id;
SELECT * FROM pd WHERE '2026-02-01' > d ORDER BY id;
SELECT * FROM pd WHERE d BETWEEN '2026-01-15' AND '2026-02-15' ORDER BY id;
SELECT * FROM pd WHERE d NOT BETWEEN '2026-01-15' AND '2026-02-15' ORDER BY id;
SELECT * FROM pd WHERE d BETWEEN SYMMETRIC '2026-02-15' AND '2026-01-15' ORDER BY id;
SELECT * FROM pd WHERE d >= '2026-02-01' AND d < '2026-01-01';
SELECT * FROM pd WHERE d > DATE '2026-06-30' ORDER BY id;
SELECT * FROM pd WHERE d > timestamp '2026-06-30 12:00:00' ORDER BY id;
SELECT * FROM pd WHERE d >= NULL;
SELECT * FROM pd WHERE NOT (d >= '2026-02-01') ORDER BY id;
SELECT * FROM pd WHERE d >= '2026-02-01' OR id = 1 ORDER BY id;
SELECT * FROM pd WHERE (d >= '2026-02-01') IS NULL ORDER BY id;
-- @exact-or-refused
SELECT * FROM pd WHERE d > 'yesterday' AND d < '2000-01-01';
SELECT * FROM pd WHERE d IS NULL;
SELECT count(*), sum(v) FROM pd WHERE d >= '2026-01-01' AND d < '2026-02-01';
SELECT d, count(*) FROM pd WHERE d < '2026-03-01' GROUP BY d ORDER BY d;
-- @exact-or-refused
SELECT array_agg(v ORDER BY id) FROM pd WHERE d >= '2026-07-01';
SELECT pd.id, pd2.id FROM pd JOIN pd2 USING (d) WHERE d >= '2026-02-01' ORDER BY 1, 2;
SELECT pd.id, pd2.id FROM pd JOIN pd2 ON pd.d = pd2.d WHERE pd2.d < '2026-02-01' ORDER BY 1, 2;
SELECT pd.id, pd2.id FROM pd LEFT JOIN pd2 ON pd.d = pd2.d AND pd2.d >= '2026-02-01' ORDER BY 1, 2;
SELECT pd.id, pd2.id FROM pd LEFT JOIN pd2 ON pd.d = pd2.d AND pd.d >= '2026-02-01' ORDER BY 1, 2;
SELECT pd.id, pd2.id FROM pd LEFT JOIN pd2 ON pd.d = pd2.d WHERE pd.d >= '2026-02-01' ORDER BY 1, 2;
-- @exact-or-refused
SELECT id FROM pd WHERE d >= '2026-02-01' UNION ALL SELECT id FROM pd2 WHERE d < '2026-02-01' ORDER BY 1;
-- @exact-or-refused
SELECT id FROM pd WHERE d >= '2026-06-01' AND EXISTS (SELECT 1 FROM pd2 WHERE pd2.id < pd.id) ORDER BY 1;
-- @params 2026-02-01,2026-07-01
-- @params 2026-02-01,\N
SELECT * FROM pd WHERE d >= $1 AND d < $2 ORDER BY id;
SELECT * FROM pn WHERE k > -100 AND k <= 10 ORDER BY k, id;
SELECT * FROM pn WHERE k >= 20 ORDER BY k;
SELECT * FROM pn WHERE k < 9223372036854775808 ORDER BY k, id;
SELECT * FROM pn WHERE k > 2147483648 ORDER BY k;
SELECT * FROM pn WHERE k < 9.5 ORDER BY k;
SELECT * FROM pn WHERE k < '0' ORDER BY k;
SELECT * FROM pn WHERE k BETWEEN 10 AND 19 ORDER BY k, id;
SELECT * FROM pn WHERE k = 10 ORDER BY id;
SELECT * FROM pn WHERE k = ANY ('{10,1000,5}') ORDER BY k, id;
-- @params 10,20
SELECT * FROM pn WHERE k BETWEEN $1 AND $2 ORDER BY k, id;
-- @types int8,int2
-- @params 10,20
SELECT * FROM pn WHERE k BETWEEN $1 AND $2 ORDER BY k, id;
SELECT * FROM pm WHERE k < 1.5 ORDER BY id;
SELECT * FROM pm WHERE k >= 1.5 AND k < 10 ORDER BY id;
SELECT * FROM pm WHERE k <= -0.5 ORDER BY id;
SELECT * FROM pm WHERE k > 1 ORDER BY id;
SELECT * FROM pm WHERE k = 1.50 ORDER BY id;
SELECT * FROM pl WHERE k >= 'b' AND k < 'm' ORDER BY id;
SELECT * FROM pl WHERE k < 'b' ORDER BY id;
SELECT * FROM pl WHERE k > 'z' ORDER BY id;
SELECT * FROM pl WHERE k = 'B';
SELECT * FROM pl WHERE l >= 'm' ORDER BY id;
SELECT * FROM pl WHERE k > 'b' COLLATE "C" ORDER BY id;
SELECT * FROM pt WHERE t = 'acme' ORDER BY id;
SELECT * FROM pt WHERE t = 'nobody';
SELECT count(*) FROM pt WHERE t = 'nobody';
SELECT * FROM pt WHERE t IN ('acme', 'nobody', 'globex') ORDER BY id;
SELECT * FROM pt WHERE t = '' ORDER BY id;
SELECT * FROM pt WHERE t IS NULL;
SELECT t, count(*) FROM pt GROUP BY t ORDER BY t;
SELECT * FROM pt ORDER BY id;
SELECT pt.id, pt2.n FROM pt JOIN pt2 USING (t) ORDER BY 1;
-- @params acme
-- @params nobody
-- @params \N
SELECT * FROM pt WHERE t = $1 ORDER BY id;
SELECT * FROM pp WHERE k = 1 AND d = '2026-01-01';
SELECT * FROM pp WHERE k = 1 ORDER BY d;
SELECT * FROM pp WHERE d = '2026-01-01' AND k IN (1, 2, 77) ORDER BY k;
SELECT * FROM px WHERE k = 1 AND t = 'a';
SELECT * FROM px WHERE k = 1 AND t IN ('a', 'b', 'c') ORDER BY t;
SELECT * FROM px WHERE k = 1 ORDER BY t;
SELECT * FROM px WHERE (k, t) = (1, 'b');
-- @state pt
UPDATE pt SET v = v + 100 WHERE t = 'acme';
-- @state pt
UPDATE pt SET v = v + 100 WHERE t = 'nobody';
-- @state pt
INSERT INTO pt VALUES ('new one', 20, 1), ('new two', 21, 2), ('acme', 22, 3) RETURNING t, id;
-- @state pt
DELETE FROM pt WHERE t IN ('new one', 'new two');
-- @state pd
UPDATE pd SET v = 0 WHERE d >= '2026-02-01' AND d <= '2026-06-30';
-- @state pd
DELETE FROM pd WHERE d < '2026-01-01';
-- @state pd
INSERT INTO pd VALUES ('2026-01-15', 30, 1), ('2026-08-15', 31, 2), ('2020-01-01', 32, 3) RETURNING id;
-- @state pp
INSERT INTO pp VALUES (1, '2026-01-01', 9) ON CONFLICT (k, d) DO UPDATE SET v = excluded.v RETURNING *;
-- @state px
DELETE FROM px WHERE k = 1 AND t = 'b';
-- @sqlstate-only
INSERT INTO pn VALUES (10, 1);
-- @setup on
COPY pd FROM STDIN;
2026-01-20	40	1
2026-02-20	41	2
\N	42	3
1999-01-01	43	4
\.
COPY pt FROM STDIN;
acme	40	1
brand new	41	2
brand new	42	3
\N	43	4
\.
COPY px FROM STDIN;
7	x	1
8	y	2
\.
COPY pp FROM STDIN;
7	2026-05-05	1
1	2026-01-03	2
\.
-- @setup off
SELECT * FROM pt WHERE t = 'brand new' ORDER BY id;
SELECT * FROM pd WHERE d > '2026-02-01' AND d < '2026-03-01' ORDER BY id;
SELECT * FROM pp WHERE k = 7 AND d = '2026-05-05';
SELECT * FROM px WHERE k = 8 AND t = 'y';
-- @state pd,pd2,pn,pm,pl,pt,pt2,pp,px
DELETE FROM px WHERE k = 7 AND t = 'x';
