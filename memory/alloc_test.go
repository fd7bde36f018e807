//go:build !race

package memory_test

import (
	"testing"

	"github.com/seed1a8f7c28/session/internal/test/alloctest"
)

func TestAllocs(t *testing.T) { alloctest.Requests(t, oneNode, 2, 5) }
