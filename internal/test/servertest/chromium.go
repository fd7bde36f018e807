package servertest

import "testing"

// Chromium returns the path of Debian's browser, which the caller starts. A missing browser is handled like a missing
// server.
func Chromium(t testing.TB) string {
	t.Helper()
	return programs(t, "chromium")["chromium"]
}
