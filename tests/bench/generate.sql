-- The same bytes every time, written to the current folder: psql -v rows=1000000 -f generate.sql
\set ON_ERROR_STOP 1
COPY (SELECT i, (i * 7919) % 1000, (i * 104729) % 100000, (i * 2654435761) % 1000000007,
             ((i * 40503) % 65536) / 64.0::float8, md5(i::text) || md5((i + 1)::text)
        FROM generate_series(1::bigint, :rows) i) TO STDOUT WITH (FORMAT csv) \g acc.csv
COPY (SELECT i, n, ((i * 3 + n) * 7919) % 100000 + 1, ((i * n * 37) % 100000) / 100.0::numeric(12,2)
        FROM generate_series(1::bigint, :rows) i, generate_series(1, 2) n ORDER BY 1, 2)
  TO STDOUT WITH (FORMAT csv) \g det.csv
COPY (SELECT i, i % 50, md5(i::text) FROM generate_series(1, 100000) i)
  TO STDOUT WITH (FORMAT csv) \g prod.csv
