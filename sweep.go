package session

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/seed1a8f7c28/session/internal/pause"
)

// GC starts the sweeper, which removes expired sessions: at once, and then every sweepInterval, plus or minus a tenth so
// that nodes do not sweep at the same time. GC returns immediately, so go m.GC() and m.GC() do the same. A second call does
// nothing. Close stops the sweeper. Requests never get an expired session, whether it was swept or not.
func (m *Manager) GC() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.isClosed() || m.sweeping {
		return
	}
	m.sweeping = true
	m.working.Go(func() {
		m.sweep(m.closing)
		for pause.For(m.closing, jitter(m.cfg.gcEvery)) {
			m.sweep(m.closing)
		}
	})
}

func (m *Manager) sweep(ctx context.Context) {
	ctx = orBackground(ctx)
	m.guarded("the sweep", func() {
		removed, err := m.engine.sweep(ctx)
		m.stats.add(swept, uint64(removed))
		if err != nil && !m.isClosed() {
			m.stats.count(failures)
			m.reportAside(ctx, "sweep failed", err)
		}
	})
}

// expired returns the function that tells OnDestroy of an expired session, or nil if OnDestroy is not set. The sweep goes
// on when OnDestroy panics.
func (m *Manager) expired() func(key, user string) {
	if m.cfg.OnDestroy == nil {
		return nil
	}
	return func(key, user string) {
		m.guarded("OnDestroy", func() { tell(m.destroyed(context.Background(), key, user, ReasonExpired)) })
	}
}

func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}
