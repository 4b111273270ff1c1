# psql: the scenario as a script, backslash commands, \copy, \gset, \bind-less variables, \watch.
set -u
export PSQLRC=/dev/null PAGER=

say() { printf '%s: %s\n' "$1" "$(sed ':a;N;$!ba;s/\n/\\n/g' <<<"$2")"; }
check() { # NAME ARGS...: what psql printed, and its exit status
	local name=$1 out status=0
	shift
	out=$(psql -X "$@" 2>&1) || status=$?
	say "$name" "$status $out"
}

check connect -Atc "SELECT current_user, current_database()"
check migrate -q -v ON_ERROR_STOP=1 -f "$SCENARIO/schema.sql"

# Parameters become literals, as a person would write them.
literal() {
	local kind=${1%%:*} value=${1#*:}
	case $kind in
	int*'[]') printf "'{%s}'" "$value" ;;
	int*) printf '%s' "$value" ;;
	null) printf NULL ;;
	*) printf "'%s'" "$value" ;;
	esac
}
script=$(mktemp)
while IFS=$'\t' read -r name sql params; do
	IFS='|' read -ra list <<<"$params"
	for ((i = ${#list[@]}; i > 0; i--)); do sql=${sql//"\$$i"/$(literal "${list[i - 1]}")}; done
	printf '\\echo %s\n%s;\n' "'$name'" "$sql"
done <"$SCENARIO/statements.tsv" >"$script"
psql -X -f "$script" 2>&1 | sed "s|^psql:$script:[0-9]*: ||; s/^/statements: /"

number=0
while IFS=$'\t' read -r column literal; do
	number=$((number + 1))
	value="\$v\$$literal\$v\$"
	[[ $literal != '\N' ]] || value=NULL
	printf 'INSERT INTO samples (user_id, "%s") VALUES (%d, %s);\n' "$column" "$number" "$value"
done <"$SCENARIO/values.tsv" >"$script"
check 'insert values' -q -f "$script"
check values -c 'SELECT * FROM samples ORDER BY user_id'
check 'values expanded' -x -c 'SELECT * FROM samples ORDER BY user_id'

check '\d' -c '\d'
for table in countries users orders items samples; do
	check "\\d $table" -c "\\d $table"
done
check '\d+ users' -c '\d+ users'
check '\dt' -c '\dt'
check '\di' -c '\di'
check '\dn' -c '\dn'
check '\df' -c '\df public.*'
check '\dp' -c '\dp users'
check '\l' -c "SELECT datname FROM pg_database WHERE datname = current_database()"

seq 1 100 | sed 's/.*/&\tcopy &/; s/^/5/' >"$script"
check '\copy in' -c "\\copy users (user_id, email) FROM '$script'"
check '\copy out' -c "\\copy (SELECT user_id, email FROM users WHERE user_id = 542) TO STDOUT"
check '\copy csv' -c '\copy (SELECT user_id, email FROM users ORDER BY user_id) TO STDOUT (FORMAT csv, HEADER)'
check COPY -f - <<-'END'
	COPY users (user_id, email) FROM STDIN;
	700	seven
	701	tab\there
	\.
	SELECT user_id, email FROM users WHERE user_id IN (700, 701) ORDER BY user_id;
END
check 'COPY of a bad line' -f - <<-'END'
	COPY users (user_id, email) FROM STDIN;
	702	x
	bad	y
	\.
	SELECT count(*) FROM users WHERE user_id = 702;
END
check '\gset' -At -f - <<-'END'
	SELECT user_id AS id, email FROM users WHERE user_id = 7 \gset
	SELECT :'email', score FROM users WHERE user_id = :id;
	\set ON_ERROR_ROLLBACK on
	BEGIN;
	SELECT nosuch;
	UPDATE users SET score = 70 WHERE user_id = :id;
	COMMIT;
	SELECT score FROM users WHERE user_id = :id;
END
check '\gdesc' -c 'SELECT user_id, email, score FROM users WHERE user_id = 7 \gdesc'
check '\gexec' -At -c "SELECT format('SELECT email FROM users WHERE user_id = %s', user_id) FROM users WHERE user_id < 4 ORDER BY user_id \\gexec"
check '\crosstabview' -c "SELECT country, score, count(*) FROM users WHERE user_id < 12 GROUP BY 1, 2 ORDER BY 1, 2 \\crosstabview"
check 'one transaction' -1 -c "UPDATE users SET score = 1 WHERE user_id = 1" -c "UPDATE users SET score = 2 WHERE user_id = 2"
check 'one transaction that fails' -1 -v ON_ERROR_STOP=1 -c "UPDATE users SET score = 99 WHERE user_id = 1" -c "SELECT nosuch"
check 'what is left of it' -Atc "SELECT score FROM users WHERE user_id = 1"
check 'position of an error' -c "SELECT user_id, 'ü', nosuch FROM users"
check FETCH_COUNT -At -v FETCH_COUNT=20 -c "SELECT user_id FROM users ORDER BY user_id"
check 'statement timeout' -c "SET statement_timeout = '300ms'" -c "SELECT pg_sleep(20)"
PGPASSWORD=wrong check 'wrong password' -c "SELECT 1" 2>&1 | sed 's/.*FATAL/FATAL/'
PGDATABASE=nosuch check 'unknown database' -c "SELECT 1" 2>&1 | sed 's/.*FATAL/FATAL/'
rm -f "$script"
