package servertest

import "testing"

// Chromium returns the path of Debian's browser, which its caller starts. It is found, missing and left out as servers are.
func Chromium(t testing.TB) string {
	t.Helper()
	return programs(t, "chromium")["chromium"]
}
