-- Several statements in one simple query are one implicit transaction.
-- @modes simple
-- @setup on
TRUNCATE w_two;
INSERT INTO w_two VALUES (1,10), (2,20), (3,30), (4,40);
-- @setup off
-- @multi
SELECT 1; SELECT 2; SELECT 'three' AS three;
-- @end
-- @multi
SELECT * FROM w_two WHERE k = 1; SELECT * FROM w_two WHERE k = 1;
-- @end
-- @exact-or-refused
-- @multi
SELECT * FROM w_two WHERE k = 1; SELECT * FROM w_two WHERE k = 2; SELECT * FROM w_two WHERE k = 3;
-- @end
-- @exact-or-refused
-- @state w_two
-- @multi
UPDATE w_two SET v = v + 1 WHERE k = 1; UPDATE w_two SET v = v + 1 WHERE k = 2; UPDATE w_two SET v = v + 1 WHERE k = 3
-- @end
-- @exact-or-refused
-- @state w_two
-- @multi
UPDATE w_two SET v = 0 WHERE k = 1; UPDATE w_two SET v = 0 WHERE k = 2; SELECT 1 / 0; SELECT 3;
-- @end
-- @exact-or-refused
-- @state w_two
-- @multi
UPDATE w_two SET v = 0 WHERE k = 1; INSERT INTO w_two VALUES (2, 2);
-- @end
-- @state w_two
-- @multi
BEGIN; UPDATE w_two SET v = 5 WHERE k = 1; UPDATE w_two SET v = 5 WHERE k = 2; COMMIT;
-- @end
-- @state w_two
-- @multi
BEGIN; UPDATE w_two SET v = 6 WHERE k = 1; UPDATE w_two SET v = 6 WHERE k = 3; ROLLBACK; SELECT count(*) FROM w_two;
-- @end
-- @multi
BEGIN; SELECT 1 / 0; COMMIT; SELECT 2;
-- @end
ROLLBACK;
-- @multi
BEGIN; SELECT 1;
-- @end
SELECT 2;
COMMIT;
-- @multi
SELECT 1; this is no SQL; SELECT 2;
-- @end
-- @multi
;
-- @end
-- @multi
;;; SELECT 1;;;
-- @end
-- @multi
-- only a comment
-- @end
-- @multi
/* only */ /* comments /* nested */ */
-- @end
-- @multi
SELECT ';' AS "a;b"; SELECT $$;$$; SELECT 1 -- ; not here
; /* ; nor here */ SELECT 2
-- @end
-- @multi
SET application_name = 'multi'; SHOW application_name; RESET application_name;
-- @end
-- @multi
INSERT INTO w_two VALUES (50, 1); SELECT * FROM w_two WHERE k = 50; DELETE FROM w_two WHERE k = 50
-- @end
-- @exact-or-refused
-- @state w_two
-- @multi
INSERT INTO w_two VALUES (60, 1), (61, 1), (62, 1); SELECT count(*) FROM w_two; DELETE FROM w_two WHERE k >= 60;
-- @end
-- @multi
BEGIN; SAVEPOINT s; UPDATE w_two SET v = 9 WHERE k = 1; ROLLBACK TO s; COMMIT; SELECT * FROM w_two WHERE k = 1;
-- @end
-- @multi
SET work_mem = '7MB'; SELECT 1 / 0;
-- @end
SHOW work_mem;
SELECT current_setting('work_mem') FROM w_two WHERE k = 1;
SELECT current_setting('work_mem') FROM w_two WHERE k = 2;
