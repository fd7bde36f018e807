package merge

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
)

// The checksum is of all that tells how the values are to be read: values that are taken for another codec's must not
// depend on whether that one happens to refuse them.
func TestEnvelopeChecksum(t *testing.T) {
	e := newEnvelope(t, "compact")
	k, err := codec.AppendKey(nil, "user")
	if err != nil {
		t.Fatal(err)
	}
	v, err := e.Codec.AppendValue(nil, "ann")
	if err != nil {
		t.Fatal(err)
	}
	p, err := e.changed("key", e.Codec, nil, Changes{list: []codec.Change{{Key: k, Value: v}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := e.Open("key", p.data); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(p.data); i++ { // the first byte says whether there is a checksum
		for diff := 1; diff < 256; diff++ {
			altered := append([]byte(nil), p.data...)
			altered[i] ^= byte(diff)
			if _, _, err := e.Open("key", altered); !errors.Is(err, driver.ErrCorrupt) || !strings.Contains(err.Error(), "checksum") {
				t.Fatalf("byte %d changed by %#x: %v", i, diff, err)
			}
		}
	}
}
