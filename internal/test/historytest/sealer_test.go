package historytest_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/cookie"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/historytest"
)

// A sealer is one with some of its calls replaced.
type sealer struct {
	driver.Sealer
	seal func(dst []byte, name string, rec *driver.Record) ([]byte, error)
	open func(name, sealed string, rec *driver.Record) error
}

func (s sealer) Seal(dst []byte, name string, rec *driver.Record) ([]byte, error) {
	if s.seal != nil {
		return s.seal(dst, name, rec)
	}
	return s.Sealer.Seal(dst, name, rec)
}

func (s sealer) Open(name, sealed string, rec *driver.Record) error {
	if s.open != nil {
		return s.open(name, sealed, rec)
	}
	return s.Sealer.Open(name, sealed, rec)
}

// TestBrokenSealer is TestBroken for sessions that are kept in cookies.
func TestBrokenSealer(t *testing.T) {
	for _, tt := range []struct {
		name  string
		rules []string
		alter func(s driver.Sealer) sealer
	}{
		{"one change of fifty is not sealed", []string{value}, sealsOld},
		{"one cookie of fifty is another's", []string{others}, opensAnothers},
		{"deadlines are not sealed", []string{deadline}, sealsNoDeadline},
		{"users are not sealed", []string{others}, sealsNobody},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var running sync.WaitGroup
			for seed := range uint64(runs) {
				running.Go(func() {
					s, err := cookie.Open(context.Background(), driver.Config{Config: `{"securityKey": "a secret of the tests"}`})
					if err != nil {
						t.Error(err)
						return
					}
					got, said := untilCaught(t, func() historytest.Setup {
						return historytest.Setup{Open: openSealed(tt.alter(s)), Seed: seed + 1}
					})
					wantShown(t, got, tt.rules, said)
				})
			}
			running.Wait()
		})
	}
}

// openSealed returns how to open managers.
func openSealed(s driver.Sealer) func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
	return func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
		return session.New(session.NewClientProvider(func(context.Context, driver.Config) (driver.Sealer, error) {
			return s, nil
		}), session.NewManagerConfig(opts...))
	}
}

// sealsOld seals what it has sealed before of the same session.
func sealsOld(s driver.Sealer) sealer {
	old := every(50)
	var mu sync.Mutex
	before := make(map[time.Time][]byte) // by when the session began
	return sealer{Sealer: s, seal: func(dst []byte, name string, rec *driver.Record) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		sealed := *rec
		if data := before[rec.Created]; old() && len(data) > 0 && string(data[:20]) == string(rec.Data[:20]) {
			sealed.Data = data
		}
		before[rec.Created] = slices.Clone(rec.Data)
		return s.Seal(dst, name, &sealed)
	}}
}

func opensAnothers(s driver.Sealer) sealer {
	mix := every(50)
	var mu sync.Mutex
	last := ""
	return sealer{Sealer: s, open: func(name, sealed string, rec *driver.Record) error {
		mu.Lock()
		defer mu.Unlock()
		var own driver.Record
		if err := s.Open(name, sealed, &own); err != nil {
			return err
		}
		if mix() && last != "" { // its values, under this session's own sid
			if err := s.Open(name, last, rec); err != nil {
				return err
			}
			head := 3 + int(own.Data[2])
			rec.Data = slices.Concat(own.Data[:head], rec.Data[3+int(rec.Data[2]):])
			return nil
		}
		last = sealed
		*rec = own
		return nil
	}}
}

func sealsNoDeadline(s driver.Sealer) sealer {
	return sealer{Sealer: s, seal: func(dst []byte, name string, rec *driver.Record) ([]byte, error) {
		sealed := *rec
		sealed.Expires = time.Now().Add(time.Hour)
		return s.Seal(dst, name, &sealed)
	}}
}

func sealsNobody(s driver.Sealer) sealer {
	return sealer{Sealer: s, seal: func(dst []byte, name string, rec *driver.Record) ([]byte, error) {
		sealed := *rec
		sealed.User = ""
		return s.Seal(dst, name, &sealed)
	}}
}
