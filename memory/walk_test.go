package memory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// crowd returns a store of which one shard has n sessions, and their keys. Every tenth has expired.
func crowd(t *testing.T, n int) (s *store, sh *shard, keys []string) {
	t.Helper()
	s = newStore()
	sh = &s.shards[7]
	for i := 0; len(keys) < n; i++ {
		key := strconv.Itoa(i)
		if s.at(key).shard != sh {
			continue
		}
		expires := time.Now().Add(time.Hour)
		if len(keys)%10 == 0 {
			expires = time.Now().Add(-time.Hour)
		}
		if err := s.Create(t.Context(), key, &driver.Record{Expires: expires}); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	return s, sh, keys
}

// TestWalk has others write meanwhile, so that the table grows and shrinks between the batches of a walk. Each session that
// stays must be visited exactly once, and readers must find it all the time.
func TestWalk(t *testing.T) {
	s, sh, keys := crowd(t, 3000)
	stay, others := keys[:300], keys[300:]
	done := make(chan struct{})
	var wg sync.WaitGroup
	until := func(f func(i int)) {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
					f(i)
				}
			}
		})
	}
	resized := 0
	until(func(int) {
		for _, key := range others {
			s.Delete(context.Background(), key, 0)
		}
		s.Sweep(context.Background(), nil)
		small := len(*sh.slots.Load())
		for _, key := range others {
			s.Create(context.Background(), key, &driver.Record{Expires: time.Now().Add(time.Hour)})
		}
		if len(*sh.slots.Load()) > small {
			resized++
		}
	})
	until(func(int) { // a flood, in all shards
		for i := range 20_000 {
			s.Create(context.Background(), fmt.Sprint("flood ", i), &driver.Record{Expires: time.Now().Add(time.Millisecond)})
		}
		s.Sweep(context.Background(), nil)
	})
	until(func(i int) {
		if i%10 == 0 { // that has expired
			i++
		}
		if key := stay[i%len(stay)]; s.Load(context.Background(), key, new(driver.Record)) != nil {
			t.Errorf("a session that stays is not found")
		}
	})
	for range 30 {
		visits := make(map[string]int)
		for _, nodes := range s.walk(t.Context()) {
			for _, n := range nodes {
				visits[n.key()]++
			}
		}
		for i, key := range stay {
			if i%10 != 0 && visits[key] != 1 {
				t.Fatalf("a session that stayed was visited %d times, want once", visits[key])
			}
		}
	}
	close(done)
	wg.Wait()
	if resized == 0 {
		t.Error("the table kept its size")
	}
}

func TestSweepRemovesInBatches(t *testing.T) {
	s, _, keys := crowd(t, 1500)
	for _, key := range keys { // all of them expire
		p := s.at(key)
		p.find(p.id).expires.Store(1)
	}
	batches := 0
	removed, err := s.sweep(t.Context(), nil, func(sh *shard, batch []found) []found {
		if batches++; len(batch) > sweepBatch {
			t.Errorf("%d sessions to be removed while the lock is held, want at most %d", len(batch), sweepBatch)
		}
		return s.removeExpired(sh, batch)
	})
	if err != nil || removed != len(keys) || batches < len(keys)/sweepBatch {
		t.Errorf("sweep = %d, %v in %d batches; want %d", removed, err, batches, len(keys))
	}
}

func TestSweepLeavesWhatCameToLife(t *testing.T) {
	s, _, keys := crowd(t, 100)
	removed, err := s.sweep(t.Context(), nil, func(sh *shard, expired []found) []found {
		for _, n := range expired { // created again between the look and the removal
			if err := s.Create(t.Context(), n.key(), &driver.Record{Expires: time.Now().Add(time.Hour)}); err != nil {
				t.Errorf("Create: %v", err)
			}
		}
		return s.removeExpired(sh, expired)
	})
	if err != nil || removed != 0 {
		t.Errorf("sweep = %d, %v; want 0", removed, err)
	}
	if n, _ := s.Count(t.Context()); n != len(keys) {
		t.Errorf("%d sessions left, want %d", n, len(keys))
	}
}

