package driver_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

var recordTime = time.Date(2025, 11, 21, 20, 5, 7, 123_000_000, time.UTC)

// goldenRecord is what testdata/golden/record-v1.hex holds, and, with what goldenRecord2 adds, record-v2.hex.
var goldenRecord = driver.Record{
	Version:  0x0102030405060708,
	User:     "änn",
	Created:  recordTime,
	AuthTime: recordTime.Add(time.Second),
	Expires:  recordTime.Add(time.Hour),
	Deadline: recordTime.Add(24 * time.Hour),
	Data:     []byte("the values\x00\xff"),
}

func goldenRecord2() driver.Record {
	rec := goldenRecord
	rec.Alias, rec.Meta = "https://issuer.example 7", []byte("metadata\x00\xff")
	return rec
}

func sameRecord(a, b driver.Record) bool {
	times := a.Created.Equal(b.Created) && a.AuthTime.Equal(b.AuthTime) && a.Expires.Equal(b.Expires) && a.Deadline.Equal(b.Deadline)
	return times && a.Version == b.Version && a.User == b.User && a.Shorten == b.Shorten &&
		a.Alias == b.Alias && bytes.Equal(a.Meta, b.Meta) && bytes.Equal(a.Data, b.Data)
}

// Records of both formats stay readable, and are written as they were.
func TestRecordGolden(t *testing.T) {
	for name, want := range map[string]driver.Record{"record-v1.hex": goldenRecord, "record-v2.hex": goldenRecord2()} {
		text, err := os.ReadFile("testdata/golden/" + name)
		if err != nil {
			t.Fatal(err)
		}
		golden, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
		if err != nil {
			t.Fatal(err)
		}
		var rec driver.Record
		if err := rec.UnmarshalBinary(golden); err != nil || !sameRecord(rec, want) {
			t.Errorf("%s: read %v: %+v", name, err, rec)
		}
		if b, err := want.AppendBinary(nil); err != nil || !bytes.Equal(b, golden) {
			t.Errorf("%s: wrote %v: %x", name, err, b)
		}
	}
}

func TestRecordRoundTrip(t *testing.T) {
	filled := reflect.ValueOf(goldenRecord2())
	for i := range filled.NumField() {
		if name := filled.Type().Field(i).Name; filled.Field(i).IsZero() && name != "Shorten" && name != "MaxData" { // which are not stored
			t.Errorf("the record of the test has no %s", name)
		}
	}
	for name, rec := range map[string]driver.Record{
		"zero": {}, "all": goldenRecord2(), "no alias, no metadata": goldenRecord,
		"alias alone": {Version: 1, Alias: "a", Data: []byte("x")}, "metadata alone": {Version: 1, User: "ann", Meta: []byte("m")},
		"longest metadata": {Version: 1, Alias: strings.Repeat("a", 65535), Meta: bytes.Repeat([]byte{0}, 65535)},
		"no user":          {Version: 1, Expires: recordTime, Data: []byte("x")},
		"longest user":     {Version: 1, User: strings.Repeat("u", 65535), Expires: recordTime},
		"before 1970":      {Version: 1, Created: time.Date(1901, 2, 3, 4, 5, 6, 0, time.UTC)},
		"far":              {Version: 1<<64 - 1, Expires: time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC)},
	} {
		b, err := rec.AppendBinary([]byte("before"))
		if err != nil || !bytes.HasPrefix(b, []byte("before")) {
			t.Fatalf("%s: AppendBinary = %q, %v", name, b, err)
		}
		if n := rec.BinarySize(); n != len(b)-len("before") {
			t.Errorf("%s: BinarySize = %d, and AppendBinary appends %d bytes", name, n, len(b)-len("before"))
		}
		got := goldenRecord2() // all of it is replaced
		got.Shorten = true
		if err := got.UnmarshalBinary(b[len("before"):]); err != nil || !sameRecord(got, rec) {
			t.Errorf("%s: %v: %+v", name, err, got)
		}
	}
	t.Run("cut to milliseconds", func(t *testing.T) {
		rec := driver.Record{Expires: recordTime.Add(999_999), Shorten: true}
		b, err := rec.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var got driver.Record
		if err := got.UnmarshalBinary(b); err != nil || !got.Expires.Equal(recordTime) || got.Shorten {
			t.Errorf("%v: %+v", err, got)
		}
	})
	for name, rec := range map[string]driver.Record{
		"user too long":     {User: strings.Repeat("u", 65536)},
		"alias too long":    {Alias: strings.Repeat("u", 65536)},
		"metadata too long": {Meta: make([]byte, 65536)},
	} {
		if b, err := rec.AppendBinary([]byte("before")); err == nil || string(b) != "before" {
			t.Errorf("%s: AppendBinary = %d bytes, %v", name, len(b), err)
		}
	}
}

// A script that knows the offsets compares the version, moves the deadline and finds the user.
func TestRecordOffsets(t *testing.T) {
	for _, user := range []string{"", "ann", strings.Repeat("u", 300)} {
		rec := goldenRecord2()
		rec.User = user
		b, err := rec.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := binary.BigEndian.Uint64(b[driver.RecordVersionOffset:]); got != rec.Version {
			t.Errorf("version %x", got)
		}
		if got := binary.BigEndian.Uint64(b[driver.RecordExpiresOffset:]); got != uint64(rec.Expires.UnixMilli()) {
			t.Errorf("expires %d", got)
		}
		if got := b[driver.RecordUserOffset+2:][:binary.BigEndian.Uint16(b[driver.RecordUserOffset:])]; string(got) != user {
			t.Errorf("user %q", got)
		}
		rec.Version, rec.Expires = 7, recordTime.Add(2*time.Hour)
		binary.BigEndian.PutUint64(b[driver.RecordVersionOffset:], rec.Version)
		binary.BigEndian.PutUint64(b[driver.RecordExpiresOffset:], uint64(rec.Expires.UnixMilli()))
		var got driver.Record
		if err := got.UnmarshalBinary(b); err != nil || !sameRecord(got, rec) {
			t.Errorf("%v: %+v", err, got)
		}
	}
}

