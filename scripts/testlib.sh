# testlib.sh: running and counting tests, what scripts/test and scripts/dev share.  Sourced after lib.sh, not run.
#
#   ok, not_ok WHAT, skip WHAT        count one check, in $work/counts
#   finish                            prints what failed, how many were skipped and why; the last line is "N passed, N failed"
#   say_skipped                       prints lines "COUNT REASON" as that, added up
#   choose_tests [NAME...]            sets $regress, $isolation and $tap to the tests of these names (all without names)
#   run_drivers                       runs those of sql/ and isolation/, on the cluster of start_cluster
#   run_tap FILE                      runs t/FILE, which makes its own clusters
#   run_jobs COMMAND...               runs commands like these two side by side, as many at a time as there are cores
#   stop_jobs                         ends those that still run; for an EXIT trap
#   $no_jit                           a setting for the cluster of start_cluster
#
# The tests are those of $work/project, and run on what build_extension made of it.

# Compiling statements takes several times as long as running them on the little that tests have.
no_jit="jit = off"

ok() { echo ok >>"$work/counts"; }
not_ok() { echo "not_ok $1" >>"$work/counts"; }
skip() { echo "skip $1" >>"$work/counts"; }

# Reads lines "COUNT REASON", adds them up by reason, and prints them, the most first.
say_skipped() {
	awk '{ n = $1; sub(/^ *[0-9]+ +/, ""); of[$0] += n; all += n }
		END {
			if (!all) exit
			print "\n== Skipped, and why"
			for (reason in of) printf "%7d  %s\n", of[reason], reason | "LC_ALL=C sort -k1,1nr -k2"
			close("LC_ALL=C sort -k1,1nr -k2")
			printf "\n%d skipped\n", all
		}'
}

# What was skipped, by reason, with the files that say it.
skipped_by_reason() {
	sed -n 's/^skip //p' "$work/counts" | LC_ALL=C sort | awk '{
			file = ""
			if (match($0, /^t\/[^:]*: /)) { file = substr($0, 1, RLENGTH - 2); $0 = substr($0, RLENGTH + 1) }
			of[$0]++
			if (file != "" && !seen[$0, file]++) files[$0] = files[$0] (files[$0] == "" ? "" : ", ") file
		}
		END { for (reason in of) print of[reason], reason (files[reason] == "" ? "" : " (" files[reason] ")") }'
}

finish() {
	local passed failed
	touch "$work/counts"
	passed=$(grep -c '^ok' "$work/counts" || true)
	failed=$(grep -c '^not_ok' "$work/counts" || true)
	if [ "$failed" -gt 0 ]; then
		step "Failed"
		sed -n 's/^not_ok /  /p' "$work/counts"
	fi
	skipped_by_reason | say_skipped
	printf '\n%d passed, %d failed\n' "$passed" "$failed"
	[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}

# A name stands for sql/NAME.sql, isolation/specs/NAME.spec and t/*NAME*.pl, or for one of them as results name it:
# sql/NAME, isolation/NAME, t/NAME.pl.
choose_tests() {
	local LC_ALL=C name file files there
	local -A found=()
	regress=() isolation=() tap=()
	[ $# -gt 0 ] || set -- '*'
	for name in "$@"; do
		case $name in
			sql/*) files=($name.sql) ;;
			isolation/*) files=(isolation/specs/${name#*/}.spec) ;;
			t/*) files=(${name%.pl}*.pl) ;;
			*) files=(sql/$name.sql isolation/specs/$name.spec t/*$name*.pl) ;;
		esac
		there=
		for file in "${files[@]}"; do
			[ -e "$file" ] || continue
			there=1
			[ -z "${found[$file]:-}" ] || continue
			found[$file]=1
			case $file in
				*.sql) regress+=("$(basename "$file" .sql)") ;;
				*.spec) isolation+=("$(basename "$file" .spec)") ;;
				*) tap+=("$(basename "$file")") ;;
			esac
		done
		[ -n "$there" ] || die "no test has the name $name"
	done
}

# Runs one of PostgreSQL's regression drivers and counts its lines (the form changed with 16).
run_driver() {
	local kind=$1 which diffs log=$work/$1.log line name
	shift
	case $kind in
		sql) which=REGRESS diffs=$work/build/regression.diffs ;;
		isolation) which=ISOLATION diffs=$work/build/output_iso/regression.diffs ;;
	esac
	rm -f "$diffs"
	pg_make installcheck TAP_TESTS= REGRESS= ISOLATION= "$which=$*" >"$log" 2>&1 || true
	while IFS= read -r line; do
		name=$kind/$(sed -E 's/^(not ok|ok|test) +([0-9]+ +[-+] +)?([^ ]+).*/\3/' <<<"$line")
		case $line in
			"ok "* | "test "*" ok "*) say "  ok      $name ($(sed -E 's/.* ([0-9]+) ms.*/\1/' <<<"$line") ms)"; ok ;;
			"not ok "* | "test "*FAILED*) say "  FAILED  $name"; not_ok "$name" ;;
		esac
	done <"$log"
	[ ! -s "$diffs" ] || head -c 20000 "$diffs"
	if ! grep -qE '^(ok|not ok) |^test .* (ok|FAILED) ' "$log"; then
		tail -20 "$log"
		not_ok "$kind: the driver ran no test"
	fi
}

