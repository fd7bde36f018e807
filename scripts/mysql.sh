#!/usr/bin/env bash
# Fetches MySQL, which Debian has in unstable only, for tests. Its packages and those that they need are downloaded, checked
# by apt and unpacked into a cache folder; bin in it has programs that run with the libraries beside them. Nothing of the
# system is changed or used, but for apt's keys. Without a network MySQL is left out: this says so and succeeds.
#
#   scripts/mysql.sh            fetch it, unless it is there
#   scripts/mysql.sh left-out   say so if it is not there
set -euo pipefail
[ "$(uname -s)" = Linux ] || exit 0

# internal/test/servertest looks there too. The servers of root's tests run as nobody, who cannot look into root's home.
cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}
[ "$(id -u)" != 0 ] || cache=/var/cache
folder=$cache/session-servers/mysql
packages=(mysql-server-core mysql-client-core)
programs=(usr/sbin/mysqld usr/bin/mysql)
[ ! -d "$folder" ] || exit 0

leave_out() {
	printf '\n*** MySQL IS LEFT OUT OF THE TESTS: %s. MariaDB is tested in its place. ***\n\n' "$1" >&2
	exit 0
}

[ "${1:-}" != left-out ] || leave_out "it is not in $folder, and only make test fetches it"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
for need in apt-get apt-config dpkg; do command -v "$need" >/dev/null || leave_out "no $need here"; done
[ -r "$keys" ] || leave_out "no $keys here"

umask 022
mkdir -p "$cache/session-servers" 2>/dev/null || leave_out "cannot make $cache/session-servers"
work=$(mktemp -d "$cache/session-servers/new-XXXXXX" 2>/dev/null) || leave_out "cannot write to $cache/session-servers"
trap 'rm -rf "$work"' EXIT
apt=$work/apt
mkdir -p "$apt"/etc/{apt.conf.d,preferences.d,sources.list.d} "$apt"/{lists,archives}/partial "$work/mysql"
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
echo "fetching ${packages[*]} of Debian unstable for the tests"
log=$work/log
export APT_CONFIG=$apt/apt.conf
{ timeout 90 apt-get -qq update && timeout 180 apt-get -qq install -y --no-install-recommends --download-only "${packages[@]}"; } >"$log" 2>&1 ||
	{ tail -n 5 "$log" >&2; leave_out "the packages of Debian unstable cannot be fetched"; }
for package in "$apt"/archives/*.deb; do dpkg -x "$package" "$work/mysql"; done
rm -rf "$work"/mysql/usr/share/{doc,info,locale,man,perl,lintian} "$work"/mysql/usr/lib/*/{perl,perl-base,gconv}

linker=$(find "$work/mysql/usr" -name 'ld-linux*.so.*' -print -quit)
libraries=$(dirname "$(find "$work/mysql/usr/lib" -name 'libc.so.*' -print -quit)")
mkdir "$work/mysql/bin"
for program in "${programs[@]}"; do
	wrapper=$work/mysql/bin/${program##*/}
	printf '#!/bin/sh\nexec %q --library-path %q %q "$@"\n' \
		"$folder${linker#"$work/mysql"}" "$folder${libraries#"$work/mysql"}" "$folder/$program" >"$wrapper"
	chmod 755 "$wrapper"
done
chmod 755 "$work/mysql"
mv -T "$work/mysql" "$folder" 2>/dev/null || [ -d "$folder" ] # another make test may have been faster
for program in "${programs[@]}"; do
	"$folder/bin/${program##*/}" --version >"$log" 2>&1 || {
		tail -n 5 "$log" >&2
		mv "$folder" "$work/broken"
		leave_out "${program##*/} of Debian unstable does not run here"
	}
done