func TestWalksEndWithTheContext(t *testing.T) {
	s, sh, keys := crowd(t, 1500)
	for _, key := range keys {
		p := s.at(key)
		p.find(p.id).expires.Store(1)
	}
	ctx, cancel := context.WithCancel(t.Context())
	removed, err := s.sweep(ctx, nil, func(sh *shard, batch []found) []found {
		cancel()
		return s.removeExpired(sh, batch)
	})
	if !errors.Is(err, context.Canceled) || removed != sweepBatch {
		t.Errorf("sweep = %d, %v; want one batch and %v", removed, err, context.Canceled)
	}
	if want := len(keys) - sweepBatch; sh.count != want {
		t.Errorf("%d sessions left in the shard, want %d", sh.count, want)
	}
	if _, err := s.Count(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Count = %v, want %v", err, context.Canceled)
	}
	for _, err := range s.List(ctx) {
		if err != nil {
			return
		}
	}
	t.Errorf("List yielded no error, want %v", context.Canceled)
}

// TestShrink has a flood of sessions end: the table gives its memory back, and what stays is found.
func TestShrink(t *testing.T) {
	s, sh, keys := crowd(t, 2000)
	most := len(*sh.slots.Load())
	for _, key := range keys[100:] {
		if err := s.Delete(t.Context(), key, 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Sweep(t.Context(), nil); err != nil { // of the hundred, ten have expired
		t.Fatal(err)
	}
	if size := len(*sh.slots.Load()); size > most/8 || sh.count != 90 {
		t.Errorf("%d sessions have %d slots, after %d for all", sh.count, size, most)
	}
	for i, key := range keys {
		err := s.Load(t.Context(), key, new(driver.Record))
		if stays := i < 100 && i%10 != 0; (err == nil) != stays {
			t.Fatalf("session %d: %v", i, err)
		}
	}
}

// TestID reads back what it was made of, and takes nothing else for a sid.
func TestID(t *testing.T) {
	const sid = "00112233445566778899aabbccddeeff"
	k, ok := parseID(sid)
	if !ok || k.String() != sid {
		t.Errorf("%q is %q, %t", sid, k, ok)
	}
	for _, other := range []string{"", sid[1:], sid + "0", "0" + sid, strings.ToUpper(sid), sid[:31] + "g", sid[:31] + "\x00", sid[:31] + "/", sid[:31] + ":"} {
		if k, ok := parseID(other); ok {
			t.Errorf("%q is %q", other, k)
		}
	}
}

// TestNodeKeepsEveryField keeps a record whose Data is opened, and ones that stay packed: as somebody else has stored them, and without
// values.
func TestNodeKeepsEveryField(t *testing.T) {
	at := time.UnixMilli(1e12)
	var opened []byte // a manager's
	m, err := session.New(session.NewProvider(func(ctx context.Context, c driver.Config) (driver.Backend, error) {
		return storing{newStore(), &opened}, nil
	}), session.NewManagerConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s, err := m.Start(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if err == nil {
		err = errors.Join(s.Set(t.Context(), "name", "Ann"), s.Save(t.Context()))
	}
	if err != nil || len(opened) == 0 {
		t.Fatalf("%d bytes are stored, %v", len(opened), err)
	}
	for name, data := range map[string][]byte{"opened": opened, "packed": []byte("data"), "none": nil} {
		want := driver.Record{
			Version: 7, User: "ann", Created: at, AuthTime: at.Add(time.Second), Expires: at.Add(time.Hour), Deadline: at.Add(2 * time.Hour),
			Alias: "alias", Meta: []byte{1, 5, 'p', 'h', 'o', 'n', 'e'}, Data: data,
		}
		rec := want
		if got := newNode(id{}, &rec, 7).record(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

// storing notes the Data that is saved.
type storing struct {
	driver.Backend
	data *[]byte
}

func (s storing) Save(ctx context.Context, key string, rec *driver.Record) error {
	*s.data = bytes.Clone(rec.Data)
	return s.Backend.Save(ctx, key, rec)
}
