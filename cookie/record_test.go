package cookie_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/cookie"
	"github.com/seed1a8f7c28/session/driver"
)

// What is to be refused depends on SealedSize to the byte.
func TestSealedSize(t *testing.T) {
	for name, config := range map[string]driver.Config{"bare": {Config: oneKey}, "in a namespace": {Config: oneKey, Namespace: "app"}} {
		s, err := cookie.Open(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		sizer, ok := s.(driver.SealSizer)
		if !ok {
			t.Fatal("the provider does not know lengths")
		}
		for n := range 300 {
			rec := driver.Record{Version: 1, User: "ann", Meta: make([]byte, n/9), Data: make([]byte, n)}
			sealed, err := s.Seal(nil, "name", &rec)
			if got := sizer.SealedSize("name", &rec); err != nil || got != len(sealed) {
				t.Errorf("%s, %d bytes: SealedSize = %d, and Seal makes %d, %v", name, n, got, len(sealed), err)
			}
		}
	}
}

// All of a record travels in the cookie, and what is opened stays as it is while others are sealed.
func TestEverythingOfARecordTravels(t *testing.T) {
	s, err := cookie.Open(t.Context(), driver.Config{Config: oneKey})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Millisecond)
	want := driver.Record{
		Version: 7, User: "ann", Created: now, AuthTime: now.Add(time.Second), Expires: now.Add(time.Minute), Deadline: now.Add(time.Hour),
		Alias: strings.Repeat("a", driver.MaxAlias), Meta: make([]byte, driver.MaxMeta), Data: []byte("data"),
	}
	sealed, err := s.Seal(nil, "name", &want)
	if err != nil {
		t.Fatal(err)
	}
	var got driver.Record
	if err := s.Open("name", string(sealed), &got); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := s.Seal(nil, "name", &driver.Record{Meta: []byte(strings.Repeat("x", 1000)), Data: want.Meta}); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("opened %+v, want %+v", got, want)
	}
}
