package drilltest

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"time"
)

// A limited is one user who logs in from more devices than maxPerUser allows, and now and then ends all sessions.
type limited struct {
	drill    *drill
	rand     *rand.Rand
	sessions []token // those that are alive, by the version that has made them
	steps    int
}

const limitedUser = "limited"

// step is a login. The oldest session is the one that has to go.
func (l *limited) step() {
	if l.steps++; l.steps%7 == 0 {
		l.endAll()
		return
	}
	time.Sleep(2 * time.Millisecond) // which of two sessions is older is told by milliseconds
	n := l.drill.anyNode(l.rand)
	ans, ok := l.ask(n, "login", nil)
	if !ok {
		return
	}
	l.sessions = append(l.sessions, token{limitedUser, n.version, jar{}.take(ans.cookies)})
	if len(l.sessions) > limit {
		oldest := l.sessions[0]
		l.sessions = l.sessions[1:]
		l.drill.bury(n, limitedUser, oldest.cookies)
	}
	l.number(l.drill.anyNode(l.rand), "count", n.version)
	for _, s := range l.sessions {
		n := l.drill.anyNode(l.rand)
		if ans, ok := l.ask(n, "see", s.cookies); ok && ans.Seen[userFact] != limitedUser {
			l.drill.failed(n, loss{s.by, "one of the sessions of a user, whose number is within the limit, is lost"})
		}
	}
}

// endAll ends what the user has, by a node that need not have made it.
func (l *limited) endAll() {
	n := l.drill.anyNode(l.rand)
	by := "other"
	if len(l.sessions) > 0 {
		by = l.sessions[0].by
	}
	l.number(n, "destroy", by)
	for _, s := range l.sessions {
		l.drill.bury(n, limitedUser, s.cookies)
	}
	l.sessions = nil
}

// number compares how many sessions of the user there are, or have been ended.
func (l *limited) number(n *node, request, by string) {
	ans, ok := l.ask(n, request, nil)
	if want := strconv.Itoa(len(l.sessions)); ok && ans.Made[numberFact] != want {
		l.drill.failed(n, loss{by, fmt.Sprintf("%s finds %s sessions of a user, want %s", request, ans.Made[numberFact], want)})
	}
}

func (l *limited) ask(n *node, request string, cookies jar) (answer, bool) {
	ans, err := n.ask(request, url.Values{"user": {limitedUser}}, cookies)
	l.drill.counted(request)
	if err != nil {
		l.drill.failed(n, loss{"", err.Error()})
	}
	return ans, err == nil
}
