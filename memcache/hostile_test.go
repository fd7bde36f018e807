package memcache_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// TestHostileServer has a server announce more than there can be: it is an error, and costs next to no memory.
func TestHostileServer(t *testing.T) {
	for _, size := range []string{"1073741824", "2000000000", "9223372036854775800"} {
		addr := answering(t, func(line string) string {
			switch {
			case line == "version":
				return "VERSION 1\r\n"
			case strings.HasSuffix(line, ":probe"):
				return "END\r\n"
			}
			return "VALUE session:" + key(1) + " 0 " + size + " 1\r\n"
		})
		b, ctx, rec := newNode(t, driver.Config{Config: addr}), t.Context(), newRecord()
		rec.Version = 1
		before := allocated()
		for name, err := range map[string]error{
			"Load": b.Load(ctx, key(1), new(driver.Record)), "Save": b.Save(ctx, key(1), rec),
			"Touch": b.Touch(ctx, key(1), rec.Expires), "Delete": b.Delete(ctx, key(1), 1),
		} {
			if err == nil || !strings.Contains(err.Error(), "announces more than") {
				t.Errorf("%s bytes: %s = %v, want an error that says so", size, name, err)
			}
		}
		if n := allocated() - before; n > 8<<20 {
			t.Errorf("%s bytes: the calls have allocated %d", size, n)
		}
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// TestLargest checks that nothing is stored that no connection would let through again.
func TestLargest(t *testing.T) {
	addr, ctx, rec := empty(t), t.Context(), newRecord()
	rec.Data = make([]byte, 64<<20+1)
	for _, beego := range []bool{false, true} {
		b := newNode(t, driver.Config{Config: addr, Beego: beego, Lifetime: time.Hour})
		small := newRecord()
		must(t, b.Create(ctx, key(1), small))
		rec.Version = small.Version
		for name, err := range map[string]error{"Create": b.Create(ctx, key(2), rec), "Save": b.Save(ctx, key(1), rec)} {
			if !errors.Is(err, session.ErrTooLarge) || !strings.Contains(err.Error(), "67108864") {
				t.Errorf("%s of more than 64 MiB = %v, want ErrTooLarge", name, err)
			}
		}
	}
}
