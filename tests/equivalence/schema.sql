-- The tables all case files share. Written through the proxy and, without the
-- mosaic options, on the one PostgreSQL. Tables named w_… are for writing.
-- @modes simple
-- @setup on
CREATE TABLE a (
  k bigint NOT NULL, id int NOT NULL, x int, t text, n numeric(12,3),
  PRIMARY KEY (k, id)) WITH (mosaic.shard_key = 'k');
CREATE TABLE b (
  k bigint NOT NULL, id int NOT NULL, x int,
  PRIMARY KEY (k, id)) WITH (mosaic.shard_key = 'k', fillfactor = 90);
CREATE TABLE c (
  k bigint NOT NULL, id int NOT NULL, x int,
  PRIMARY KEY (k, id)) WITH (mosaic.shard_key = 'k');
CREATE TABLE types (
  k bigint NOT NULL, id int NOT NULL,
  i2 smallint, i4 int, i8 bigint, num numeric, dec numeric(12,3),
  f4 real, f8 double precision, txt text, vc varchar(20), bp char(5), flag boolean,
  d date, ts timestamp, tz timestamptz, u uuid, by bytea, js jsonb, iv interval, arr int[],
  PRIMARY KEY (k, id)) WITH (mosaic.shard_key = 'k');
CREATE TABLE empty_t (
  k bigint NOT NULL, x int, i8 bigint, n numeric, f double precision, t text, d date)
  WITH (mosaic.shard_key = 'k');
CREATE TABLE tt (k text NOT NULL, id int NOT NULL, v int, PRIMARY KEY (k, id))
  WITH (mosaic.shard_key = 'k');
CREATE TABLE vc (k varchar(10) NOT NULL, id int NOT NULL, PRIMARY KEY (k, id))
  WITH (mosaic.shard_key = 'k');
CREATE TABLE uu (k uuid NOT NULL PRIMARY KEY, v int) WITH (mosaic.shard_key = 'k');
CREATE TABLE i4 (k int NOT NULL PRIMARY KEY, v text) WITH (mosaic.shard_key = 'k');
CREATE TABLE i2 (k smallint NOT NULL PRIMARY KEY, v text) WITH (mosaic.shard_key = 'k');
CREATE TABLE nk (k bigint, id int NOT NULL, v text) WITH (mosaic.shard_key = 'k');
CREATE TABLE "Odd Names" ("Key" bigint NOT NULL PRIMARY KEY, "select" text, "ümlaut" int)
  WITH (mosaic.shard_key = 'Key');
CREATE TABLE ref (id int PRIMARY KEY, name text, v int) WITH (mosaic.reference = true);
CREATE TABLE solo (id int PRIMARY KEY, v text, k bigint);
CREATE TABLE w_one (
  k bigint NOT NULL, id int NOT NULL DEFAULT 7, v text DEFAULT 'none', n numeric(6,2),
  m int CHECK (m > 0), PRIMARY KEY (k, id)) WITH (mosaic.shard_key = 'k');
CREATE TABLE w_two (k bigint NOT NULL PRIMARY KEY, v int NOT NULL)
  WITH (mosaic.shard_key = 'k');
CREATE TABLE w_null (k bigint, v int) WITH (mosaic.shard_key = 'k');
CREATE TABLE w_text (k text NOT NULL PRIMARY KEY, v text) WITH (mosaic.shard_key = 'k');
CREATE TABLE w_copy (k bigint NOT NULL PRIMARY KEY, i int, t text, d date)
  WITH (mosaic.shard_key = 'k');
CREATE TABLE w_ref (id int PRIMARY KEY, v text, n int DEFAULT 3) WITH (mosaic.reference = true);
CREATE TABLE w_solo (id int PRIMARY KEY, v text);
INSERT INTO a (k, id, x, t, n) VALUES
  (1,1,11,'one',1.5), (1,2,12,'ein',2.25), (2,1,11,'two',NULL), (2,2,NULL,'zwei',0.001),
  (3,1,31,'three',-1), (4,1,NULL,NULL,NULL), (5,1,51,'five',5), (5,2,52,'fünf',5.000),
  (6,1,11,'Six',6), (7,1,71,'seven',7.125), (8,1,81,'eight',8), (9,1,-9,'nine',9),
  (10,1,0,'ten',10), (11,1,11,'Eleven',11), (12,1,12,'',12), (42,1,420,'answer',42),
  (-1,1,-11,'minus one',-1.5), (-2,1,-12,'minus two',-2), (0,1,100,'zero',0),
  (9223372036854775807,1,1,'largest',0.999), (-9223372036854775808,1,2,'smallest',-0.999),
  (2147483648,1,3,'past int4',21), (963809240,1,4,'hash at the edge',4),
  (100,1,1000,'日本語',100), (101,1,1001,'it''s',101), (102,1,1002,'tab	here',102),
  (103,1,1003,'back\slash',103), (104,1,1004,'a b',104), (105,1,1005,'ab',105);
INSERT INTO b (k, id, x) VALUES
  (1,1,2), (1,2,3), (2,1,2), (3,1,2), (3,2,7), (5,1,50), (6,1,60), (42,1,2), (-1,1,1),
  (100,1,5), (200,1,9), (201,1,2), (9223372036854775807,1,77);
