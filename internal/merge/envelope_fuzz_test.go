package merge

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
)

// newEnvelope returns one that is neither encrypted nor beego's.
func newEnvelope(t testing.TB, name string) *Envelope {
	c, ok := codec.ByName(name)
	if !ok {
		t.Fatal("no such codec")
	}
	return &Envelope{Codec: c, MaxBytes: 1 << 16, Lifetimes: Lifetimes{Idle: time.Hour}}
}

// FuzzEnvelope opens arbitrary stored bytes, as they are and with a right checksum.
func FuzzEnvelope(f *testing.F) {
	envelopes := map[string]*Envelope{
		"compact": newEnvelope(f, "compact"),
		"gob":     newEnvelope(f, "gob"),
		"beego":   newEnvelope(f, "gob"),
	}
	envelopes["beego"].Beego = true
	for _, e := range envelopes {
		var changes []codec.Change
		for key, value := range map[any]any{"user": "ann", 1: []string{"a"}, "nested": map[string]any{"n": 1.5}} {
			k, err := codec.AppendKey(nil, key)
			if err != nil {
				f.Fatal(err)
			}
			v, err := e.Codec.AppendValue(nil, value)
			if err != nil {
				f.Fatal(err)
			}
			changes = append(changes, codec.Change{Key: k, Value: v})
		}
		rec, err := e.record("key", Contents{Codec: e.Codec}, Changes{list: changes})
		if err != nil {
			f.Fatal(err)
		}
		data := rec.Data
		f.Add(data)
		f.Add(data[:len(data)-1])
		f.Add(append(data, 0))
	}
	f.Add([]byte{})
	f.Add([]byte{2, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		for name, e := range envelopes {
			openAny(t, name, e, data)
			if len(data) < plainHeader || e.Beego {
				continue
			}
			summed := append([]byte(nil), data...)
			summed[0] = plainVersion
			binary.BigEndian.PutUint32(summed[2:], dataSum(summed))
			openAny(t, name, e, summed)
		}
	})
}

// openAny opens data, looks at each value, and changes it.
func openAny(t *testing.T, name string, e *Envelope, data []byte) {
	c, err := e.Open("key", &driver.Record{Data: data})
	if err != nil {
		if !errors.Is(err, driver.ErrCorrupt) {
			t.Errorf("%s: Open: %v", name, err)
		}
		return
	}
	count := 0
	if err := c.Codec.Visit(c.Values, func(key, _ any) bool { count++; return true }); err != nil && !errors.Is(err, driver.ErrCorrupt) {
		t.Errorf("%s: visit: %v", name, err)
	}
	k, err := codec.AppendKey(nil, "added")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Codec.Get(c.Values, k); err != nil && !errors.Is(err, driver.ErrCorrupt) {
		t.Errorf("%s: get: %v", name, err)
	}
	v, err := e.Codec.AppendValue(nil, 42)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := e.record("key", c, Changes{list: []codec.Change{{Key: k, Value: v}}})
	if err != nil {
		return // too large, or a value that only looking at it shows to be corrupt
	}
	c, err = e.Open("key", changed)
	if err != nil || c.Codec.ID() != e.Codec.ID() {
		t.Fatalf("%s: what was changed does not open: %v", name, err)
	}
	if got, ok, err := c.Codec.Get(c.Values, k); got != 42 || !ok || err != nil {
		t.Errorf("%s: added = %v, %v, %v", name, got, ok, err)
	}
	if empty, err := e.record("key", c, Changes{Flush: true}); err != nil || len(empty.Data) > 0 && !e.Beego {
		t.Errorf("%s: flushed = %+v, %v", name, empty, err)
	}
}
