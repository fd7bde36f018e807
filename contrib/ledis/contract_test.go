package ledis_test

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/seed1a8f7c28/session/contrib/ledis"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
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

// TestContractBeego waits for most of its time, because this layout has deadlines in seconds.
func TestContractBeego(t *testing.T) {
	if !faulttest.Long() {
		t.Skip("it takes three minutes, and runs with SESSION_SOAK=1; TestFault and TestBeegoConflicts have what is special")
	}
	t.Parallel()
	sessiontest.Run(t, harness(true))
}

func TestModel(t *testing.T) { sessiontest.Model(t, harness(false), 10) }

func BenchmarkRequests(b *testing.B) { sessiontest.Bench(b, harness(false)) }

func BenchmarkSize(b *testing.B) {
	var folder string
	h := harness(false)
	h.Store = func(t testing.TB) sessiontest.Open {
		folder = t.TempDir()
		return func(ctx context.Context, c driver.Config) (driver.Backend, error) {
			c.Config = in(folder)
			return ledis.Open(ctx, c)
		}
	}
	sessiontest.BenchSize(b, h, 20_000, func(b *testing.B) (size int64) {
		must(b, filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			size += info.Size()
			return err
		}))
		return size
	})
}
