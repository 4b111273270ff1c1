# pg_dump and pg_restore: through the proxy, which answers for the whole database.
set -u
say() { printf '%s: %s\n' "$1" "$(sed ':a;N;$!ba;s/\n/\\n/g' <<<"$2")"; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

psql -Xq -v ON_ERROR_STOP=1 -f "$SCENARIO/schema.sql" 2>&1
psql -Xq -v ON_ERROR_STOP=1 <<-'END' 2>&1
	INSERT INTO countries VALUES ('FR', 'France'), ('DE', 'Germany');
	INSERT INTO users (user_id, email, country) VALUES (1, 'a', 'FR'), (2, 'b', 'DE'), (3, 'c', NULL), (4, 'd', NULL);
	INSERT INTO orders VALUES (1, '11111111-1111-1111-1111-111111111111', 1.5, '2024-01-01'), (2, '22222222-2222-2222-2222-222222222222', 2.5, '2024-01-01');
END

# The proxy keeps notes in the schema mosaic of each shard, which only its own role may read.
dump() { pg_dump -N mosaic "$@" 2>&1; }
say 'pg_dump of data' "$(dump --data-only --inserts | grep -v '^--\|^$\|^\\' | sort)"
say 'pg_dump of data as COPY' "$(dump --data-only | grep -v '^--\|^$\|^\\[ru]' | sort)"
say 'pg_dump of the schema' "$(dump --schema-only --no-owner | grep -v '^--\|^$\|^\\')"
say 'pg_dump of one table' "$(dump -t users | grep -v '^--\|^$\|^\\[ru]' | sort)"
dump -Fc -f "$folder/dump"
say 'pg_restore lists' "$(pg_restore -l "$folder/dump" 2>&1 | grep -v '^;' | sed 's/^[0-9]*; [0-9]* [0-9]* //')"

# A dump does not say how tables are placed: the schema stands, the rows come from the dump.
psql -Xq -c 'DROP TABLE items, orders, samples, users, countries' 2>&1
psql -Xq -v ON_ERROR_STOP=1 -f "$SCENARIO/schema.sql" 2>&1
for table in countries users orders; do
	say "pg_restore of $table" "$(pg_restore -1 --data-only -t "$table" -d "$PGDATABASE" "$folder/dump" 2>&1)"
	say "what is in $table" "$(psql -XAt -c "SELECT * FROM $table ORDER BY 1" 2>&1)"
done

# Without foreign keys the default shard key and single tables do for the rest.
psql -Xq -c 'DROP TABLE items, orders, samples, users, countries' 2>&1
pg_restore -l "$folder/dump" | grep -v 'FK CONSTRAINT' >"$folder/list"
say 'pg_restore of everything' "$(pg_restore --no-owner -L "$folder/list" -d "$PGDATABASE" "$folder/dump" 2>&1)"
say 'and its rows' "$(psql -XAt -c 'SELECT user_id, email, country FROM users ORDER BY 1' 2>&1)"
say 'and its keys' "$(psql -XAt -c "INSERT INTO users (user_id, email) VALUES (1, 'twice')" 2>&1)"
