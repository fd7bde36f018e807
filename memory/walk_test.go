package memory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"reflect"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// crowd returns a store of which one shard has n records, and their keys. Every tenth has expired.
func crowd(t *testing.T, n int) (s *store, sh *shard, keys []string) {
	t.Helper()
	s = newStore()
	sh = &s.shards[7]
	for i := 0; len(keys) < n; i++ {
		key := strconv.Itoa(i)
		if s.shard(key) != sh {
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

// A lock is given up after sweepBatch visits: the pause calls what needs the lock. Others write meanwhile,
// and still each record that stays is visited exactly once.
func TestWalkGivesTheLockUp(t *testing.T) {
	s, sh, keys := crowd(t, 1500)
	stay, others := keys[:1000], keys[1000:]
	done := make(chan struct{})
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := worker; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				key := others[i%len(others)]
				s.Delete(context.Background(), key, 0)
				s.Create(context.Background(), fmt.Sprint(i), &driver.Record{Expires: time.Now().Add(time.Hour)})
				s.Create(context.Background(), key, &driver.Record{Expires: time.Now().Add(time.Hour)})
			}
		})
	}
	for range 10 {
		visits := make(map[string]int)
		held, pauses := 0, 0
		err := s.walk(t.Context(), func(key string, _ *entry, _ int64) {
			visits[key]++
			held++
		}, func(at *shard) error {
			if held > sweepBatch {
				t.Errorf("%d records visited while the lock was held, want at most %d", held, sweepBatch)
			}
			held = 0
			if at == sh {
				pauses++
				at.mu.Lock()
				//lint:ignore SA2001 it waits until nobody holds the lock
				at.mu.Unlock()
			}
			return nil
		})
		if err != nil {
			t.Errorf("walk: %v", err)
		}
		if least := len(stay) / sweepBatch; pauses < least {
			t.Errorf("%d pauses, want at least %d", pauses, least)
		}
		for _, key := range stay {
			if visits[key] != 1 {
				t.Fatalf("a record that stayed was visited %d times, want once", visits[key])
			}
		}
	}
	close(done)
	wg.Wait()
}

func TestSweepRemovesInBatches(t *testing.T) {
	s, _, keys := crowd(t, 1500)
	for _, key := range keys { // all of them expire
		s.shard(key).records[key].expires = 1
	}
	batches := 0
	removed, err := s.sweep(t.Context(), nil, func(sh *shard, batch []dying) []dying {
		if batches++; len(batch) > sweepBatch {
			t.Errorf("%d records to be removed while the lock is held, want at most %d", len(batch), sweepBatch)
		}
		return s.removeExpired(sh, batch)
	})
	if err != nil || removed != len(keys) || batches < len(keys)/sweepBatch {
		t.Errorf("sweep = %d, %v in %d batches; want %d", removed, err, batches, len(keys))
	}
}

func TestSweepLeavesWhatCameToLife(t *testing.T) {
	s, _, keys := crowd(t, 100)
	removed, err := s.sweep(t.Context(), nil, func(sh *shard, expired []dying) []dying {
		for _, d := range expired { // created again between the look and the removal
			if err := s.Create(t.Context(), d.key, &driver.Record{Expires: time.Now().Add(time.Hour)}); err != nil {
				t.Errorf("Create: %v", err)
			}
		}
		return s.removeExpired(sh, expired)
	})
	if err != nil || removed != 0 {
		t.Errorf("sweep = %d, %v; want 0", removed, err)
	}
	if n, _ := s.Count(t.Context()); n != len(keys) {
		t.Errorf("%d records left, want %d", n, len(keys))
	}
}

func TestWalksEndWithTheContext(t *testing.T) {
	s, sh, _ := crowd(t, 1500)
	ctx, cancel := context.WithCancel(t.Context())
	removed, err := s.sweep(ctx, nil, func(sh *shard, batch []dying) []dying {
		cancel()
		return s.removeExpired(sh, batch)
	})
	if !errors.Is(err, context.Canceled) || removed == 0 || removed > sweepBatch {
		t.Errorf("sweep = %d, %v; want one batch and %v", removed, err, context.Canceled)
	}
	if left := len(sh.records); left < 1500-sweepBatch {
		t.Errorf("%d records left in the shard, want all but a batch", left)
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

// A map that took the place of another, while a walk is in it, makes the walk neither miss a record nor see
// one that is gone.
func TestWalkThroughReplacedMap(t *testing.T) {
	t.Run("cleared", func(t *testing.T) {
		s, sh, _ := crowd(t, 1000)
		visited := 0
		s.walk(t.Context(), func(string, *entry, int64) { visited++ }, func(at *shard) error {
			if at == sh {
				return s.Clear(t.Context())
			}
			return nil
		})
		if visited != sweepBatch {
			t.Errorf("%d records visited, want the first %d and none after they were cleared", visited, sweepBatch)
		}
	})
	t.Run("shrunk", func(t *testing.T) {
		s, sh, keys := crowd(t, 2000)
		stay := make(map[string]bool)
		for _, key := range keys[:100] {
			stay[key] = true
		}
		visited := make(map[string]int)
		s.walk(t.Context(), func(key string, _ *entry, _ int64) { visited[key]++ }, func(at *shard) error {
			if at == sh && sh.moves == 0 {
				for _, key := range keys {
					if !stay[key] {
						delete(sh.records, key)
					}
				}
				sh.shrink()
			}
			return nil
		})
		if sh.moves != 1 || sh.peak != len(stay) {
			t.Errorf("moved %d times, peak %d; want 1, %d", sh.moves, sh.peak, len(stay))
		}
		for key := range stay {
			if visited[key] != 1 {
				t.Fatalf("a record that stayed was visited %d times, want once", visited[key])
			}
		}
		if most := len(stay) + sweepBatch; len(visited) > most {
			t.Errorf("%d records visited, want at most %d", len(visited), most)
		}
	})
}

// TestEntryKeepsEveryField keeps a record whose Data is opened, and ones that stay packed: as somebody else has stored them, and without
// values.
func TestEntryKeepsEveryField(t *testing.T) {
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
		if got := newEntry(&rec, 7).record(); !reflect.DeepEqual(got, want) {
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
