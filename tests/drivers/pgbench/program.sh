# pgbench: its own schema and TPC-B in every query mode, with and without -C, and scripts of its own.
set -u
quiet() { sed -n 's/^number of transactions actually processed: *//p; s/^number of failed transactions: *\([0-9]*\).*/failed \1/p; /^pgbench: error/p; /^ERROR/p'; }
say() { printf '%s: %s\n' "$1" "$(tr '\n' ' ')"; }

psql -Xq -v ON_ERROR_STOP=1 <<-'END' 2>&1 | say schema
	CREATE TABLE accounts (user_id int PRIMARY KEY, abalance int);
	CREATE TABLE history (user_id int, delta int, at timestamp);
END
psql -Xqc "COPY accounts FROM STDIN" < <(for i in $(seq 1000); do printf '%d\t0\n' "$i"; done) 2>&1 | say load

script=$(mktemp)
cat >"$script" <<-'END'
	\set id random(1, 1000)
	\set delta random(-5000, 5000)
	BEGIN;
	UPDATE accounts SET abalance = abalance + :delta WHERE user_id = :id;
	SELECT abalance FROM accounts WHERE user_id = :id;
	INSERT INTO history (user_id, delta) VALUES (:id, :delta);
	END;
END
for mode in simple extended prepared; do
	pgbench -n -f "$script" -M "$mode" -c 4 -t 100 2>&1 | quiet | say "one key $mode"
	pgbench -n -f "$script" -M "$mode" -C -c 2 -t 20 2>&1 | quiet | say "one key $mode, a connection each"
done
cat >"$script" <<-'END'
	\set a random(1, 1000)
	\set b random(1, 1000)
	\set id least(:a, :b)
	\set other greatest(:a, :b)
	BEGIN;
	UPDATE accounts SET abalance = abalance + 1 WHERE user_id = :id;
	UPDATE accounts SET abalance = abalance - 1 WHERE user_id = :other;
	COMMIT;
END
for mode in simple extended prepared; do
	pgbench -n -f "$script" -M "$mode" -c 4 -t 50 2>&1 | quiet | say "over shards $mode"
done
cat >"$script" <<-'END'
	\set id random(1, 1000)
	\startpipeline
	SELECT abalance FROM accounts WHERE user_id = :id;
	SELECT abalance FROM accounts WHERE user_id = :id;
	UPDATE accounts SET abalance = abalance + 1 WHERE user_id = :id;
	\endpipeline
END
for mode in extended prepared; do
	pgbench -n -f "$script" -M "$mode" -c 4 -t 50 2>&1 | quiet | say "pipeline $mode"
done
psql -XAtc "SELECT sum(abalance) FROM accounts" -c "SELECT sum(delta) FROM history" |
	{ read -r balance && read -r deltas && echo $((balance - deltas)); } | say "nothing lost"
rm -f "$script"
