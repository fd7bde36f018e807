package merge

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
)

// record returns a record of c with the changes made.
func (e *Envelope) record(key string, c Contents, changes Changes) (*driver.Record, error) {
	p, err := e.Apply(e.head(), c, changes, 0)
	if err != nil {
		return nil, err
	}
	rec := &driver.Record{Version: 1, Expires: time.Now().Add(time.Hour)}
	e.pack(key, rec, &p)
	return rec, nil
}

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
	rec, err := e.record("key", Contents{Codec: e.Codec}, Changes{list: []codec.Change{{Key: k, Value: v}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Open("key", rec); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(rec.Data); i++ { // the first byte says whether there is a checksum
		for diff := 1; diff < 256; diff++ {
			altered := append([]byte(nil), rec.Data...)
			altered[i] ^= byte(diff)
			if _, err := e.Open("key", &driver.Record{Data: altered}); !errors.Is(err, driver.ErrCorrupt) || !strings.Contains(err.Error(), "checksum") {
				t.Fatalf("byte %d changed by %#x: %v", i, diff, err)
			}
		}
	}
}
