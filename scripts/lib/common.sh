# shellcheck shell=bash
# What every script shares: where the project is, how to speak, how to fail, small waits.
# Sourced, never run.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# Settings of the person's own psql must not reach ours.
unset PGHOST PGHOSTADDR PGPORT PGDATABASE PGUSER PGPASSWORD PGPASSFILE PGSERVICE PGSERVICEFILE \
	PGOPTIONS PGSSLMODE PGDATA PGCLIENTENCODING PGTZ PGDATESTYLE PGAPPNAME PGCONNECT_TIMEOUT
export PSQL_PAGER='' # nor may it wait for a key

say() { printf '%s\n' "$*"; }
warn() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() {
	warn "$*"
	exit 1
}

# usage_of FILE: the comment at the top of a script is its help text.
usage_of() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$1"; }

# process_lives PID: true while it runs; a zombie nobody has reaped yet counts as gone.
process_lives() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	stat=${stat##*) }
	[[ ${stat%% *} != [ZX] ]]
}

# wait_until SECONDS COMMAND...: poll ten times a second; false when time is up.
wait_until() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < deadline)) || return 1
		sleep 0.1
	done
}

process_gone() { ! process_lives "$1"; }

# process_stop PID SECONDS [SIGNAL]: ask; after SECONDS, kill.
process_stop() {
	kill "-${3:-TERM}" "$1" 2>/dev/null || return 0
	wait_until "$2" process_gone "$1" && return
	warn "process $1 did not stop within $2 s and was killed"
	kill -KILL "$1" 2>/dev/null || true
	wait_until 5 process_gone "$1"
}

port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# http_is_ok PORT PATH: true when GET answers 200. No curl on a bare machine; a subshell, because
# a server that closes early must not end this script with SIGPIPE.
http_is_ok() (
	trap '' PIPE
	{ exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || exit 1
	printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$2" >&3 2>/dev/null || true
	read -r -t 5 status <&3 || exit 1
	[[ $status == HTTP/1.?\ 200* ]]
)

new_password() { od -An -N12 -tx1 /dev/urandom | tr -d ' \n'; }
