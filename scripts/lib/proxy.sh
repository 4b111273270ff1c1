# shellcheck shell=bash
# The proxies of a cluster: configuration, start, readiness, stop. Found by what they run:
# a process called pgmosaic with this cluster's configuration file among its arguments.

proxy_config() { say "$DIR/pgmosaic${1#proxy}.yaml"; }

# proxy_pid NAME: false when it does not run.
proxy_pid() {
	local p comm arg config
	config=$(proxy_config "$1")
	for p in /proc/[0-9]*; do
		read -r comm <"$p/comm" && [[ $comm == pgmosaic ]] || continue
		while read -r -d '' arg; do
			[[ $arg == "$config" ]] && say "${p##*/}" && return
		done <"$p/cmdline"
	done 2>/dev/null
	return 1
}

# proxy_binary: where a build tree may have put it.
proxy_binary() {
	local dir place
	for dir in "$BUILD" ${BUILD:+"$DIR/$BUILD"} "${PGMOSAIC_BUILD-}" "$ROOT/build/release"; do
		for place in "$dir/pgmosaic" "$dir/bin/pgmosaic" "$dir/src/app/pgmosaic" "$dir"; do
			[[ -n $dir && -f $place && -x $place ]] && realpath "$place" && return
		done
		[[ -z $BUILD ]] || break
	done
	die "no pgmosaic program in ${BUILD:-${PGMOSAIC_BUILD:-build/release}}; build it or name its folder with --build"
}

proxy_configure() {
	proxy_yaml "$1" >"$(proxy_config "$1")"
}

proxy_yaml() {
	local port name i=0
	port=$(port_of "$1")
	cat <<-END
		# Written by scripts/cluster at each start; --config-extra adds to it.
		listen: 127.0.0.1:$port
		admin: 127.0.0.1:$((port + 1))
		http: 127.0.0.1:$((port + 2))
		catalog:
		  dsn: "$(dsn_of catalog)"
		auth:
		  users:
		    - { name: $DBUSER, password: "$DBPASSWORD" }
		    - { name: $SUPERUSER, password: "$SUPERPASSWORD" }
		    - { name: $ADMINUSER, password: "$ADMINPASSWORD", admin: true }
	END
	[[ -z $SHARD_KEY ]] || say "default_shard_key: [$SHARD_KEY]"
	say "bootstrap:"
	say "  shards:"
	for name in $(shard_names); do
		say "    - { name: s$((++i)), dsn: \"$(dsn_of "$name")\", weight: 1 }"
	done
	[[ ! -e $DIR/extra.yaml ]] || cat "$DIR/extra.yaml"
}

# proxy_start NAME: returns when /readyz says yes.
proxy_start() {
	proxy_pid "$1" >/dev/null && return
	local binary port pid
	binary=$(proxy_binary)
	port=$(port_of "$1")
	proxy_ports_free "$port"
	proxy_configure "$1"
	# A session of its own: Ctrl-C in the terminal that started the cluster is not for it.
	setsid "$binary" -c "$(proxy_config "$1")" </dev/null >>"$DIR/$1.log" 2>&1 &
	pid=$!
	wait_until 30 proxy_settled "$pid" $((port + 2)) || true
	http_is_ok $((port + 2)) /readyz && process_lives "$pid" && return
	proxy_failed "$1" "$pid"
}

proxy_ports_free() {
	local p
	for p in "$1" $(($1 + 1)) $(($1 + 2)); do
		if port_is_taken "$p"; then die "port $p is taken; choose another --port"; fi
	done
}

# proxy_settled PID HTTP_PORT: ready, or dead.
proxy_settled() { process_gone "$1" || http_is_ok "$2" /readyz; }

proxy_failed() {
	tail -n 30 "$DIR/$1.log" >&2 || true
	if process_lives "$2"; then
		die "$1 (pid $2) is not ready after 30 s; the end of $DIR/$1.log is above"
	fi
	die "$1 ended at start; the end of $DIR/$1.log is above"
}

proxy_stop() {
	local pid
	pid=$(proxy_pid "$1") || return 0
	process_stop "$pid" "${2:-40}"
}
