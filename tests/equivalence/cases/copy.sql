-- COPY in, split by key, and out.
-- @modes simple text
-- @setup on
TRUNCATE w_copy;
TRUNCATE w_ref;
TRUNCATE w_solo;
-- @setup off
-- @state w_copy
COPY w_copy FROM STDIN;
1	10	one	2024-01-01
2	20	two	2024-01-02
3	\N	\N	\N
-4	40	tab\there	2024-01-04
5	50	new\nline	2024-01-05
6	60	back\\slash	\N
9223372036854775807	70	größte	\N
\.
-- @state w_copy
COPY w_copy (t, k) FROM STDIN;
reordered	11
columns	12
\.
-- @state w_copy
COPY w_copy FROM STDIN WITH (FORMAT csv, HEADER);
k,i,t,d
21,1,"quoted, comma",2024-02-01
22,2,"two
lines",2024-02-02
23,,"",
"24",4,"say ""hi""",
\.
-- @state w_copy
COPY w_copy (k, i) FROM STDIN DELIMITER '|' NULL 'none';
31|none
32|5
\.
COPY w_copy FROM STDIN;
\.
-- @state w_copy
COPY w_copy FROM STDIN;
41	1	a	\N
42	x	b	\N
43	3	c	\N
\.
COPY w_copy FROM STDIN;
41	1	a	\N
bad	2	b	\N
\.
COPY w_copy FROM STDIN;
41	1	a	\N
\N	2	b	\N
\.
COPY w_copy FROM STDIN;
41	1	a	\N
42	1	too	\N	many
\.
COPY w_copy FROM STDIN;
41	1	a	\N
42	1
\.
-- @state w_copy
COPY w_copy FROM STDIN;
51	1	a	\N
52	1	b	\N
1	1	duplicate	\N
53	1	c	\N
\.
COPY w_copy FROM STDIN WITH (FORMAT csv);
61,1,"unterminated
62,2,x,
\.
COPY w_copy (k, nosuch) FROM STDIN;
\.
-- @exact-or-refused
COPY w_copy (i) FROM STDIN;
1
\.
COPY w_copy TO STDOUT;
COPY w_copy (k, t) TO STDOUT;
COPY w_copy TO STDOUT WITH (FORMAT csv);
COPY w_copy TO STDOUT WITH (FORMAT csv, FORCE_QUOTE *);
COPY (SELECT k, t FROM w_copy WHERE k = 1) TO STDOUT;
COPY (SELECT k, t FROM w_copy WHERE k = 777) TO STDOUT;
-- @exact-or-refused
COPY (SELECT k, t FROM w_copy) TO STDOUT;
-- @exact-or-refused
COPY (SELECT k FROM w_copy ORDER BY k) TO STDOUT;
-- @exact-or-refused
COPY (SELECT count(*) FROM w_copy) TO STDOUT;
-- @exact-or-refused
COPY w_copy TO STDOUT WITH (FORMAT csv, HEADER);
COPY (SELECT 1, 'x') TO STDOUT;
COPY ref TO STDOUT;
COPY solo TO STDOUT;
COPY nosuch FROM STDIN;
\.
-- @exact-or-refused
COPY w_copy FROM STDIN WITH (nosuch);
\.
-- @state w_ref:ref
COPY w_ref (id, v) FROM STDIN;
1	one
2	two
\.
-- @state w_solo:single
COPY w_solo FROM STDIN;
1	one
2	two
\.
-- @state w_ref:ref
COPY w_ref (id, v) FROM STDIN;
3	three
1	again
\.
-- @exact-or-refused
COPY w_copy TO '/tmp/nowhere.txt';
-- @exact-or-refused
COPY w_copy FROM '/tmp/nowhere.txt';
-- @state w_copy
TRUNCATE w_copy;
BEGIN;
COPY w_copy FROM STDIN;
1	1	in a block	\N
2	1	in a block	\N
3	1	in a block	\N
\.
SELECT count(*) FROM w_copy;
-- @state w_copy
ROLLBACK;
BEGIN;
COPY w_copy FROM STDIN;
1	1	in a block	\N
2	1	in a block	\N
3	1	in a block	\N
\.
UPDATE w_copy SET i = 2 WHERE k = 3;
-- @state w_copy
COMMIT;
