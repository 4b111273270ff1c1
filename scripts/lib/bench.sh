# shellcheck shell=bash disable=SC2034,SC2153,SC2154
# The parts of scripts/bench: three systems up and down, the same data in each, one round.

SYSTEMS='direct pgbouncer pgmosaic'

systems_up() {
	local options=(--fast --server-config "$BENCH/server.conf")
	say "workers: $WORKERS" >"$DIR/extra.yaml"
	scripts/cluster up --dir "$DIR/direct" --port "$PORT" --shards 1 --no-proxy "${options[@]}"
	scripts/cluster up --dir "$DIR/pgmosaic" --port $((PORT + 100)) --shards 3 "${options[@]}" \
		--build build/release --config-extra "$DIR/extra.yaml"
	# shellcheck source=/dev/null
	source "$DIR/direct/env"
	DIRECT_DSN=$SHARD1_DSN DIRECT_PASSWORD=$DBPASSWORD
	# shellcheck source=/dev/null
	source "$DIR/pgmosaic/env"
	bouncer_up
}

systems_down() {
	trap - EXIT
	bouncer_down
	scripts/cluster down --dir "$DIR/pgmosaic"
	scripts/cluster down --dir "$DIR/direct"
}

# PgBouncer refuses to run as root; its files lie where any user may go.
bouncer_up() {
	SERVERS=$DIR/direct/servers
	[[ $EUID -ne 0 ]] || os_user_find
	BOUNCER_DIR=$(as_server mktemp -d /tmp/pgmosaic-bench.XXXXXX)
	bouncer_ini | as_server tee "$BOUNCER_DIR/pgbouncer.ini" >/dev/null
	say "\"app\" \"$DIRECT_PASSWORD\"" | as_server tee "$BOUNCER_DIR/users" >/dev/null
	as_server pgbouncer -q -d "$BOUNCER_DIR/pgbouncer.ini"
	wait_until 10 port_is_taken $((PORT + 200)) || die "PgBouncer did not start; see $BOUNCER_DIR/log"
	BOUNCER_PID=$(as_server cat "$BOUNCER_DIR/pid")
}

bouncer_ini() {
	local server="host=127.0.0.1 port=$((PORT + 51)) dbname=app"
	cat <<-END
		[databases]
		app = $server pool_mode=transaction
		app_session = $server pool_mode=session
		[pgbouncer]
		listen_addr = 127.0.0.1
		listen_port = $((PORT + 200))
		unix_socket_dir =
		auth_type = scram-sha-256
		auth_file = $BOUNCER_DIR/users
		logfile = $BOUNCER_DIR/log
		pidfile = $BOUNCER_DIR/pid
		default_pool_size = 20
		server_tls_sslmode = disable
	END
}

bouncer_down() {
	[[ -n ${BOUNCER_PID-} ]] || return 0
	process_stop "$BOUNCER_PID" 10
	rm -rf "$BOUNCER_DIR"
}

# use SYSTEM [pgbench mode]: how to reach it and what stands in the middle.
use() {
	case $1 in
	direct) SYSTEM_PORT=$((PORT + 51)) SYSTEM_DB=app MID=() PGPASSWORD=$DIRECT_PASSWORD ;;
	pgbouncer)
		SYSTEM_PORT=$((PORT + 200)) SYSTEM_DB=app MID=(--mid "$BOUNCER_PID") PGPASSWORD=$DIRECT_PASSWORD
		[[ ${2-} != prepared ]] || SYSTEM_DB=app_session
		;;
	pgmosaic) SYSTEM_PORT=$PROXY_PORT SYSTEM_DB=app MID=(--mid "$PROXY_PID") PGPASSWORD=$DBPASSWORD ;;
	esac
	export PGPASSWORD
}

system_psql() {
	(cd "$DIR/data" && "$PG_BIN/psql" -Xq -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$SYSTEM_PORT" -U app -d "$SYSTEM_DB" "$@")
}

data_load() {
	use direct
	system_psql -v rows="$ROWS" -f "$BENCH/generate.sql"
	data_load_one direct -v by_id= -v by_pid= -v reference=
	data_load_one pgmosaic -v by_id="WITH (mosaic.shard_key = 'id')" \
		-v by_pid="WITH (mosaic.shard_key = 'pid')" -v reference='WITH (mosaic.reference = true)'
	vacuum
}

data_load_one() {
	local start=$SECONDS
	use "$1"
	system_psql "${@:2}" -f "$BENCH/schema.sql"
	system_psql -f "$BENCH/load.sql"
	say "$1: loaded in $((SECONDS - start)) s"
}

# On the servers themselves; the updates of part b bloat them unequally.
vacuum() {
	local dsn
	for dsn in "$DIRECT_DSN" "$SHARD1_DSN" "$SHARD2_DSN" "$SHARD3_DSN"; do
		"$PG_BIN/psql" "$dsn" -Xq -v ON_ERROR_STOP=1 -c 'VACUUM (FULL, ANALYZE) acc' -c CHECKPOINT
	done
}

# Right after the load the two must agree; afterwards part b has changed x.
data_compare() {
	local query
	for query in c1_aggregate c4_top100; do
		use direct
		system_psql -At -f "$BENCH/$query.sql" >"$DIR/$query.direct"
		use pgmosaic
		system_psql -At -f "$BENCH/$query.sql" >"$DIR/$query.pgmosaic"
		cmp "$DIR/$query.direct" "$DIR/$query.pgmosaic" || die "$query: pgmosaic's answer is not PostgreSQL's"
		say "$query: same answer from one PostgreSQL and from pgmosaic"
	done
}

bench_round() {
	local mode
	for mode in simple extended prepared; do
		part_pgbench "a select $mode" a_point_select "$mode"
		part_pgbench "b update $mode" b_update "$mode"
	done
	vacuum
	part_query "c1 aggregate" c1_aggregate
	part_query "c4 top 100" c4_top100
	part_query "c5 scan" c5_scan
	part_first_row "c5 scan" c5_scan
}

# measure MODE TAG [ARGS...]: one more JSON line about $SYSTEM.
measure() {
	python3 "$BENCH/measure.py" "$1" --name "$SYSTEM" --tag "$2" --port "$SYSTEM_PORT" --db "$SYSTEM_DB" \
		"${MID[@]}" "${@:3}" >>"$RESULTS"
}

part_pgbench() {
	local clients seconds
	for clients in 8 1; do
		say "$1 c=$clients"
		seconds=$((clients == 8 || T == 1 ? T : T / 2))
		for SYSTEM in $SYSTEMS; do
			use "$SYSTEM" "$3"
			measure pgbench "$1 c=$clients" -- -f "$BENCH/$2.sql" -D rows="$ROWS" -M "$3" -c "$clients" -j 1 -T "$seconds"
		done
	done
}

part_query() {
	say "$1"
	for SYSTEM in $SYSTEMS; do
		use "$SYSTEM"
		measure query "$1" --reps "$REPS" -- "$BENCH/$2.sql"
	done
}

part_first_row() {
	local result
	say "$1: first row"
	for SYSTEM in $SYSTEMS; do
		use "$SYSTEM"
		for _ in 1 2 3 4 5; do # one run tells little: who runs first decides the scheduler
			result=$("$DIR/rowtime" "host=127.0.0.1 port=$SYSTEM_PORT user=app dbname=$SYSTEM_DB" "$(<"$BENCH/$2.sql")") ||
				die "$2 failed through $SYSTEM"
			say "{\"name\": \"$SYSTEM\", \"tag\": \"$1\", ${result#\{}" >>"$RESULTS"
		done
	done
}
