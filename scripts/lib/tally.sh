# shellcheck shell=bash
# Counting tests. Every test, whatever wrote it, ends as "passed failed skipped" of a stage in
# the file $TALLY. Needs $STAGE, $LOGS, and run_child of scripts/test.

tally() { say "$STAGE $1 $2 $3" >>"$TALLY"; }

# tally_of PATTERN: the sums of the stages that match, as "passed failed skipped".
tally_of() {
	awk -v stage="^($1)\$" '$1 ~ stage { p += $2; f += $3; s += $4 } END { print p + 0, f + 0, s + 0 }' "$TALLY"
}

log_of() { say "$LOGS/$STAGE-${1//[^A-Za-z0-9_.]/-}.log"; }

# check NAME COMMAND...: one test, passed when the command succeeds.
check() {
	local name=$1 log start=$SECONDS
	log=$(log_of "$name")
	shift
	if run_child "$@" >"$log" 2>&1; then
		tally 1 0 0
		say "ok - $name ($((SECONDS - start)) s)"
	else
		tally 0 1 0
		tail -n 60 "$log"
		say "not ok - $name; all of it: $log"
	fi
}

# check_many NAME COUNTER COMMAND...: a program that holds many tests. COUNTER reads its output
# and prints "passed failed skipped". Dying, or running nothing at all, is a failure too.
check_many() {
	local name=$1 counter=$2 log start=$SECONDS status=0 p f s
	log=$(log_of "$name")
	shift 2
	run_child "$@" >"$log" 2>&1 || status=$?
	read -r p f s < <("$counter" "$log")
	((status == 0 && p + f + s > 0 || f > 0)) || f=1
	tally "$p" "$f" "$s"
	grep -a '^skip - ' "$log" || true
	if ((f)); then
		grep -a '^not ok' "$log" || true
		tail -n 60 "$log"
		say "not ok - $name: $f failed, exit status $status; all of it: $log"
	else
		say "ok - $name: $p passed, $s skipped ($((SECONDS - start)) s)"
	fi
}

# Lines "ok - name", "not ok - name", "skip - name: reason".
count_lines() {
	awk '/^ok - / { p++ } /^not ok - / { f++ } /^skip - / { s++ } END { print p + 0, f + 0, s + 0 }' "$1"
}

# cmocka's closing lines, "[  PASSED  ] 7 test(s)."; a program may hold several groups.
count_cmocka() {
	sed -n 's/^\[ *\(PASSED\|FAILED\|SKIPPED\) *\] \([0-9]\+\) test(s).*/\1 \2/p' "$1" |
		awk '{ n[$1] += $2 } END { print n["PASSED"] + 0, n["FAILED"] + 0, n["SKIPPED"] + 0 }'
}
