-- Shared sequences. Where one session of one proxy draws, values are the same as on one server: key columns
-- and reference tables (drawn by the proxy), nextval() (the home shard's block). What each shard
-- draws for itself differs by value: there, counts and uniqueness are compared.
-- @setup on
DROP TABLE IF EXISTS q_ev, q_cust, q_id, q_ref, q_few;
DROP SEQUENCE IF EXISTS q_plain, q_back, q_few_seq;
CREATE TABLE q_ev (k bigint NOT NULL, id bigserial, v text) WITH (mosaic.shard_key = 'k');
CREATE TABLE q_cust (id bigserial PRIMARY KEY, name text DEFAULT 'nobody') WITH (mosaic.shard_key = 'id');
CREATE TABLE q_id (name text, id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY) WITH (mosaic.shard_key = 'id');
CREATE TABLE q_ref (id serial PRIMARY KEY, name text) WITH (mosaic.reference = true);
CREATE SEQUENCE q_plain;
CREATE SEQUENCE q_back INCREMENT BY -7 MINVALUE -30 MAXVALUE 10 START WITH 3;
CREATE SEQUENCE q_few_seq AS smallint MAXVALUE 3;
CREATE TABLE q_few (k int NOT NULL, id smallint DEFAULT nextval('q_few_seq')) WITH (mosaic.shard_key = 'k');
-- @setup off

-- each shard for itself
INSERT INTO q_ev (k, v) VALUES (1, 'a') RETURNING k, v, id > 0;
INSERT INTO q_ev VALUES (2, DEFAULT, 'b'), (3, DEFAULT, 'c'), (4, DEFAULT, 'd'), (5, 4000000000, 'e') RETURNING k, v;
-- @params 6,f
INSERT INTO q_ev (k, v) VALUES ($1, $2) RETURNING k, v;
INSERT INTO q_ev (k, v) SELECT k, v FROM q_ev WHERE k = 1 RETURNING k, v;
INSERT INTO q_ev (k, v) SELECT k, v FROM q_ev;
UPDATE q_ev SET id = DEFAULT WHERE k = 2 RETURNING k, v;
SELECT count(*), count(id), count(DISTINCT id) FROM q_ev;
INSERT INTO q_ev (k, v) VALUES (7, 1/0);
INSERT INTO q_ev (k, nosuch) VALUES (7, 1);
-- @sqlstate-only
INSERT INTO q_ev (k, v) VALUES (NULL, 'x');
COPY q_ev (k, v) FROM STDIN;
10	x
11	y
12	z
\.
SELECT k, v FROM q_ev ORDER BY k, v;
SELECT count(*), count(DISTINCT id) FROM q_ev;

-- the key
INSERT INTO q_cust (name) VALUES ('a') RETURNING *;
INSERT INTO q_cust (name) VALUES ('b'), ('c'), ('d;)(') RETURNING *;
INSERT INTO q_cust VALUES (DEFAULT, 'e'), (1000, 'f'), (DEFAULT, DEFAULT) RETURNING *;
INSERT INTO q_cust DEFAULT VALUES RETURNING id, name;
INSERT INTO q_cust AS c (name) VALUES (upper('g')) ON CONFLICT (id) DO UPDATE SET name = 'never' RETURNING c.*;
-- @params h,i
INSERT INTO q_cust (name) VALUES ($1), ($2) RETURNING *;
INSERT INTO q_cust VALUES (1000, 'again');
INSERT INTO q_cust (nosuch) VALUES (1);
INSERT INTO q_cust (name) VALUES (1, 2);
INSERT INTO q_cust (name, name) VALUES ('a', 'b');
INSERT INTO q_cust (name) VALUES ('x'), (1/0);
SELECT count(*), count(DISTINCT id) FROM q_cust;
-- @refused
INSERT INTO q_cust (name) SELECT v FROM q_ev;

-- identity
INSERT INTO q_id VALUES ('a') RETURNING *;
INSERT INTO q_id VALUES ('b', DEFAULT), ('c', DEFAULT) RETURNING *;
INSERT INTO q_id VALUES ('d', 7);
INSERT INTO q_id (id, name) VALUES (7, 'd'), (DEFAULT, 'e');
INSERT INTO q_id (id, name) OVERRIDING SYSTEM VALUE VALUES (700, 'd') RETURNING *;
INSERT INTO q_id (id, name) OVERRIDING USER VALUE VALUES (701, 'e'), (702, 'f') RETURNING *;
INSERT INTO q_id (name) OVERRIDING USER VALUE VALUES ('g') RETURNING *;
INSERT INTO q_id DEFAULT VALUES RETURNING *;
SELECT * FROM q_id ORDER BY id;

-- reference tables: every copy the same
INSERT INTO q_ref (name) VALUES ('a'), ('b');
INSERT INTO q_ref VALUES (DEFAULT, 'c'), (50, 'd');
-- @params e
INSERT INTO q_ref (name) VALUES ($1);
INSERT INTO q_ref (name, nosuch) VALUES ('x', 1);
-- @state q_ref:ref
SELECT * FROM q_ref ORDER BY id;

-- sequences by themselves
SELECT nextval('q_plain');
SELECT nextval('q_plain'), nextval('public.q_plain'::regclass);
SELECT nextval('q_back');
SELECT nextval('q_back');
SELECT nextval('q_plain') FROM generate_series(1, 3);
SELECT nextval('nosuch_seq');
-- @not txn
SELECT setval('q_plain', 100);
SELECT nextval('q_plain') > 0;
-- @not txn
SELECT setval('q_plain', 200, false);
-- @not txn
SELECT nextval('q_plain');
-- @not txn
SELECT setval('q_back', 11);
-- @not txn
SELECT setval('q_plain', 'x');
-- @not txn
ALTER SEQUENCE q_plain INCREMENT BY 10 MAXVALUE 300 RESTART WITH 280;
-- @not txn
SELECT nextval('q_plain');
-- @not txn
SELECT nextval('q_plain');
-- @not txn
SELECT nextval('q_plain');
-- @not txn
SELECT nextval('q_plain');
-- @not txn
ALTER SEQUENCE q_plain MINVALUE 500;
-- @not txn
ALTER SEQUENCE q_plain MAXVALUE 400;
-- @not txn
SELECT nextval('q_plain');

-- the end of it
INSERT INTO q_few (k) VALUES (1);
INSERT INTO q_few (k) VALUES (2);
INSERT INTO q_few (k) VALUES (3);
INSERT INTO q_few (k) VALUES (4);
INSERT INTO q_few (k) VALUES (5), (6);
SELECT count(*), count(DISTINCT id), max(id) FROM q_few;

-- what becomes of them
-- @not txn
ALTER SEQUENCE q_back RENAME TO q_other;
-- @not txn
SELECT nextval('q_other') < 100;
-- @not txn
ALTER SEQUENCE q_other RENAME TO q_back;
DROP SEQUENCE q_few_seq;
DROP SEQUENCE nosuch_seq;
DROP TABLE q_ev, q_cust, q_id, q_ref, q_few;
DROP SEQUENCE q_plain, q_back, q_few_seq;
DROP SEQUENCE IF EXISTS q_plain, q_back, q_few_seq;
