-- SET and SET LOCAL inside transactions, on shards that join at different moments.
-- @modes simple text prepared
BEGIN;
SET LOCAL work_mem = '1MB';
SAVEPOINT one;
SELECT current_setting('work_mem') FROM a WHERE k = 1;
ROLLBACK TO one;
SELECT current_setting('work_mem') FROM a WHERE k = 1;
SELECT current_setting('work_mem') FROM a WHERE k = 2;
SELECT current_setting('work_mem') FROM a WHERE k = 3;
COMMIT;
SELECT current_setting('work_mem') FROM a WHERE k = 1;
BEGIN;
SAVEPOINT one;
SET work_mem = '2MB';
SELECT current_setting('work_mem') FROM a WHERE k = 1;
ROLLBACK TO one;
SELECT current_setting('work_mem') FROM a WHERE k = 1;
SELECT current_setting('work_mem') FROM a WHERE k = 2;
COMMIT;
SELECT current_setting('work_mem') FROM a WHERE k = 1;
SELECT current_setting('work_mem') FROM a WHERE k = 2;
SELECT current_setting('work_mem') FROM a WHERE k = 3;
BEGIN;
SAVEPOINT one;
SET LOCAL work_mem = '3MB';
SAVEPOINT two;
SET LOCAL work_mem = '5MB';
RELEASE two;
SELECT current_setting('work_mem') FROM a WHERE k = 1;
RELEASE one;
SELECT current_setting('work_mem') FROM a WHERE k = 2;
SELECT current_setting('work_mem') FROM a WHERE k = 3;
ROLLBACK;
SELECT current_setting('work_mem') FROM a WHERE k = 2;
BEGIN;
SET work_mem = '6MB';
SELECT current_setting('work_mem') FROM a WHERE k = 1;
ROLLBACK;
SELECT current_setting('work_mem') FROM a WHERE k = 1;
SELECT current_setting('work_mem') FROM a WHERE k = 2;
SHOW work_mem;
-- a SET over a SET LOCAL, undone and not
BEGIN;
SET LOCAL work_mem = '3MB';
SELECT current_setting('work_mem') FROM a WHERE k = 1;
SAVEPOINT one;
SET work_mem = '4MB';
SELECT current_setting('work_mem') FROM a WHERE k = 2;
SAVEPOINT two;
SET LOCAL work_mem = '5MB';
SET statement_timeout = '60s';
ROLLBACK TO two;
SELECT current_setting('work_mem') FROM a WHERE k = 1;
SELECT current_setting('work_mem') FROM a WHERE k = 3;
ROLLBACK TO one;
SELECT current_setting('work_mem') FROM a WHERE k = 1;
SELECT current_setting('work_mem') FROM a WHERE k = 3;
SELECT current_setting('work_mem') FROM a WHERE k = 5;
COMMIT;
SELECT current_setting('work_mem') FROM a WHERE k = 1;
BEGIN;
SET LOCAL work_mem = '3MB';
SET work_mem = '4MB';
SELECT current_setting('work_mem') FROM a WHERE k = 1;
SELECT current_setting('work_mem') FROM a WHERE k = 3;
SAVEPOINT one;
SET work_mem = '5MB';
ROLLBACK TO one;
SELECT current_setting('work_mem') FROM a WHERE k = 1;
SELECT current_setting('work_mem') FROM a WHERE k = 3;
COMMIT;
SELECT current_setting('work_mem') FROM a WHERE k = 1;
RESET work_mem;
-- set_config(), as drivers and ORMs call it
SELECT current_setting('work_mem') AS old, set_config('work_mem', '6MB', false) AS new;
SELECT current_setting('work_mem') FROM a WHERE k = 1;
SELECT current_setting('work_mem') FROM a WHERE k = 2;
SELECT current_setting('work_mem') FROM a WHERE k = 3;
-- @not simple
-- @params 7MB
SELECT set_config('work_mem', $1, false);
SELECT current_setting('work_mem') FROM a WHERE k = 1;
SELECT current_setting('work_mem') FROM a WHERE k = 3;
BEGIN;
-- @not simple
-- @params it's,8MB
-- @types text,text
SELECT set_config('a.who', $1, true) AS who, set_config('work_mem', $2, true);
SELECT current_setting('a.who', true), current_setting('work_mem') FROM a WHERE k = 1;
SELECT current_setting('a.who', true), current_setting('work_mem') FROM a WHERE k = 2;
SAVEPOINT one;
SELECT set_config('work_mem', '9MB', false);
SELECT current_setting('work_mem') FROM a WHERE k = 1;
SELECT current_setting('work_mem') FROM a WHERE k = 3;
ROLLBACK TO one;
SELECT current_setting('work_mem') FROM a WHERE k = 1;
SELECT current_setting('work_mem') FROM a WHERE k = 3;
COMMIT;
SELECT current_setting('work_mem') FROM a WHERE k = 2;
-- @not simple
-- @exact-or-refused
-- @params \N
SELECT set_config('work_mem', $1, false);
SELECT set_config('work_mem', 'much', false);
SELECT set_config('search_path', 'nowhere', false);
SELECT k FROM a WHERE k = 1;
RESET search_path;
RESET work_mem;
SELECT current_setting('work_mem') FROM a WHERE k = 2;
-- as pg_dump goes about it
SELECT set_config(name, '2MB', false) FROM pg_settings WHERE name = 'work_mem';
SELECT set_config(name, 'x', false) FROM pg_settings WHERE name = 'nosuch';
SELECT current_setting('work_mem') FROM a WHERE k = 1;
SELECT current_setting('work_mem') FROM a WHERE k = 3;
RESET work_mem;
-- RESET hides what was SET LOCAL before it, for shards that join later as well; the role stays.
BEGIN;
SET LOCAL work_mem = '7MB';
SELECT current_setting('work_mem') FROM a WHERE k = 1;
RESET work_mem;
SELECT current_setting('work_mem') FROM a WHERE k = 2;
SELECT current_setting('work_mem') FROM a WHERE k = 3;
SAVEPOINT one;
SET LOCAL work_mem = '8MB';
RESET ALL;
SELECT current_setting('work_mem') FROM a WHERE k = 5;
ROLLBACK TO one;
SET LOCAL work_mem = '9MB';
SELECT current_setting('work_mem') FROM a WHERE k = 42;
COMMIT;
-- A shard that joined under a SET that RESET and ROLLBACK TO have undone.
BEGIN;
SELECT current_setting('work_mem') FROM a WHERE k = 1;
SAVEPOINT one;
SET work_mem = '6MB';
SELECT current_setting('work_mem') FROM a WHERE k = 2;
SELECT current_setting('work_mem') FROM a WHERE k = 3;
RESET ALL;
ROLLBACK TO one;
SELECT current_setting('work_mem') FROM a WHERE k = 2;
SELECT current_setting('work_mem') FROM a WHERE k = 3;
COMMIT;
