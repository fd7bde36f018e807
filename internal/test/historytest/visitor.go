package historytest

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"time"
)

// A visitor is a browser, whose tabs send requests at the same time.
type visitor struct {
	name   string
	mortal bool // its sessions expire

	mu     sync.Mutex
	jar    *life // the session of its cookie; nil for none
	lines  int
	asleep time.Time // until then it sends no request
	short  *line     // the session that has a short lifetime
	idle   time.Duration
}

// cookie returns the session that the next request is for, or nil.
func (v *visitor) cookie() *life {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.jar
}

// answer puts the cookie of a response into the jar. That of one that came too late is dropped, so that a visitor keeps
// a session that others could use, too.
func (v *visitor) answer(was, is *life) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.jar == was {
		v.jar = is
	}
}

// begin returns a new session of the visitor.
func (v *visitor) begin() *line {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lines++
	return &line{name: v.name + strconv.Itoa(v.lines)}
}

// sleep has the visitor send nothing for a while.
func (v *visitor) sleep(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asleep = time.Now().Add(d)
}

// expires says that a session lives for d when it is not used.
func (v *visitor) expires(l *line, d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.short, v.idle = l, d
}

// nap is sleep for most of the session's lifetime, if that is short: the session is live after it.
func (v *visitor) nap(l *line, rng *rand.Rand) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.short == l {
		v.asleep = time.Now().Add(v.idle/2 + time.Duration(rng.Int64N(int64(v.idle/4))))
	}
}

// patience is one in how many requests has the session end soon.
func (v *visitor) patience(l *line) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.short == l { // it will end soon anyhow
		return 8
	}
	return 2
}

func (v *visitor) isAsleep() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return time.Now().Before(v.asleep)
}