INSERT INTO c (k, id, x) VALUES (1,1,1), (2,1,4), (3,1,9), (5,1,25), (300,1,2), (42,1,42);
INSERT INTO ref (id, name, v) VALUES
  (1,'one',10), (2,'two',20), (3,'three',30), (4,NULL,40), (5,'five',NULL), (11,'eleven',110);
INSERT INTO solo (id, v, k) VALUES (1,'s1',1), (2,'s2',2), (3,NULL,3);
INSERT INTO tt (k, id, v) VALUES
  ('a',1,1), ('A',1,2), ('b',1,3), ('ab',1,4), ('a ',1,5), ('',1,6), ('ä',1,7), ('日本',1,8),
  ('it''s',1,9), ('0',1,10), ('00',1,11), ('zz',1,12), ('a',2,13), ('back\slash',1,14);
INSERT INTO vc (k, id) VALUES ('a',1), ('a ',1), ('a  ',1), ('b',1), ('c',1), ('d',1);
INSERT INTO uu (k, v) VALUES
  ('00000000-0000-0000-0000-000000000000',0), ('ffffffff-ffff-ffff-ffff-ffffffffffff',1),
  ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',2), ('12345678-1234-1234-1234-123456789abc',3),
  ('c56a4180-65aa-42ec-a945-5fd21dec0538',4), ('7d444840-9dc0-11d1-b245-5ffdce74fad2',5);
INSERT INTO i4 (k, v) VALUES (1,'i1'), (2,'i2'), (3,'i3'), (-5,'i-5'), (2147483647,'max'), (-2147483648,'min'), (0,'zero');
INSERT INTO i2 (k, v) VALUES (1,'s1'), (2,'s2'), (-3,'s-3'), (32767,'max'), (-32768,'min');
INSERT INTO nk (k, id, v) VALUES (1,1,'one'), (NULL,2,'null'), (NULL,3,'null too'), (4,4,NULL), (5,5,'five'), (6,6,'six');
INSERT INTO "Odd Names" ("Key", "select", "ümlaut") VALUES (1,'x',1), (2,'y',2), (3,'z',3), (4,NULL,4);
INSERT INTO types VALUES
  (1,1, 1, 10, 100, 1.0, 1.5, 1.5, 2.5, 'apple', 'Apple', 'ab', true, '2024-01-15', '2024-01-15 10:00:00', '2024-01-15 10:00:00+00', '00000000-0000-0000-0000-000000000001', '\x00ff', '{"a": 1}', '1 day', '{1,2}'),
  (2,2, -2, -20, -200, 1.00, -1.5, -1.5, -2.5, 'Banana', 'banana', 'cd', false, '1999-12-31', '1999-12-31 23:59:59.999999', '1999-12-31 23:59:59+05', '00000000-0000-0000-0000-000000000002', '\x', '{"b": [1, 2]}', '1 mon', '{}'),
  (3,3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (4,4, 32767, 2147483647, 9223372036854775807, 'NaN', 999999999.999, 'NaN', 'NaN', 'zebra', 'ZEBRA', 'zz', true, 'infinity', 'infinity', 'infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '\xffff', '[]', '30 days', '{NULL}'),
  (5,5, -32768, -2147483648, -9223372036854775808, 'Infinity', 0, 'Infinity', 'Infinity', 'äpfel', 'äpfel', 'ä', false, '-infinity', '-infinity', '-infinity', '00000000-0000-0000-0000-000000000000', '\x00', 'null', '-1 day', '{3}'),
  (6,6, 0, 0, 0, '-Infinity', 0.001, '-Infinity', '-Infinity', '', '', '', true, '2000-02-29', '2000-02-29 00:00:00', '2000-02-29 00:00:00-08', '10000000-0000-0000-0000-000000000000', '\x7f', '1', '24:00:00', '{1,2,3}'),
  (7,7, 5, 50, 9223372036854775807, 0.000000001, -0.001, 0.1, 0.1, 'apple pie', 'apple', 'ab ', NULL, '2024-01-14', '2024-01-15 09:59:59', '2024-01-15 09:00:00-02', '00000000-0000-0000-0000-000000000001', '\x00fe', '"s"', '00:00:01', NULL),
  (8,8, 5, 51, 9223372036854775806, 123456789012345678901234567890.123456789, 12.345, 16777216, 1e300, 'APPLE', 'b', 'B', false, '2024-02-01', '2024-02-01 00:00:00.5', '2024-02-01 00:00:00.5+00', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\x00ff00', '{}', '1 year', '{1,1}'),
  (9,9, 1, 10, 7, -0.5, -12.345, '-0', '-0', 'a', 'a', 'a', true, '0001-01-01', '0001-01-01 00:00:00', '2024-01-15 10:00:00.000001+00', '00000000-0000-0000-0000-000000000010', '\x01', '2', '2 days -1 hours', '{2}'),
  (10,10, 2, 20, 8, 0, 12.000, 0, 0, 'b', 'A', 'a', true, '2024-01-15', '2024-01-15 10:00:00.000001', '2024-07-01 12:00:00+00', '00000000-0000-0000-0000-00000000000f', '\x02', '3', '1 mon 1 day', '{9,8}');
CREATE VIEW a_view AS SELECT k, id, x FROM a WHERE x > 10;
CREATE VIEW ref_view AS SELECT id, name FROM ref WHERE v IS NOT NULL;