# Runs what choose_tests chose of sql/ and isolation/; one after the other, because both look at transactions of the
# whole cluster.
run_drivers() {
	[ ${#regress[@]} = 0 ] || run_driver sql "${regress[@]}"
	[ ${#isolation[@]} = 0 ] || run_driver isolation "${isolation[@]}"
}

# Runs one TAP file in folders of its own, on ports that no other takes, and counts its checks.  One that ends too
# early, or otherwise than well, counts as failed.
run_tap() {
	local file=$1 dir=$work/tap/${1%.pl} begin=$SECONDS status=0 good bad reason pgxs_src
	pgxs_src=$(dirname "$("$pg_bin/pg_config" --pgxs)")/..
	as_postgres mkdir -p "$dir" "$work/ports"
	{ private_settings; echo "$no_jit"; } | as_postgres tee "$dir/settings.conf" >/dev/null
	as_postgres env -u PGHOST -u PGUSER -u PGDATABASE TEMP_CONFIG="$dir/settings.conf" TESTDIR="$dir" TESTDATADIR="$dir/tmp_check" \
		TESTLOGDIR="$dir/log" PG_TEST_PORT_DIR="$work/ports" PATH="$work/dest$pg_bin:$pg_bin:$PATH" PGPORT=65432 PG_CONFIG="$pg_bin/pg_config" \
		PG_REGRESS="$pgxs_src/test/regress/pg_regress" \
		prove -v -I "$pgxs_src/test/perl" "t/$file" 2>&1 </dev/null | as_postgres tee "$dir/out" >/dev/null || status=$?
	good=$(grep '^ok [0-9]' "$dir/out" | grep -cv '# skip ' || true)
	bad=$(grep -c '^not ok ' "$dir/out" || true)
	for _ in $(seq "$good"); do ok; done
	while IFS= read -r reason; do skip "t/$file: $reason"; done < <(sed -nE 's/^(ok [0-9]+.*# skip|t\/.* skipped:) //p' "$dir/out")
	if [ $status != 0 ]; then
		say "  FAILED  t/$file"
		# what failed, and what was got for what was expected
		grep -E '^(not ok|#)' "$dir/out" | head -c 20000 || true
		tail -60 "$dir/out"
		[ "$bad" -gt 0 ] || tail -n 60 "$dir"/tmp_check/log/regress_log_* "$dir"/log/regress_log_* 2>/dev/null || true
		[ "$bad" -gt 0 ] || bad=1
		for _ in $(seq "$bad"); do not_ok "t/$file"; done
	elif grep -q '^t/.* skipped: ' "$dir/out"; then
		say "  skipped t/$file"
	else
		say "  ok      t/$file ($good checks, $((SECONDS - begin)) s)"
	fi
	rm -rf "$dir"
}

# Starts jobs in the order given and prints what each says, whole, when it has ended.
declare -A job_of=()
run_jobs() {
	local job cores
	cores=$(nproc)
	mkdir -p "$work/jobs"
	for job in "$@"; do
		[ ${#job_of[@]} -lt "$cores" ] || end_job
		set -m    # a process group of its own, for stop_jobs
		(
			trap - EXIT
			exec >"$work/jobs/$BASHPID.log" 2>&1 </dev/null
			$job
		) &
		set +m
		job_of[$!]=$job
	done
	while [ ${#job_of[@]} -gt 0 ]; do end_job; done
}

end_job() {
	local pid
	wait -n -p pid "${!job_of[@]}" || not_ok "${job_of[$pid]}: it did not come to its end"
	cat "$work/jobs/$pid.log"
	unset "job_of[$pid]"
}

stop_jobs() {
	local pid file
	for pid in "${!job_of[@]}"; do
		kill -TERM -- "-$pid" 2>/dev/null || true
	done
	[ ${#job_of[@]} = 0 ] || wait "${!job_of[@]}" || true
	for file in "$work"/tap/*/tmp_check/*/pgdata/postmaster.pid; do
		[ ! -e "$file" ] || as_postgres kill -QUIT "$(head -1 "$file")" || true
	done
}
