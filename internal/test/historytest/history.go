package historytest

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed1a8f7c28/session"
)

// never is the end of a call that may still take effect.
const never = math.MaxInt64

// A history contains what the clients have done.
type history struct {
	clock atomic.Int64 // counts the beginnings and ends of calls

	mu     sync.Mutex
	events []*event
	lives  []*life
	byID   map[string]*life   // by public id
	values map[string]*change // by the value written
	count  int                // number of requests
}

func newHistory() *history {
	return &history{byID: make(map[string]*life), values: make(map[string]*change)}
}

// A line is a session from its beginning to its end, under all of its sids. A login of another user begins a new line.
type line struct {
	name  string
	lives int // number of sids so far
}

// A life is a session under one sid.
type life struct {
	line    *line
	name    string
	sid, id string // never shown
	user    string
	born    *event
	login   *event // the login that set user

	// For a session in a cookie:
	cookies string
	sealed  *view // the content of the cookie
	idle    time.Duration
}

// An event is one call.
type event struct {
	client, node int
	op           string
	from, to     int64 // positions in the order of all beginnings and ends
	began, ended time.Time
	request      *request
	outcome      outcome
	err          error

	on    *life // the session for which it was called; nil for none
	made  *life // the session that it began
	alive bool  // on existed
	dead  bool  // on no longer existed
	late  bool  // on has another sid, so the request gets no session
	ends  bool  // it ends on

	changes  []*change     // the changes that it stores
	saw      *view         // the content of the session after it
	want     *view         // the content that the session should have, if that is certain
	user     string        // the user whom it concerns
	lifetime time.Duration // lifetime until the deadline that it sets
	listed   []string      // public ids of the user's sessions
	except   string        // the session that it spares
	evicted  []string      // the sessions that it has ended to make room
	retried  bool          // it was made again after an unclear outcome
}

// An eventKey is the context key of a call's event.
type eventKey struct{}

// An outcome says how a call has ended.
type outcome int

const (
	acknowledged outcome = iota
	refused              // nothing was changed, and nothing will be
	unclear              // something may have been changed, or may still be
)

func outcomeOf(err error) outcome {
	if err == nil {
		return acknowledged
	}
	for _, certain := range []error{
		session.ErrDestroyed, session.ErrNotFound, session.ErrTooLarge, session.ErrTooManySessions,
	} {
		if errors.Is(err, certain) {
			return refused
		}
	}
	return unclear
}

func isGone(err error) bool {
	return errors.Is(err, session.ErrDestroyed) || errors.Is(err, session.ErrNotFound)
}

// done is when the event has certainly taken effect.
func (e *event) done() int64 {
	if e.outcome == unclear {
		return never
	}
	return e.to
}

// line returns the line whose values the event has stored or seen.
func (e *event) line() *line {
	switch {
	case e.made != nil:
		return e.made.line
	case e.on != nil:
		return e.on.line
	}
	return nil
}

// A change is a change that a request makes in its session.
type change struct {
	kind  string // set, remove, flush, increment, update, lifetime
	key   string
	value string // the value that is written or added
	n     int64
	line  *line
	saved *event // the call that has stored it, if any
}

// A view is the content of a session.
type view struct {
	values  map[string]string
	n       int64    // under counterKey
	updates []string // under listKey
	user    string
	odd     string // a value that no client has stored
}

const (
	counterKey = "n"
	listKey    = "list"
)

// newView makes a view of the result of GetAll.
func newView(all map[any]any, user string) *view {
	v := &view{values: make(map[string]string), user: user}
	for key, value := range all {
		key, _ := key.(string)
		switch value := value.(type) {
		case int64:
			if key == counterKey {
				v.n = value
				continue
			}
		case string:
			name, _, _ := strings.Cut(value, ":") // the rest only makes it long
			switch {
			case key == listKey:
				v.updates = strings.Split(value, ",")
				continue
			case strings.HasPrefix(key, "k"):
				v.values[key] = name
				continue
			}
		}
		v.odd = key
	}
	return v
}

// call runs a call and records its beginning and end.
func (h *history) call(e *event, do func() error) {
	e.from, e.began = h.clock.Add(1), time.Now()
	e.err = do()
	e.ended, e.to = time.Now(), h.clock.Add(1)
	e.outcome = outcomeOf(e.err)
}

// add records a call that has ended, and the life that it has begun, if any.
func (h *history) add(e *event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
	if l := e.made; l != nil {
		l.line.lives++
		l.name = l.line.name + "." + strconv.Itoa(l.line.lives)
		l.born = e
		h.lives = append(h.lives, l)
		if l.id != "" {
			h.byID[l.id] = l
		}
	}
}

// wrote records a value before it is written.
func (h *history) wrote(c *change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.values[c.value] = c
}

// request returns the number of a new request.
func (h *history) request() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count++
	return h.count
}

func (h *history) requests() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

// recent returns one of the last lives, or nil.
func (h *history) recent(choose func(n int) int) *life {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.lives) == 0 {
		return nil
	}
	return h.lives[max(0, len(h.lives)-1-choose(30))]
}
