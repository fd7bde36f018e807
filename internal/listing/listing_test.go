package listing_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/listing"
)

// TestWhole has records renamed between the reading of the index and theirs.
func TestWhole(t *testing.T) {
	type pass struct{ found, gone []string }
	for _, tt := range []struct {
		name   string
		passes []pass
		want   []string
	}{
		{"nothing", []pass{{}}, nil},
		{"all there", []pass{{found: []string{"a", "b"}}}, []string{"a", "b"}},
		{"renamed", []pass{{[]string{"a"}, []string{"b"}}, {found: []string{"a", "c"}}}, []string{"a", "c"}},
		{"renamed twice", []pass{{nil, []string{"a"}}, {nil, []string{"b"}}, {found: []string{"c"}}}, []string{"c"}},
		{"expired, and still in the index", []pass{{[]string{"a"}, []string{"x"}}, {[]string{"a"}, []string{"x"}}}, []string{"a"}},
	} {
		var got []string
		passes := tt.passes
		read := func(gone func(key string)) (found []driver.Entry, err error) {
			if len(passes) == 0 {
				return nil, errors.New("it was read once more than needed")
			}
			for _, key := range passes[0].gone {
				gone(key)
			}
			for _, key := range passes[0].found {
				found = append(found, driver.Entry{Key: key})
			}
			passes = passes[1:]
			return found, nil
		}
		for entry, err := range listing.Whole(t.Context(), read) {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			got = append(got, entry.Key)
		}
		if !slices.Equal(got, tt.want) || len(passes) > 0 {
			t.Errorf("%s: %q, and %d passes are left; want %q", tt.name, got, len(passes), tt.want)
		}
	}
}

// TestWholeEnds says what ends a listing early.
func TestWholeEnds(t *testing.T) {
	errRead := errors.New("read")
	two := func(func(string)) ([]driver.Entry, error) { return make([]driver.Entry, 2), nil }
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	yielded := 0
	var last error
	for _, err := range listing.Whole(ctx, two) {
		yielded, last = yielded+1, err
		cancel()
	}
	if yielded != 2 || !errors.Is(last, context.Canceled) {
		t.Errorf("with a ctx that is done after the first: %d yielded, %v", yielded, last)
	}
	for range listing.Whole(t.Context(), two) {
		break
	}
	for _, err := range listing.Whole(t.Context(), func(func(string)) ([]driver.Entry, error) { return nil, errRead }) {
		last = err
	}
	if !errors.Is(last, errRead) {
		t.Errorf("with an error: %v", last)
	}
}
