package session

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/seed1a8f7c28/session/internal/codec"
)

// envelopeManager returns a manager as far as envelopes need it.
func envelopeManager(f testing.TB, opts ...ManagerConfigOpt) *Manager {
	s, err := NewManagerConfig(opts...).resolve()
	if err != nil {
		f.Fatal(err)
	}
	c, _ := codec.ByName(s.Codec)
	return &Manager{cfg: s, codec: c}
}

// FuzzEnvelope opens arbitrary stored bytes, as they are and with a right checksum.
func FuzzEnvelope(f *testing.F) {
	managers := map[string]*Manager{
		"compact": envelopeManager(f, CfgMaxBytes(1<<16)),
		"gob":     envelopeManager(f, CfgMaxBytes(1<<16), CfgCodec("gob")),
		"beego":   envelopeManager(f, CfgMaxBytes(1<<16), CfgBeego(true)),
	}
	for _, m := range managers {
		var changes []codec.Change
		for key, value := range map[any]any{"user": "ann", 1: []string{"a"}, "nested": map[string]any{"n": 1.5}} {
			k, err := codec.AppendKey(nil, key)
			if err != nil {
				f.Fatal(err)
			}
			v, err := m.codec.AppendValue(nil, value)
			if err != nil {
				f.Fatal(err)
			}
			changes = append(changes, codec.Change{Key: k, Value: v})
		}
		p, err := m.changedData("key", m.codec, nil, false, changes)
		if err != nil {
			f.Fatal(err)
		}
		data := p.data
		f.Add(data)
		f.Add(data[:len(data)-1])
		f.Add(append(data, 0))
	}
	f.Add([]byte{})
	f.Add([]byte{2, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		for name, m := range managers {
			openAny(t, name, m, data)
			if len(data) < plainHeader || m.cfg.Beego {
				continue
			}
			summed := append([]byte(nil), data...)
			summed[0] = plainVersion
			binary.BigEndian.PutUint32(summed[2:], dataSum(summed))
			openAny(t, name, m, summed)
		}
	})
}

// openAny opens data, looks at each value, and changes it.
func openAny(t *testing.T, name string, m *Manager, data []byte) {
	c, values, err := m.openData("key", data)
	if err != nil {
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: openData: %v", name, err)
		}
		return
	}
	count := 0
	if err := c.Visit(values, func(key, _ any) bool { count++; return true }); err != nil && !errors.Is(err, ErrCorrupt) {
		t.Errorf("%s: visit: %v", name, err)
	}
	k, err := codec.AppendKey(nil, "added")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Get(values, k); err != nil && !errors.Is(err, ErrCorrupt) {
		t.Errorf("%s: get: %v", name, err)
	}
	v, err := m.codec.AppendValue(nil, 42)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := m.changedData("key", c, values, false, []codec.Change{{Key: k, Value: v}})
	if err != nil {
		return // too large, or a value that only looking at it shows to be corrupt
	}
	c, values, err = m.openData("key", changed.data)
	if err != nil || c.ID() != m.codec.ID() {
		t.Fatalf("%s: what was changed does not open: %v", name, err)
	}
	if got, ok, err := c.Get(values, k); got != 42 || !ok || err != nil {
		t.Errorf("%s: added = %v, %v, %v", name, got, ok, err)
	}
	if empty, err := m.changedData("key", c, values, true, nil); len(empty.data) > 0 && !m.cfg.Beego || err != nil {
		t.Errorf("%s: flushed = %x, %v", name, empty.data, err)
	}
}
