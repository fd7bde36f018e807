package session

import (
	"reflect"
	"testing"

	"github.com/seed1a8f7c28/session/internal/codec"
)

// FuzzFlashes reads messages out of any list that can be stored.
func FuzzFlashes(f *testing.F) {
	for _, text := range []string{`[1,"","a",2,"k",{"b":[]}]`, `[1,2,3]`, `[1,"k"]`, `{}`, `[null,null,null]`, `[1.5,"",1]`} {
		f.Add([]byte(text))
	}
	c, _ := codec.ByName("json")
	f.Fuzz(func(t *testing.T, data []byte) {
		stored, err := c.Value(string(data))
		if err != nil {
			return
		}
		flashes := flashesOf(stored)
		if again := flashesOf(storedFlashes(flashes)); !reflect.DeepEqual(flashes, again) && len(flashes) > 0 {
			t.Errorf("%v read again is %v", flashes, again)
		}
	})
}
