//go:build !race

package mysql_test

import (
	"testing"

	"github.com/seed1a8f7c28/session/internal/test/alloctest"
)

func TestAllocs(t *testing.T) { alloctest.Requests(t, mariadb.Harness(), 32, 64) }
