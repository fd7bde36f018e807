package historytest

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"time"
)

// A visitor is a browser whose tabs send requests at the same time.
type visitor struct {
	name   string
	mortal bool // its sessions expire

	mu     sync.Mutex
	jar    *life // the session of its cookie; nil for none
	lines  int
	asleep time.Time // it sends no request before this time
	short  *line     // the session with a short lifetime
	idle   time.Duration
}

// cookie returns the session that the next request is for, or nil.
func (v *visitor) cookie() *life {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.jar
}

// answer stores the cookie of a response in the jar. It drops the cookie of a late response, so that a visitor keeps a
// session that other tabs can use.
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

// sleep makes the visitor send nothing for a while.
func (v *visitor) sleep(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asleep = time.Now().Add(d)
}

// expires records that a session lives for d after its last use.
func (v *visitor) expires(l *line, d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.short, v.idle = l, d
}

// nap is sleep for most of the session's lifetime, if that is short. The session is live afterwards.
func (v *visitor) nap(l *line, rng *rand.Rand) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.short == l {
		v.asleep = time.Now().Add(v.idle/2 + time.Duration(rng.Int64N(int64(v.idle/4))))
	}
}

// patience returns n so that one request in n gives the session a short lifetime.
func (v *visitor) patience(l *line) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.short == l { // it will end soon anyway
		return 8
	}
	return 2
}

func (v *visitor) isAsleep() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return time.Now().Before(v.asleep)
}
