package ledis_test

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/contrib/ledis"
	"github.com/seed1a8f7c28/session/driver"
)

// TestBeegoConflicts has nodes count in one session in beego's layout. No save overwrites what another has stored since it
// was loaded, also between the two trips of a save.
func TestBeegoConflicts(t *testing.T) {
	const nodes, changes = 4, 100
	config, ctx, sid := in(t.TempDir()), t.Context(), strings.Repeat("0123456789abcdef", 2)
	open := func() driver.Backend {
		b, err := ledis.Open(ctx, driver.Config{Config: config, Beego: true})
		must(t, err)
		t.Cleanup(func() { b.(interface{ Close() error }).Close() })
		return b
	}
	rec := &driver.Record{Expires: time.Now().Add(time.Hour), Data: []byte("0")}
	b := open()
	must(t, b.Create(ctx, sid, rec))
	if err := b.Create(ctx, sid, rec); !errors.Is(err, driver.ErrExists) {
		t.Errorf("Create again: %v", err)
	}
	var wg sync.WaitGroup
	for range nodes {
		b := open()
		wg.Go(func() {
			for range changes {
				for saved := false; !saved; {
					rec := new(driver.Record)
					err := b.Load(ctx, sid, rec)
					n, _ := strconv.Atoi(string(rec.Data))
					rec.Data = []byte(strconv.Itoa(n + 1))
					if err == nil {
						err = b.Save(ctx, sid, rec)
					}
					_, conflict := errors.AsType[*driver.ConflictError](err)
					if err != nil && !conflict {
						t.Error(err)
						return
					}
					saved = err == nil
				}
			}
		})
	}
	wg.Wait()
	must(t, b.Load(ctx, sid, rec))
	if string(rec.Data) != strconv.Itoa(nodes*changes) {
		t.Errorf("%s of %d changes were kept", rec.Data, nodes*changes)
	}
	old := *rec
	rec.Data = []byte("other")
	must(t, b.Save(ctx, sid, rec))
	if _, conflict := errors.AsType[*driver.ConflictError](b.Delete(ctx, sid, old.Version)); !conflict {
		t.Error("Delete of an older version is no conflict")
	}
	must(t, b.Delete(ctx, sid, rec.Version))
	if err := b.Load(ctx, sid, rec); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Load: %v", err)
	}
}
