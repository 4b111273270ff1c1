-- The catalog is that of one PostgreSQL holding the user's tables.
-- @modes simple text prepared
SELECT current_schema();
SELECT relname, relkind FROM pg_class WHERE relname = 'a';
SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = 'public' AND relkind = 'r' AND relname IN ('a', 'b', 'ref', 'solo') ORDER BY 1;
SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute WHERE attrelid = 'a'::regclass AND attnum > 0 ORDER BY attnum;
SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_name = 'a';
SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = 'types' ORDER BY ordinal_position;
SELECT conname, contype, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'w_one'::regclass ORDER BY 1;
SELECT indexdef FROM pg_indexes WHERE tablename = 'a';
SELECT viewname, definition FROM pg_views WHERE viewname = 'a_view';
SELECT typname FROM pg_type WHERE oid = 20;
SELECT count(*) FROM pg_namespace WHERE nspname = 'public';
SELECT rolname FROM pg_roles WHERE rolname = current_user;
SELECT datname FROM pg_database WHERE datname = current_database();
SELECT format_type(1700, 786439), pg_typeof(1::bigint);
SELECT to_regclass('a'), to_regclass('nosuch');
SELECT has_table_privilege('a', 'select');
SELECT obj_description('a'::regclass);
SELECT pg_get_viewdef('a_view'::regclass);
SELECT name, setting FROM pg_settings WHERE name = 'server_version';
SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database();
SELECT version();
SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|mosaic)' AND nspname <> 'information_schema' ORDER BY 1;
-- what pgjdbc asks for primary keys
SELECT a.attname, (i.keys).n FROM (SELECT i.indrelid, i.indisprimary, information_schema._pg_expandarray(i.indkey) AS keys FROM pg_catalog.pg_index i) i JOIN pg_catalog.pg_attribute a ON a.attnum = (i.keys).x AND a.attrelid = i.indrelid JOIN pg_catalog.pg_class c ON c.oid = i.indrelid WHERE c.relname = 'a' AND i.indisprimary ORDER BY 2;
-- @exact-or-refused
SELECT k, (information_schema._pg_expandarray(ARRAY[x])).n FROM a ORDER BY k, id;