func TestRecordCorrupt(t *testing.T) {
	for _, golden := range []driver.Record{goldenRecord, goldenRecord2()} {
		good, err := golden.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		for n := range len(good) - len(golden.Data) {
			rec := goldenRecord
			if err := rec.UnmarshalBinary(good[:n]); !errors.Is(err, driver.ErrCorrupt) {
				t.Errorf("%d bytes: %v", n, err)
			}
			if !sameRecord(rec, goldenRecord) {
				t.Errorf("%d bytes change the record", n)
			}
		}
		for _, magic := range []string{"ses3", "SES1", "\x00\x00\x00\x00"} {
			if err := new(driver.Record).UnmarshalBinary(append([]byte(magic), good[4:]...)); !errors.Is(err, driver.ErrCorrupt) {
				t.Errorf("%q: %v", magic, err)
			}
		}
	}
}

// Who reads a record bit by bit learns how much to read, and needs no more reads than there are lengths.
func TestRecordDataOffset(t *testing.T) {
	for name, rec := range map[string]driver.Record{
		"no user": {Data: []byte("x")}, "first format": goldenRecord, "second format": goldenRecord2(),
		"long": {User: strings.Repeat("u", 300), Alias: strings.Repeat("a", 300), Meta: make([]byte, 300), Data: make([]byte, 9)},
	} {
		b, err := rec.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		reads, have := 0, 0
		for n := driver.RecordDataOffset(b[:have]); n > have; n = driver.RecordDataOffset(b[:have]) {
			reads, have = reads+1, n
		}
		if have != len(b)-len(rec.Data) || reads > 4 {
			t.Errorf("%s: %d bytes in %d reads, want %d in 4 at most", name, have, reads, len(b)-len(rec.Data))
		}
		if n := driver.RecordDataOffset(b); n != have {
			t.Errorf("%s: offset %d of the whole, %d of its beginning", name, n, have)
		}
	}
	if n := driver.RecordDataOffset(make([]byte, 100)); n != 0 {
		t.Errorf("offset %d in what is no record", n)
	}
}

func TestMark(t *testing.T) {
	for _, want := range []driver.Mark{
		{Kind: 1, Expires: recordTime}, {Kind: 255, Target: []byte("to\x00\xff"), Expires: recordTime},
	} {
		b, err := want.Record().AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var rec driver.Record
		if err := rec.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		got, ok := rec.Mark()
		if !ok || got.Kind != want.Kind || !bytes.Equal(got.Target, want.Target) || !got.Expires.Equal(want.Expires) {
			t.Errorf("%+v, %t, want %+v", got, ok, want)
		}
	}
	if _, ok := goldenRecord.Mark(); ok {
		t.Error("a record is a mark")
	}
	if m, ok := (&driver.Record{Version: driver.MarkVersion}).Mark(); !ok || m.Kind != 0 {
		t.Errorf("a mark without bytes: %+v, %t", m, ok)
	}
	if err := error(&driver.MarkedError{}); !errors.Is(err, driver.ErrNotFound) || !strings.Contains(err.Error(), "moved") {
		t.Errorf("%v, want what wraps ErrNotFound and says moved", err)
	}
}

func TestRecordLive(t *testing.T) {
	for name, tt := range map[string]struct {
		rec  driver.Record
		now  time.Time
		want bool
	}{
		"no deadline at all": {driver.Record{}, recordTime, false},
		"before both":        {goldenRecord, goldenRecord.Expires.Add(-1), true},
		"idle too long":      {goldenRecord, goldenRecord.Expires, false},
		"no absolute one":    {driver.Record{Expires: recordTime}, recordTime.Add(-1), true},
		"absolute one":       {driver.Record{Expires: recordTime.Add(1), Deadline: recordTime}, recordTime, false},
	} {
		if got := tt.rec.Live(tt.now); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func FuzzRecord(f *testing.F) {
	for _, rec := range []driver.Record{{}, goldenRecord, goldenRecord2(), {Version: 1, Expires: recordTime, Data: []byte("x")}} {
		b, err := rec.AppendBinary(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var rec, again driver.Record
		if err := rec.UnmarshalBinary(b); err != nil {
			if !errors.Is(err, driver.ErrCorrupt) {
				t.Errorf("UnmarshalBinary: %v", err)
			}
			return
		}
		rec.Live(recordTime)
		encoded, err := rec.AppendBinary(nil)
		if err != nil || len(encoded) > len(b) { // the second format may have been used without need
			t.Fatalf("AppendBinary: %d bytes of %d, %v", len(encoded), len(b), err)
		}
		if err := again.UnmarshalBinary(encoded); err != nil || !sameRecord(again, rec) {
			t.Errorf("%v: %+v, then %+v", err, rec, again)
		}
		if got := binary.BigEndian.Uint64(b[driver.RecordVersionOffset:]); got != rec.Version {
			t.Errorf("version %d at its offset, %d in the record", got, rec.Version)
		}
	})
}
