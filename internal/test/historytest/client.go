package historytest

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/seed1a8f7c28/session"
)

// A client sends one request after another, each for a random visitor to a random node.
type client struct {
	run    *run
	number int
	rng    *rand.Rand
}

// loop sends requests until the run ends.
func (c *client) loop(stop <-chan struct{}) {
	for {
		c.send()
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(1+c.rng.IntN(6)) * time.Millisecond):
		}
	}
}

// kinds are the kinds of requests, with their frequency per thousand.
var kinds = []struct {
	weight int
	needs  func(a abilities) bool
	send   func(q *request)
}{
	{50, isStored, (*request).peek},
	{8, isStored, (*request).destroyByID},
	{5, hasUsers, (*request).destroyUser},
	{60, hasUsers, (*request).sessionsOf},
	{1000, func(abilities) bool { return true }, (*request).visit},
}

func isStored(a abilities) bool { return !a.sealed }
func hasUsers(a abilities) bool { return a.users }

// send sends one request.
func (c *client) send() {
	q := &request{client: c, number: c.run.history.request(), visitor: c.visitor(), node: c.rng.IntN(nodes)}
	q.m, q.came = c.run.nodes[q.node], q.visitor.cookie()
	n := c.rng.IntN(1000)
	for _, kind := range kinds {
		if n -= kind.weight; n < 0 {
			if !kind.needs(c.run.able) {
				kind.send = (*request).visit
			}
			kind.send(q)
			break
		}
	}
	c.run.answered(q.failed)
}

// visitor chooses a visitor that is awake. Visitors whose sessions do not expire send most requests.
func (c *client) visitor() *visitor {
	half := len(c.run.visitors) / 2
	if v := c.run.visitors[half+c.rng.IntN(half)]; c.oneIn(2) && !v.isAsleep() {
		return v
	}
	return c.run.visitors[c.rng.IntN(half)]
}

func (c *client) oneIn(n int) bool { return c.rng.IntN(n) == 0 }

// pause lets other clients run. Half of the pausing clients continue at the same moment.
func (c *client) pause() {
	const tick = 4 * time.Millisecond
	switch c.rng.IntN(4) {
	case 0:
		time.Sleep(time.Duration(c.rng.IntN(int(tick))))
	case 1:
		time.Sleep(tick - time.Duration(time.Now().UnixNano())%tick)
	}
}

// lookAgain reads everything at the end, when the store works and no other client runs.
func (r *run) lookAgain() {
	if r.able.sealed {
		return
	}
	c := &client{run: r, rng: rand.New(rand.NewPCG(r.Seed, clients))}
	patience := time.Now().Add(time.Minute)
	ask := func(q *request, do func(q *request)) {
		q.client, q.m = c, r.nodes[c.rng.IntN(nodes)]
		for {
			q.failed = nil
			do(q)
			if q.failed == nil {
				return
			}
			if time.Now().After(patience) {
				r.t.Errorf("the store does not answer in the end: %v", q.failed)
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	lives := r.history.lives
	for _, l := range lives[max(0, len(lives)-3000):] {
		ask(&request{}, func(q *request) { q.peekAt(l) })
	}
	for _, user := range users {
		if r.able.users {
			ask(&request{}, func(q *request) { q.listUser(user) })
		}
	}
}

// peek reads a session that exists or existed, outside any request of its client.
func (q *request) peek() {
	if l := q.run.history.recent(q.rng.IntN); l != nil {
		q.peekAt(l)
	}
}

func (q *request) peekAt(l *life) {
	e := q.event("look", l)
	var s session.Store
	q.call(e, func() (err error) {
		s, err = q.m.GetSessionStore(l.sid)
		return err
	})
	if e.alive = e.outcome == acknowledged; e.alive {
		e.saw = q.look(s.(*session.Session))
	}
	q.run.history.add(e)
}

// destroyByID ends the visitor's session, as an administrator does.
func (q *request) destroyByID() {
	l := q.came
	if l == nil {
		return
	}
	id := l.id
	if q.oneIn(2) {
		id = l.sid
	}
	e := q.event("destroy by id", l)
	q.call(e, func() error { return q.m.DestroyByID(context.Background(), id) })
	e.ends = e.outcome != refused // the session may or may not have existed
	q.run.history.add(e)
}

// destroyUser ends the sessions of a user, sometimes except the visitor's.
func (q *request) destroyUser() {
	e := q.event("destroy user", nil)
	e.user = users[q.rng.IntN(len(users))]
	var except []string
	if l := q.came; l != nil && l.user == e.user && q.oneIn(2) {
		e.except, except = l.id, []string{l.id}
	}
	q.call(e, func() error {
		_, err := q.m.DestroyUser(context.Background(), e.user, except...)
		return err
	})
	q.run.history.add(e)
}

// sessionsOf lists the sessions of a user.
func (q *request) sessionsOf() { q.listUser(users[q.rng.IntN(len(users))]) }

func (q *request) listUser(user string) {
	e := q.event("list user", nil)
	e.user = user
	q.call(e, func() error {
		infos, err := q.m.SessionsOf(context.Background(), user)
		for _, info := range infos {
			e.listed = append(e.listed, info.ID)
		}
		return err
	})
	q.run.history.add(e)
}
