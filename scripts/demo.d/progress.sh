# progress.sh: says that a step is still at work.  Sourced.
#
#   ticking WHAT COMMAND...    runs the command; once it has taken two seconds, says so on standard error:
#                              on a terminal every second, else every ten
#   stop_ticking               for an EXIT trap

ticker=

stop_ticking() {
	[ -z "$ticker" ] || kill "$ticker" 2>/dev/null || true
	ticker=
}

# The sleeps hold no file of ours open: an orphaned one would keep a reader of our output waiting.
tick() {
	local what=$1 begin=$SECONDS
	sleep 2 >/dev/null 2>&1
	while :; do
		if [ -t 2 ]; then
			printf '\r\033[K  %s: %d s' "$what" $((SECONDS - begin)) >&2
			sleep 1 >/dev/null 2>&1
		else
			printf '  %s: %d s\n' "$what" $((SECONDS - begin)) >&2
			sleep 10 >/dev/null 2>&1
		fi
	done
}

ticking() {
	local what=$1 status=0
	shift
	tick "$what" &
	ticker=$!
	"$@" || status=$?
	stop_ticking
	wait 2>/dev/null || true
	[ ! -t 2 ] || printf '\r\033[K' >&2
	return $status
}
