package ledis_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/seed1a8f7c28/session/contrib/ledis"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// harness returns the kit's for a LedisDB in this process, with a folder of its own.
func harness(beego bool) sessiontest.Harness {
	h := sessiontest.Harness{
		Store: func(t testing.TB) sessiontest.Open {
			folder := t.TempDir()
			return func(ctx context.Context, c driver.Config) (driver.Backend, error) {
				c.Config = fmt.Sprintf(`{"save_path": %q}`, folder)
				return ledis.Open(ctx, c)
			}
		},
		Bounded: true, Beego: beego,
	}
	if beego {
		h.Resolution = 1e9
	}
	return h
}

func TestContract(t *testing.T) { sessiontest.Run(t, harness(false)) }

func TestContractBeego(t *testing.T) { sessiontest.Run(t, harness(true)) }

func TestModel(t *testing.T) { sessiontest.Model(t, harness(false), 10) }
