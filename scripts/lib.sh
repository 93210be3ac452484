# lib.sh: what scripts/demo, scripts/dev, scripts/test and bench/run share.  Sourced, not run.
#
#   need_debian PURPOSE               checks that this is Debian (or a derivative) with apt, else says what to do
#   choose_version [N]                sets pg_version and pg_bin
#   need_packages PACKAGE...          installs the missing ones
#   want_packages PACKAGE...          installs those that this Debian has, says which it has not
#   mirror_project TO                 makes folder TO a copy of the project
#   make_workspace NAME               sets $work: a private folder with a copy of the project in $work/project
#   fill_workspace                    the same for a $work that is there already; $work/gone lists the files that went
#   build_extension                   builds $work/project out of tree into $work/dest
#   private_settings                  prints the settings that let a cluster find $work/dest
#   start_cluster [SETTING...]        makes and starts $work/data, and does use_cluster
#   use_cluster                       exports PGHOST PGPORT PGUSER PGDATABASE
#   stop_cluster
#   as_postgres COMMAND...            runs as an unprivileged user (PostgreSQL refuses root)
#
# Nothing is installed system-wide but Debian packages, and nothing is written to the checkout.

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 2; }

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

as_postgres() {
	if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

# Checks that packages can be installed here; PURPOSE ends the sentence for others.
need_debian() {
	if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
		die "this script sets up $1 on Debian 12 or newer (and derivatives) only.
On other systems install PostgreSQL 15 to 18 with its server headers, a C compiler, GNU make, perl with
IPC::Run, then run:  make && sudo make install && make installcheck"
	fi
}

apt_updated=
apt_update() {
	[ -n "$apt_updated" ] && return
	as_root apt-get update -qq >/dev/null 2>&1 || say "apt-get update failed in part; going on with the package lists as they are"
	apt_updated=1
}

# Installs packages; what apt says goes to LOG.
install_packages() {
	local log=$1
	shift
	apt_update
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >"$log" 2>&1 </dev/null
}

# Installs the Debian packages that are missing, without making or starting a cluster for them.
need_packages() {
	local p missing=()
	for p in "$@"; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
	done
	[ ${#missing[@]} = 0 ] && return
	if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
		die "these Debian packages are missing, and there is no sudo to install them with: ${missing[*]}"
	fi
	say "Installing Debian packages (some minutes): ${missing[*]}"
	as_root true    # asks for the password, if one is needed, before anything else is written
	local no_cluster=/etc/postgresql-common/createcluster.d/compute_ledger-setup.conf log working=()
	! declare -F ticking >/dev/null || working=(ticking "Installing")
	log=$(mktemp)
	as_root mkdir -p "$(dirname $no_cluster)"
	echo 'create_main_cluster = false' | as_root tee $no_cluster >/dev/null
	"${working[@]}" install_packages "$log" "${missing[@]}" || {
		tail -20 "$log" >&2
		as_root rm -f $no_cluster
		die "apt-get install failed"
	}
	as_root rm -f $no_cluster
	rm -f "$log"
}

# Installs the packages that this suite has; what they serve is skipped without them.
want_packages() {
	local p
	for p in "$@"; do
		if apt-cache show "$p" >/dev/null 2>&1; then
			need_packages "$p"
		else
			say "This Debian has no package $p: what needs it is skipped"
		fi
	done
}

# Chooses the PostgreSQL to use: N, or the newest server installed, or Debian's own.
choose_version() {
	local d
	pg_version=${1:-}
	if [ -z "$pg_version" ]; then
		for d in /usr/lib/postgresql/*/bin/postgres; do
			[ -x "$d" ] && pg_version=$(printf '%s\n%s\n' "$pg_version" "$(echo "$d" | cut -d/ -f5)" | sort -n | tail -1)
		done
	fi
	if [ -z "$pg_version" ]; then
		[ -n "$(apt-cache policy postgresql 2>/dev/null | grep -v '(none)' | grep Candidate)" ] || apt_update
		pg_version=$(apt-cache policy postgresql | sed -n 's/.*Candidate: *\([0-9]*\).*/\1/p')
	fi
	case $pg_version in
		15 | 16 | 17 | 18) ;;
		*) die "PostgreSQL 15 to 18 is needed; found \"$pg_version\"" ;;
	esac
	pg_bin=/usr/lib/postgresql/$pg_version/bin
}

# Makes folder TO hold what git would commit of the working tree, and nothing else, and prints the names of the
# files that went from it.  A file that is as it was keeps its time, so that make builds only what changed.
mirror_project() {
	(
		cd "$project" || exit 1
		if git -c safe.directory="$project" rev-parse --git-dir >/dev/null 2>&1; then
			git -c safe.directory="$project" ls-files -z --cached --others --exclude-standard
		else
			find . -type f -printf '%P\0'
		fi
	) | perl -0 -we '
		use strict; use File::Basename; use File::Compare; use File::Copy; use File::Find; use File::Path;
		my ($from, $to) = @ARGV;
		my %keep;
		while (my $name = <STDIN>)
		{
			chomp $name;
			next unless -f "$from/$name";
			$keep{"$to/$name"} = 1;
			mkpath(dirname("$to/$name"));
			-f "$to/$name" && compare("$from/$name", "$to/$name") == 0 or copy("$from/$name", "$to/$name") or die "$name: $!";
			chmod((stat "$from/$name")[2] & 0777 | 0644, "$to/$name");
		}
		find({ no_chdir => 1, wanted => sub { print substr($_, length("$to/")), "\n" if -f && !$keep{$_} && unlink } }, $to);
	' "$project" "$1"
}

# Makes $work, private to this run, with a copy of the project.
make_workspace() {
	work=$(mktemp -d "${TMPDIR:-/tmp}/$1.XXXXXX")
	fill_workspace
}

# Makes the folders of $work and what is in them as the project is now.
fill_workspace() {
	mkdir -p "$work/project" "$work/build" "$work/sock"
	mirror_project "$work/project" >"$work/gone"
	# Real data for some tests, where it lies beside the checkout.
	if [ -d "$project/../shared/data" ]; then
		mkdir -p "$work/shared"
		cp -ru "$project/../shared/data" "$work/shared/"
		[ ! -d "$project/../shared/cases" ] || cp -ru "$project/../shared/cases" "$work/shared/"
		chmod -R u+w "$work/shared"
	fi
	chmod 755 "$work"
	[ "$(id -u)" != 0 ] || chown -R postgres: "$work"
}

# Builds out of tree (pg_make ARGS... for anything else) and installs into $work/dest, with the compiler that
# PostgreSQL was built with, or $CC: without its warnings, because the flags and the headers are made for the other.
pg_make() {
	as_postgres make -s -C "$work/build" -f "$work/project/Makefile" PG_CONFIG="$pg_bin/pg_config" with_llvm=no ${CC:+"CC=$CC -w"} "$@"
}

build_extension() {
	pg_make -j"$(nproc)" all && pg_make install DESTDIR="$work/dest" >/dev/null
}

# Prints the settings that make a cluster find the extension in $work/dest.
private_settings() {
	local share lib
	share=$("$pg_bin/pg_config" --sharedir)
	lib=$("$pg_bin/pg_config" --pkglibdir)
	if [ "$pg_version" -ge 18 ]; then
		echo "extension_control_path = '$work/dest$share:\$system'"
	else
		grep -q extension_destdir "$share/postgresql.conf.sample" ||
			die "this PostgreSQL $pg_version is not Debian's: it has no extension_destdir. Use make, make install and make installcheck."
		echo "extension_destdir = '$work/dest'"
	fi
	echo "dynamic_library_path = '$work/dest$lib:\$libdir'"
}

# Makes a throw-away cluster that listens on a socket in $work only, and starts it.
start_cluster() {
	local s
	as_postgres "$pg_bin/initdb" -D "$work/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$work/initdb.log" ||
		die "initdb failed, see $work/initdb.log"
	{
		private_settings
		echo "port = 5432"    # whatever PGPORT says in the caller's environment
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$work/sock'"
		echo "fsync = off"
		echo "timezone = 'UTC'"
		for s in "$@"; do echo "$s"; done
	} | as_postgres tee -a "$work/data/postgresql.conf" >/dev/null
	as_postgres "$pg_bin/pg_ctl" -D "$work/data" -l "$work/server.log" -w -s start ||
		{ tail -20 "$work/server.log" >&2; die "the server did not start"; }
	use_cluster
}

# Points programs at the cluster of start_cluster.
use_cluster() {
	export PGHOST=$work/sock PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
	unset PGSERVICE PGOPTIONS PGHOSTADDR PGPASSWORD PGTZ PGDATESTYLE PGCLIENTENCODING PGSSLMODE PGREQUIREAUTH
}

stop_cluster() {
	[ ! -f "$work/data/postmaster.pid" ] || as_postgres "$pg_bin/pg_ctl" -D "$work/data" -m fast -w -s stop
}

# Stops the cluster and removes the workspace; for an EXIT trap.
remove_workspace() {
	[ -n "${work:-}" ] || return 0
	stop_cluster || true
	rm -rf "$work"
}
