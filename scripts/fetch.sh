#!/usr/bin/env bash
# Fetches servers for the tests that Debian has in unstable only, or in a newer version that the tests prefer: those with
# unstable or newer in internal/test/servertest/programs.txt. Their packages and those that they need are downloaded, checked by apt and unpacked
# into a cache folder; bin in it has programs that run with the libraries beside them. Nothing of the system is changed or
# used, but for apt's keys. Without a network a server is left out: this says so and succeeds.
#
#   scripts/fetch.sh            fetch what is not there
#   scripts/fetch.sh left-out   say what is not there
set -euo pipefail
[ "$(uname -s)" = Linux ] || exit 0
list="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/internal/test/servertest/programs.txt"

# internal/test/servertest looks there too. The servers of root's tests run as nobody, who cannot look into root's home.
cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}
[ "$(id -u)" != 0 ] || cache=/var/cache
cache=$cache/session-servers

declare -A packages=() programs=()
while read -r server program package suite; do
	[ -n "$suite" ] && [ ! -d "$cache/$server" ] || continue
	packages[$server]+="$package "
	programs[$server]+="$program "
done < <(grep -v -e '^#' -e '^$' "$list")
((${#packages[@]})) || exit 0

leave_out() { # reason, servers
	local reason=$1 server
	shift
	for server; do
		printf '\n*** %s OF DEBIAN UNSTABLE IS LEFT OUT OF THE TESTS: %s. ***\n\n' "${server^^}" "$reason" >&2
	done
}

none() { # reason: there is none of them
	leave_out "$1" "${!packages[@]}"
	exit 0
}

[ "${1:-}" != left-out ] || none "it is not in $cache, and only make test fetches it"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
for need in apt-get apt-config dpkg; do command -v "$need" >/dev/null || none "no $need here"; done
[ -r "$keys" ] || none "no $keys here"

umask 022
mkdir -p "$cache" 2>/dev/null || none "cannot make $cache"
work=$(mktemp -d "$cache/new-XXXXXX" 2>/dev/null) || none "cannot write to $cache"
trap 'rm -rf "$work"' EXIT
apt=$work/apt log=$work/log
mkdir -p "$apt"/etc/{apt.conf.d,preferences.d,sources.list.d} "$apt"/lists/partial
: >"$apt/status"
echo "deb [signed-by=$keys] http://deb.debian.org/debian unstable main" >"$apt/etc/sources.list"
{
	cat <<-CONF
		Dir::Etc "$apt/etc";
		Dir::State "$apt";
		Dir::State::status "$apt/status";
		Dir::Cache "$apt";
		APT::Architecture "$(dpkg --print-architecture)";
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		// Mirrors that lag are good enough: what comes is signed all the same.
		Acquire::Check-Valid-Until "false";
	CONF
	apt-config dump | grep -E '^Acquire::https?::' || true # proxies
} >"$apt/apt.conf"
export APT_CONFIG=$apt/apt.conf

# fetch puts one server into its folder.
fetch() { # server
	local server=$1 folder=$cache/$1 to=$work/$1 archives=$work/archives-$1 package program path linker libraries
	mkdir -p "$archives/partial" "$to/bin"
	# shellcheck disable=SC2086 # several packages
	timeout 180 apt-get -qq -o "Dir::Cache::Archives=$archives" install -y --no-install-recommends --download-only \
		${packages[$server]} || return
	for package in "$archives"/*.deb; do dpkg -x "$package" "$to" || return; done
	rm -rf "$to"/usr/share/{doc,info,locale,man,perl,lintian} "$to"/usr/lib/*/{perl,perl-base,gconv}
	linker=$(find "$to/usr" -name 'ld-linux*.so.*' -print -quit)
	libraries=$(dirname "$(find "$to/usr/lib" -name 'libc.so.*' -print -quit)")
	for program in ${programs[$server]}; do
		path=$(find "$to/usr" -path "*bin/$program" -print -quit)
		printf '#!/bin/sh\nexec %q --library-path %q %q "$@"\n' \
			"$folder${linker#"$to"}" "$folder${libraries#"$to"}" "$folder${path#"$to"}" >"$to/bin/$program"
		chmod 755 "$to/bin/$program"
	done
	chmod 755 "$to"
	mv -T "$to" "$folder" 2>/dev/null || [ -d "$folder" ] || return # another make test may have been faster
	for program in ${programs[$server]}; do
		"$folder/bin/$program" --version || { mv "$folder" "$work/broken-$server"; return 1; }
	done
}

echo "fetching ${!packages[*]} of Debian unstable for the tests"
timeout 90 apt-get -qq update >"$log" 2>&1 || { tail -n 5 "$log" >&2; none "the packages of Debian unstable cannot be fetched"; }
for server in "${!packages[@]}"; do
	fetch "$server" >"$log" 2>&1 || { tail -n 5 "$log" >&2; leave_out "the packages of Debian unstable cannot be fetched, or do not run here" "$server"; }
done
