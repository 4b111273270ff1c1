# shellcheck shell=bash disable=SC2034
# What a cluster is made of: names, ports, passwords, and where each is kept.
#
#   DIR/cluster.conf      the topology and the passwords; read again by every later command
#   DIR/env               the same for tests and people, as shell lines
#   DIR/pgmosaic.yaml     the first proxy's configuration; pgmosaic2.yaml … the others'
#   DIR/proxy.log         their logs
#   DIR/servers/NAME      a PostgreSQL data directory, NAME.log its log, run/ the Unix sockets
#
# Ports, all counted from P (--port). Clusters whose P lie 100 apart never meet.
#   P, P+1, P+2           proxy: main, control, HTTP;  P+10·k … the (k+1)th proxy, at most 5
#   P+50                  catalog
#   P+51 … P+69           shards, at most 19
#   P+70 … P+99           replicas, shard by shard, at most 30

DB=app DBUSER=app SUPERUSER=postgres ADMINUSER=admin CATALOG_DB=mosaic

topology_defaults() {
	SHARDS=3 PORT=6432 PROXIES=1 REPLICAS=0 FAST=no BUILD='' SHARD_KEY=''
	DBPASSWORD=$(new_password) SUPERPASSWORD=$(new_password) ADMINPASSWORD=$(new_password)
}

topology_load() {
	[[ -e $DIR/cluster.conf ]] || return 1
	[[ -r $DIR/cluster.conf ]] || die "$DIR belongs to another user; run as that user"
	# shellcheck source=/dev/null
	source "$DIR/cluster.conf"
}

topology_save() {
	local name
	for name in SHARDS PORT PROXIES REPLICAS FAST BUILD SHARD_KEY DBPASSWORD SUPERPASSWORD ADMINPASSWORD; do
		printf '%s=%q\n' "$name" "${!name}"
	done >"$DIR/cluster.conf.new"
	mv "$DIR/cluster.conf.new" "$DIR/cluster.conf"
}

topology_check() {
	local name
	for name in SHARDS PORT PROXIES REPLICAS; do
		[[ ${!name} =~ ^[0-9]{1,5}$ ]] || die "--${name,,} needs a number, not '${!name}'"
	done
	((PORT >= 1024 && PORT + 99 <= 65535)) || die "--port $PORT: ports P to P+99 are used; choose P from 1024 to 65436"
	((SHARDS >= 1 && SHARDS <= 19)) || die "--shards $SHARDS: choose 1 to 19"
	((PROXIES <= 5)) || die "--proxies $PROXIES: choose at most 5"
	((SHARDS * REPLICAS <= 30)) || die "--replicas $REPLICAS: at most 30 replicas in all"
}

proxy_names() {
	local k
	for ((k = 1; k <= PROXIES; k++)); do say "proxy$(suffix "$k" '')"; done
}
shard_names() {
	local i
	for ((i = 1; i <= SHARDS; i++)); do say "shard$i"; done
}
replica_names() {
	local i r
	for ((i = 1; i <= SHARDS; i++)); do
		for ((r = 1; r <= REPLICAS; r++)); do say "shard$i-replica$r"; done
	done
}
server_names() {
	say catalog
	shard_names
	replica_names
}

# suffix K BEFORE: nothing for the first proxy, BEFORE and its number for the others.
suffix() { (($1 == 1)) || printf '%s%s' "$2" "$1"; }

# port_of NAME
port_of() {
	case $1 in
	proxy) say "$PORT" ;;
	proxy[2-5]) say $((PORT + 10 * (${1#proxy} - 1))) ;;
	catalog) say $((PORT + 50)) ;;
	shard*-replica*)
		local i=${1#shard}
		say $((PORT + 70 + (${i%%-*} - 1) * REPLICAS + ${1##*replica} - 1))
		;;
	shard*) say $((PORT + 50 + ${1#shard})) ;;
	esac
}

# dsn_of SERVER [DATABASE]: as super-user, direct.
dsn_of() {
	local db=$DB
	[[ $1 == catalog ]] && db=$CATALOG_DB
	say "host=127.0.0.1 port=$(port_of "$1") dbname=${2:-$db} user=$SUPERUSER password=$SUPERPASSWORD"
}

# env_write: DIR/env, whenever something started or stopped.
env_write() {
	{
		env_proxies
		env_servers
		local name
		for name in DB DBUSER DBPASSWORD SUPERUSER SUPERPASSWORD ADMINUSER ADMINPASSWORD; do
			say "$name='${!name}'"
		done
	} >"$DIR/env.new"
	mv "$DIR/env.new" "$DIR/env"
}

env_proxies() {
	local k port s name
	for ((k = 1; k <= PROXIES; k++)); do
		s=$(suffix "$k" _) name=proxy$(suffix "$k" '')
		port=$(port_of "$name")
		say "PROXY_PORT$s=$port"
		say "ADMIN_PORT$s=$((port + 1))"
		say "HTTP_PORT$s=$((port + 2))"
		say "PROXY_PID$s=$(proxy_pid "$name" || true)"
	done
}

env_servers() {
	local name key
	for name in $(server_names); do
		key=${name^^}
		say "${key//-/_}_DSN='$(dsn_of "$name")'"
	done
}
