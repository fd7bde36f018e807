#!/usr/bin/env bash
# Installs the Debian packages of the servers, and of the browser, that the tests start, as far as programs are missing. The list is
# internal/test/servertest/programs.txt. With SERVERS=off it installs nothing. What is not in this Debian is fetched by scripts/fetch.sh.
#
#   scripts/servers.sh            install what is missing
#   scripts/servers.sh left-out   name the packages of the module in this folder whose tests SERVERS=off cuts short
set -euo pipefail
list="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/internal/test/servertest/programs.txt"

if [ "${1:-}" = left-out ]; then
	# shellcheck disable=SC2016 # a template of go list
	${GO:-go} list -f '{{$p := .ImportPath}}{{range .TestImports}}{{.}} {{$p}}
{{end}}{{range .XTestImports}}{{.}} {{$p}}
{{end}}{{.ImportPath}} {{$p}}' ./... |
		awk '$1 ~ /\/internal\/test\/servertest$/ && !seen[$2]++ {print "SERVERS=off: left out what needs a server in " $2}'
	exit
fi
[ "${SERVERS:-}" != off ] || exit 0
if [ "$(uname -s)" != Linux ]; then
	echo "servers are started on Linux only; tests that need one are left out"
	exit 0
fi

shopt -s nullglob
export PATH="$PATH:/usr/sbin"
for folder in /usr/lib/postgresql/*/bin; do PATH="$PATH:$folder"; done
missing=()
while read -r _ program package suite; do
	[ "$suite" != unstable ] || continue
	command -v "$program" >/dev/null || [[ " ${missing[*]-} " == *" $package "* ]] || missing+=("$package")
done < <(grep -v -e '^#' -e '^$' "$list")
"$(dirname "${BASH_SOURCE[0]}")/fetch.sh"
((${#missing[@]})) || exit 0

refuse() {
	echo "tests need servers that are missing, Debian packages: ${missing[*]} ($1); SERVERS=off leaves such tests out" >&2
	exit 1
}

command -v apt-get >/dev/null || refuse "no apt-get here"
sudo=()
if [ "$(id -u)" != 0 ]; then
	sudo -n true 2>/dev/null || refuse "installing them takes root or sudo without a password"
	sudo=(sudo -n)
fi

# Packages start their services when installed, unless this says no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap '"${sudo[@]}" rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
	"${sudo[@]}" chmod 755 "$policy"
fi
echo "installing ${missing[*]}"
apt=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120)
{ "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; } >/dev/null || refuse "apt-get failed"
