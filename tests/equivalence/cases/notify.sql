-- Channels are the database's; what is told when is in tests/integration/test_notify.py.
LISTEN channel;
LISTEN "Channel é";
NOTIFY nobody;
NOTIFY nobody, 'payload';
SELECT pg_notify('nobody', 'payload') IS NOT NULL;
SELECT pg_notify(NULL, 'x');
SELECT pg_notify('', 'x');
UNLISTEN channel;
UNLISTEN nosuch;
UNLISTEN *;
BEGIN;
LISTEN channel;
NOTIFY nobody, 'x';
UPDATE a SET n = n WHERE k < 9;
ROLLBACK;
BEGIN;
NOTIFY nobody, 'x';
UPDATE a SET n = n WHERE k < 9;
SAVEPOINT s;
LISTEN channel;
ROLLBACK TO s;
COMMIT;
UNLISTEN *;
NOTIFY;
LISTEN;
-- @refused
SELECT pg_notify('nobody', k::text) FROM a;
