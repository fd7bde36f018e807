package file

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// TestRemovedWhileWriting has somebody remove a folder when a call has written its file and not yet given it its name. What
// begins a session begins it in the folder that is made again; what changes one finds that it has ended.
func TestRemovedWhileWriting(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a folder in use cannot be removed")
	}
	ctx := t.Context()
	type backend interface {
		driver.Backend
		Close() error
	}
	for _, mode := range []struct {
		name  string
		ours  string // the folder in the path
		store func(path string) (backend, *store, error)
	}{
		{"own files", "sessions.v2", func(path string) (backend, *store, error) {
			s, err := open(config{path: path, fsync: files}, "")
			return s, s, err
		}},
		{"beego's", "", func(path string) (backend, *store, error) {
			b, err := openBeego(config{path: path, fsync: files}, time.Hour)
			if err != nil {
				return nil, nil, err
			}
			return b, b.s, nil
		}},
	} {
		for _, what := range []struct {
			name string
			call func(b driver.Backend) error
			want error
		}{
			{"Create", func(b driver.Backend) error { return b.Create(ctx, "new", testRecord("", "x")) }, nil},
			{"Save", func(b driver.Backend) error { return save(ctx, b) }, driver.ErrNotFound},
			{"Rename", func(b driver.Backend) error {
				return b.(driver.Renamer).Rename(ctx, "old", 1, "new", testRecord("", "x"), driver.Mark{})
			}, driver.ErrNotFound},
		} {
			if mode.ours == "" && what.name == "Rename" { // beego mode creates and deletes
				continue
			}
			for _, removed := range []string{"", mode.ours} {
				for _, again := range []bool{false, true} {
					name := mode.name + "/" + what.name + "/" + filepath.Join("path", removed)
					if again {
						name += " and made again"
					}
					t.Run(name, func(t *testing.T) {
						path := filepath.Join(t.TempDir(), "tmp")
						b, s, err := mode.store(path)
						if err != nil {
							t.Fatal(err)
						}
						t.Cleanup(func() { b.Close() })
						if err := b.Create(ctx, "old", testRecord("", "x")); err != nil {
							t.Fatal(err)
						}
						flush, times := s.flush, 0
						s.flush = func(f *os.File) error {
							if times++; times == 1 {
								err := os.RemoveAll(filepath.Join(path, removed))
								if again {
									err = errors.Join(err, os.MkdirAll(path, 0o700))
								}
								if err != nil {
									t.Error(err)
								}
							}
							return flush(f)
						}
						if err := what.call(b); !errors.Is(err, what.want) {
							t.Errorf("%s = %v, want %v", what.name, err, what.want)
						}
						if times == 0 {
							t.Fatal("nothing was removed")
						}
						err = b.Load(ctx, "new", new(driver.Record))
						if what.want == nil && err != nil || what.want != nil && !errors.Is(err, driver.ErrNotFound) {
							t.Errorf("Load = %v", err)
						}
						if err := b.Create(ctx, "next", testRecord("", "x")); err != nil {
							t.Errorf("the next Create: %v", err)
						}
					})
				}
			}
		}
	}
}

func save(ctx context.Context, b driver.Backend) error {
	rec := new(driver.Record)
	if err := b.Load(ctx, "old", rec); err != nil {
		return errors.New("nothing to save: " + err.Error())
	}
	rec.Data = []byte("y")
	return b.Save(ctx, "old", rec)
}
