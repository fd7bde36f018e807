package memcache_test

import "testing"

// TestTwoProcesses has 32 writers in two processes change one session 100 times each: nothing is lost.
func TestTwoProcesses(t *testing.T) { writers.Test(t, empty(t)) }
