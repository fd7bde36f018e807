package cookie_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/cookie"
	"github.com/seed1a8f7c28/session/driver"
)

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
