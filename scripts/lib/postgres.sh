# shellcheck shell=bash
# PostgreSQL servers of a cluster: create, start, stop, find. Each is known by its NAME
# (catalog, shard1, shard1-replica1) and lives in DIR/servers/NAME.

# postgres_find: sets PG_BIN. 15 is what the project is tested on; 14 and newer work.
postgres_find() {
	[[ -z ${PG_BIN-} ]] || return 0
	local dir
	for dir in /usr/lib/postgresql/{15,16,17,14}/bin "$(dirname "$(command -v postgres || true)")"; do
		[[ -x $dir/initdb ]] || continue
		PG_BIN=$dir
		return
	done
	die "PostgreSQL is not installed; run scripts/install-deps build"
}

# servers_prepare: the folder of all servers, owned by the user they run as.
# PostgreSQL refuses to run as root, and that other user may not be able to enter DIR (say,
# under /root): then the data lives in /var/lib/pgmosaic and DIR/servers is a link to it.
servers_prepare() {
	SERVERS=$DIR/servers
	if [[ $EUID -eq 0 ]]; then
		os_user_find
		[[ -e $SERVERS ]] || servers_place
	fi
	mkdir -p "$SERVERS"
	SERVERS=$(realpath "$SERVERS")
	[[ -w $SERVERS ]] || die "$SERVERS belongs to another user; run as that user"
	as_server mkdir -p "$SERVERS/run"
}

# Whoever owns the servers already; else the user Debian made for PostgreSQL.
os_user_find() {
	OS_USER=${PGMOSAIC_OS_USER:-postgres}
	[[ ! -e $SERVERS ]] || OS_USER=$(stat -L -c %U "$SERVERS")
	[[ $OS_USER != root ]] && id "$OS_USER" >/dev/null 2>&1 ||
		die "PostgreSQL must not run as root and there is no user '$OS_USER'; name one in PGMOSAIC_OS_USER"
}

servers_place() {
	local place=$SERVERS
	chmod o+x "$DIR"
	if ! as_server test -x "$DIR"; then
		install -d -m 755 /var/lib/pgmosaic
		place=/var/lib/pgmosaic/${DIR##*/}-$(cksum <<<"$DIR" | cut -d' ' -f1)
		ln -sfn "$place" "$SERVERS"
	fi
	install -d -o "$OS_USER" -m 700 "$place"
}

# as_server COMMAND...: as the operating-system user that owns the servers.
as_server() {
	if [[ $EUID -eq 0 ]]; then
		(cd / && runuser -u "$OS_USER" -- env HOME=/ "$@")
	else
		"$@"
	fi
}

# super_psql NAME DATABASE [ARGS...]
super_psql() {
	"$PG_BIN/psql" "$(dsn_of "$1" "$2")" -XqAt -v ON_ERROR_STOP=1 "${@:3}"
}

# server_pid NAME: the postmaster's, if it runs; false otherwise. A stale file may name a stranger.
server_pid() {
	local pid
	{ read -r pid <"$SERVERS/$1/postmaster.pid"; } 2>/dev/null || return 1
	process_lives "$pid" && [[ /proc/$pid/cwd -ef $SERVERS/$1 ]] && say "$pid"
}

# server_processes NAME: all of them; back ends outlive a killed postmaster for a moment.
server_processes() {
	local p
	for p in /proc/[0-9]*; do
		[[ $p/cwd -ef $SERVERS/$1 ]] && read -r _ <"$p/cmdline" 2>/dev/null && say "${p##*/}"
	done 2>/dev/null
	return 0
}

server_is_empty() { [[ -z $(server_processes "$1") ]]; }

server_create() {
	local dir=$SERVERS/$1
	[[ -e $dir/PG_VERSION ]] && return
	as_server rm -rf "$dir" "$dir.new"
	case $1 in
	*-replica*) replica_copy "$1" "$dir.new" ;;
	*) server_initdb "$dir.new" ;;
	esac
	as_server mv "$dir.new" "$dir"
}

