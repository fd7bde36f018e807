package memory_test

import (
	"testing"

	"github.com/seed1a8f7c28/session/memory"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// oneNode is a store that is opened once.
var oneNode = sessiontest.Harness{Store: func(testing.TB) sessiontest.Open { return memory.Open }}

func BenchmarkRequests(b *testing.B) { sessiontest.Bench(b, oneNode) }
