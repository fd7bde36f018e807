#!/usr/bin/env bash
# Runs every fuzz target of the module in this folder for a time each, and fails at the end if one of them did.
#
#   scripts/fuzz.sh 30s
#
# When the time is over, go test may take that for a failure: "context deadline exceeded", and no input that fails
# (https://go.dev/issue/75804). Such a target runs again.
set -euo pipefail
go=${GO:-go}
output=$(mktemp)
trap 'rm -f "$output"' EXIT

# fuzz runs one target of a package for a time.
fuzz() {
	for _ in 1 2 3; do
		if "$go" test -run '^$' -fuzz "^$2\$" -fuzztime "$3" "$1" 2>&1 | tee "$output"; then return; fi
		grep -qE '^ +context deadline exceeded$' "$output" || return 1
		if grep -q 'Failing input written' "$output"; then return 1; fi
		echo "fuzz: $1 $2: its time was over, and no input failed: once more"
	done
	return 1
}

failed=
packages=$("$go" list ./...)
for package in $packages; do
	targets=$("$go" test -list '^Fuzz' "$package")
	for target in $(grep '^Fuzz' <<<"$targets" || true); do
		echo "== $package $target"
		fuzz "$package" "$target" "$1" || failed="$failed $package:$target"
	done
done
if [ -n "$failed" ]; then
	echo "fuzz: failed:$failed" >&2
	exit 1
fi
