// Package sample contains records for tests of engines.
package sample

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// Must ends the test at an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Key returns the storage key of number n.
func Key(n int) string { return sessiontest.Key(strconv.Itoa(n)) }

// Record returns a record that lives for an hour. With user "" it is a visitor's.
func Record(user string) *driver.Record {
	now := time.UnixMilli(time.Now().UnixMilli())
	rec := &driver.Record{User: user, Created: now, Expires: now.Add(time.Hour), Data: []byte("data")}
	if user != "" {
		rec.AuthTime = now
	}
	return rec
}

// Numbered returns a record at version n all of which depends on n.
func Numbered(n uint64) *driver.Record {
	return &driver.Record{
		Version:  n,
		User:     "user " + strconv.FormatUint(n%3, 10),
		Alias:    "alias " + strconv.FormatUint(n%2, 10),
		AuthTime: time.UnixMilli(int64(n)),
		Expires:  time.UnixMilli(time.Now().UnixMilli()).Add(time.Hour),
		Data:     []byte(strings.Repeat(fmt.Sprintf("%08d", n), 100+int(n%400))),
	}
}

// Whole returns an error unless rec is one that Numbered made.
func Whole(rec *driver.Record) error {
	want := Numbered(rec.Version)
	if rec.User != want.User || rec.Alias != want.Alias || string(rec.Data) != string(want.Data) || !rec.AuthTime.Equal(want.AuthTime) {
		return fmt.Errorf("version %d has the user %q, the alias %q, the time %v and %d bytes of data, which are not its own",
			rec.Version, rec.User, rec.Alias, rec.AuthTime, len(rec.Data))
	}
	return nil
}

// Acknowledged returns the highest version of each of n sessions that a process has said was stored, from its lines
// "session version". 0 means none.
func Acknowledged(said []string, n int) []uint64 {
	highest := make([]uint64, n)
	for _, line := range said {
		var i int
		var version uint64
		if n, _ := fmt.Sscanf(line, "%d %d", &i, &version); n == 2 {
			highest[i] = max(highest[i], version)
		}
	}
	return highest
}

// Refused checks that err is the [*driver.ConfigError] of a config that is refused: for the field, with a text that contains
// want, and without s3cr3t, which stands in the config for what no error may show.
func Refused(t testing.TB, err error, field, want string) {
	t.Helper()
	wrong, ok := errors.AsType[*driver.ConfigError](err)
	if !ok || wrong.Field != field || !strings.Contains(wrong.Err.Error(), want) {
		t.Errorf("%v, want %s: %s", err, field, want)
	}
	if ok && strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("the error shows a value: %v", err)
	}
}
