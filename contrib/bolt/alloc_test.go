//go:build !race

package bolt_test

import (
	"testing"

	"github.com/seed1a8f7c28/session/internal/test/alloctest"
)

func TestAllocs(t *testing.T) { alloctest.Requests(t, engine.Harness(), 24, 125) }
