package merge

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session/driver"
)

// What is in a Meta is found again, in whatever order it came; fields of later versions stay.
func TestMeta(t *testing.T) {
	later, err := newMeta("alias", []byte{200, 3, 'n', 'e', 'w'})
	if err != nil {
		t.Fatal(err)
	}
	var l Log
	l.SetInt(CookieSent, 1_800_000_000_000)
	l.SetInt(OwnIdle, -60_000)
	l.SetText(Label, "phone")
	l.SetInt(OwnAbsolute, 5)
	l.SetInt(OwnAbsolute, 0)
	m, err := later.with(l.meta)
	if err != nil {
		t.Fatal(err)
	}
	var rec driver.Record
	m.Into(&rec)
	if m, err = newMeta(rec.Alias, rec.Meta); err != nil {
		t.Fatal(err)
	}
	if m.Alias != "alias" || m.Text(Label) != "phone" || m.Int(OwnIdle) != -60_000 || m.Int(OwnAbsolute) != 0 ||
		m.Int(CookieSent) != 1_800_000_000_000 || m.Text(200) != "new" {
		t.Errorf("%+v", m)
	}
	l.SetText(Label, strings.Repeat("x", maxMeta))
	if _, err := m.with(l.meta); !errors.Is(err, driver.ErrTooLarge) {
		t.Errorf("more than there is room for: %v", err)
	}
}

// FuzzMeta reads metadata as anybody may have stored it: it is corrupt, or stays as it is when a field is changed and changed
// back.
func FuzzMeta(f *testing.F) {
	f.Add([]byte{1, 5, 'p', 'h', 'o', 'n', 'e', 2, 1, 8, 200, 0})
	f.Add([]byte{2, 1, 8, 1, 0})
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, fields []byte) {
		m, err := newMeta("", fields)
		if err != nil {
			if !errors.Is(err, driver.ErrCorrupt) {
				t.Errorf("newMeta: %v", err)
			}
			return
		}
		Lifetimes{}.Of(m)
		content, had := m.get(OwnAbsolute)
		if !had {
			content = nil
		}
		changed, err := m.with([]metaChange{{OwnAbsolute, []byte{2}}})
		if err == nil {
			changed, err = changed.with([]metaChange{{OwnAbsolute, content}})
		}
		if err != nil {
			if !errors.Is(err, driver.ErrTooLarge) {
				t.Errorf("with: %v", err)
			}
			return
		}
		var before, after driver.Record
		m.Into(&before)
		changed.Into(&after)
		if again, err := newMeta("", after.Meta); err != nil || again.Text(Label) != m.Text(Label) || len(after.Meta) > len(before.Meta) {
			t.Errorf("%x became %x: %v", before.Meta, after.Meta, err)
		}
		if bytes.Equal(before.Meta, after.Meta) != (len(before.Meta) == len(after.Meta)) {
			t.Errorf("%x became %x", before.Meta, after.Meta)
		}
	})
}
