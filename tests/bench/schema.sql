-- The benchmark's tables. The same text for every system: psql -v gives :by_id, :by_pid and
-- :reference, which are WITH clauses for pgmosaic and empty for one PostgreSQL.
--   acc and det are co-located by id; prod has its own key; prod_ref is on every shard.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
DROP TABLE IF EXISTS acc;
DROP TABLE IF EXISTS det;
DROP TABLE IF EXISTS prod;
DROP TABLE IF EXISTS prod_ref;
CREATE TABLE acc (
	id     bigint PRIMARY KEY,
	g1k    int NOT NULL,              -- 1,000 distinct values
	g100k  int NOT NULL,              -- 100,000 distinct values
	x      bigint NOT NULL,
	y      double precision NOT NULL,
	filler text NOT NULL              -- 64 characters
) :by_id;
CREATE TABLE det (
	id  bigint NOT NULL,              -- acc.id
	n   int NOT NULL,
	pid int NOT NULL,                 -- prod.pid
	amt numeric(12,2) NOT NULL,
	PRIMARY KEY (id, n)
) :by_id;
CREATE TABLE prod (pid int PRIMARY KEY, cat int NOT NULL, name text NOT NULL) :by_pid;
CREATE TABLE prod_ref (pid int PRIMARY KEY, cat int NOT NULL, name text NOT NULL) :reference;
