# chroots.sh: bare Debian systems, made with debootstrap, what scripts/test-versions and scripts/package share.
# Sourced after lib.sh, not run.
#
#   need_chroots PURPOSE SCRIPT [ARG...]   goes on as root, or as SCRIPT under sudo; sets $base, where systems are made:
#                                          the folder CHROOTS, kept, or a temporary one
#   leave_chroots                          unmounts what is mounted, removes a temporary $base; for an EXIT trap
#   $suite                                 the Debian suite of each version of PostgreSQL that is tested
#   make_system NAME SUITE [PACKAGE...]    makes $base/NAME with those packages too, unless it is there already
#   enter_system FOLDER                    mounts what programs need
#   in_system FOLDER COMMAND...            runs a command there, with an environment of its own
#   leave_system FOLDER                    unmounts it again

declare -A suite=([15]=bookworm [17]=trixie [18]=sid)

need_chroots() {
	local purpose=$1
	shift
	need_debian "$purpose"
	need_packages debootstrap
	[ "$(id -u)" = 0 ] || exec sudo --preserve-env=CHROOTS,VERSIONS "$@"
	mirror=$({ sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true; } | grep -m1 'debian/\?$') ||
		die "no Debian mirror found in /etc/apt"
	base=${CHROOTS:-$(mktemp -d)}
	mkdir -p "$base"
	entered=()
}

leave_chroots() {
	local folder
	for folder in "${entered[@]}"; do leave_system "$folder"; done
	[ -n "${CHROOTS:-}" ] || rm -rf --one-file-system "$base"
}

make_system() {
	local name=$1 of=$2 IFS=,
	shift 2
	[ ! -e "$base/$name.done" ] || return 0
	rm -rf --one-file-system "${base:?}/$name"
	debootstrap --variant=minbase --include="ca-certificates${*:+,$*}" "$of" "$base/$name" "$mirror" >"$base/$name.log" 2>&1 ||
		{ tail -n 5 "$base/$name.log"; die "debootstrap $of failed"; }
	touch "$base/$name.done"
}

enter_system() {
	cp /etc/resolv.conf "$1/etc/"
	# A mirror of a moving suite may lag behind the date its lists are valid until.
	echo 'Acquire::Check-Valid-Until "false";' >"$1/etc/apt/apt.conf.d/99valid-until"
	mount -t proc proc "$1/proc"
	mount --bind /dev "$1/dev"
	mount -t tmpfs tmpfs "$1/dev/shm"
	entered+=("$1")
}

in_system() {
	local folder=$1
	shift
	chroot "$folder" env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

leave_system() {
	umount -l "$1/dev/shm" "$1/dev" "$1/proc" 2>/dev/null || true
}
