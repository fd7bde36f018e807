package session

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session/internal/codec"
)

// The checksum is of all that tells how the values are to be read: values that are taken for another codec's must not
// depend on whether that one happens to refuse them.
func TestEnvelopeChecksum(t *testing.T) {
	m := envelopeManager(t)
	k, err := codec.AppendKey(nil, "user")
	if err != nil {
		t.Fatal(err)
	}
	v, err := m.codec.AppendValue(nil, "ann")
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.changedData("key", m.codec, nil, false, []codec.Change{{Key: k, Value: v}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.openData("key", p.data); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(p.data); i++ { // the first byte says whether there is a checksum
		for diff := 1; diff < 256; diff++ {
			altered := append([]byte(nil), p.data...)
			altered[i] ^= byte(diff)
			if _, _, err := m.openData("key", altered); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "checksum") {
				t.Fatalf("byte %d changed by %#x: %v", i, diff, err)
			}
		}
	}
}
