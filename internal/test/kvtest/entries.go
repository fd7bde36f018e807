package kvtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/kv"
)

// Dump returns all keys and values.
func Dump(t testing.TB, db kv.DB) (keys, values [][]byte) {
	t.Helper()
	err := db.View(func(r kv.Reader) error {
		return r.Scan([]byte{0}, bytes.Repeat([]byte{0xff}, 8), func(key, value []byte) bool {
			keys, values = append(keys, bytes.Clone(key)), append(values, bytes.Clone(value))
			return true
		})
	})
	if err != nil {
		t.Fatalf("reading everything: %v", err)
	}
	return keys, values
}

// CheckEntries checks that every session has its entries, and that every entry has its session or is a reservation. It reads
// the layout by itself.
func CheckEntries(t testing.TB, db kv.DB) {
	t.Helper()
	keys, values := Dump(t, db)
	all := make(map[string]string, len(keys))
	for i, key := range keys {
		all[string(key)] = string(values[i])
	}
	want := make(map[string]string) // the entries, and what for
	for key, value := range all {
		n := 2 + int(key[1])
		ns, of, rest := key[:n], key[n], key[n+1:]
		switch {
		case key[0] != 1:
			t.Errorf("a key of layout %d", key[0])
		case of == 's':
			var rec driver.Record
			if len(rest) != 32 || len(value) < 8 || rec.UnmarshalBinary([]byte(value[8:])) != nil {
				t.Errorf("a session that cannot be read, with %d bytes", len(value))
				continue
			}
			if due := int64(binary.BigEndian.Uint64([]byte(value))); due > rec.Expires.UnixMilli() {
				t.Errorf("a sweep looks at a session %d ms after its deadline", due-rec.Expires.UnixMilli())
			}
			want[ns+"d"+value[:8]+"s"+rest] = "the time of a session"
			if rec.User != "" {
				want[ns+"u"+hashed(rec.User)+rest] = "the user of a session"
			}
			if rec.Alias != "" {
				want[ns+"a"+hashed(rec.Alias)+rest] = "the alias of a session"
			}
		case of == 'u' && len(value) == 8:
			want[key] = "a reservation"
			want[ns+"d"+value+"u"+rest] = "the time of a reservation"
		case of != 'u' && of != 'a' && of != 'd':
			t.Errorf("a key for %q", of)
		}
	}
	for key, what := range want {
		if value, ok := all[key]; !ok {
			t.Errorf("the entry is missing that is %s", what)
		} else if value != "" && what != "a reservation" {
			t.Errorf("the entry has %d bytes that is %s", len(value), what)
		}
	}
	for key := range all {
		if of := key[2+int(key[1])]; of != 's' && want[key] == "" {
			t.Errorf("an entry %q is of nothing", of)
		}
	}
}

func hashed(name string) string {
	sum := sha256.Sum256([]byte(name))
	return string(sum[:])
}
