//go:build !race

package postgres_test

import (
	"testing"

	"github.com/seed1a8f7c28/session/internal/test/alloctest"
)

func TestAllocs(t *testing.T) { alloctest.Requests(t, engine.Harness(), 37, 80) }
