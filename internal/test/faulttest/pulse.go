package faulttest

import (
	"sync"
	"sync/atomic"
	"time"
)

// A pulse measures how late goroutines wake up on this machine, which also runs other programs.
type pulse struct {
	late atomic.Int64
	last atomic.Pointer[time.Time] // the time of the last beat
	done chan struct{}
	once sync.Once
}

// beat is the interval.
const beat = 5 * time.Millisecond

func startPulse() *pulse {
	p := &pulse{done: make(chan struct{})}
	p.felt()
	go func() {
		for {
			select {
			case <-p.done:
				return
			case <-time.After(beat):
			}
			if late := int64(p.overdue()); late > p.late.Load() {
				p.late.Store(late)
			}
			p.felt()
		}
	}()
	return p
}

func (p *pulse) felt() {
	now := time.Now()
	p.last.Store(&now)
}

func (p *pulse) overdue() time.Duration { return time.Since(*p.last.Load()) - beat }

func (p *pulse) stop() { p.once.Do(func() { close(p.done) }) }

// worst is the maximum delay of the beats, including the one that is still pending: the caller may have woken up before it.
func (p *pulse) worst() time.Duration {
	late := time.Duration(p.late.Load())
	select {
	case <-p.done:
		return late
	default:
		return max(late, p.overdue())
	}
}