server_initdb() {
	local options=(-D "$1" -U "$SUPERUSER" -E UTF8 --locale=C.UTF-8 -A scram-sha-256 --pwfile="$1.password")
	[[ $FAST == no ]] || options+=(--no-sync)
	as_server tee "$1.password" >/dev/null <<<"$SUPERPASSWORD"
	as_server "$PG_BIN/initdb" "${options[@]}" >/dev/null
	as_server rm "$1.password"
}

replica_copy() {
	local name=$1 primary=${1%-replica*} options=(-D "$2" -R -c fast)
	[[ $FAST == no ]] || options+=(--no-sync)
	as_server "$PG_BIN/pg_basebackup" "${options[@]}" \
		-d "$(dsn_of "$primary" postgres) application_name=${name//-/_}"
}

server_configure() {
	server_conf "$1" | as_server tee "$SERVERS/$1/postgresql.conf" >/dev/null
}

# The whole of postgresql.conf, so that a person can read it. ALTER SYSTEM still wins over it.
server_conf() {
	local sockets=$SERVERS/run
	((${#sockets} <= 80)) || sockets= # too long for a socket's name: TCP only
	cat <<-END
		# Written by scripts/cluster at each start; use ALTER SYSTEM or --server-config for more.
		port = $(port_of "$1")
		listen_addresses = '127.0.0.1'
		unix_socket_directories = '$sockets'
		max_connections = 300
		max_prepared_transactions = 200
		wal_level = logical
		max_wal_senders = 30
		max_replication_slots = 30
		wal_keep_size = 256MB
		password_encryption = scram-sha-256
		timezone = UTC
		log_timezone = UTC
		log_line_prefix = '%m [%p] %u@%d '
	END
	[[ $FAST == no ]] || printf '%s\n' 'fsync = off' 'full_page_writes = off'
	[[ ! -e $DIR/server-extra.conf ]] || cat "$DIR/server-extra.conf"
}

# server_start NAME: returns when it answers.
server_start() {
	server_pid "$1" >/dev/null && return
	wait_until 10 server_is_empty "$1" || die "$1: processes of a killed server are still there: $(server_processes "$1" | tr '\n' ' ')"
	port_is_taken "$(port_of "$1")" && die "$1: port $(port_of "$1") is taken; choose another --port"
	server_forget "$1"
	server_configure "$1"
	as_server "$PG_BIN/pg_ctl" start -s -w -t 60 -D "$SERVERS/$1" -l "$SERVERS/$1.log" >/dev/null 2>&1 && return
	tail -n 20 "$SERVERS/$1.log" >&2 || true
	die "$1 did not start; the end of $SERVERS/$1.log is above"
}

# server_forget NAME: the lock files of a killed postmaster, of which nothing lives any more. They
# would stop its successor where nobody reaps the dead process (a container without an init).
server_forget() {
	local socket
	socket=$SERVERS/run/.s.PGSQL.$(port_of "$1")
	as_server rm -f "$SERVERS/$1/postmaster.pid" "$socket" "$socket.lock"
}

server_stop() {
	if server_pid "$1" >/dev/null; then
		as_server "$PG_BIN/pg_ctl" stop -s -m fast -t 30 -D "$SERVERS/$1" ||
			as_server "$PG_BIN/pg_ctl" stop -s -m immediate -t 30 -D "$SERVERS/$1"
	fi
	wait_until 10 server_is_empty "$1" && return
	server_processes "$1" | xargs -r kill -KILL
}

# server_seed NAME: its database and, on shards, the application's role. May be run again.
server_seed() {
	case $1 in
	*-replica*) ;;
	catalog) seed_database catalog "$CATALOG_DB" "$SUPERUSER" ;;
	*)
		seed_role "$1"
		seed_database "$1" "$DB" "$DBUSER"
		;;
	esac
}

seed_role() {
	super_psql "$1" postgres -v role="$DBUSER" -v password="$DBPASSWORD" <<-'END'
		SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', :'role', :'password')
		WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
	END
}

seed_database() {
	super_psql "$1" postgres -v db="$2" -v owner="$3" <<-'END'
		SELECT format('CREATE DATABASE %I OWNER %I', :'db', :'owner')
		WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'db') \gexec
	END
}
