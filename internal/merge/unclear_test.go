package merge

import (
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// A save was made on version 7, to expire at the time then.
func TestFateOf(t *testing.T) {
	then := time.UnixMilli(1_800_000_000_000)
	for _, tt := range []struct {
		name    string
		version uint64
		expires time.Time
		hashed  bool
		same    bool
		want    Fate
	}{
		{"what it was made on", 7, then, false, false, Pending},
		{"what it was made on, with the same values", 7, then, false, true, Pending},
		{"an older version, of a replica that is behind", 6, then, false, true, Pending},
		{"the next version", 8, then, false, true, Made},
		{"the next version, cut to milliseconds", 8, then.Add(time.Microsecond), false, true, Made},
		{"the next version, touched since", 8, then.Add(time.Second), false, true, Alike},
		{"the next version, with an earlier deadline", 8, then.Add(-time.Second), false, true, Alike},
		{"the next version, with other values", 8, then, false, false, Refused},
		{"a later version", 9, then, false, false, Unknown},
		{"a later version, with the same values", 9, then, false, true, Unknown},
		{"the hash of what it was made on", 7, then, true, false, Pending},
		{"another hash, with its values", 3, then, true, true, Made},
		{"another hash, with its values, touched since", 3, then.Add(time.Second), true, true, Alike},
		{"another hash", 3, then, true, false, Unknown},
		{"the hash that would be the next version", 8, then, true, false, Unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			is := &driver.Record{Version: tt.version, Expires: tt.expires}
			if got := FateOf(is, 7, then, tt.hashed, tt.same); got != tt.want {
				t.Errorf("fate %d, want %d", got, tt.want)
			}
		})
	}
}
