-- Transaction blocks, statement by statement, on one session.
-- @modes simple text prepared
-- @setup on
TRUNCATE w_two;
TRUNCATE w_ref;
TRUNCATE w_solo;
INSERT INTO w_two VALUES (1,10), (2,20), (3,30), (4,40), (5,50), (6,60);
-- @setup off
BEGIN;
SELECT 1;
COMMIT;
BEGIN;
SELECT * FROM w_two WHERE k = 1;
UPDATE w_two SET v = 11 WHERE k = 1;
SELECT * FROM w_two WHERE k = 1;
-- @state w_two
COMMIT;
START TRANSACTION;
UPDATE w_two SET v = 0 WHERE k = 1;
-- @state w_two
ROLLBACK;
BEGIN WORK;
UPDATE w_two SET v = v - 1 WHERE k = 1;
UPDATE w_two SET v = v + 1 WHERE k = 2;
UPDATE w_two SET v = v + 1 WHERE k = 3;
SELECT sum(v) FROM w_two;
-- @state w_two
COMMIT WORK;
BEGIN TRANSACTION;
INSERT INTO w_two VALUES (10, 1), (11, 1), (12, 1), (13, 1);
SELECT count(*) FROM w_two;
DELETE FROM w_two WHERE k = 2;
-- @state w_two
ABORT;
BEGIN;
UPDATE w_two SET v = v + 1;
-- @state w_two
END;
-- warnings
BEGIN;
BEGIN;
SELECT 1;
END;
COMMIT;
ROLLBACK;
END;
-- errors
BEGIN;
SELECT 1 / 0;
SELECT 1;
SELECT * FROM w_two WHERE k = 1;
INSERT INTO w_two VALUES (50, 1);
COMMIT;
BEGIN;
UPDATE w_two SET v = 100 WHERE k = 1;
UPDATE w_two SET v = NULL WHERE k = 2;
UPDATE w_two SET v = 100 WHERE k = 3;
-- @state w_two
COMMIT;
BEGIN;
UPDATE w_two SET v = 100 WHERE k = 1;
INSERT INTO w_two VALUES (3, 3);
ROLLBACK;
-- @state w_two
SELECT count(*) FROM w_two;
BEGIN;
SELECT nosuch FROM w_two;
SELECT 1;
ROLLBACK;
BEGIN;
this is no SQL;
SELECT 1;
BEGIN;
END;
BEGIN;
UPDATE w_two SET v = 1 / (k - 5);
SELECT * FROM w_two WHERE k = 1;
-- @state w_two
ROLLBACK;
-- savepoints
BEGIN;
UPDATE w_two SET v = 1 WHERE k = 1;
SAVEPOINT s1;
UPDATE w_two SET v = 2 WHERE k = 2;
SAVEPOINT s2;
UPDATE w_two SET v = 3 WHERE k = 3;
SELECT k, v FROM w_two ORDER BY k;
ROLLBACK TO s2;
SELECT k, v FROM w_two ORDER BY k;
ROLLBACK TO SAVEPOINT s1;
SELECT k, v FROM w_two ORDER BY k;
UPDATE w_two SET v = 4 WHERE k = 4;
RELEASE SAVEPOINT s1;
ROLLBACK TO s1;
ROLLBACK;
BEGIN;
SAVEPOINT a;
SELECT 1 / 0;
SELECT 1;
ROLLBACK TO a;
SELECT 1;
UPDATE w_two SET v = 77 WHERE k = 6;
INSERT INTO w_two VALUES (6, 1);
ROLLBACK TO a;
UPDATE w_two SET v = 78 WHERE k = 5;
RELEASE a;
-- @state w_two
COMMIT;
BEGIN;
SAVEPOINT "Odd name";
INSERT INTO w_two VALUES (20, 1), (21, 1), (22, 1);
ROLLBACK TO "Odd name";
-- @state w_two
COMMIT;
BEGIN;
UPDATE w_two SET v = 5 WHERE k = 1;
SAVEPOINT x;
INSERT INTO w_two VALUES (1, 1), (30, 1), (31, 1);
ROLLBACK TO x;
INSERT INTO w_two VALUES (30, 1), (31, 1), (32, 1);
-- @state w_two
COMMIT;
BEGIN;
ROLLBACK TO nosuch;
ROLLBACK;
SAVEPOINT outside;
RELEASE outside;
ROLLBACK TO outside;
BEGIN;
SAVEPOINT s;
SAVEPOINT s;
UPDATE w_two SET v = 6 WHERE k = 1;
RELEASE s;
ROLLBACK TO s;
-- @state w_two
COMMIT;
-- options
BEGIN READ ONLY;
SELECT count(*) FROM w_two;
UPDATE w_two SET v = 1 WHERE k = 1;
ROLLBACK;
BEGIN READ ONLY;
INSERT INTO w_two VALUES (90, 1), (91, 1), (92, 1);
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SHOW transaction_isolation;
SELECT count(*) FROM w_two;
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ, READ WRITE;
UPDATE w_two SET v = 9 WHERE k = 1;
-- @state w_two
COMMIT;
BEGIN;
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
SHOW transaction_isolation;
SELECT * FROM w_two WHERE k = 1;
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM w_two WHERE k = 1;
UPDATE w_two SET v = 10 WHERE k = 1;
COMMIT;
-- the shard that only described a statement or took a setting does not count as a second one
BEGIN ISOLATION LEVEL SERIALIZABLE;
SET application_name = 'x';
SELECT v, v AS first FROM w_two WHERE k = 2;
UPDATE w_two SET v = v + 1 WHERE k = 2;
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT v, v AS second FROM w_two WHERE k = 3;
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT v, v AS third FROM w_two WHERE k = 4;
-- @refused
SELECT count(*) AS third FROM w_two;
ROLLBACK;
BEGIN;
SET TRANSACTION READ ONLY;
DELETE FROM w_two WHERE k = 1;
ROLLBACK;
SHOW transaction_isolation;
SHOW transaction_read_only;
-- chains
BEGIN;
UPDATE w_two SET v = 12 WHERE k = 1;
-- @exact-or-refused
COMMIT AND CHAIN;
UPDATE w_two SET v = 13 WHERE k = 2;
ROLLBACK;
-- @state w_two
SELECT 'after the chain';
-- @exact-or-refused
COMMIT AND CHAIN;
-- several kinds of table in one block
BEGIN;
INSERT INTO w_ref VALUES (1, 'in a block');
INSERT INTO w_solo VALUES (1, 'in a block');
UPDATE w_two SET v = v + 1 WHERE k IN (1, 2, 3);
SELECT * FROM w_ref;
-- @state w_two,w_ref:ref,w_solo:single
COMMIT;
BEGIN;
UPDATE w_ref SET v = 'never';
DELETE FROM w_solo;
DELETE FROM w_two;
-- @state w_two,w_ref:ref,w_solo:single
ROLLBACK;
-- locks
BEGIN;
SELECT * FROM w_two WHERE k = 1 FOR UPDATE;
-- @exact-or-refused
LOCK TABLE w_two IN SHARE MODE;
ROLLBACK;
-- DDL in a block
BEGIN;
CREATE TABLE tx_t (k bigint PRIMARY KEY, v int) WITH (mosaic.shard_key = 'k');
INSERT INTO tx_t VALUES (1, 1), (2, 2), (3, 3);
SELECT * FROM tx_t ORDER BY k;
ROLLBACK;
SELECT * FROM tx_t;
BEGIN;
ALTER TABLE w_two ADD COLUMN extra int DEFAULT 4;
SELECT * FROM w_two WHERE k = 1;
ROLLBACK;
SELECT * FROM w_two WHERE k = 1;
-- prepared by SQL
-- @exact-or-refused
PREPARE TRANSACTION 'x';
-- @exact-or-refused
COMMIT PREPARED 'nosuch';
