# shellcheck shell=bash
# The demo data of scripts/quickstart: customers and their orders, sharded by customer, and a
# reference table of countries. Everything goes through the proxy. Needs DIR/env sourced.

DEMO_CUSTOMERS=300
DEMO_ORDERS=3000

demo_psql() {
	PGPASSWORD=$DBPASSWORD psql -X -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$PROXY_PORT" -U "$DBUSER" "$@" "$DB"
}

demo_is_loaded() {
	[[ $(demo_psql -qAt -c 'SELECT count(*) FROM orders' 2>/dev/null) == "$DEMO_ORDERS" ]]
}

# Loads what is not there; a load that was broken off starts again.
demo_load() {
	if demo_is_loaded; then
		say "already there"
		return
	fi
	demo_psql -q <<-'END'
		SET client_min_messages = warning;
		DROP TABLE IF EXISTS orders;
		DROP TABLE IF EXISTS customers;
		DROP TABLE IF EXISTS countries;
	END
	demo_psql -e -q <<-'END'
		CREATE TABLE countries (code text PRIMARY KEY, name text NOT NULL)
		  WITH (mosaic.reference = true);
		CREATE TABLE customers (customer_id bigint PRIMARY KEY, name text NOT NULL, country text NOT NULL)
		  WITH (mosaic.shard_key = 'customer_id');
		CREATE TABLE orders (customer_id bigint, order_id bigint, placed_on date NOT NULL,
		                     amount numeric(10,2) NOT NULL, PRIMARY KEY (customer_id, order_id))
		  WITH (mosaic.shard_key = 'customer_id');
	END
	demo_countries | demo_copy countries
	demo_customers | demo_copy customers
	demo_orders | demo_copy orders
}

demo_copy() { demo_psql -q -c "COPY $1 FROM STDIN (FORMAT csv)"; }

demo_countries() { printf '%s\n' ch,Switzerland de,Germany jp,Japan ke,Kenya pe,Peru; }

demo_customers() {
	awk -v n="$DEMO_CUSTOMERS" 'BEGIN {
		split("ch de jp ke pe", country)
		for (i = 1; i <= n; i++) printf "%d,customer %d,%s\n", i, i, country[i % 5 + 1]
	}'
}

demo_orders() {
	awk -v n="$DEMO_ORDERS" -v customers="$DEMO_CUSTOMERS" 'BEGIN {
		for (i = 1; i <= n; i++)
			printf "%d,%d,2026-%02d-%02d,%d.%02d\n", i * 7 % customers + 1, i, i % 12 + 1, i % 28 + 1,
				i * 7919 % 1000, i % 100
	}'
}

demo_show() {
	demo_query "One customer's row: the key is in the statement, so one shard answers." \
		"SELECT * FROM customers WHERE customer_id = 42;"
	demo_query "Joined on the key, and with a table every shard has a copy of: still one shard." \
		"SELECT c.name, n.name AS country, o.order_id, o.amount
  FROM customers c JOIN orders o ON o.customer_id = c.customer_id JOIN countries n ON n.code = c.country
 WHERE c.customer_id = 42 ORDER BY o.order_id LIMIT 3;"
	demo_query "No key: every shard adds up its rows, the proxy merges." \
		"SELECT count(*), sum(amount), avg(amount), min(placed_on), max(placed_on) FROM orders;"
	demo_query "Sorted on every shard, merged in order." \
		"SELECT order_id, customer_id, amount FROM orders ORDER BY amount DESC, order_id LIMIT 5;"
	demo_shards
}

demo_query() {
	printf '\n-- %s\n%s\n' "$1" "$2"
	demo_psql -q -c "$2"
}

# What a person finds who opens the shards directly.
demo_shards() {
	local dsn
	printf '%s\n' "-- Orders on each shard, counted on the shards themselves:"
	for dsn in "$SHARD1_DSN" "$SHARD2_DSN" "$SHARD3_DSN"; do
		psql "$dsn" -XqAt -c "SELECT 'port ' || current_setting('port') || ': ' || count(*) FROM orders"
	done
}
