package file_test

import (
	"context"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/file"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// BenchmarkSize reports what a session takes of the file system, folders included.
func BenchmarkSize(b *testing.B) {
	var dir string
	h := sessiontest.Harness{Store: func(t testing.TB) sessiontest.Open {
		dir = t.TempDir()
		return func(ctx context.Context, c driver.Config) (driver.Backend, error) {
			c.Config = dir
			return file.Open(ctx, c)
		}
	}}
	sessiontest.BenchSize(b, h, 10_000, func(b *testing.B) (bytes int64) {
		err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err == nil {
				bytes += 512 * info.Sys().(*syscall.Stat_t).Blocks
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		return bytes
	})
}
